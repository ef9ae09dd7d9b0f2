/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Certificates and revocation lists of a test CA, byte for byte under the test's control: right by default, wrong in
 * exactly the way that a test asks for. Signatures are always made over what was asked for, so that
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
	bool version_2;       /* instead of 3 */
	bool other_algorithm; /* says ecdsa-with-SHA384 */
	bool other_curve;     /* says secp384r1 */
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
	bool revoked_negative; /* the serial's negative */
	int64_t revoked_at;    /* 0: this_update */
	const char *entry_oid; /* an extension of the entry, NULL: none */
	bool entry_critical;
	bool entry_malformed; /* a number in the place of its extension */
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

/* Replaces the first occurrence; aborts if there is none. size is the array's. */
void test_replace(char *text, size_t size, const char *from, const char *to);

/* Adds the certificate, or what else the label says, to ret_pem. */
void test_pem(const struct buf *der, struct buf *ret_pem);
void test_pem_label(const char *label, const struct buf *der, struct buf *ret_pem);

/* Aborts with the error's text unless result is at least 0. */
void test_must(int result, const struct err *err);

#endif
