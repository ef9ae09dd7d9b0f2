/* SPDX-License-Identifier: Apache-2.0 */
/* A prepared set of collateral may be shared by threads; each verdict is the one a single thread would have got. */
#include "unit.h"

#include <pthread.h>
#include <string.h>

#include "test_judge.h"

#define THREADS 4
#define VERDICTS 25

struct job {
	const struct test_question *question;
	const struct attest_collateral *collateral;
	size_t wrong;
};

static void *run(void *arg)
{
	struct job *job = arg;
	const struct attest_roots roots = {.hardware = &job->question->root, .hardware_count = 1};
	const struct attest_evidence evidence = {job->question->quote};

	for (size_t i = 0; i < VERDICTS; i++) {
		struct attest_verdict *verdict = NULL;
		const char *why;
		uint8_t report_data[64];

		memcpy(report_data, job->question->report_data, 64);
		report_data[0] ^= (uint8_t)(i % 2);
		if (attest_verify(&evidence, &(struct attest_binding){{report_data, 64}}, job->collateral, &roots,
				  TEST_TIME, NULL, &verdict, &why) < 0 ||
		    strcmp(verdict->error_text, i % 2 ? "binding" : "none") != 0)
			job->wrong++;
		attest_verdict_free(verdict);
	}
	return NULL;
}

static void test_shared_collateral(void **state)
{
	struct test_evidence e;
	struct test_question question;
	struct attest_collateral *collateral = NULL;
	pthread_t threads[THREADS];
	struct job jobs[THREADS];
	const char *why;

	(void)state;
	test_evidence_init(&e);
	test_evidence_build(&e);
	test_question_init(&question, &e);
	assert_int_equal(attest_collateral_new(&question.collateral, &collateral, &why), 0);
	for (size_t i = 0; i < THREADS; i++) {
		jobs[i] = (struct job){&question, collateral, 0};
		assert_int_equal(pthread_create(&threads[i], NULL, run, &jobs[i]), 0);
	}
	for (size_t i = 0; i < THREADS; i++) {
		(void)pthread_join(threads[i], NULL);
		assert_int_equal(jobs[i].wrong, 0);
	}
	attest_collateral_free(collateral);
	test_evidence_done(&e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_shared_collateral)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
