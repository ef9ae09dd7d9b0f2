/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Evidence of Intel's TEEs made by a test CA: SGX quotes of version 3, 4, 5 and TDX quotes of version 4, 5 with their
 * chains, revocation lists, TCB info and QE identity. Right by default; a test changes a member of struct test_evidence
 * before test_evidence_build, and everything is signed over what it asked for.
 */
#ifndef MSE_TEST_INTEL_EVIDENCE_H
#define MSE_TEST_INTEL_EVIDENCE_H

#include "test_pki.h"

#define TEST_REPORT_SIZE 384
#define TEST_TD_REPORT_SIZE 648 /* of TDX 1.5; 1.0 ends at 584 */

#define TEST_QUOTE_KINDS(X) \
	X(SGX_V3, "sgx-v3", 3, 1) \
	X(SGX_V4, "sgx-v4", 4, 1) \
	X(SGX_V5, "sgx-v5", 5, 1) \
	X(TDX_V4, "tdx-v4", 4, 2) \
	X(TDX_V5_1_0, "tdx-v5-1.0", 5, 2) \
	X(TDX_V5_1_5, "tdx-v5-1.5", 5, 3)

enum test_quote_kind {
#define X(name, text, version, body) TEST_##name,
	TEST_QUOTE_KINDS(X)
#undef X
};

#define TEST_QUOTE_KIND_COUNT 6

const char *test_quote_kind_text(enum test_quote_kind kind);

struct test_evidence {
	/* What goes in; test_evidence_init sets it right, a test changes it. */
	enum test_quote_kind kind;
	struct test_cert root, ca, pck_cert, signer;
	struct test_pck pck;
	struct test_crl root_crl, pck_crl;
	char tcb_info_body[16384];
	char qe_identity_body[8192];
	enum test_key tcb_info_key, qe_identity_key;
	uint8_t header[48];
	uint8_t descriptor[6]; /* version 5 */
	uint8_t report[TEST_REPORT_SIZE];
	uint8_t td_report[TEST_TD_REPORT_SIZE];
	uint8_t qe_report[TEST_REPORT_SIZE];
	uint8_t auth_data[64];
	size_t auth_data_size;
	uint8_t attestation_point[64]; /* all zero: that of the key */
	bool keep_qe_report_data;      /* do not compute it */
	uint16_t outer_type;           /* versions 4 and 5: 6 */
	uint16_t cert_data_type;
	bool no_pck_extension;
	/* What comes out of test_evidence_build. */
	struct buf root_der, ca_der, pck_der, signer_der;
	struct buf pck_chain, signer_chain; /* PEM */
	struct buf root_crl_der, pck_crl_der;
	struct buf tcb_info, qe_identity; /* JSON */
	struct buf quote;
};

/* An SGX quote of version 3. */
void test_evidence_init(struct test_evidence *evidence);
void test_evidence_init_kind(struct test_evidence *evidence, enum test_quote_kind kind);
void test_evidence_build(struct test_evidence *evidence);
/* Only the quote anew, from the chain in pck_chain: for changes after test_evidence_build. */
void test_evidence_build_quote(struct test_evidence *evidence);
void test_evidence_done(struct test_evidence *evidence);

/* All is valid at that time instead of TEST_TIME (before test_evidence_build, and before TCB info is changed). */
void test_evidence_set_time(struct test_evidence *evidence, int64_t time);

bool test_evidence_is_tdx(const struct test_evidence *evidence);
/* The body that is in the quote, and where in the quote its parts are. */
uint8_t *test_evidence_body(struct test_evidence *evidence);
size_t test_evidence_body_size(const struct test_evidence *evidence);
const uint8_t *test_evidence_report_data(const struct test_evidence *evidence);

struct test_quote_map {
	size_t body;
	size_t auth_size; /* u32 */
	size_t signature;
	size_t key;
	size_t outer; /* type u16, size u32; 0 in version 3 */
	size_t qe_report;
	size_t qe_signature;
	size_t auth_data_size; /* u16 */
	size_t auth_data;
	size_t cert_data; /* type u16, size u32, bytes */
	size_t end;
};

void test_evidence_map(const struct test_evidence *evidence, struct test_quote_map *ret);

/* Adds the simulation's marker to all four certificates (before test_evidence_build). */
void test_evidence_mark_simulated(struct test_evidence *evidence);

/* {"NAME":BODY,"signature":…} signed by key. */
void test_signed_json(const char *name, const char *body, enum test_key key, struct buf *ret);

#endif
