/* SPDX-License-Identifier: Apache-2.0 */
/*
 * attestation-evidence.md section 7, the rules for Intel's quotes, quoting enclaves and levels in which other verifiers
 * are laxer, each a test of its own. Rules of TDX alone are in test_tdx.c. Which test shows which rule:
 * docs/testing-attestation.md.
 */
#include "unit.h"

#include <stdio.h>

#include "intel_case.h"

/* ---- quotes */

static void key_off_the_curve(struct test_evidence *in)
{
	uint8_t point[65];

	p256_point(test_key(TEST_KEY_OTHER), point);
	memcpy(in->attestation_point, point + 1, 64);
	in->attestation_point[63] ^= 1;
}

static void rule_key_on_the_curve(void **state)
{
	(void)state;
	case_refuse(key_off_the_curve, "quote-signature");
}

static const uint8_t ORDER[32] = {0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff,
				  0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17,
				  0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51};

/* With s, n - s is valid too. */
static void other_s(void)
{
	uint8_t *s = test_case.quote + test_case.at.signature + 32;
	int borrow = 0;

	for (size_t i = 32; i-- > 0;) {
		const int difference = ORDER[i] - s[i] - borrow;

		borrow = difference < 0;
		s[i] = (uint8_t)(difference + (borrow ? 256 : 0));
	}
	case_expect("none");
}

static void rule_high_s_is_valid(void **state)
{
	(void)state;
	CASE_OF_ALL(other_s);
}

static void qe_debug(struct test_evidence *in)
{
	in->qe_report[48] |= 2;
	test_replace(in->qe_identity_body, sizeof(in->qe_identity_body), "\"attributesMask\":\"FB",
		     "\"attributesMask\":\"F9");
}

static void rule_qe_debug(void **state)
{
	(void)state;
	case_refuse(qe_debug, "qe-identity-mismatch");
	case_init(TEST_TDX_V4);
	qe_debug(&test_case.in);
	case_build();
	test_case.ask.policy.allow_debug = true; /* that is for the workload */
	case_expect("qe-identity-mismatch");
	case_done();
}

static void all_revoked(struct test_evidence *in)
{
	in->pck.components[0] = 4;
	in->qe_report[258] = 5;
	in->td_report[0] = 3;
}

static void broken_and_revoked(void)
{
	case_expect("tcb-revoked");
	case_with(test_case.at.signature, test_case.quote[test_case.at.signature] ^ 1u, 1, "quote-signature");
	case_with(test_case.at.qe_signature, test_case.quote[test_case.at.qe_signature] ^ 1u, 1, "qe-report-signature");
	test_case.ask.collateral.pck_crl = (struct attest_bytes){0};
	case_expect("crl-missing");
}

static void rule_bad_status_hides_nothing(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(CASE_ALL); i++) {
		case_init(CASE_ALL[i]);
		all_revoked(&test_case.in);
		case_build();
		broken_and_revoked();
		case_done();
	}
}

static enum attest_tcb_status status_of(const char *error)
{
	struct attest_verdict *verdict;
	enum attest_tcb_status status;

	case_build();
	case_expect(error);
	verdict = test_judge(&test_case.ask);
	assert_true(verdict->facts.tcb_known);
	status = verdict->facts.tcb_status;
	attest_verdict_free(verdict);
	return status;
}

/* The highest level that fits decides, wherever in the document it stands: here the middle one. */
static void rule_levels_are_sorted(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(CASE_ALL); i++) {
		case_init(CASE_ALL[i]);
		assert_int_equal(status_of("none"), ATTEST_TCB_UP_TO_DATE);
		case_done();
		case_init(CASE_ALL[i]);
		test_case.in.qe_report[258] = 6; /* the first of the QE's in the document is the second */
		assert_int_equal(status_of("tcb-status"), ATTEST_TCB_OUT_OF_DATE);
		case_done();
	}
}

static void qe_below_all(struct test_evidence *in)
{
	in->qe_report[258] = 1;
}

static void rule_qe_level_not_reached(void **state)
{
	(void)state;
	case_refuse(qe_below_all, "tcb-not-supported");
}

static void rule_qe_identity_expired(void **state)
{
	static const struct case_text LATE = {true, "2025-07-02T00:00:00Z", "2025-06-15T15:06:39Z"};

	(void)state;
	case_refuse_text(TEST_SGX_V3, &LATE, "qe-identity-expired");
	case_refuse_text(TEST_TDX_V5_1_5, &LATE, "qe-identity-expired");
}

static void floor_of_both(void)
{
	test_case.ask.policy.evaluation_number_min = 17;
	case_expect("none");
	test_case.ask.policy.evaluation_number_min = 18; /* TCB info has 17, QE identity 18 */
	case_expect("tcb-status");
}

static void rule_evaluation_number(void **state)
{
	static const struct case_text LOW_IDENTITY = {true, "Number\":18", "Number\":16"};
	static const struct case_text NO_INFO = {false, "\"tcbEvaluationDataNumber\":17,", ""};
	static const struct case_text NO_IDENTITY = {true, "\"tcbEvaluationDataNumber\":18,", ""};

	(void)state;
	CASE_OF_ALL(floor_of_both);
	case_init(TEST_TDX_V4);
	test_replace(test_case.in.qe_identity_body, sizeof(test_case.in.qe_identity_body), LOW_IDENTITY.from,
		     LOW_IDENTITY.to);
	case_build();
	test_case.ask.policy.evaluation_number_min = 17;
	case_expect("tcb-status");
	case_done();
	case_refuse_text(TEST_SGX_V3, &NO_INFO, "collateral-malformed");
	case_refuse_text(TEST_TDX_V4, &NO_IDENTITY, "collateral-malformed");
}

/* The header's user data is signed, and nothing is made of it. */
static void any_user_data(struct test_evidence *in)
{
	memset(in->header + 28, 0xff, 20);
}

static void rule_user_data_is_not_judged(void **state)
{
	(void)state;
	case_refuse(any_user_data, "none");
}

/* Collateral of AMD's beside, signer chains that serve both, unknown outer members: the same verdict. */
static void extra_collateral(void)
{
	const struct attest_bytes something = {test_case.in.root_der.data, test_case.in.root_der.size};

	test_case.ask.collateral.vek = test_case.ask.collateral.ask = test_case.ask.collateral.ark = something;
	test_case.ask.collateral.pck_cert_chain =
	    (struct attest_bytes){test_case.in.pck_chain.data, test_case.in.pck_chain.size};
	case_expect("none");
	test_case.ask.collateral.pck_cert_chain = (struct attest_bytes){(const uint8_t *)"x", 1};
	case_expect("none"); /* the quote carries its own */
}

static void rule_extra_collateral_changes_nothing(void **state)
{
	(void)state;
	CASE_OF_ALL(extra_collateral);
}

/* Version 2 of TCB info: SGX only, sixteen flat components. */
static void make_flat(char *body, size_t size)
{
	char *at;
	char level[1024];

	test_replace(body, size, "\"id\":\"SGX\",\"version\":3", "\"version\":2");
	for (size_t i = 0; i < 3; i++) {
		size_t used = 0;
		char *end;
		const char first = strstr(body, "\"svn\":")[6];

		at = strstr(body, "\"sgxtcbcomponents\"");
		end = strstr(at, "]");
		for (unsigned k = 1; k <= 16; k++)
			used += (size_t)snprintf(level + used, sizeof(level) - used, "%s\"sgxtcbcomp%02usvn\":%c",
						 k > 1 ? "," : "", k,
						 k == 1   ? first
						 : k <= 8 ? '5'
							  : '0');
		memmove(at + used, end + 1, strlen(end + 1) + 1);
		memcpy(at, level, used);
	}
}

static void rule_flat_tcb_info(void **state)
{
	static const struct case_text BAD[] = {
	    {false, "\"sgxtcbcomp16svn\":0", "\"sgxtcbcomp17svn\":0"},
	    {false, "\"sgxtcbcomp01svn\":7", "\"sgxtcbcomp01svn\":256"},
	    {false, "\"sgxtcbcomp01svn\":7", "\"sgxtcbcomp01svn\":\"7\""},
	};
	char *body = test_case.in.tcb_info_body;
	const size_t size = sizeof(test_case.in.tcb_info_body);

	(void)state;
	case_init(TEST_SGX_V3);
	make_flat(body, size);
	case_build();
	case_expect("none");
	case_done();
	case_init(TEST_SGX_V5);
	make_flat(body, size);
	test_case.in.pck.components[0] = 6;
	case_build();
	case_expect("tcb-status");
	case_done();
	for (size_t i = 0; i < COUNT_OF(BAD); i++) {
		case_init(TEST_SGX_V4);
		make_flat(body, size);
		test_replace(body, size, BAD[i].from, BAD[i].to);
		case_build();
		case_expect("collateral-malformed");
		case_done();
	}
	case_init(TEST_SGX_V3);
	make_flat(body, size);
	case_build();
	{
		struct buf flat = BUF_INIT(1u << 20);

		test_signed_json("tcbInfo", body, TEST_KEY_SIGNER, &flat);
		case_done();
		case_init(TEST_TDX_V4);
		case_build();
		test_case.ask.collateral.tcb_info = (struct attest_bytes){flat.data, flat.size};
		case_expect("tcb-info-mismatch");
		buf_done(&flat);
	}
	case_done();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(rule_key_on_the_curve),
	    cmocka_unit_test(rule_high_s_is_valid),
	    cmocka_unit_test(rule_qe_debug),
	    cmocka_unit_test(rule_bad_status_hides_nothing),
	    cmocka_unit_test(rule_levels_are_sorted),
	    cmocka_unit_test(rule_qe_level_not_reached),
	    cmocka_unit_test(rule_qe_identity_expired),
	    cmocka_unit_test(rule_evaluation_number),
	    cmocka_unit_test(rule_user_data_is_not_judged),
	    cmocka_unit_test(rule_extra_collateral_changes_nothing),
	    cmocka_unit_test(rule_flat_tcb_info),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
