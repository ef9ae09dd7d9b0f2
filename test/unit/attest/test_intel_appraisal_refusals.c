/* SPDX-License-Identifier: Apache-2.0 */
/*
 * attestation-evidence.md section 5, cases 40 to 44, appraisal: each case a test of its own, of all kinds of quotes
 * where form matters, of SGX and TDX where it does not. Which test shows which case: docs/testing-attestation.md.
 */
#include "unit.h"

#include "intel_case.h"

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
	    cmocka_unit_test(refusal_40), cmocka_unit_test(refusal_41), cmocka_unit_test(refusal_42),
	    cmocka_unit_test(refusal_43), cmocka_unit_test(refusal_44),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
