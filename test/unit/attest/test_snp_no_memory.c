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

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);

static long countdown = -1; /* allocations until one fails; negative: none does */
static long made;

static bool fails(void)
{
	made++;
	return countdown >= 0 && countdown-- == 0;
}

void *__wrap_malloc(size_t size)
{
	return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
	return fails() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size)
{
	return fails() ? NULL : __real_realloc(old, size);
}

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
	countdown = -1;
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

static void each_allocation(const struct amd_question *question, const char *error)
{
	long total;

	made = 0;
	assert_int_equal(ask(question, error), 0);
	total = made;
	assert_true(total > 10);
	for (long i = 0; i < total; i++) {
		countdown = i;
		(void)ask(question, error);
	}
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

/* The RA-TLS extension, whose chain is read for the verdict. True if there was a verdict: then it accepts. */
static bool judge_carried(const struct attest_collateral *collateral, const struct trust *trust)
{
	const struct attest_policy policy = {.allow_missing_crl = true};
	struct judge judge = {.prefix = "",
			      .collateral = collateral,
			      .trust = trust,
			      .policy = &policy,
			      .time = AMD_TIME,
			      .verdict = verdict_new(AMD_TIME)};
	bool judged;

	if (!judge.verdict)
		return false;
	judge.facts = &judge.verdict->facts;
	judged = snp_judge_extension(&judge, (struct attest_bytes){evidence.extension.data, evidence.extension.size}) &&
		 !judge.no_memory;
	countdown = -1;
	verdict_finish(judge.verdict);
	if (judged)
		assert_true(judge.verdict->accepted);
	else
		assert_true(judge.no_memory);
	attest_verdict_free(judge.verdict);
	return judged;
}

static void test_carried(void **state)
{
	const struct attest_roots roots = {.hardware = &question.root, .hardware_count = 1};
	const struct attest_collateral_bytes nothing = {0};
	const struct attest_policy policy = {0};
	struct attest_collateral *collateral = NULL;
	struct trust trust;
	struct err err = ERR_INIT;
	const char *why = NULL;
	long total;

	(void)state;
	amd_evidence_table(&evidence, 7);
	assert_int_equal(attest_collateral_new(&nothing, &collateral, &why), 0);
	assert_ok(trust_init(&trust, &roots, &policy, &err), &err);
	made = 0;
	assert_true(judge_carried(collateral, &trust));
	total = made;
	for (long i = 0; i < total; i++) {
		countdown = i;
		assert_false(judge_carried(collateral, &trust));
		countdown = -1;
	}
	attest_collateral_free(collateral);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {TEST(test_good), TEST(test_wrapped), TEST(test_bad),
					   TEST(test_bad_collateral), TEST(test_carried)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
