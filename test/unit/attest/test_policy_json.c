/* SPDX-License-Identifier: Apache-2.0 */
/* Policies in JSON: whole or not at all, and the message names the member. */
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "attest/policy.h"
#include "base/buf.h"

#define HEX16 "000102030405060708090a0b0c0d0e0f"
#define HEX32 HEX16 HEX16
#define HEX48 HEX32 HEX16
#define HEX64 HEX32 HEX32

static int parse(const char *text, struct attest_policy **ret, char *why)
{
	const struct attest_bytes bytes = {(const uint8_t *)text, strlen(text)};

	return attest_policy_parse(&bytes, ret, why);
}

static struct attest_policy *accepts(const char *text)
{
	struct attest_policy *policy = NULL;
	char why[ATTEST_TEXT_SIZE] = "";

	if (parse(text, &policy, why) < 0)
		fail_msg("refused: %s\n%s", why, text);
	assert_non_null(policy);
	return policy;
}

/* Refused as a whole, and the message holds this. */
static void refuses(const char *text, const char *named)
{
	struct attest_policy *policy = NULL;
	char why[ATTEST_TEXT_SIZE] = "";

	if (parse(text, &policy, why) == 0)
		fail_msg("accepted: %s", text);
	assert_null(policy);
	if (!strstr(why, named))
		fail_msg("'%s' does not name %s: %s", why, named, text);
}

static void test_strict(void **state)
{
	struct attest_policy *policy = accepts("{\"version\":1}");
	static const struct attest_policy STRICT = {0};

	(void)state;
	assert_memory_equal(policy, &STRICT, sizeof(STRICT));
	attest_policy_free(policy);
	attest_policy_free(NULL);
}

static void test_common_members(void **state)
{
	struct attest_policy *policy = accepts(
	    "{\"version\":1,\"tees\":[\"sgx\",\"sev-snp\"],\"measurements\":[\"" HEX32 "\",\"" HEX48
	    "\"],\"signers\":[\"" HEX32 "\"],\"svn_min\":3,\"tcb_statuses\":[\"UpToDate\",\"OutOfDate\"],"
	    "\"advisories\":[],\"tcb_date_min\":\"2024-01-01T00:00:00Z\",\"tcb_date_max\":\"2026-01-01T00:00:00Z\","
	    "\"evaluation_number_min\":17,\"allow_debug\":true,\"allow_missing_crl\":true,\"allow_any_config\":true}");

	(void)state;
	assert_int_equal(policy->tees, ATTEST_TEE_BIT(ATTEST_TEE_SGX) | ATTEST_TEE_BIT(ATTEST_TEE_SEV_SNP));
	assert_int_equal(policy->measurement_count, 2);
	assert_int_equal(policy->measurements[0].size, 32);
	assert_int_equal(policy->measurements[1].size, 48);
	assert_int_equal(policy->measurements[1].data[47], 0x0f);
	assert_int_equal(policy->signer_count, 1);
	assert_int_equal(policy->svn_min, 3);
	assert_int_equal(policy->tcb_statuses,
			 ATTEST_TCB_BIT(ATTEST_TCB_UP_TO_DATE) | ATTEST_TCB_BIT(ATTEST_TCB_OUT_OF_DATE));
	assert_non_null(policy->advisories); /* none is acceptable */
	assert_int_equal(policy->advisory_count, 0);
	assert_int_equal(policy->tcb_date_min, 1704067200);
	assert_int_equal(policy->tcb_date_max, 1767225600);
	assert_int_equal(policy->evaluation_number_min, 17);
	assert_true(policy->allow_debug && policy->allow_missing_crl && policy->allow_any_config);
	attest_policy_free(policy);
}

static void test_sections(void **state)
{
	struct attest_policy *policy =
	    accepts("{\"version\":1,\"sgx\":{\"isvprodid\":0,\"configid\":\"" HEX64 "\",\"configsvn_min\":65535},"
		    "\"tdx\":{\"mrseams\":[\"" HEX48 "\"],\"rtmr3\":[\"" HEX48 "\"],\"mrconfigid\":\"" HEX48
		    "\",\"tee_tcb_svn_min\":\"" HEX16 "\",\"attributes_allowed\":\"0x20000000\","
		    "\"require_sept_ve_disable\":true},"
		    "\"sev_snp\":{\"policy_forbidden\":\"0x10000\",\"vmpls\":[0,\"host\"],\"host_data\":\"" HEX32
		    "\",\"fmc_min\":255,\"mitigations_current\":\"0xffffffffffffffff\",\"csp_id\":\"example\"}}");

	(void)state;
	assert_int_equal(*policy->sgx->isvprodid, 0);
	assert_int_equal(policy->sgx->configid[63], 0x0f);
	assert_int_equal(policy->sgx->configsvn_min, 65535);
	assert_null(policy->sgx->isvfamilyid);
	assert_int_equal(policy->tdx->mrseam_count, 1);
	assert_int_equal(policy->tdx->rtmr_counts[3], 1);
	assert_null(policy->tdx->rtmrs[0]);
	assert_int_equal(policy->tdx->attributes_allowed, 1u << 29);
	assert_true(policy->tdx->require_sept_ve_disable);
	assert_int_equal(policy->snp->policy_forbidden, 1u << 16);
	assert_int_equal(policy->snp->vmpls, ATTEST_VMPL_BIT(0) | ATTEST_VMPL_HOST_BIT);
	assert_int_equal(policy->snp->tcb_min.fmc, 255);
	assert_true(policy->snp->mitigations_current == UINT64_MAX);
	assert_string_equal(policy->snp->csp_id, "example");
	attest_policy_free(policy);
}

static void test_lists_of_objects(void **state)
{
	struct attest_policy *policy =
	    accepts("{\"version\":1,\"machines\":[{\"kind\":\"ppid-sha256\",\"id\":\"" HEX32
		    "\"},{\"kind\":\"platform-instance-id\",\"id\":\"" HEX16 "\"},{\"id\":\"" HEX64
		    "\",\"kind\":\"chip-id\"}],\"deny\":[{\"reason\":\"leaked keys\",\"fmspc\":\"00906ED50000\"},"
		    "{\"reason\":\"old\",\"tees\":[\"sev-snp\"],\"product\":\"Milan\"}],"
		    "\"exceptions\":[{\"reason\":\"BIOS in May\",\"until\":\"2026-06-01T00:00:00Z\","
		    "\"tcb_statuses\":[\"ConfigurationNeeded\"],\"advisories\":[\"INTEL-SA-00615\"],\"debug\":true}],"
		    "\"simulation_roots\":[\"-----BEGIN CERTIFICATE-----\\n\"]}");

	(void)state;
	assert_int_equal(policy->machine_count, 3);
	assert_int_equal(policy->machines[1].kind, ATTEST_MACHINE_PLATFORM_INSTANCE);
	assert_int_equal(policy->machines[2].id.size, 64);
	assert_int_equal(policy->denied_count, 2);
	assert_int_equal(policy->denied[0].fmspc[1], 0x90);
	assert_string_equal(policy->denied[1].product, "Milan");
	assert_int_equal(policy->exception_count, 1);
	assert_string_equal(policy->exceptions[0].reason, "BIOS in May");
	assert_string_equal(policy->exceptions[0].advisories[0], "INTEL-SA-00615");
	assert_true(policy->exceptions[0].debug);
	assert_int_equal(policy->simulation_root_count, 1);
	assert_int_equal(policy->simulation_roots[0].size, 28);
	attest_policy_free(policy);
}

/* Each text after {"version":1, and what the message names. */
static const struct {
	const char *members, *named;
} REFUSED[] = {
    {"\"mesurements\":[\"" HEX32 "\"]", "'mesurements' is not known"},
    {"\"svn_min\":1,\"svn_min\":1", "svn_min"},
    {"\"svn_min\":-1", "'svn_min'"},
    {"\"svn_min\":4294967296", "'svn_min'"},
    {"\"svn_min\":1.0", "'svn_min'"},
    {"\"measurements\":[]", "'measurements': expected"},
    {"\"measurements\":\"" HEX32 "\"", "'measurements'"},
    {"\"measurements\":[\"" HEX16 "\"]", "'measurements': element 0"},
    {"\"measurements\":[\"" HEX32 "\",\"" HEX32 "0\"]", "'measurements': element 1"},
    {"\"measurements\":[\"x" HEX32 "\"]", "'measurements': element 0"},
    {"\"measurements\":null", "'measurements'"},
    {"\"tees\":[\"sgx\",\"sgx\"]", "'tees'"},
    {"\"tees\":[\"SGX\"]", "'tees': element 0"},
    {"\"tees\":[]", "'tees': expected"},
    {"\"tees\":[\"tdx\"],\"sgx\":{}", "'tees'"},
    {"\"tcb_statuses\":[\"Uptodate\"]", "'tcb_statuses'"},
    {"\"tcb_statuses\":[\"Revoked\"]", "'tcb_statuses'"},
    {"\"tcb_date_min\":\"2026-02-30T00:00:00Z\"", "'tcb_date_min'"},
    {"\"tcb_date_min\":\"2026-02-01\"", "'tcb_date_min'"},
    {"\"tcb_date_min\":\"2026-02-01T00:00:00Z\",\"tcb_date_max\":\"2025-02-01T00:00:00Z\"", "'tcb_date_max'"},
    {"\"allow_debug\":1", "'allow_debug'"},
    {"\"advisories\":[\"\"]", "'advisories': element 0"},
    {"\"advisories\":[\"a\\nb\"]", "'advisories': element 0"},
    {"\"advisories\":[\"a\\u007f\"]", "'advisories': element 0"},
    {"\"advisories\":[\"\u00e9\"]", "'advisories': element 0"},
    {"\"advisories\":[\"" HEX64 HEX64 "\"]", NULL},
    {"\"advisories\":[\"" HEX64 HEX64 "0\"]", "'advisories': element 0"},
    {"\"tcb_date_min\":1", "'tcb_date_min'"},
    {"\"tcb_date_max\":\"1970-01-01T00:00:00Z\"", "'tcb_date_max'"},
    {"\"tcb_date_max\":\"1970-01-01T00:00:01Z\"", NULL},
    {"\"tcb_date_max\":\"yesterday\"", "'tcb_date_max'"},
    {"\"tcb_date_max\":1741737600", "'tcb_date_max'"},
    {"\"advisories\":{}", "'advisories'"},
    {"\"machines\":[{\"kind\":\"chip-id\",\"id\":\"\"}]", "'machines'"},
    {"\"machines\":[{\"kind\":\"chip-id\",\"id\":1}]", "'machines'"},
    {"\"machines\":[{\"kind\":\"chip-id\",\"id\":\"" HEX64 "00\"}]", "'machines': element 0: 'id'"},
    {"\"machines\":[{\"kind\":1,\"id\":\"" HEX64 "\"}]", "'machines': element 0: 'kind'"},
    {"\"machines\":[1]", "'machines': element 0"},
    {"\"deny\":[{\"reason\":1,\"fmspc\":\"00906ed50000\"}]", "'reason'"},
    {"\"deny\":[{\"reason\":\"x\",\"fmspc\":1}]", "'fmspc'"},
    {"\"measurements\":[1]", "'measurements': element 0"},
    {"\"tees\":[1]", "'tees': element 0"},
    {"\"tcb_statuses\":{}", "'tcb_statuses'"},
    {"\"machines\":[{\"kind\":\"chip-id\"}]", "'machines': element 0: 'id' is missing"},
    {"\"machines\":[{\"kind\":\"ppid\",\"id\":\"" HEX32 "\"}]", "'machines': element 0: 'kind'"},
    {"\"machines\":[{\"kind\":\"chip-id\",\"id\":\"" HEX32 "\"}]", "'machines'"},
    {"\"deny\":[{\"fmspc\":\"00906ed50000\"}]", "'deny': element 0: 'reason' is missing"},
    {"\"deny\":[{\"reason\":\"x\"}]", "'deny'"},
    {"\"deny\":[{\"reason\":\"x\",\"fmspc\":\"00906ed5\"}]", "'fmspc'"},
    {"\"deny\":[{\"reason\":\"x\",\"product\":\"Rome\"}]", "'deny'"},
    {"\"deny\":[{\"reason\":\"x\",\"tees\":[\"sev-snp\"],\"fmspc\":\"00906ed50000\"}]", "'fmspc'"},
    {"\"deny\":[{\"reason\":\"x\",\"tees\":[\"sev-snp\"],\"advisory\":\"y\"}]", "'advisory'"},
    {"\"deny\":[{\"reason\":\"x\",\"tees\":[\"sgx\",\"tdx\"],\"product\":\"Milan\"}]", "'product'"},
    {"\"tees\":[\"sgx\"],\"deny\":[{\"reason\":\"x\",\"tees\":[\"tdx\"]}]", "'tees'"},
    {"\"deny\":[{\"reason\":\"x\",\"product\":\"Milan\",\"fmspc\":\"00906ed50000\"}]", "'deny'"},
    {"\"exceptions\":[{\"reason\":\"x\",\"debug\":true}]", "'exceptions': element 0: 'until' is missing"},
    {"\"exceptions\":[{\"until\":\"2026-06-01T00:00:00Z\",\"debug\":true}]", "'reason' is missing"},
    {"\"exceptions\":[{\"reason\":\"\",\"until\":\"2026-06-01T00:00:00Z\",\"debug\":true}]", "'reason'"},
    {"\"exceptions\":[{\"reason\":\"x\",\"until\":\"2026-06-01T00:00:00Z\"}]", "'exceptions'"},
    {"\"exceptions\":[{\"reason\":\"x\",\"until\":\"2026-06-01T00:00:00Z\",\"tcb_statuses\":[\"Revoked\"]}]",
     "'exceptions'"},
    {"\"sgx\":{\"isvprodid\":65536}", "'sgx': 'isvprodid'"},
    {"\"sgx\":[]", "'sgx'"},
    {"\"sgx\":{\"mrenclave\":\"\"}", "'sgx': 'mrenclave' is not known"},
    {"\"tdx\":{\"rtmr0\":[\"" HEX32 "\"]}", "'rtmr0'"},
    {"\"tdx\":{\"attributes_allowed\":\"0x1\"}", "'attributes_allowed'"},
    {"\"tdx\":{\"attributes_allowed\":\"20\"}", "'attributes_allowed'"},
    {"\"tdx\":{\"attributes_allowed\":\"1x20000000\"}", "'attributes_allowed'"},
    {"\"tdx\":{\"attributes_allowed\":32}", "'attributes_allowed'"},
    {"\"tdx\":{\"attributes_allowed\":\"0x\"}", "'attributes_allowed'"},
    {"\"tdx\":{\"attributes_allowed\":\"0x2000000g\"}", "'attributes_allowed'"},
    {"\"sev_snp\":{\"policy_forbidden\":\"0x1000g\"}", "'policy_forbidden'"},
    {"\"tdx\":{\"attributes_allowed\":\"0x10000000000000000\"}", "'attributes_allowed'"},
    {"\"tdx\":{\"attributes_allowed\":\"0x-1\"}", "'attributes_allowed'"},
    {"\"sev_snp\":{\"vmpls\":[4]}", "'vmpls'"},
    {"\"sev_snp\":{\"vmpls\":[0,0]}", "'vmpls'"},
    {"\"sev_snp\":{\"vmpls\":[\"guest\"]}", "'vmpls'"},
    {"\"sev_snp\":{\"policy_required\":\"0x10000\",\"policy_forbidden\":\"0x10000\"}", "'policy_required'"},
    {"\"sev_snp\":{\"policy_required\":\"0x40000\"}", "'allow_migration_agent'"},
    {"\"sev_snp\":{\"platform_required\":\"0x1\",\"platform_forbidden\":\"0x1\"}", "'platform_required'"},
    {"\"sev_snp\":{\"csp_id\":\"\"}", "'csp_id'"},
    {"\"sev_snp\":{\"microcode_min\":256}", "'microcode_min'"},
    {"\"simulation_roots\":[]", "'simulation_roots': expected"},
    {"\"machines\":[]", "'machines': expected"},
    {"\"sev_snp\":{\"vmpls\":[]}", "'vmpls': expected"},
    {"\"sev_snp\":{\"vmpls\":0}", "'vmpls': expected"},
    {"\"simulation_roots\":[1]", "'simulation_roots': element 0"},
};

static void test_refused(void **state)
{
	char text[1024];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(REFUSED); i++) {
		(void)snprintf(text, sizeof(text), "{\"version\":1,%s}", REFUSED[i].members);
		if (REFUSED[i].named)
			refuses(text, REFUSED[i].named);
		else
			attest_policy_free(accepts(text)); /* just what the next one has too much of */
	}
	refuses("{}", "'version' is missing");
	refuses("{\"version\":2}", "'version'");
	refuses("{\"version\":\"1\"}", "'version'");
	refuses("[]", "object");
	refuses("{\"version\":1} x", "line");
	refuses("", "line");
}

static void test_limits(void **state)
{
	struct attest_policy *policy = NULL;
	char *text = test_malloc(ATTEST_POLICY_SIZE_MAX + 2);
	struct attest_bytes bytes = {(const uint8_t *)text, ATTEST_POLICY_SIZE_MAX};
	char why[ATTEST_TEXT_SIZE];

	(void)state;
	memset(text, ' ', ATTEST_POLICY_SIZE_MAX + 2);
	memcpy(text, "{\"version\":1}", 13);
	assert_int_equal(attest_policy_parse(&bytes, &policy, why), 0);
	attest_policy_free(policy);
	policy = NULL;
	bytes.size++;
	assert_int_equal(attest_policy_parse(&bytes, &policy, why), -1);
	assert_null(policy);
	assert_int_equal(attest_policy_parse(NULL, &policy, why), -1);
	assert_int_equal(attest_policy_parse(&bytes, NULL, why), -1);
	assert_int_equal(attest_policy_parse(&bytes, &policy, NULL), -1);
	test_free(text);
}

/* A list may have that many elements, and not one more. */
static void check_limit(const char *name, const char *element, size_t most)
{
	for (size_t more = 0; more < 2; more++) {
		struct attest_policy *policy = NULL;
		struct buf text = BUF_INIT(ATTEST_POLICY_SIZE_MAX);
		struct attest_bytes bytes;
		struct err err = ERR_INIT;
		char why[ATTEST_TEXT_SIZE];

		assert_ok(buf_addf(&text, &err, "{\"version\":1,\"%s\":[%s", name, element), &err);
		for (size_t i = 1; i < most + more; i++)
			assert_ok(buf_addf(&text, &err, ",%s", element), &err);
		assert_ok(buf_add_text(&text, "]}", &err), &err);
		bytes = (struct attest_bytes){text.data, text.size};
		assert_int_equal(attest_policy_parse(&bytes, &policy, why), more ? -1 : 0);
		attest_policy_free(policy);
		buf_done(&text);
	}
}

static void test_list_limit(void **state)
{
	(void)state;
	check_limit("advisories", "\"x\"", ATTEST_POLICY_LIST_MAX);
	check_limit("measurements", "\"" HEX32 "\"", ATTEST_POLICY_LIST_MAX);
	check_limit("deny", "{\"reason\":\"x\",\"advisory\":\"y\"}", ATTEST_POLICY_LIST_MAX);
	check_limit("simulation_roots", "\"x\"", 16);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_strict),     cmocka_unit_test(test_common_members),
	    cmocka_unit_test(test_sections),   cmocka_unit_test(test_lists_of_objects),
	    cmocka_unit_test(test_refused),    cmocka_unit_test(test_limits),
	    cmocka_unit_test(test_list_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
