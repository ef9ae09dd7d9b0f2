/* SPDX-License-Identifier: Apache-2.0 */
/* Asking for a verdict on test evidence, and what a test expects of it. Include after unit.h. */
#ifndef MSE_TEST_TEST_JUDGE_H
#define MSE_TEST_TEST_JUDGE_H

#include "intel_evidence.h"
#include "test_verdict.h"

/* How to ask; test_question_init: at TEST_TIME, strictly, with the evidence's own root as trusted hardware. */
struct test_question {
	int64_t time;
	struct attest_policy policy;
	struct attest_bytes root; /* {NULL, 0}: none but Intel's */
	struct attest_collateral_bytes collateral;
	struct attest_bytes quote;
	uint8_t report_data[64];
};

void test_question_init(struct test_question *question, const struct test_evidence *evidence);
/* The caller frees the verdict. */
struct attest_verdict *test_judge(const struct test_question *question);
/* Fails the test unless the verdict's error is this; "none": accepted. */
void test_expect(const struct test_question *question, const char *error);

/* Builds evidence, judges it, expects, and lets the evidence go. */
void test_expect_evidence(struct test_evidence *evidence, const char *error);

#endif
