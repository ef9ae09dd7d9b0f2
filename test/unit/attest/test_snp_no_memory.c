/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each allocation of ours failing in turn while SEV-SNP evidence is judged: then there is no verdict at all, or the
 * right one. (malloc and its like are wrapped at link time; test_no_memory.c is the same for SGX.)
 */
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "amd_judge.h"
#include "attest/snp.h"
#include "attest/trust.h"
#include "failing_memory.h"

/* 0: a verdict, whose error is `error`; -1: none. */
static int ask(const struct amd_question *question, const char *error)
{
	const struct attest_roots roots = {.hardware = &question->root, .hardware_count = 1};
	const struct attest_evidence evidence = {.report = question->report};
	const struct attest_binding binding = {.report_data = {question->report_data, 64}};
	struct attest_collateral *collateral = NULL;
	struct attest_verdict *verdict = NULL;
	const char *why = NULL;
	char seen[ATTEST_NAME_SIZE] = "";
	int result = attest_collateral_new(&question->collateral, &collateral, &why);

	if (result == 0)
		result = attest_verify(&evidence, &binding, collateral, &roots, question->time, &question->policy,
				       &verdict, &why);
	IGNORE_RESULT(memory_recover());
	attest_collateral_free(collateral);
	if (result < 0) {
		assert_null(verdict);
		assert_string_equal(why, "out of memory");
		return -1;
	}
	memcpy(seen, verdict->error_text, sizeof(seen));
	attest_verdict_free(verdict);
	assert_string_equal(seen, error);
	return 0;
}

struct expectation {
	const struct amd_question *question;
	const char *error;
};

static int ask_for(void *context)
{
	const struct expectation *expectation = context;

	return ask(expectation->question, expectation->error);
}

static void each_allocation(const struct amd_question *question, const char *error)
{
	struct expectation expectation = {question, error};

	memory_fail_each(10, ask_for, &expectation);
}

static struct amd_evidence evidence;
static struct amd_question question;

static int setup(void **state)
{
	(void)state;
	amd_evidence_init(&evidence, SNP_PRODUCT_MILAN, 5, false);
	amd_evidence_build(&evidence);
	amd_evidence_wrap(&evidence, 2600);
	amd_question_init(&question, &evidence);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	amd_evidence_done(&evidence);
	return 0;
}

static void test_good(void **state)
{
	(void)state;
	each_allocation(&question, "none");
}

static void test_wrapped(void **state)
{
	(void)state;
	question.report = (struct attest_bytes){evidence.hcl.data, evidence.hcl.size};
	each_allocation(&question, "none");
}

static void test_bad(void **state)
{
	(void)state;
	evidence.report[AMD_AT_SIGNATURE] ^= 1;
	each_allocation(&question, "report-signature");
}

static void test_bad_collateral(void **state)
{
	(void)state;
	evidence.crl_der.data[evidence.crl_der.size - 1] ^= 1;
	each_allocation(&question, "crl-signature");
	evidence.vek_der.data[evidence.vek_der.size - 1] ^= 1;
	each_allocation(&question, "chain-invalid");
}

struct carried {
	const struct attest_collateral *collateral;
	struct trust trust;
};

/* The RA-TLS extension, whose chain is read for the verdict. 0: a verdict, which accepts; -1: memory failed. */
static int judge_carried(void *context)
{
	const struct carried *carried = context;
	const struct attest_policy policy = {.allow_missing_crl = true};
	struct judge judge = {.prefix = "",
			      .collateral = carried->collateral,
			      .trust = &carried->trust,
			      .policy = &policy,
			      .time = AMD_TIME,
			      .verdict = verdict_new(AMD_TIME)};
	bool judged, failed;

	if (!judge.verdict)
		return -1;
	judge.facts = &judge.verdict->facts;
	judged = snp_judge_extension(&judge, (struct attest_bytes){evidence.extension.data, evidence.extension.size}) &&
		 !judge.no_memory;
	failed = memory_recover();
	verdict_finish(judge.verdict);
	assert_int_equal(judged, !failed);
	assert_true(judged ? judge.verdict->accepted : judge.no_memory);
	attest_verdict_free(judge.verdict);
	return judged ? 0 : -1;
}

static void test_carried(void **state)
{
	const struct attest_roots roots = {.hardware = &question.root, .hardware_count = 1};
	const struct attest_collateral_bytes nothing = {0};
	const struct attest_policy policy = {0};
	struct attest_collateral *collateral = NULL;
	struct carried carried;
	struct err err = ERR_INIT;
	const char *why = NULL;

	(void)state;
	amd_evidence_table(&evidence, 7);
	assert_int_equal(attest_collateral_new(&nothing, &collateral, &why), 0);
	assert_ok(trust_init(&carried.trust, &roots, &policy, &err), &err);
	carried.collateral = collateral;
	memory_fail_each(5, judge_carried, &carried);
	attest_collateral_free(collateral);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {TEST(test_good), TEST(test_wrapped), TEST(test_bad),
					   TEST(test_bad_collateral), TEST(test_carried)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
