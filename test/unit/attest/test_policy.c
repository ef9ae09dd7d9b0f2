/* SPDX-License-Identifier: Apache-2.0 */
/* Appraisal: attestation-evidence.md section 5 cases 40 to 44, section 7 "Policy"; what the public interface refuses to
 * do. */
#include "unit.h"

#include <string.h>

#include "attest/tcb.h"
#include "attest/trust.h"
#include "sgx_setup.h"

static void use_exception(const struct attest_exception *exception)
{
	question.policy.exceptions = exception;
	question.policy.exception_count = 1;
}

static void test_debug(void **state)
{
	struct attest_exception exception = {.reason = "lab", .until = TEST_TIME, .debug = true};
	struct attest_verdict *verdict;

	(void)state;
	e.report[48] |= 0x02;
	build();
	test_expect(&question, "debug");
	use_exception(&exception);
	verdict = test_judge(&question);
	assert_true(verdict->accepted);
	assert_non_null(strstr(test_find_check(verdict, "debug")->text, "exception 'lab'"));
	assert_int_equal(verdict->valid_until, TEST_TIME); /* an exception that was used bounds the verdict */
	attest_verdict_free(verdict);
	exception.until = TEST_TIME - 1;
	test_expect(&question, "debug");
	exception.until = TEST_TIME;
	exception.debug = false;
	exception.tcb_statuses = ATTEST_TCB_BIT(ATTEST_TCB_OUT_OF_DATE);
	test_expect(&question, "debug");
}

static void test_measurement(void **state)
{
	struct attest_measurement list[2] = {{.size = 32}, {.size = 32}};

	(void)state;
	build();
	memset(list[0].data, 0x99, 32);
	memset(list[1].data, 0x11, 32);
	question.policy.measurements = list;
	question.policy.measurement_count = 2;
	test_expect(&question, "none");
	list[1].data[31] ^= 1;
	test_expect(&question, "measurement");
	list[1].data[31] ^= 1;
	list[1].size = 48; /* as of another TEE */
	test_expect(&question, "measurement");
	question.policy.measurements = NULL;
	question.policy.measurement_count = 0;
	memset(list[0].data, 0x22, 32);
	question.policy.signers = list;
	question.policy.signer_count = 1;
	test_expect(&question, "none");
	list[0].data[0] ^= 0x80;
	test_expect(&question, "measurement");
}

static void test_product_and_svn(void **state)
{
	uint16_t product = 1;
	const struct attest_policy_sgx sgx = {.isvprodid = &product};
	struct attest_verdict *verdict;

	(void)state;
	build();
	question.policy.sgx = &sgx;
	verdict = test_judge(&question); /* without a minimum, too, there is an SVN */
	assert_int_equal(test_find_check(verdict, "svn")->result, ATTEST_PASSED);
	attest_verdict_free(verdict);
	question.policy.svn_min = 10;
	test_expect(&question, "none");
	question.policy.svn_min = 11;
	test_expect(&question, "svn");
	product = 2;
	test_expect(&question, "measurement"); /* before svn */
}

static void test_tcb_status(void **state)
{
	struct attest_exception exception = {
	    .reason = "BIOS in May", .until = TEST_TIME, .tcb_statuses = ATTEST_TCB_BIT(ATTEST_TCB_OUT_OF_DATE)};

	(void)state;
	e.pck.components[0] = 6;
	build();
	test_expect(&question, "tcb-status");
	use_exception(&exception);
	test_expect(&question, "none");
	exception.tcb_statuses = ATTEST_TCB_BIT(ATTEST_TCB_CONFIGURATION_NEEDED);
	test_expect(&question, "tcb-status");
	again();
	/* An exception never reaches Revoked. */
	e.pck.components[0] = 4;
	build();
	exception.tcb_statuses = ATTEST_TCB_BIT(ATTEST_TCB_REVOKED) - 1;
	use_exception(&exception);
	test_expect(&question, "tcb-revoked");
	again();
	test_replace(e.tcb_info_body, sizeof(e.tcb_info_body), "\"UpToDate\"", "\"SWHardeningNeeded\"");
	build();
	test_expect(&question, "none");
	again();
	test_replace(e.tcb_info_body, sizeof(e.tcb_info_body), "\"UpToDate\"", "\"ConfigurationNeeded\"");
	build();
	test_expect(&question, "tcb-status");
}

static void test_advisories(void **state)
{
	static const char *const BOTH[] = {"INTEL-SA-00001", "INTEL-SA-00002"};
	const struct attest_exception exception = {
	    .reason = "old", .until = TEST_TIME, .tcb_statuses = ATTEST_TCB_BIT(ATTEST_TCB_OUT_OF_DATE)};

	(void)state;
	e.pck.components[0] = 6;
	build();
	use_exception(&exception);
	question.policy.advisories = BOTH;
	question.policy.advisory_count = 2;
	test_expect(&question, "none");
	question.policy.advisory_count = 1;
	test_expect(&question, "tcb-status");
	question.policy.advisory_count = 0; /* none at all */
	test_expect(&question, "tcb-status");
}

static void test_floors(void **state)
{
	(void)state;
	build();
	question.policy.tcb_date_min = 1741737600; /* 2025-03-12 */
	question.policy.evaluation_number_min = 17;
	test_expect(&question, "none");
	question.policy.evaluation_number_min = 18; /* of TCB info 17, of QE identity 18 */
	test_expect(&question, "tcb-status");
	question.policy.evaluation_number_min = 17;
	question.policy.tcb_date_min = 1741737601;
	test_expect(&question, "tcb-status");
}

/* A quoting enclave that is not at its newest level counts with that level's date, 2021-11-10. */
static void test_date_of_an_old_quoting_enclave(void **state)
{
	(void)state;
	e.qe_report[258] = 6; /* ISVSVN */
	build();
	question.policy.tcb_statuses = ATTEST_TCB_BIT(ATTEST_TCB_OUT_OF_DATE);
	test_expect(&question, "none");
	question.policy.tcb_date_min = 1636502400;
	test_expect(&question, "none");
	question.policy.tcb_date_min = 1636502401;
	test_expect(&question, "tcb-status");
}

static void test_machine(void **state)
{
	struct attest_verdict *verdict;
	struct attest_policy_machine machine = {.kind = ATTEST_MACHINE_PPID, .id = {.size = 32}};

	(void)state;
	build();
	verdict = test_judge(&question);
	memcpy(machine.id.data, verdict->facts.machine.data, 32);
	attest_verdict_free(verdict);
	question.policy.machines = &machine;
	question.policy.machine_count = 1;
	test_expect(&question, "none");
	machine.id.data[0] ^= 1;
	test_expect(&question, "machine");
}

/* debug, measurement, svn, tcb-status, machine, binding: the first of those that fail. */
static void test_order(void **state)
{
	static const char *const ORDER[] = {"debug", "measurement", "svn", "tcb-status", "machine", "binding", "none"};
	const struct attest_exception exception = {
	    .reason = "all", .until = TEST_TIME, .debug = true, .tcb_statuses = ATTEST_TCB_BIT(ATTEST_TCB_REVOKED) - 1};
	const struct attest_exception no_status = {.reason = "debug only", .until = TEST_TIME, .debug = true};
	struct attest_measurement measurement = {.size = 32};
	struct attest_policy_machine machine = {.kind = ATTEST_MACHINE_PPID, .id = {.size = 32}};

	(void)state;
	e.report[48] |= 0x02;
	e.pck.components[0] = 6;
	build();
	for (size_t i = 0; i < COUNT_OF(ORDER); i++) {
		const struct attest_verdict *verdict;

		question.policy = (struct attest_policy){
		    .measurements = i < 2 ? &measurement : NULL,
		    .measurement_count = i < 2 ? 1 : 0,
		    .svn_min = i < 3 ? 11 : 0,
		    .machines = i < 5 ? &machine : NULL,
		    .machine_count = i < 5 ? 1 : 0,
		};
		if (i > 0)
			use_exception(i < 4 ? &no_status : &exception);
		question.report_data[5] = i < 6 ? 0 : 0x33;
		test_expect(&question, ORDER[i]);
		verdict = test_judge(&question);
		assert_true(verdict->authentic);
		attest_verdict_free((struct attest_verdict *)verdict);
	}
}

static void refuses(const struct attest_policy *policy)
{
	const struct attest_collateral_bytes none = {0};
	const struct attest_evidence evidence = {question.quote};
	const struct attest_binding binding = {.report_data = {question.report_data, 64}};
	struct attest_collateral *collateral = NULL;
	struct attest_verdict *verdict = NULL;
	const char *why = NULL;

	assert_int_equal(attest_collateral_new(&none, &collateral, &why), 0);
	assert_int_equal(attest_verify(&evidence, &binding, collateral, NULL, TEST_TIME, policy, &verdict, &why), -1);
	assert_non_null(why);
	assert_null(verdict);
	attest_collateral_free(collateral);
}

/* A policy that cannot be enforced, or whose lists are empty by mistake, gives no verdict at all. */
static void test_bad_policies(void **state)
{
	const struct attest_measurement empty = {.size = 0};
	const struct attest_measurement large = {.size = ATTEST_MEASUREMENT_SIZE_MAX + 1};
	const struct attest_policy_machine no_machine = {.id = {.size = ATTEST_MACHINE_SIZE_MAX + 1}};
	const struct attest_exception unnamed = {.until = TEST_TIME};
	const struct attest_exception undated = {.reason = "x"};
	const struct attest_exception revoked = {
	    .reason = "x", .until = TEST_TIME, .tcb_statuses = ATTEST_TCB_BIT(ATTEST_TCB_REVOKED)};
	const struct attest_exception unknown = {.reason = "x", .until = TEST_TIME, .tcb_statuses = 1u << 31};
	const struct attest_bytes garbage = {(const uint8_t *)"garbage", 7};

	(void)state;
	build();
	refuses(&(struct attest_policy){.measurements = &empty});
	refuses(&(struct attest_policy){.measurement_count = 1});
	refuses(&(struct attest_policy){.measurements = &empty, .measurement_count = 1});
	refuses(&(struct attest_policy){.measurements = &large, .measurement_count = 1});
	refuses(&(struct attest_policy){.signers = &empty});
	refuses(&(struct attest_policy){.machines = &no_machine});
	refuses(&(struct attest_policy){.machines = &no_machine, .machine_count = 1});
	refuses(&(struct attest_policy){.advisory_count = 1});
	refuses(&(struct attest_policy){.exceptions = &unnamed, .exception_count = 1});
	refuses(&(struct attest_policy){.exceptions = &undated, .exception_count = 1});
	refuses(&(struct attest_policy){.exceptions = &revoked, .exception_count = 1});
	refuses(&(struct attest_policy){.exceptions = &unknown, .exception_count = 1});
	refuses(&(struct attest_policy){.simulation_root_count = 1});
	refuses(&(struct attest_policy){.simulation_roots = &garbage, .simulation_root_count = 1});
}

/* attested-channel.md section 11 test 17: no call without the expected REPORTDATA, and none with an empty one. */
static void test_no_binding_no_verdict(void **state)
{
	const struct attest_collateral_bytes none = {0};
	const struct attest_bytes wrong[] = {{NULL, 0},
					     {NULL, 64},
					     {question.report_data, 0},
					     {question.report_data, 32},
					     {question.report_data, 63},
					     {question.report_data, 65}};
	struct attest_collateral *collateral = NULL;
	struct attest_verdict *verdict = NULL;
	const char *why = NULL;

	(void)state;
	build();
	assert_int_equal(attest_collateral_new(&none, &collateral, &why), 0);
	assert_int_equal(attest_verify(&(struct attest_evidence){question.quote}, NULL, collateral, NULL, TEST_TIME,
				       NULL, &verdict, &why),
			 -1);
	for (size_t i = 0; i < COUNT_OF(wrong); i++) {
		const struct attest_binding binding = {wrong[i]};

		assert_int_equal(attest_verify(&(struct attest_evidence){question.quote}, &binding, collateral, NULL,
					       TEST_TIME, NULL, &verdict, &why),
				 -1);
	}
	assert_int_equal(attest_verify(&(struct attest_evidence){question.quote},
				       &(struct attest_binding){{question.report_data, 64}, true}, collateral, NULL,
				       TEST_TIME, NULL, &verdict, &why),
			 -1);
	assert_null(verdict);
	assert_non_null(why);
	attest_collateral_free(collateral);
}

static void test_missing_arguments(void **state)
{
	const struct attest_binding binding = {.report_data = {question.report_data, 64}};
	const struct attest_collateral_bytes none = {0};
	struct attest_collateral *collateral = NULL;
	struct attest_verdict *verdict = NULL;
	const char *why = NULL;

	(void)state;
	build();
	assert_int_equal(attest_collateral_new(NULL, &collateral, &why), -1);
	assert_int_equal(attest_collateral_new(&none, NULL, &why), -1);
	assert_int_equal(attest_collateral_new(&none, &collateral, NULL), -1);
	assert_int_equal(attest_collateral_new(&none, &collateral, &why), 0);
	assert_int_equal(attest_verify(NULL, &binding, collateral, NULL, TEST_TIME, NULL, &verdict, &why), -1);
	assert_int_equal(attest_verify(&(struct attest_evidence){question.quote}, &binding, NULL, NULL, TEST_TIME, NULL,
				       &verdict, &why),
			 -1);
	assert_int_equal(attest_verify(&(struct attest_evidence){question.quote}, &binding, collateral, NULL, 0, NULL,
				       &verdict, &why),
			 -1);
	assert_int_equal(attest_verify(&(struct attest_evidence){question.quote}, &binding, collateral, NULL, TEST_TIME,
				       NULL, NULL, &why),
			 -1);
	assert_int_equal(attest_verify(&(struct attest_evidence){question.quote}, &binding, collateral, NULL, TEST_TIME,
				       NULL, &verdict, NULL),
			 -1);
	assert_int_equal(attest_verify(&(struct attest_evidence){question.quote}, &binding, collateral,
				       &(struct attest_roots){.hardware_count = 1}, TEST_TIME, NULL, &verdict, &why),
			 -1);
	assert_string_equal(why, "the roots are missing");
	assert_null(verdict);
	attest_collateral_free(collateral);
	attest_collateral_free(NULL);
	attest_verdict_free(NULL);
}

static int judge_by_root(const struct attest_bytes *root, struct attest_verdict **ret_verdict)
{
	const struct attest_roots roots = {.hardware = root, .hardware_count = 1};
	const struct attest_collateral_bytes none = {0};
	struct attest_collateral *collateral = NULL;
	const char *why = NULL;
	int status;

	assert_int_equal(attest_collateral_new(&none, &collateral, &why), 0);
	status = attest_verify(&(struct attest_evidence){question.quote},
			       &(struct attest_binding){{question.report_data, 64}}, collateral, &roots, TEST_TIME,
			       NULL, ret_verdict, &why);
	attest_collateral_free(collateral);
	return status;
}

/* One certificate and nothing else, or there is no verdict. */
static void test_unreadable_roots(void **state)
{
	static const char *const ENDS[] = {"-----BEGIN CERTIFICATE-----\nAAA=\n", "-----BEGIN CERTIFICATE-----\n!\n",
					   "x", NULL};
	struct attest_verdict *verdict = NULL;
	struct buf pem = BUF_INIT(1u << 16);
	struct err err = ERR_INIT;

	(void)state;
	build();
	test_pem(&e.root_der, &pem);
	assert_int_equal(judge_by_root(&(struct attest_bytes){pem.data, pem.size}, &verdict), 0);
	attest_verdict_free(verdict);
	verdict = NULL;
	assert_int_equal(judge_by_root(&(struct attest_bytes){NULL, pem.size}, &verdict), -1);
	assert_int_equal(judge_by_root(&(struct attest_bytes){pem.data, 0}, &verdict), -1);
	assert_int_equal(judge_by_root(&(struct attest_bytes){pem.data, pem.size - 30}, &verdict), -1);
	for (size_t i = 0; ENDS[i]; i++) {
		const size_t size = pem.size;

		assert_ok(buf_add_text(&pem, ENDS[i], &err), &err);
		assert_int_equal(judge_by_root(&(struct attest_bytes){pem.data, pem.size}, &verdict), -1);
		pem.size = size;
	}
	test_pem(&e.root_der, &pem);
	assert_int_equal(judge_by_root(&(struct attest_bytes){pem.data, pem.size}, &verdict), -1);
	assert_null(verdict);
	buf_done(&pem);
}

static void test_too_many_roots(void **state)
{
	struct attest_bytes roots[TRUST_ROOTS_MAX + 1];
	const struct attest_collateral_bytes none = {0};
	struct attest_collateral *collateral = NULL;
	struct attest_verdict *verdict = NULL;
	const char *why = NULL;

	(void)state;
	build();
	for (size_t i = 0; i < COUNT_OF(roots); i++)
		roots[i] = question.root;
	assert_int_equal(attest_collateral_new(&none, &collateral, &why), 0);
	for (size_t i = 0; i < 3; i++) {
		const struct attest_roots given = {
		    .hardware = roots, .hardware_count = TRUST_ROOTS_MAX + i - 1, .no_vendor_roots = true};

		assert_int_equal(attest_verify(&(struct attest_evidence){question.quote},
					       &(struct attest_binding){{question.report_data, 64}}, collateral, &given,
					       TEST_TIME, NULL, &verdict, &why),
				 i < 2 ? 0 : -1);
		attest_verdict_free(verdict);
		verdict = NULL;
	}
	attest_collateral_free(collateral);
}

/* The table of attestation-evidence.md section 2 step 12, whole. */
static void test_converge(void **state)
{
	static const enum attest_tcb_status OUT_OF_DATE[] = {
	    [ATTEST_TCB_UP_TO_DATE] = ATTEST_TCB_OUT_OF_DATE,
	    [ATTEST_TCB_SW_HARDENING_NEEDED] = ATTEST_TCB_OUT_OF_DATE,
	    [ATTEST_TCB_CONFIGURATION_NEEDED] = ATTEST_TCB_OUT_OF_DATE_CONFIGURATION_NEEDED,
	    [ATTEST_TCB_CONFIGURATION_AND_SW_HARDENING_NEEDED] = ATTEST_TCB_OUT_OF_DATE_CONFIGURATION_NEEDED,
	    [ATTEST_TCB_TD_RELAUNCH_ADVISED] = ATTEST_TCB_TD_RELAUNCH_ADVISED,
	    [ATTEST_TCB_TD_RELAUNCH_ADVISED_CONFIGURATION_NEEDED] = ATTEST_TCB_TD_RELAUNCH_ADVISED_CONFIGURATION_NEEDED,
	    [ATTEST_TCB_OUT_OF_DATE] = ATTEST_TCB_OUT_OF_DATE,
	    [ATTEST_TCB_OUT_OF_DATE_CONFIGURATION_NEEDED] = ATTEST_TCB_OUT_OF_DATE_CONFIGURATION_NEEDED,
	    [ATTEST_TCB_REVOKED] = ATTEST_TCB_REVOKED,
	};

	(void)state;
	for (enum attest_tcb_status status = 0; status <= ATTEST_TCB_REVOKED; status++) {
		assert_int_equal(tcb_converge(status, TCB_STATUS_UP_TO_DATE), status);
		assert_int_equal(tcb_converge(status, TCB_STATUS_OUT_OF_DATE), OUT_OF_DATE[status]);
		assert_int_equal(tcb_converge(status, TCB_STATUS_REVOKED), ATTEST_TCB_REVOKED);
	}
	for (enum tcb_status status = 0; status <= TCB_STATUS_REVOKED; status++)
		assert_string_equal(tcb_status_text(status), attest_tcb_status_text(tcb_public_status(status)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_debug),
	    TEST(test_measurement),
	    TEST(test_product_and_svn),
	    TEST(test_tcb_status),
	    TEST(test_advisories),
	    TEST(test_floors),
	    TEST(test_date_of_an_old_quoting_enclave),
	    TEST(test_machine),
	    TEST(test_order),
	    TEST(test_bad_policies),
	    TEST(test_no_binding_no_verdict),
	    TEST(test_missing_arguments),
	    TEST(test_unreadable_roots),
	    TEST(test_too_many_roots),
	    TEST(test_converge),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
