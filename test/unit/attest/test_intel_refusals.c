/* SPDX-License-Identifier: Apache-2.0 */
/*
 * attestation-evidence.md section 5, cases 1 to 44, each a test of its own: of all kinds of quotes where form matters,
 * of SGX and TDX where it does not. Case 45 is in test_ratls.c. Which test shows which case:
 * docs/testing-attestation.md.
 */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>

#include "attest/policy.h"
#include "intel_case.h"

static void good(void)
{
	case_expect("none");
}

static void test_good(void **state)
{
	(void)state;
	CASE_OF_ALL(good);
}

static void cut(void)
{
	static const size_t SIZES[] = {0, 1, 47, 48, 1019, 1020};

	for (size_t i = 0; i < COUNT_OF(SIZES); i++) {
		test_case.ask.quote.size = SIZES[i];
		case_expect("truncated");
	}
	for (test_case.ask.quote.size = 1020; test_case.ask.quote.size < test_case.size;
	     test_case.ask.quote.size += 197)
		case_expect("truncated");
	test_case.ask.quote.size = test_case.size - 1;
	case_expect("truncated");
}

static void refusal_01(void **state)
{
	(void)state;
	CASE_OF_ALL(cut);
}

static void other_version(void)
{
	static const uint16_t VERSIONS[] = {0, 1, 2, 6, 0x0103, 0xffff};

	for (size_t i = 0; i < COUNT_OF(VERSIONS); i++)
		case_with(0, VERSIONS[i], 2, "unsupported-version");
}

static void refusal_02(void **state)
{
	(void)state;
	CASE_OF_ALL(other_version);
}

static void refusal_03(void **state)
{
	(void)state;
	case_init(TEST_SGX_V3);
	case_build();
	case_with(4, 0x81, 4, "bad-tee-type");
	case_done();
}

static void other_tee(void)
{
	case_with(4, 1, 4, "bad-tee-type");
	case_with(4, 0x80, 4, "bad-tee-type");
	case_with(4, 0x8100, 4, "bad-tee-type");
	case_with(4, UINT32_MAX, 4, "bad-tee-type");
}

static void refusal_04(void **state)
{
	(void)state;
	CASE_OF_ALL(other_tee);
}

static void other_key_type(void)
{
	static const uint16_t TYPES[] = {0, 1, 3, 4, 0x0102};

	for (size_t i = 0; i < COUNT_OF(TYPES); i++)
		case_with(2, TYPES[i], 2, "unsupported-key-type");
}

static void refusal_05(void **state)
{
	(void)state;
	CASE_OF_ALL(other_key_type);
}

static void other_vendor(void)
{
	for (size_t i = 12; i < 28; i++)
		case_with(i, test_case.quote[i] ^ 1u, 1, "bad-qe-vendor");
}

static void refusal_06(void **state)
{
	(void)state;
	CASE_OF_ALL(other_vendor);
}

static void auth_size(void)
{
	const size_t at = test_case.at.auth_size;
	const uint32_t right = case_get(at, 4);

	case_with(at, right + 1, 4, "truncated");
	case_with(at, 0, 4, "truncated");
	case_with(at, 583, 4, "truncated");
	case_with(at, UINT32_MAX, 4, "truncated");
	case_with(at, UINT32_MAX - right, 4, "truncated");
}

static void refusal_07(void **state)
{
	(void)state;
	CASE_OF_ALL(auth_size);
}

/* Each of the sizes inside, one too long and one too short. */
static void inner_size(void)
{
	const struct test_quote_map *at = &test_case.at;

	case_with(at->auth_size, case_get(at->auth_size, 4) - 1, 4, "malformed");
	for (int i = -1; i <= 1; i += 2) {
		if (at->outer > 0)
			case_with(at->outer + 2, case_get(at->outer + 2, 4) + (uint32_t)i, 4, "malformed");
		case_with(at->auth_data_size, case_get(at->auth_data_size, 2) + (uint32_t)i, 2, "malformed");
		case_with(at->cert_data + 2, case_get(at->cert_data + 2, 4) + (uint32_t)i, 4, "malformed");
	}
}

static void refusal_08(void **state)
{
	(void)state;
	CASE_OF_ALL(inner_size);
}

static void other_outer_type(void)
{
	static const uint16_t TYPES[] = {0, 1, 5, 7, 0x0106};

	for (size_t i = 0; i < COUNT_OF(TYPES) && test_case.at.outer > 0; i++)
		case_with(test_case.at.outer, TYPES[i], 2, "malformed");
}

static void refusal_09(void **state)
{
	(void)state;
	CASE_OF_ALL(other_outer_type);
}

static const enum test_quote_kind VERSION_5[] = {TEST_SGX_V5, TEST_TDX_V5_1_0, TEST_TDX_V5_1_5};

static void other_descriptor(void)
{
	static const uint32_t SIZES[] = {0, 383, 385, 583, 585, 647, 649, UINT32_MAX};
	const uint16_t type = (uint16_t)case_get(48, 2);

	for (size_t i = 0; i < COUNT_OF(SIZES); i++)
		case_with(50, SIZES[i], 4, "malformed");
	case_with(50, type == 1 ? 584 : 384, 4, "malformed");
	case_with(48, 0, 2, "unsupported-body");
	case_with(48, 4, 2, "unsupported-body");
	case_with(48, 0xffff, 2, "unsupported-body");
	case_with(48, type == 1 ? 2 : 1, 2, "malformed");
	case_with(48, type == 3 ? 2 : 3, 2, "malformed");
	case_with(4, type == 1 ? 0x81 : 0, 4, "malformed");
}

static void refusal_10(void **state)
{
	(void)state;
	case_each_built(VERSION_5, COUNT_OF(VERSION_5), other_descriptor);
}

static void long_auth_data(void)
{
	case_with(test_case.at.auth_data_size, 0xffff, 2, "truncated");
}

static void refusal_11(void **state)
{
	(void)state;
	CASE_OF_ALL(long_auth_data);
}

static void cert_data_type(void)
{
	static const uint16_t UNKNOWN[] = {0, 6, 7, 0x0105, 0xffff};
	const struct attest_bytes chain = {test_case.in.pck_chain.data, test_case.in.pck_chain.size};
	struct attest_bytes *given = &test_case.ask.collateral.pck_cert_chain;

	for (size_t i = 0; i < COUNT_OF(UNKNOWN); i++)
		case_with(test_case.at.cert_data, UNKNOWN[i], 2, "unsupported-cert-data");
	for (uint16_t type = 1; type <= 4; type++) {
		*given = (struct attest_bytes){0};
		case_with(test_case.at.cert_data, type, 2, "pck-chain-missing");
		*given = chain;
		case_with(test_case.at.cert_data, type, 2, "none");
		given->size--; /* what is given is judged as what is carried: cut off, it is no PEM */
		given->size -= 20;
		case_with(test_case.at.cert_data, type, 2, "chain-invalid");
	}
}

static void refusal_12(void **state)
{
	(void)state;
	CASE_OF_ALL(cert_data_type);
}

/* In the bodies' bytes that are not reserved. The last 64 of them are REPORTDATA of 1.0 bodies. */
static void signed_bit(void)
{
	static const size_t PLACES[] = {0, 15, 16, 48, 56, 64, 95, 128, 159, 192, 256, 320, 383};

	case_with(28, test_case.quote[28] ^ 0x10u, 1, "quote-signature");
	case_with(47, test_case.quote[47] ^ 0x80u, 1, "quote-signature");
	for (size_t i = 0; i < COUNT_OF(PLACES); i++) {
		const size_t at = test_case.at.body + PLACES[i];

		case_with(at, test_case.quote[at] ^ 0x10u, 1, "quote-signature");
	}
	for (size_t at = test_case.at.body + 384; at < test_case.at.auth_size; at += 23)
		case_with(at, test_case.quote[at] ^ 1u, 1, "quote-signature");
}

static void refusal_13(void **state)
{
	(void)state;
	CASE_OF_ALL(signed_bit);
}

/* The order of the group. */
static const uint8_t ORDER[32] = {0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff,
				  0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17,
				  0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51};

static void with_half(size_t at, const uint8_t half[static 32], const char *error)
{
	uint8_t old[32];

	memcpy(old, test_case.quote + at, 32);
	memcpy(test_case.quote + at, half, 32);
	case_expect(error);
	memcpy(test_case.quote + at, old, 32);
}

static void out_of_range(void)
{
	static const uint8_t ZERO[32] = {0};
	uint8_t more[32];

	memset(more, 0xff, sizeof(more));
	for (size_t half = 0; half < 64; half += 32) {
		with_half(test_case.at.signature + half, ZERO, "quote-signature");
		with_half(test_case.at.signature + half, ORDER, "quote-signature");
		with_half(test_case.at.signature + half, more, "quote-signature");
		with_half(test_case.at.qe_signature + half, ZERO, "qe-report-signature");
		with_half(test_case.at.qe_signature + half, ORDER, "qe-report-signature");
	}
}

static void refusal_14(void **state)
{
	(void)state;
	CASE_OF_ALL(out_of_range);
}

static void other_attestation_key(void)
{
	uint8_t point[65];

	p256_point(test_key(TEST_KEY_OTHER), point);
	memcpy(test_case.quote + test_case.at.key, point + 1, 64); /* of another quote */
	case_expect("qe-report-data");
	test_case.quote[test_case.at.key + 63] ^= 1; /* not on the curve */
	case_expect("qe-report-data");
}

static void refusal_15(void **state)
{
	(void)state;
	CASE_OF_ALL(other_attestation_key);
}

static void qe_report_bit(void)
{
	static const size_t PLACES[] = {0, 16, 32, 48, 64, 128, 192, 256, 258, 260, 304, 320, 383};

	for (size_t i = 0; i < COUNT_OF(PLACES); i++) {
		const size_t at = test_case.at.qe_report + PLACES[i];

		case_with(at, test_case.quote[at] ^ 0x10u, 1, "qe-report-signature");
	}
}

static void refusal_16(void **state)
{
	(void)state;
	CASE_OF_ALL(qe_report_bit);
}

static void qe_auth_data_bit(void)
{
	case_with(test_case.at.auth_data, 0x76, 1, "qe-report-data");
	case_with(test_case.at.auth_data + 31, 0xf7, 1, "qe-report-data");
}

static void refusal_17(void **state)
{
	(void)state;
	CASE_OF_ALL(qe_auth_data_bit);
}

/* The quote's signature as a SEQUENCE of two INTEGERs of 32 bytes, the sizes around it right. */
static void der_signature(void)
{
	static const uint8_t HEADER[] = {0x30, 0x44, 0x02, 0x20};
	const size_t at = test_case.at.signature;
	uint8_t rest[CASE_QUOTE_MAX];
	const size_t rest_size = test_case.size - at;

	memcpy(rest, test_case.quote + at, rest_size);
	memcpy(test_case.quote + at, HEADER, 4);
	memcpy(test_case.quote + at + 4, rest, 32);
	test_case.quote[at + 36] = 0x02;
	test_case.quote[at + 37] = 0x20;
	memcpy(test_case.quote + at + 38, rest + 32, rest_size - 32);
	case_put(test_case.at.auth_size, case_get(test_case.at.auth_size, 4) + 6, 4);
	test_case.ask.quote.size += 6;
	case_expect("malformed");
}

static void refusal_18(void **state)
{
	(void)state;
	CASE_OF_ALL(der_signature);
}

/* The whole chain signed anew by a root of the same name: perfect in itself, and not the one that is trusted. */
static void own_root(struct test_evidence *in)
{
	in->root.key = in->root.issuer_key = in->ca.issuer_key = in->signer.issuer_key = TEST_KEY_OTHER;
	in->root_crl.issuer_key = TEST_KEY_OTHER;
}

static void refusal_19(void **state)
{
	struct test_evidence right;

	(void)state;
	test_evidence_init(&right);
	test_evidence_build(&right);
	case_init(TEST_TDX_V5_1_5);
	own_root(&test_case.in);
	case_build();
	case_expect("none"); /* if it were trusted */
	test_case.ask.root = (struct attest_bytes){right.root_der.data, right.root_der.size};
	case_expect("root-untrusted");
	test_case.ask.root = (struct attest_bytes){0}; /* only Intel's */
	case_expect("root-untrusted");
	case_done();
	test_evidence_done(&right);
}

static void with_chain(const struct buf *const *ders, size_t count, const char *error)
{
	buf_clear(&test_case.in.pck_chain);
	for (size_t i = 0; i < count; i++)
		test_pem(ders[i], &test_case.in.pck_chain);
	test_evidence_build_quote(&test_case.in);
	test_case.ask.quote = (struct attest_bytes){test_case.in.quote.data, test_case.in.quote.size};
	case_expect(error);
}

static void other_order(void)
{
	const struct test_evidence *in = &test_case.in;
	const struct buf *const right[] = {&in->pck_der, &in->ca_der, &in->root_der};
	const struct buf *const swapped[] = {&in->ca_der, &in->pck_der, &in->root_der};
	const struct buf *const upside_down[] = {&in->root_der, &in->ca_der, &in->pck_der};
	const struct buf *const four[] = {&in->pck_der, &in->ca_der, &in->root_der, &in->root_der};
	const struct buf *const no_middle[] = {&in->pck_der, &in->root_der};

	with_chain(right, 3, "none");
	with_chain(swapped, 3, "chain-invalid");
	with_chain(upside_down, 3, "chain-invalid");
	with_chain(right, 2, "chain-invalid");
	with_chain(no_middle, 2, "chain-invalid");
	with_chain(right, 1, "chain-invalid");
	with_chain(right, 0, "chain-invalid");
	with_chain(four, 4, "chain-invalid");
}

static void refusal_20(void **state)
{
	(void)state;
	CASE_OF_ALL(other_order);
}

static void processor_list(struct test_evidence *in)
{
	in->pck_crl.issuer_name = "Test SGX PCK Processor CA";
}

static void refusal_21(void **state)
{
	(void)state;
	case_refuse(processor_list, "crl-issuer");
}

static void pck_revoked(struct test_evidence *in)
{
	in->pck_crl.revoked = in->pck_cert.serial;
}

static void refusal_22(void **state)
{
	(void)state;
	case_refuse(pck_revoked, "pck-revoked");
}

static void ca_revoked(struct test_evidence *in)
{
	in->root_crl.revoked = in->ca.serial;
}

static void signer_revoked(struct test_evidence *in)
{
	in->root_crl.revoked = in->signer.serial;
}

static void refusal_23(void **state)
{
	(void)state;
	case_refuse(ca_revoked, "ca-revoked");
	case_refuse(signer_revoked, "ca-revoked");
}

static void pck_crl_bit(struct test_evidence *in)
{
	in->pck_crl.break_signature = true;
}

static void root_crl_bit(struct test_evidence *in)
{
	in->root_crl.break_signature = true;
}

static void refusal_24(void **state)
{
	(void)state;
	case_refuse(pck_crl_bit, "crl-signature");
	case_refuse(root_crl_bit, "crl-signature");
}

static void pck_crl_late(struct test_evidence *in)
{
	in->pck_crl.next_update = TEST_TIME - 1;
}

static void root_crl_late(struct test_evidence *in)
{
	in->root_crl.next_update = TEST_TIME - 1;
}

static void refusal_25(void **state)
{
	(void)state;
	case_refuse(pck_crl_late, "crl-expired");
	case_refuse(root_crl_late, "crl-expired");
}

static void pck_crl_early(struct test_evidence *in)
{
	in->pck_crl.this_update = TEST_TIME + 1;
}

static void root_crl_early(struct test_evidence *in)
{
	in->root_crl.this_update = TEST_TIME + 1;
}

static void leaf_early(struct test_evidence *in)
{
	in->pck_cert.not_before = TEST_TIME + 1;
}

static void ca_early(struct test_evidence *in)
{
	in->ca.not_before = TEST_TIME + 1;
}

static void signer_early(struct test_evidence *in)
{
	in->signer.not_before = TEST_TIME + 1;
}

static void refusal_26(void **state)
{
	(void)state;
	case_refuse(pck_crl_early, "not-yet-valid");
	case_refuse(root_crl_early, "not-yet-valid");
	case_refuse(leaf_early, "not-yet-valid");
	case_refuse(ca_early, "not-yet-valid");
	case_refuse(signer_early, "not-yet-valid");
}

static void leaf_late(struct test_evidence *in)
{
	in->pck_cert.not_after = TEST_TIME - 1;
}

static void ca_late(struct test_evidence *in)
{
	in->ca.not_after = TEST_TIME - 1;
}

static void root_late(struct test_evidence *in)
{
	in->root.not_after = TEST_TIME - 1;
}

static void signer_late(struct test_evidence *in)
{
	in->signer.not_after = TEST_TIME - 1;
}

static void refusal_27(void **state)
{
	(void)state;
	case_refuse(leaf_late, "cert-expired");
	case_refuse(ca_late, "cert-expired");
	case_refuse(root_late, "cert-expired");
	case_refuse(signer_late, "cert-expired");
}

static void ca_is_a_leaf(struct test_evidence *in)
{
	in->ca.ca = false;
}

static void ca_signs_no_certificates(struct test_evidence *in)
{
	in->ca.key_usage = 0x80;
}

static void refusal_28(void **state)
{
	(void)state;
	case_refuse(ca_is_a_leaf, "chain-invalid");
	case_refuse(ca_signs_no_certificates, "chain-invalid");
}

/* The text with one more space in it, under the signature of the text without. */
static void rewritten_tcb_info(void)
{
	const struct buf *right = &test_case.in.tcb_info;
	const char *comma = strchr((char *)right->data, ',');
	const int head = (int)(comma - (char *)right->data);
	struct buf text = BUF_INIT(1u << 20);
	struct err err = ERR_INIT;
	char *digit = strstr((char *)right->data, "\"pcesvn\":13") + 10;

	assert_ok(buf_addf(&text, &err, "%.*s, %s", head, (char *)right->data, comma + 1), &err);
	test_case.ask.collateral.tcb_info = (struct attest_bytes){text.data, text.size};
	case_expect("tcb-info-signature");
	test_case.ask.collateral.tcb_info = (struct attest_bytes){right->data, right->size};
	*digit = '4';
	case_expect("tcb-info-signature");
	buf_done(&text);
}

static void refusal_29(void **state)
{
	(void)state;
	CASE_OF_ALL(rewritten_tcb_info);
}

static void other_signature(void)
{
	const char *signature = strstr((char *)test_case.in.tcb_info.data, ",\"signature\"");
	struct buf mixed = BUF_INIT(1u << 20);
	struct err err = ERR_INIT;

	assert_ok(buf_addf(&mixed, &err, "{\"enclaveIdentity\":%s%s", test_case.in.qe_identity_body, signature), &err);
	test_case.ask.collateral.qe_identity = (struct attest_bytes){mixed.data, mixed.size};
	case_expect("qe-identity-signature");
	buf_done(&mixed);
}

static void refusal_30(void **state)
{
	(void)state;
	CASE_OF_ALL(other_signature);
}

static void refusal_31(void **state)
{
	static const struct case_text LATE = {false, "2025-07-01T00:00:00Z", "2025-06-15T15:06:39Z"};

	(void)state;
	case_refuse_text(TEST_SGX_V3, &LATE, "tcb-info-expired");
	case_refuse_text(TEST_TDX_V4, &LATE, "tcb-info-expired");
}

static void refusal_32(void **state)
{
	static const struct case_text INFO = {false, "2025-06-01T00:00:00Z", "2025-06-15T15:06:41Z"};
	static const struct case_text IDENTITY = {true, "2025-06-02T00:00:00Z", "2025-06-15T15:06:41Z"};

	(void)state;
	case_refuse_text(TEST_SGX_V3, &INFO, "not-yet-valid");
	case_refuse_text(TEST_TDX_V4, &INFO, "not-yet-valid");
	case_refuse_text(TEST_SGX_V3, &IDENTITY, "not-yet-valid");
	case_refuse_text(TEST_TDX_V4, &IDENTITY, "not-yet-valid");
}

static void refusal_33(void **state)
{
	static const struct case_text FMSPC = {false, "30606A000000", "30606A000001"};
	static const struct case_text PCEID = {false, "\"pceId\":\"0000\"", "\"pceId\":\"0001\""};

	(void)state;
	case_refuse_text(TEST_SGX_V3, &FMSPC, "tcb-info-mismatch");
	case_refuse_text(TEST_TDX_V4, &FMSPC, "tcb-info-mismatch");
	case_refuse_text(TEST_SGX_V3, &PCEID, "tcb-info-mismatch");
	case_refuse_text(TEST_TDX_V4, &PCEID, "tcb-info-mismatch");
}

/* Each with the genuine collateral of the other, signed by the same signer. */
static void with_collateral_of(enum test_quote_kind quote, enum test_quote_kind collateral)
{
	struct test_evidence other;
	struct attest_verdict *verdict;

	test_evidence_init_kind(&other, collateral);
	test_evidence_build(&other);
	case_init(quote);
	case_build();
	test_case.ask.collateral.tcb_info = (struct attest_bytes){other.tcb_info.data, other.tcb_info.size};
	case_expect("tcb-info-mismatch");
	verdict = test_judge(&test_case.ask);
	assert_int_equal(test_find_check(verdict, "tcb-level")->result, ATTEST_NOT_APPLICABLE);
	assert_false(verdict->facts.tcb_known);
	attest_verdict_free(verdict);
	test_question_init(&test_case.ask, &test_case.in);
	test_case.ask.collateral.qe_identity = (struct attest_bytes){other.qe_identity.data, other.qe_identity.size};
	case_expect("qe-identity-mismatch");
	case_done();
	test_evidence_done(&other);
}

static void refusal_34(void **state)
{
	(void)state;
	with_collateral_of(TEST_TDX_V4, TEST_SGX_V3);
	with_collateral_of(TEST_TDX_V5_1_5, TEST_SGX_V5);
	with_collateral_of(TEST_SGX_V3, TEST_TDX_V4);
	with_collateral_of(TEST_SGX_V4, TEST_TDX_V5_1_0);
}

static void component_too_low(struct test_evidence *in)
{
	in->pck.components[0] = 2;
}

static void last_component_too_low(struct test_evidence *in)
{
	in->pck.components[7] = 4;
}

static void pcesvn_too_low(struct test_evidence *in)
{
	in->pck.pcesvn = 4;
}

static void loader_too_low(struct test_evidence *in)
{
	in->td_report[2] = 0;
}

static void refusal_35(void **state)
{
	(void)state;
	case_refuse(component_too_low, "tcb-not-supported");
	case_refuse(last_component_too_low, "tcb-not-supported");
	case_refuse(pcesvn_too_low, "tcb-not-supported");
	case_refuse_kind(TEST_TDX_V4, loader_too_low, "tcb-not-supported");
	case_refuse_kind(TEST_TDX_V5_1_5, loader_too_low, "tcb-not-supported");
}

static void deep(char *text, size_t size)
{
	memset(text, '[', size);
	memcpy(text, "{\"tcbInfo\":", 11);
	test_case.ask.collateral.tcb_info = (struct attest_bytes){(uint8_t *)text, size};
	case_expect("collateral-malformed");
}

static void refusal_36(void **state)
{
	static const struct case_text TEXTS[] = {
	    {false, "\"UpToDate\"", "\"uptodate\""},
	    {false, "\"UpToDate\"", "\"TDRelaunchAdvised\""},
	    {false, "\"version\":3", "\"version\":3,\"version\":3"},
	    {false, "{\"svn\":5},", ""},
	    {false, "{\"svn\":5},", "{\"svn\":5},{\"svn\":5},"},
	    {false, "{\"svn\":5}", "{\"svn\":NaN}"},
	    {false, "{\"svn\":5}", "{\"svn\":99999999999999999999999999}"},
	    {true, "\"UpToDate\"", "\"uptodate\""},
	    {true, "\"version\":2", "\"version\":2,\"version\":2"},
	};
	const size_t size = 10u << 20;
	char *text = malloc(size);

	(void)state;
	assert_non_null(text);
	for (size_t i = 0; i < COUNT_OF(TEXTS); i++) {
		case_refuse_text(TEST_SGX_V3, &TEXTS[i], "collateral-malformed");
		case_refuse_text(TEST_TDX_V5_1_5, &TEXTS[i], "collateral-malformed");
	}
	case_init(TEST_SGX_V3);
	case_build();
	deep(text, size);
	deep(text, 100000);
	case_done();
	free(text);
}

static void refusal_37(void **state)
{
	static const struct case_text TEXTS[] = {
	    {true, "8C4F", "8C4E"},
	    {true, "\"isvprodid\":1", "\"isvprodid\":2"},
	    {true, "\"attributes\":\"11", "\"attributes\":\"31"},
	    {true, "\"miscselect\":\"00000000\"", "\"miscselect\":\"01000000\""},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(TEXTS); i++) {
		case_refuse_text(TEST_SGX_V3, &TEXTS[i], "qe-identity-mismatch");
		case_refuse_text(TEST_TDX_V5_1_5, &TEXTS[i], "qe-identity-mismatch");
	}
}

static void platform_revoked(struct test_evidence *in)
{
	in->pck.components[0] = 4;
}

static void qe_revoked(struct test_evidence *in)
{
	in->qe_report[258] = 5;
}

static void module_revoked(struct test_evidence *in)
{
	in->td_report[0] = 3;
}

static void refusal_38(void **state)
{
	(void)state;
	case_refuse(platform_revoked, "tcb-revoked");
	case_refuse(qe_revoked, "tcb-revoked");
	case_refuse_kind(TEST_TDX_V4, module_revoked, "tcb-revoked");
	case_refuse_kind(TEST_TDX_V5_1_5, module_revoked, "tcb-revoked");
}

static void unknown_module(struct test_evidence *in)
{
	in->td_report[1] = 2;
}

static void refusal_39(void **state)
{
	(void)state;
	case_refuse_kind(TEST_TDX_V4, unknown_module, "tdx-module-mismatch");
	case_refuse_kind(TEST_TDX_V5_1_0, unknown_module, "tdx-module-mismatch");
	case_refuse_kind(TEST_TDX_V5_1_5, unknown_module, "tdx-module-mismatch");
}

static void debug(struct test_evidence *in)
{
	if (test_evidence_is_tdx(in))
		in->td_report[120] |= 1;
	else
		in->report[48] |= 2;
}

static void refusal_40(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(CASE_ALL); i++)
		case_refuse_kind(CASE_ALL[i], debug, "debug");
}

static void other_measurement(void)
{
	static struct attest_measurement wanted;
	const bool tdx = test_evidence_is_tdx(&test_case.in);

	wanted.size = tdx ? 48 : 32;
	memset(wanted.data, 0x11, sizeof(wanted.data));
	test_case.ask.policy.measurements = &wanted;
	test_case.ask.policy.measurement_count = 1;
	case_expect("none");
	for (size_t i = 0; i < wanted.size; i += 5) {
		wanted.data[i] ^= (uint8_t)(1u << (i % 8));
		case_expect("measurement");
		wanted.data[i] ^= (uint8_t)(1u << (i % 8));
	}
	wanted.size = tdx ? 32 : 48; /* of another TEE */
	case_expect("measurement");
}

static void other_signer(void)
{
	static struct attest_measurement wanted = {.size = 32};

	memset(wanted.data, 0x22, sizeof(wanted.data));
	test_case.ask.policy.signers = &wanted;
	test_case.ask.policy.signer_count = 1;
	case_expect(test_evidence_is_tdx(&test_case.in) ? "measurement" : "none");
	wanted.data[31] ^= 0x80;
	case_expect("measurement");
}

static void refusal_41(void **state)
{
	(void)state;
	CASE_OF_ALL(other_measurement);
	CASE_OF_ALL(other_signer);
}

static void svn_too_low(void)
{
	test_case.ask.policy.svn_min = 10;
	case_expect(test_evidence_is_tdx(&test_case.in) ? "svn" : "none");
	test_case.ask.policy.svn_min = 11;
	case_expect("svn");
}

static void refusal_42(void **state)
{
	(void)state;
	CASE_OF_ALL(svn_too_low);
}

static void out_of_date(struct test_evidence *in)
{
	in->pck.components[0] = 6;
}

static void qe_out_of_date(struct test_evidence *in)
{
	in->qe_report[258] = 6;
}

static void module_out_of_date(struct test_evidence *in)
{
	in->td_report[0] = 4;
}

static void unlisted_advisory(void)
{
	static const char *const ALLOWED[] = {"INTEL-SA-00001"};

	test_case.ask.policy.tcb_statuses = ATTEST_TCB_BIT(ATTEST_TCB_OUT_OF_DATE);
	case_expect("none");
	test_case.ask.policy.advisories = ALLOWED;
	test_case.ask.policy.advisory_count = 1;
	case_expect("tcb-status");
}

static void refusal_43(void **state)
{
	(void)state;
	case_refuse(out_of_date, "tcb-status");
	case_refuse(qe_out_of_date, "tcb-status");
	case_refuse_kind(TEST_TDX_V4, module_out_of_date, "tcb-status");
	for (size_t i = 0; i < COUNT_OF(CASE_ALL); i++) {
		case_init(CASE_ALL[i]);
		out_of_date(&test_case.in);
		case_build();
		unlisted_advisory();
		case_done();
	}
}

static void other_report_data(void)
{
	for (size_t i = 0; i < 64; i += 9) {
		test_case.ask.report_data[i] ^= (uint8_t)(1u << (i % 8));
		case_expect("binding");
		test_case.ask.report_data[i] ^= (uint8_t)(1u << (i % 8));
	}
}

static void no_report_data(struct test_evidence *in)
{
	memset(test_evidence_body(in) + (test_evidence_is_tdx(in) ? 520 : 320), 0, 64);
}

static void refusal_44(void **state)
{
	(void)state;
	CASE_OF_ALL(other_report_data);
	for (size_t i = 0; i < COUNT_OF(CASE_ALL); i++) {
		case_init(CASE_ALL[i]);
		no_report_data(&test_case.in);
		case_build();
		memset(test_case.ask.report_data, 0x33, 64);
		case_expect("binding");
		case_done();
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_good),  cmocka_unit_test(refusal_01), cmocka_unit_test(refusal_02),
	    cmocka_unit_test(refusal_03), cmocka_unit_test(refusal_04), cmocka_unit_test(refusal_05),
	    cmocka_unit_test(refusal_06), cmocka_unit_test(refusal_07), cmocka_unit_test(refusal_08),
	    cmocka_unit_test(refusal_09), cmocka_unit_test(refusal_10), cmocka_unit_test(refusal_11),
	    cmocka_unit_test(refusal_12), cmocka_unit_test(refusal_13), cmocka_unit_test(refusal_14),
	    cmocka_unit_test(refusal_15), cmocka_unit_test(refusal_16), cmocka_unit_test(refusal_17),
	    cmocka_unit_test(refusal_18), cmocka_unit_test(refusal_19), cmocka_unit_test(refusal_20),
	    cmocka_unit_test(refusal_21), cmocka_unit_test(refusal_22), cmocka_unit_test(refusal_23),
	    cmocka_unit_test(refusal_24), cmocka_unit_test(refusal_25), cmocka_unit_test(refusal_26),
	    cmocka_unit_test(refusal_27), cmocka_unit_test(refusal_28), cmocka_unit_test(refusal_29),
	    cmocka_unit_test(refusal_30), cmocka_unit_test(refusal_31), cmocka_unit_test(refusal_32),
	    cmocka_unit_test(refusal_33), cmocka_unit_test(refusal_34), cmocka_unit_test(refusal_35),
	    cmocka_unit_test(refusal_36), cmocka_unit_test(refusal_37), cmocka_unit_test(refusal_38),
	    cmocka_unit_test(refusal_39), cmocka_unit_test(refusal_40), cmocka_unit_test(refusal_41),
	    cmocka_unit_test(refusal_42), cmocka_unit_test(refusal_43), cmocka_unit_test(refusal_44),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
