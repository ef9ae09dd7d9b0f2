/* SPDX-License-Identifier: Apache-2.0 */
/*
 * attestation-evidence.md section 5, cases 29 to 39, TCB info, QE identity and levels: each case a test of its own, of
 * all kinds of quotes where form matters, of SGX and TDX where it does not. Which test shows which case:
 * docs/testing-attestation.md.
 */
#include "unit.h"

#include <stdlib.h>

#include "intel_case.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(refusal_29), cmocka_unit_test(refusal_30), cmocka_unit_test(refusal_31),
	    cmocka_unit_test(refusal_32), cmocka_unit_test(refusal_33), cmocka_unit_test(refusal_34),
	    cmocka_unit_test(refusal_35), cmocka_unit_test(refusal_36), cmocka_unit_test(refusal_37),
	    cmocka_unit_test(refusal_38), cmocka_unit_test(refusal_39),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
