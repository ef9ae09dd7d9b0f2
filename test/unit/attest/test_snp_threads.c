/* SPDX-License-Identifier: Apache-2.0 */
/* One prepared set of AMD's collateral serves several threads, with good and bad reports at the same time. */
#include "unit.h"

#include <pthread.h>
#include <string.h>

#include "amd_judge.h"

#define THREADS 4
#define ROUNDS 40

static struct amd_evidence evidence;
static struct amd_question question;
static struct attest_collateral *collateral;

static void *judge_often(void *arg)
{
	const struct attest_roots roots = {.hardware = &question.root, .hardware_count = 1};
	const struct attest_binding binding = {.report_data = {question.report_data, sizeof(question.report_data)}};
	size_t *wrong = arg;
	uint8_t report[AMD_REPORT_SIZE];

	memcpy(report, evidence.report, sizeof(report));
	for (size_t i = 0; i < ROUNDS; i++) {
		const struct attest_evidence given = {.report = {report, sizeof(report)}};
		struct attest_verdict *verdict = NULL;
		const char *why = NULL;

		report[AMD_AT_SIGNATURE] ^= 1;
		if (attest_verify(&given, &binding, collateral, &roots, AMD_TIME, NULL, &verdict, &why) < 0 ||
		    verdict->accepted != (i % 2 == 1) ||
		    strcmp(verdict->error_text, i % 2 ? "none" : "report-signature") != 0)
			(*wrong)++;
		attest_verdict_free(verdict);
	}
	return NULL;
}

static void test_threads(void **state)
{
	pthread_t threads[THREADS];
	size_t wrong[THREADS] = {0};
	const char *why = NULL;

	(void)state;
	amd_evidence_init(&evidence, SNP_PRODUCT_GENOA, 5, true);
	amd_evidence_build(&evidence);
	amd_question_init(&question, &evidence);
	assert_int_equal(attest_collateral_new(&question.collateral, &collateral, &why), 0);
	for (size_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, judge_often, &wrong[i]), 0);
	for (size_t i = 0; i < THREADS; i++) {
		assert_int_equal(pthread_join(threads[i], NULL), 0);
		assert_int_equal(wrong[i], 0);
	}
	attest_collateral_free(collateral);
	amd_evidence_done(&evidence);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_threads)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
