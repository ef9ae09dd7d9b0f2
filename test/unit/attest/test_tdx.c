/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What only TDX has: modules and their identities, the status that comes of them, the advice to launch again, the TD's
 * attributes (attestation-evidence.md section 2 steps 6, 10 to 12, sections 5 and 7).
 */
#include "unit.h"

#include <stdlib.h>

#include "intel_case.h"

/* Offsets in the TD report. */
#define AT_SVN 0
#define AT_SIGNER 64
#define AT_SEAM_ATTRIBUTES 112
#define AT_TD_ATTRIBUTES 120
#define AT_XFAM 128
#define AT_SVN_2 584

static const enum test_quote_kind TDX[] = {TEST_TDX_V4, TEST_TDX_V5_1_0, TEST_TDX_V5_1_5};

static void each_kind(void (*change)(struct test_evidence *in), const char *error)
{
	for (size_t i = 0; i < COUNT_OF(TDX); i++)
		case_refuse_kind(TDX[i], change, error);
}

static void set_svn(struct test_evidence *in, uint8_t isvsvn, uint8_t version, uint8_t loader)
{
	in->td_report[AT_SVN] = isvsvn;
	in->td_report[AT_SVN + 1] = version;
	in->td_report[AT_SVN + 2] = loader;
}

static void in_info(struct test_evidence *in, const char *from, const char *to)
{
	test_replace(in->tcb_info_body, sizeof(in->tcb_info_body), from, to);
}

/* Builds, wants the error and gives the verdict, which the caller frees. */
static struct attest_verdict *judged(const char *error)
{
	case_build();
	case_expect(error);
	return test_judge(&test_case.ask);
}

static void expect_status(enum attest_tcb_status status)
{
	const bool fine = status == ATTEST_TCB_UP_TO_DATE;
	struct attest_verdict *verdict = judged(status == ATTEST_TCB_REVOKED ? "tcb-revoked"
						: fine                       ? "none"
									     : "tcb-status");

	assert_true(verdict->facts.tcb_known);
	assert_string_equal(attest_tcb_status_text(verdict->facts.tcb_status), attest_tcb_status_text(status));
	attest_verdict_free(verdict);
	case_done();
}

static void test_facts(void **state)
{
	struct attest_verdict *verdict;
	char *text;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(TDX); i++) {
		case_init(TDX[i]);
		verdict = judged("none");
		assert_int_equal(verdict->facts.tee, ATTEST_TEE_TDX);
		assert_int_equal(verdict->facts.version, TDX[i] == TEST_TDX_V4 ? 4 : 5);
		assert_int_equal(verdict->facts.measurement.size, 48);
		assert_memory_equal(verdict->facts.tdx.rtmr[3], test_case.in.td_report + 328 + 3 * 48, 48);
		assert_int_equal(verdict->facts.tdx.is_1_5, TDX[i] == TEST_TDX_V5_1_5);
		assert_true(verdict->facts.tdx.has_module_status);
		assert_int_equal(verdict->facts.tdx.module_status, ATTEST_TCB_UP_TO_DATE);
		text = attest_verdict_text(verdict);
		assert_non_null(strstr(text, "  MRTD "));
		assert_non_null(strstr(text, "  RTMR3 "));
		free(text);
		text = attest_verdict_json(verdict);
		assert_non_null(strstr(text, "\"rtmr3\": \"5353"));
		assert_non_null(strstr(text, "\"tdx_module_tcb_status\": \"UpToDate\""));
		free(text);
		attest_verdict_free(verdict);
		case_done();
	}
}

/* ---- module identities */

static void other_signer(struct test_evidence *in)
{
	in->td_report[AT_SIGNER + 47] ^= 1;
}

static void seam_attribute(struct test_evidence *in)
{
	in->td_report[AT_SEAM_ATTRIBUTES + 7] = 0x80;
}

/* The mask leaves the bit out; it must be zero all the same. */
static void seam_attribute_outside_mask(struct test_evidence *in)
{
	in->td_report[AT_SEAM_ATTRIBUTES] = 0x01;
	for (int i = 0; i < 3; i++)
		in_info(in, "\"attributesMask\":\"FF", "\"attributesMask\":\"FE");
}

/* Published as set, and set. */
static void seam_attribute_as_published(struct test_evidence *in)
{
	in->td_report[AT_SEAM_ATTRIBUTES] = 0x02;
	for (int i = 0; i < 3; i++)
		in_info(in, "\"attributes\":\"00000000000000", "\"attributes\":\"02000000000000");
}

static void test_module_identity(void **state)
{
	(void)state;
	each_kind(other_signer, "tdx-module-mismatch");
	each_kind(seam_attribute, "tdx-module-mismatch");
	each_kind(seam_attribute_outside_mask, "tdx-module-mismatch");
	each_kind(seam_attribute_as_published, "none");
}

static void other_version(struct test_evidence *in)
{
	set_svn(in, 3, 3, 3); /* TDX_03: it has another signer */
}

static void other_version_right(struct test_evidence *in)
{
	set_svn(in, 3, 3, 3);
	memset(in->td_report + AT_SIGNER, 3, 48);
}

/* Digits of the version in either case. */
static void version_in_hex(struct test_evidence *in)
{
	set_svn(in, 5, 0xab, 3);
	in_info(in, "\"TDX_01\"", "\"TDX_aB\"");
}

static void test_module_version(void **state)
{
	(void)state;
	each_kind(other_version, "tdx-module-mismatch");
	each_kind(other_version_right, "none");
	each_kind(version_in_hex, "none");
}

/* Modules of version 0 are judged by tdxModule, and by the first two components of the levels. */
static void version_0(struct test_evidence *in)
{
	set_svn(in, 5, 0, 3);
	memset(in->td_report + AT_SIGNER, 0, 48);
}

static void version_0_with_other_signer(struct test_evidence *in)
{
	set_svn(in, 5, 0, 3);
}

static void version_0_below_component(struct test_evidence *in)
{
	version_0(in);
	in->td_report[AT_SVN] = 4;
}

static void version_0_below_all(struct test_evidence *in)
{
	version_0(in);
	in->td_report[AT_SVN] = 0;
}

static void test_module_version_0(void **state)
{
	struct attest_verdict *verdict;

	(void)state;
	each_kind(version_0, "none");
	each_kind(version_0_with_other_signer, "tdx-module-mismatch");
	each_kind(version_0_below_component, "tcb-status");
	each_kind(version_0_below_all, "tcb-not-supported");
	case_init(TEST_TDX_V4);
	version_0(&test_case.in);
	verdict = judged("none");
	assert_false(verdict->facts.tdx.has_module_status);
	attest_verdict_free(verdict);
	case_done();
}

static void no_identities(struct test_evidence *in)
{
	in_info(in, "\"tdxModuleIdentities\"", "\"tdxmoduleidentities\"");
}

static void rule_no_identities(void **state)
{
	(void)state;
	each_kind(no_identities, "tdx-module-mismatch");
}

static void module_below_all(struct test_evidence *in)
{
	in->td_report[AT_SVN] = 1;
}

static void rule_module_level_not_reached(void **state)
{
	(void)state;
	each_kind(module_below_all, "tcb-not-supported");
}

/* With an identity, the first two components of the levels are not compared: the platform stays UpToDate. */
static void rule_first_components_are_the_modules(void **state)
{
	struct attest_verdict *verdict;

	(void)state;
	case_init(TEST_TDX_V4);
	set_svn(&test_case.in, 4, 1, 3);
	verdict = judged("tcb-status");
	assert_int_equal(verdict->facts.intel.platform_status, ATTEST_TCB_UP_TO_DATE);
	assert_int_equal(verdict->facts.tdx.module_status, ATTEST_TCB_OUT_OF_DATE);
	assert_int_equal(verdict->facts.tcb_status, ATTEST_TCB_OUT_OF_DATE);
	attest_verdict_free(verdict);
	case_done();
}

/* A module that is up to date does not make up for a platform that is not. */
static void rule_module_status_is_not_all(void **state)
{
	(void)state;
	case_init(TEST_TDX_V4);
	test_case.in.pck.components[0] = 6;
	expect_status(ATTEST_TCB_OUT_OF_DATE);
	case_init(TEST_TDX_V5_1_5);
	test_case.in.td_report[AT_SVN + 2] = 2; /* the loader */
	expect_status(ATTEST_TCB_OUT_OF_DATE);
}

static void test_module_levels(void **state)
{
	(void)state;
	case_init(TEST_TDX_V4);
	test_case.in.td_report[AT_SVN] = 4;
	expect_status(ATTEST_TCB_OUT_OF_DATE);
	case_init(TEST_TDX_V4);
	test_case.in.td_report[AT_SVN] = 2;
	expect_status(ATTEST_TCB_REVOKED);
	case_init(TEST_TDX_V4);
	test_case.in.td_report[AT_SVN] = 255;
	expect_status(ATTEST_TCB_UP_TO_DATE);
	case_init(TEST_TDX_V4);
	in_info(&test_case.in, "\"2025-03-12T00:00:00Z\",\"tcbStatus\":\"UpToDate\"},{\"tcb\":{\"sgx",
		"\"2025-03-12T00:00:00Z\",\"tcbStatus\":\"ConfigurationNeeded\"},{\"tcb\":{\"sgx");
	test_case.in.td_report[AT_SVN] = 4;
	expect_status(ATTEST_TCB_OUT_OF_DATE_CONFIGURATION_NEEDED);
}

/* Of the platform's level, the module's and the QE's. */
static void test_advisories_of_all_three(void **state)
{
	struct attest_verdict *verdict;

	(void)state;
	case_init(TEST_TDX_V4);
	test_case.in.pck.components[0] = 6;
	test_case.in.td_report[AT_SVN] = 4;
	test_case.in.qe_report[258] = 6;
	verdict = judged("tcb-status");
	assert_int_equal(verdict->facts.advisory_count, 4);
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(verdict->facts.advisories[i][13], '1' + (int)i);
	assert_int_equal(verdict->facts.tcb_date, 1710288000); /* of the platform's level */
	attest_verdict_free(verdict);
	case_done();
}

static void test_malformed(void **state)
{
	static const struct case_text TEXTS[] = {
	    {false, "\"TDX_03\"", "\"TDX_01\""}, /* twice */
	    {false, "\"TDX_03\"", "\"TDX_00\""},
	    {false, "\"TDX_03\"", "\"TDX_3\""},
	    {false, "\"TDX_03\"", "\"TDX_0G\""},
	    {false, "\"TDX_03\"", "\"tdx_03\""},
	    {false, "\"TDX_03\"", "\"TDX_003\""},
	    {false, "\"TDX_03\"", "3"},
	    {false, "\"isvsvn\":3", "\"isvsvn\":65536"},
	    {false, "\"isvsvn\":4", "\"isvsvn\":5"}, /* two equal levels */
	    {false, "\"isvsvn\":4", "\"isvsvn\":4.5"},
	    {false, "\"mrsigner\":\"00", "\"mrsigner\":\"0"},
	    {false, "\"mrsigner\":\"0303", "\"mrsigner\":\"030303"},
	    {false, "\"attributes\":\"00", "\"attributes\":\""},
	    {false, "\"attributesMask\":\"FFFF", "\"attributesMask\":\"FFFG"},
	    {false, "\"tdxModule\":{", "\"tdxModule\":[{"},
	    {false, "\"tdxModuleIdentities\":[", "\"tdxModuleIdentities\":[],\"x\":["},
	    {false, "\"tdxModuleIdentities\":[", "\"tdxModuleIdentities\":null,\"x\":["},
	    {false, "\"tdxModuleIdentities\":[", "\"tdxModuleIdentities\":[5,"},
	    {false, "\"tdxtcbcomponents\"", "\"tdxTcbComponents\""},
	    {false, "{\"svn\":4,\"type\":\"TDX Module\"},", ""},
	    {false, "\"svn\":4,\"type\"", "\"svn\":256,\"type\""},
	    {false, "\"tcbStatus\":\"UpToDate\"}]},{\"id\"", "\"tcbStatus\":\"SWHardeningNeeded\"}]},{\"id\""},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(TEXTS); i++)
		case_refuse_text(TEST_TDX_V5_1_5, &TEXTS[i], "collateral-malformed");
}

/* ---- launch again */

/* Launched under module 4, which is out of date; 5, the newest, runs now. */
static void start_relaunch(void)
{
	case_init(TEST_TDX_V5_1_5);
	test_case.in.td_report[AT_SVN] = 4;
}

static void test_relaunch(void **state)
{
	struct attest_verdict *verdict;

	(void)state;
	start_relaunch();
	expect_status(ATTEST_TCB_TD_RELAUNCH_ADVISED);
	start_relaunch();
	case_build();
	test_case.ask.policy.tcb_statuses = ATTEST_TCB_BIT(ATTEST_TCB_TD_RELAUNCH_ADVISED);
	verdict = test_judge(&test_case.ask);
	assert_true(verdict->accepted);
	assert_int_equal(test_find_check(verdict, "tdx-relaunch")->result, ATTEST_PASSED);
	attest_verdict_free(verdict);
	case_done();
}

static void test_relaunch_needs_configuration(void **state)
{
	static const char FROM[] = "\"2025-03-12T00:00:00Z\",\"tcbStatus\":\"UpToDate\"},{\"tcb\":{\"sgx";

	(void)state;
	start_relaunch();
	in_info(&test_case.in, FROM, "\"2025-03-12T00:00:00Z\",\"tcbStatus\":\"ConfigurationNeeded\"},{\"tcb\":{\"sgx");
	expect_status(ATTEST_TCB_TD_RELAUNCH_ADVISED_CONFIGURATION_NEEDED);
	start_relaunch();
	in_info(&test_case.in, FROM,
		"\"2025-03-12T00:00:00Z\",\"tcbStatus\":\"ConfigurationAndSWHardeningNeeded\"},{\"tcb\":{\"sgx");
	expect_status(ATTEST_TCB_TD_RELAUNCH_ADVISED_CONFIGURATION_NEEDED);
	start_relaunch();
	in_info(&test_case.in, FROM, "\"2025-03-12T00:00:00Z\",\"tcbStatus\":\"SWHardeningNeeded\"},{\"tcb\":{\"sgx");
	expect_status(ATTEST_TCB_TD_RELAUNCH_ADVISED);
}

/* The level that decides is lower than the one by SGX components alone, whose status it is that counts here. */
static void test_relaunch_by_sgx_level(void **state)
{
	(void)state;
	start_relaunch();
	test_case.in.td_report[AT_SVN + 2] = 2; /* the TDX level is OutOfDate, the SGX one UpToDate */
	expect_status(ATTEST_TCB_TD_RELAUNCH_ADVISED);
	/* Revoked by its TDX level: no other module helps. */
	start_relaunch();
	test_case.in.td_report[AT_SVN + 2] = 1;
	expect_status(ATTEST_TCB_REVOKED);
	start_relaunch();
	test_case.in.pck.components[0] = 6; /* both are OutOfDate */
	expect_status(ATTEST_TCB_OUT_OF_DATE);
}

static void test_no_relaunch(void **state)
{
	(void)state;
	start_relaunch();
	test_case.in.td_report[AT_SVN_2] = 4; /* not the newest module */
	expect_status(ATTEST_TCB_OUT_OF_DATE);
	start_relaunch();
	test_case.in.td_report[AT_SVN_2 + 2] = 2; /* not the newest loader */
	expect_status(ATTEST_TCB_OUT_OF_DATE);
	start_relaunch();
	test_case.in.qe_report[258] = 6; /* the quoting enclave is out of date */
	expect_status(ATTEST_TCB_OUT_OF_DATE);
	start_relaunch();
	test_case.in.td_report[AT_SVN] = 2; /* the module is revoked */
	expect_status(ATTEST_TCB_REVOKED);
	case_init(TEST_TDX_V5_1_5); /* the module is up to date, the loader is not */
	test_case.in.td_report[AT_SVN + 2] = 2;
	expect_status(ATTEST_TCB_OUT_OF_DATE);
	case_init(TEST_TDX_V5_1_0); /* 1.0 has no second SVN */
	test_case.in.td_report[AT_SVN] = 4;
	expect_status(ATTEST_TCB_OUT_OF_DATE);
	case_init(TEST_TDX_V5_1_5); /* nothing is out of date */
	test_case.in.td_report[AT_SVN_2] = 9;
	expect_status(ATTEST_TCB_UP_TO_DATE);
}

/* The second SVN is of another module version: its identity says which is the newest. */
static void test_relaunch_to_another_version(void **state)
{
	(void)state;
	start_relaunch();
	test_case.in.td_report[AT_SVN_2] = 3;
	test_case.in.td_report[AT_SVN_2 + 1] = 3;
	expect_status(ATTEST_TCB_TD_RELAUNCH_ADVISED);
	start_relaunch();
	test_case.in.td_report[AT_SVN_2] = 2;
	test_case.in.td_report[AT_SVN_2 + 1] = 3;
	expect_status(ATTEST_TCB_OUT_OF_DATE);
	start_relaunch(); /* version 0: by the component of the newest level, 5 */
	test_case.in.td_report[AT_SVN_2 + 1] = 0;
	expect_status(ATTEST_TCB_TD_RELAUNCH_ADVISED);
	start_relaunch();
	test_case.in.td_report[AT_SVN_2] = 4;
	test_case.in.td_report[AT_SVN_2 + 1] = 0;
	expect_status(ATTEST_TCB_OUT_OF_DATE);
}

static void unknown_second_module(struct test_evidence *in)
{
	in->td_report[AT_SVN] = 4;
	in->td_report[AT_SVN_2 + 1] = 2;
}

static void rule_relaunch_to_unknown_module(void **state)
{
	(void)state;
	case_refuse_kind(TEST_TDX_V5_1_5, unknown_second_module, "tdx-module-mismatch");
}

/* ---- the TD's attributes */

static void rule_td_attributes(void **state)
{
	static const uint8_t REFUSED[] = {1, 2, 7, 8, 15, 16, 27, 29, 32, 39, 62};
	static const uint8_t FINE[] = {30, 31, 63};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(REFUSED); i++) {
		case_init(TDX[i % COUNT_OF(TDX)]);
		test_case.in.td_report[AT_TD_ATTRIBUTES + REFUSED[i] / 8] |= (uint8_t)(1u << (REFUSED[i] % 8));
		case_build();
		case_expect("td-attributes");
		test_case.ask.policy.allow_debug = true;
		case_expect("td-attributes");
		case_done();
	}
	for (size_t i = 0; i < COUNT_OF(FINE); i++) {
		case_init(TDX[i]);
		test_case.in.td_report[AT_TD_ATTRIBUTES + FINE[i] / 8] |= (uint8_t)(1u << (FINE[i] % 8));
		case_build();
		case_expect("none");
		case_done();
	}
	case_init(TEST_TDX_V4); /* SEPT_VE_DISABLE = 0 is normal under a paravisor */
	test_case.in.td_report[AT_TD_ATTRIBUTES + 3] = 0;
	case_build();
	case_expect("none");
	case_done();
}

static void rule_xfam(void **state)
{
	const uint64_t known = 0x6dbe7;

	(void)state;
	for (unsigned bit = 0; bit < 64; bit++) {
		const bool must = bit < 2;
		uint8_t *xfam = test_case.in.td_report + AT_XFAM;

		case_init(TDX[bit % COUNT_OF(TDX)]);
		if (must)
			xfam[bit / 8] &= (uint8_t) ~(1u << (bit % 8));
		else
			xfam[bit / 8] |= (uint8_t)(1u << (bit % 8));
		case_build();
		case_expect(must || !(known >> bit & 1) ? "td-attributes" : "none");
		case_done();
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_facts),
	    cmocka_unit_test(test_module_identity),
	    cmocka_unit_test(test_module_version),
	    cmocka_unit_test(test_module_version_0),
	    cmocka_unit_test(rule_no_identities),
	    cmocka_unit_test(rule_module_level_not_reached),
	    cmocka_unit_test(rule_first_components_are_the_modules),
	    cmocka_unit_test(rule_module_status_is_not_all),
	    cmocka_unit_test(test_module_levels),
	    cmocka_unit_test(test_advisories_of_all_three),
	    cmocka_unit_test(test_malformed),
	    cmocka_unit_test(test_relaunch),
	    cmocka_unit_test(test_relaunch_needs_configuration),
	    cmocka_unit_test(test_relaunch_by_sgx_level),
	    cmocka_unit_test(test_no_relaunch),
	    cmocka_unit_test(test_relaunch_to_another_version),
	    cmocka_unit_test(rule_relaunch_to_unknown_module),
	    cmocka_unit_test(rule_td_attributes),
	    cmocka_unit_test(rule_xfam),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
