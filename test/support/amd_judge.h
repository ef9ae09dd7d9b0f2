/* SPDX-License-Identifier: Apache-2.0 */
/* Asking for a verdict on SEV-SNP test evidence, and what a test expects of it. Include after unit.h. */
#ifndef MSE_TEST_AMD_JUDGE_H
#define MSE_TEST_AMD_JUDGE_H

#include "amd_evidence.h"
#include "test_verdict.h"

/* How to ask; amd_question_init: at AMD_TIME, strictly, with the evidence's own ARK as trusted hardware. */
struct amd_question {
	int64_t time;
	struct attest_policy policy;
	struct attest_bytes root; /* {NULL, 0}: none but the vendors' */
	struct attest_collateral_bytes collateral;
	struct attest_bytes report;
	uint8_t report_data[64];
};

void amd_question_init(struct amd_question *question, const struct amd_evidence *evidence);
/* The caller frees the verdict. */
struct attest_verdict *amd_judge(const struct amd_question *question);
/* Fails the test unless the verdict's error is this; "none": accepted. */
void amd_expect(const struct amd_question *question, const char *error);
/* Builds evidence, judges it, expects, and lets the evidence go. */
void amd_expect_evidence(struct amd_evidence *evidence, const char *error);

#endif
