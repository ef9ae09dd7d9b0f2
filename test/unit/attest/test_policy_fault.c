/* SPDX-License-Identifier: Apache-2.0 */
/* A policy that cannot be enforced, one fault each: it is named, and without the fault the policy is fine. */
#include "unit.h"

#include <string.h>

#include "attest/policy.h"

#define UNTIL 1750000000

static void expect(const struct attest_policy *policy, const char *named)
{
	const char *fault = policy_find_fault(policy);

	if (!named && fault)
		fail_msg("refused: %s", fault);
	if (named && !fault)
		fail_msg("not refused: %s", named);
	if (named && !strstr(fault, named))
		fail_msg("'%s' does not name '%s'", fault, named);
}

/* One element of a list. */
#define MEASUREMENTS(bytes) \
	&(const struct attest_measurement) \
	{ \
		.size = (bytes) \
	}

static void test_lists(void **state)
{
	static const char *const NAMED[] = {"x"};
	static const char *const EMPTY[] = {""};
	static const char *const NONE[] = {NULL};
	static const struct attest_policy_machine MACHINE = {.kind = ATTEST_MACHINE_PPID, .id = {.size = 32}};
	static const struct attest_deny DENY = {.reason = "x", .tees = 1};
	static const struct attest_exception EXCEPTION = {.reason = "x", .until = UNTIL, .debug = true};
	static const struct attest_bytes ROOT = {(const uint8_t *)"x", 1};

	(void)state;
	expect(&(struct attest_policy){0}, NULL);
	expect(&(struct attest_policy){.measurements = MEASUREMENTS(32), .measurement_count = 1}, NULL);
	expect(&(struct attest_policy){.measurements = MEASUREMENTS(48), .measurement_count = 1}, NULL);
	expect(&(struct attest_policy){.measurements = MEASUREMENTS(33), .measurement_count = 1}, "'measurements'");
	expect(&(struct attest_policy){.measurements = MEASUREMENTS(0), .measurement_count = 1}, "'measurements'");
	expect(&(struct attest_policy){.measurements = MEASUREMENTS(32)}, "'measurements'");
	expect(&(struct attest_policy){.measurement_count = 1}, "'measurements'");
	expect(&(struct attest_policy){.signers = MEASUREMENTS(32), .signer_count = 1}, NULL);
	expect(&(struct attest_policy){.signers = MEASUREMENTS(31), .signer_count = 1}, "'signers'");
	expect(&(struct attest_policy){.signer_count = 1}, "'signers'");
	expect(&(struct attest_policy){.advisories = NAMED}, NULL); /* none is acceptable */
	expect(&(struct attest_policy){.advisories = NAMED, .advisory_count = 1}, NULL);
	expect(&(struct attest_policy){.advisories = EMPTY, .advisory_count = 1}, "'advisories'");
	expect(&(struct attest_policy){.advisories = NONE, .advisory_count = 1}, "'advisories'");
	expect(&(struct attest_policy){.advisory_count = 1}, "'advisories'");
	expect(&(struct attest_policy){.machines = &MACHINE, .machine_count = 1}, NULL);
	expect(&(struct attest_policy){.machines = &MACHINE}, "'machines'");
	expect(&(struct attest_policy){.machine_count = 1}, "'machines'");
	expect(&(struct attest_policy){.denied = &DENY, .denied_count = 1}, NULL);
	expect(&(struct attest_policy){.denied = &DENY}, "'deny'");
	expect(&(struct attest_policy){.denied_count = 1}, "'deny'");
	expect(&(struct attest_policy){.exceptions = &EXCEPTION, .exception_count = 1}, NULL);
	expect(&(struct attest_policy){.exceptions = &EXCEPTION}, "'exceptions'");
	expect(&(struct attest_policy){.exception_count = 1}, "'exceptions'");
	expect(&(struct attest_policy){.simulation_roots = &ROOT, .simulation_root_count = 1}, NULL);
	expect(&(struct attest_policy){.simulation_roots = &ROOT}, "'simulation_roots'");
	expect(&(struct attest_policy){.simulation_root_count = 1}, "'simulation_roots'");
}

static void test_values(void **state)
{
	static const struct attest_policy_sgx SGX = {0};
	static const struct attest_policy_tdx TDX = {0};
	static const struct attest_policy_snp SNP = {0};
	const uint32_t all_statuses = ATTEST_TCB_BIT(ATTEST_TCB_REVOKED) - 1;

	(void)state;
	expect(&(struct attest_policy){.tees = 7}, NULL);
	expect(&(struct attest_policy){.tees = 8}, "'tees' has an unknown one");
	expect(&(struct attest_policy){.tees = 9}, "'tees' has an unknown one");
	expect(&(struct attest_policy){.tees = 1, .sgx = &SGX}, NULL);
	expect(&(struct attest_policy){.tees = 6, .sgx = &SGX}, "'tees' lacks");
	expect(&(struct attest_policy){.tees = 2, .tdx = &TDX}, NULL);
	expect(&(struct attest_policy){.tees = 5, .tdx = &TDX}, "'tees' lacks");
	expect(&(struct attest_policy){.tees = 4, .snp = &SNP}, NULL);
	expect(&(struct attest_policy){.tees = 3, .snp = &SNP}, "'tees' lacks");
	expect(&(struct attest_policy){.sgx = &SGX, .tdx = &TDX, .snp = &SNP}, NULL);
	expect(&(struct attest_policy){.tcb_statuses = all_statuses}, NULL);
	expect(&(struct attest_policy){.tcb_statuses = all_statuses + 1}, "allows Revoked");
	expect(&(struct attest_policy){.tcb_statuses = 1u << 31}, "'tcb_statuses' has an unknown one");
	expect(&(struct attest_policy){.tcb_date_min = 5, .tcb_date_max = 5}, NULL);
	expect(&(struct attest_policy){.tcb_date_min = 5}, NULL);
	expect(&(struct attest_policy){.tcb_date_min = 6, .tcb_date_max = 5}, "'tcb_date_max'");
	expect(&(struct attest_policy){.tcb_date_min = -1}, "'tcb_date_min'");
	expect(&(struct attest_policy){.tcb_date_min = -2, .tcb_date_max = -1}, "'tcb_date_min'");
}

static void test_exceptions(void **state)
{
	static const char *const NAMED[] = {"x"};
	static const char *const EMPTY[] = {""};
	static const struct {
		const char *named;
		struct attest_exception exception;
	} CASES[] = {
	    {NULL, {.reason = "x", .until = 1, .debug = true}},
	    {NULL, {.reason = "x", .until = UNTIL, .tcb_statuses = 1}},
	    {NULL, {.reason = "x", .until = UNTIL, .advisories = NAMED, .advisory_count = 1}},
	    {"no reason", {.until = UNTIL, .debug = true}},
	    {"no reason", {.reason = "", .until = UNTIL, .debug = true}},
	    {"no date", {.reason = "x", .debug = true}},
	    {"no date", {.reason = "x", .until = -1, .debug = true}},
	    {"unknown TCB status", {.reason = "x", .until = UNTIL, .tcb_statuses = 1u << 31}},
	    {"allows Revoked", {.reason = "x", .until = UNTIL, .tcb_statuses = ATTEST_TCB_BIT(ATTEST_TCB_REVOKED)}},
	    {"advisory", {.reason = "x", .until = UNTIL, .advisories = EMPTY, .advisory_count = 1}},
	    {"advisory", {.reason = "x", .until = UNTIL, .advisory_count = 1}},
	    {"allows nothing", {.reason = "x", .until = UNTIL}},
	};
	struct attest_exception many[33];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(CASES); i++) {
		const struct attest_exception list[] = {CASES[0].exception, CASES[i].exception};

		expect(&(struct attest_policy){.exceptions = list, .exception_count = 2}, CASES[i].named);
	}
	for (size_t i = 0; i < COUNT_OF(many); i++)
		many[i] = CASES[0].exception;
	expect(&(struct attest_policy){.exceptions = many, .exception_count = 32}, NULL);
	expect(&(struct attest_policy){.exceptions = many, .exception_count = 33}, "more than 32");
}

static void test_deny(void **state)
{
	static const uint8_t FMSPC[6] = {0};
	static const struct {
		const char *named;
		struct attest_deny rule;
	} CASES[] = {
	    {NULL, {.reason = "x", .tees = 7}},
	    {NULL, {.reason = "x", .fmspc = FMSPC, .advisory = "x"}},
	    {NULL, {.reason = "x", .product = "Milan"}},
	    {NULL, {.reason = "x", .product = "Genoa"}},
	    {NULL, {.reason = "x", .product = "Turin"}},
	    {NULL, {.reason = "x", .advisory = "x"}},
	    {"no reason", {.tees = 1}},
	    {"no reason", {.reason = "", .tees = 1}},
	    {"unknown TEE", {.reason = "x", .tees = 8}},
	    {"names nothing", {.reason = "x"}},
	    {"together", {.reason = "x", .product = "Milan", .fmspc = FMSPC}},
	    {"together", {.reason = "x", .product = "Milan", .advisory = "x"}},
	    {"unknown product", {.reason = "x", .product = "milan"}},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(CASES); i++) {
		const struct attest_deny list[] = {CASES[0].rule, CASES[i].rule};

		expect(&(struct attest_policy){.denied = list, .denied_count = 2}, CASES[i].named);
	}
}

/* A rule that no evidence can meet: beside what the rule itself names, the policy's TEEs count. */
static void test_idle_deny(void **state)
{
	static const uint8_t FMSPC[6] = {0};
	static const struct attest_policy_snp SNP = {0};
	enum { SGX_BIT = 1, TDX_BIT = 2, SNP_BIT = 4 };
	static const struct {
		const char *named;
		uint32_t tees; /* of the policy */
		struct attest_deny rule;
	} CASES[] = {
	    {"'fmspc'", 0, {.reason = "x", .tees = SNP_BIT, .fmspc = FMSPC}},
	    {NULL, 0, {.reason = "x", .tees = SNP_BIT | SGX_BIT, .fmspc = FMSPC}},
	    {NULL, 0, {.reason = "x", .tees = TDX_BIT, .fmspc = FMSPC}},
	    {"'advisory'", 0, {.reason = "x", .tees = SNP_BIT, .advisory = "x"}},
	    {NULL, 0, {.reason = "x", .tees = SNP_BIT | TDX_BIT, .advisory = "x"}},
	    {"'product'", 0, {.reason = "x", .tees = SGX_BIT | TDX_BIT, .product = "Milan"}},
	    {NULL, 0, {.reason = "x", .tees = SGX_BIT | SNP_BIT, .product = "Milan"}},
	    {"none that the policy allows", SGX_BIT | SNP_BIT, {.reason = "x", .tees = TDX_BIT}},
	    {NULL, SGX_BIT | SNP_BIT, {.reason = "x", .tees = TDX_BIT | SGX_BIT}},
	    {"'product'", SGX_BIT | TDX_BIT, {.reason = "x", .product = "Milan"}},
	    {"'product'", SGX_BIT | TDX_BIT, {.reason = "x", .tees = SNP_BIT | SGX_BIT, .product = "Milan"}},
	    {NULL, SNP_BIT, {.reason = "x", .product = "Milan"}},
	    {"'fmspc'", SNP_BIT, {.reason = "x", .fmspc = FMSPC}},
	    {"'advisory'", SNP_BIT, {.reason = "x", .advisory = "x"}},
	    {NULL, TDX_BIT, {.reason = "x", .advisory = "x", .fmspc = FMSPC}},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(CASES); i++)
		expect(&(struct attest_policy){.tees = CASES[i].tees, .denied = &CASES[i].rule, .denied_count = 1},
		       CASES[i].named);
	/* The TEEs of its sections are those that it allows. */
	expect(&(struct attest_policy){.snp = &SNP, .denied = &CASES[2].rule, .denied_count = 1},
	       "none that the policy allows");
}

static void test_machines(void **state)
{
	static const struct {
		const char *named;
		struct attest_policy_machine machine;
	} CASES[] = {
	    {NULL, {.kind = ATTEST_MACHINE_PPID, .id = {.size = 32}}},
	    {NULL, {.kind = ATTEST_MACHINE_PLATFORM_INSTANCE, .id = {.size = 16}}},
	    {NULL, {.kind = ATTEST_MACHINE_CHIP_ID, .id = {.size = 64}}},
	    {"size", {.kind = ATTEST_MACHINE_PPID, .id = {.size = 64}}},
	    {"size", {.kind = ATTEST_MACHINE_PLATFORM_INSTANCE, .id = {.size = 32}}},
	    {"size", {.kind = ATTEST_MACHINE_CHIP_ID, .id = {.size = 8}}},
	    {"no known kind", {.kind = (enum attest_machine_kind)3, .id = {.size = 32}}},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(CASES); i++)
		expect(&(struct attest_policy){.machines = &CASES[i].machine, .machine_count = 1}, CASES[i].named);
}

static void test_tdx(void **state)
{
	const struct {
		const char *named;
		struct attest_policy_tdx tdx;
	} cases[] = {
	    {NULL, {.mrseams = MEASUREMENTS(48), .mrseam_count = 1}},
	    {"'mrseams'", {.mrseams = MEASUREMENTS(32), .mrseam_count = 1}},
	    {"'mrseams'", {.mrseam_count = 1}},
	    {NULL, {.rtmrs = {[3] = MEASUREMENTS(48)}, .rtmr_counts = {[3] = 1}}},
	    {"'rtmr3'", {.rtmrs = {[3] = MEASUREMENTS(32)}, .rtmr_counts = {[3] = 1}}},
	    {"'rtmr3'", {.rtmr_counts = {[0] = 1}}},
	    {NULL, {.attributes_allowed = 0x7fffffff2ffffffeULL & ~(1ULL << 28)}},
	    {"'attributes_allowed'", {.attributes_allowed = 1}},
	    {"'attributes_allowed'", {.attributes_allowed = 1ULL << 30}},
	    {"'attributes_allowed'", {.attributes_allowed = 1ULL << 63}},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++)
		expect(&(struct attest_policy){.tdx = &cases[i].tdx}, cases[i].named);
}

static void test_snp(void **state)
{
	const struct {
		const char *named;
		struct attest_policy_snp snp;
	} cases[] = {
	    {NULL, {.policy_required = 1, .policy_forbidden = 2, .vmpls = 0x1f, .csp_id = "x"}},
	    {"'policy_forbidden'", {.policy_required = 3, .policy_forbidden = 2}},
	    {NULL, {.policy_required = 1u << 18, .allow_migration_agent = true}},
	    {"'allow_migration_agent'", {.policy_required = 1u << 18}},
	    {"'platform_forbidden'", {.platform_required = 3, .platform_forbidden = 2}},
	    {NULL, {.platform_required = 1, .platform_forbidden = 2}},
	    {"'vmpls'", {.vmpls = 0x20}},
	    {NULL, {.author_keys = MEASUREMENTS(48), .author_key_count = 1}},
	    {"'author_keys'", {.author_keys = MEASUREMENTS(32), .author_key_count = 1}},
	    {"'author_keys'", {.author_key_count = 1}},
	    {"'csp_id'", {.csp_id = ""}},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++)
		expect(&(struct attest_policy){.snp = &cases[i].snp}, cases[i].named);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_lists), cmocka_unit_test(test_values),    cmocka_unit_test(test_exceptions),
	    cmocka_unit_test(test_deny),  cmocka_unit_test(test_idle_deny), cmocka_unit_test(test_machines),
	    cmocka_unit_test(test_tdx),   cmocka_unit_test(test_snp),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
