/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Certificates, revocation lists and SGX evidence of a test CA, byte for byte under the test's control: right by
 * default, wrong in exactly the way that a test asks for. Signatures are always made over what was asked for, so that
 * the rule under test is the only one broken. Everything aborts when out of memory.
 */
#ifndef MSE_TEST_TEST_PKI_H
#define MSE_TEST_TEST_PKI_H

#include <stdbool.h>

#include "crypto/p256.h"
#include "mse/attest.h"

#define TEST_TIME 1750000000 /* 2025-06-15: when all of it is valid */
#define TEST_DAY 86400
#define TEST_EXTENSIONS_MAX 8

/* Keys made once per process and kept. */
enum test_key {
	TEST_KEY_ROOT,
	TEST_KEY_CA,
	TEST_KEY_PCK,
	TEST_KEY_SIGNER,
	TEST_KEY_ATTESTATION,
	TEST_KEY_RATLS,
	TEST_KEY_OTHER,
	TEST_KEY_COUNT,
};

const struct p256_key *test_key(enum test_key which);

struct test_extension {
	const char *oid;
	bool critical;
	struct buf value; /* owned by the spec */
};

struct test_cert {
	const char *name; /* subject's common name */
	const char *issuer_name;
	uint8_t serial;
	int64_t not_before, not_after;
	bool ca;
	int path_length;   /* -1: none */
	uint8_t key_usage; /* 0: absent */
	enum test_key key;
	enum test_key issuer_key;
	struct test_extension extensions[TEST_EXTENSIONS_MAX]; /* after basicConstraints and keyUsage */
	size_t extension_count;
	bool break_signature;
	bool trailing_byte;
};

void test_cert_make(const struct test_cert *cert, struct buf *ret_der);
/* value is copied. */
void test_cert_add_extension(struct test_cert *cert, const char *oid, bool critical, const void *value, size_t size);
void test_cert_done(struct test_cert *cert);

struct test_crl {
	const char *issuer_name;
	enum test_key issuer_key;
	int64_t this_update, next_update;
	uint8_t revoked;       /* serial, 0: none */
	const char *entry_oid; /* an extension of the entry, NULL: none */
	bool entry_critical;
	bool no_number, no_authority_key, no_next_update;
	const char *extra_oid; /* a further extension, NULL: none */
	bool extra_critical;
	bool version_1;
	bool break_signature;
	bool trailing_byte;
};

void test_crl_make(const struct test_crl *crl, struct buf *ret_der);

/* The SGX extension of a PCK certificate. */
struct test_pck {
	int64_t components[16];
	int64_t pcesvn;
	size_t ppid_size, fmspc_size, pceid_size; /* right: 16, 6, 2 */
	uint8_t ppid[32], fmspc[8], pceid[4];
	int64_t sgx_type;
	bool platform;      /* with elements 6 and 7 */
	unsigned leave_out; /* element of the outer list, 0: none */
	unsigned twice;     /* element of the outer list */
	unsigned tcb_leave_out, tcb_twice;
	bool type_as_integer; /* element 5 as INTEGER */
	bool trailing_byte;
};

void test_pck_make(const struct test_pck *pck, struct buf *ret_value);

#define TEST_REPORT_SIZE 384

struct test_evidence {
	/* What goes in; test_evidence_init sets it right, a test changes it. */
	struct test_cert root, ca, pck_cert, signer;
	struct test_pck pck;
	struct test_crl root_crl, pck_crl;
	char tcb_info_body[16384];
	char qe_identity_body[8192];
	enum test_key tcb_info_key, qe_identity_key;
	uint8_t header[48];
	uint8_t report[TEST_REPORT_SIZE];
	uint8_t qe_report[TEST_REPORT_SIZE];
	uint8_t auth_data[64];
	size_t auth_data_size;
	uint8_t attestation_point[64]; /* all zero: that of the key */
	bool keep_qe_report_data;      /* do not compute it */
	uint16_t cert_data_type;
	bool no_pck_extension;
	/* What comes out of test_evidence_build. */
	struct buf root_der, ca_der, pck_der, signer_der;
	struct buf pck_chain, signer_chain; /* PEM */
	struct buf root_crl_der, pck_crl_der;
	struct buf tcb_info, qe_identity; /* JSON */
	struct buf quote;
};

void test_evidence_init(struct test_evidence *evidence);
void test_evidence_build(struct test_evidence *evidence);
/* Only the quote anew, from the chain in pck_chain: for changes after test_evidence_build. */
void test_evidence_build_quote(struct test_evidence *evidence);
void test_evidence_done(struct test_evidence *evidence);

/* Adds the simulation's marker to all four certificates (before test_evidence_build). */
void test_evidence_mark_simulated(struct test_evidence *evidence);

/* Replaces the first occurrence; aborts if there is none. size is the array's. */
void test_replace(char *text, size_t size, const char *from, const char *to);

/* {"NAME":BODY,"signature":…} signed by key. */
void test_signed_json(const char *name, const char *body, enum test_key key, struct buf *ret);

/* Adds the certificate, or what else the label says, to ret_pem. */
void test_pem(const struct buf *der, struct buf *ret_pem);
void test_pem_label(const char *label, const struct buf *der, struct buf *ret_pem);

/* Aborts with the error's text unless result is at least 0. */
void test_must(int result, const struct err *err);

#endif
