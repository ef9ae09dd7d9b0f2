/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "amd_judge.h"

#include <string.h>

static struct attest_bytes bytes_of(const struct buf *buf)
{
	return (struct attest_bytes){buf->data, buf->size};
}

void amd_question_init(struct amd_question *question, const struct amd_evidence *evidence)
{
	*question = (struct amd_question){
	    .time = AMD_TIME,
	    .root = bytes_of(&evidence->ark_der),
	    .collateral =
		{
		    .vek = bytes_of(&evidence->vek_der),
		    .ask = bytes_of(&evidence->ask_der),
		    .ark = bytes_of(&evidence->ark_der),
		    .ark_crl = bytes_of(&evidence->crl_der),
		},
	    .report = {evidence->report, AMD_REPORT_SIZE},
	};
	memcpy(question->report_data, evidence->report + AMD_AT_REPORT_DATA, sizeof(question->report_data));
}

struct attest_verdict *amd_judge(const struct amd_question *question)
{
	const struct attest_roots roots = {.hardware = &question->root, .hardware_count = question->root.data ? 1 : 0};
	const struct attest_evidence evidence = {.report = question->report};
	const struct attest_binding binding = {.report_data = {question->report_data, sizeof(question->report_data)}};
	struct attest_collateral *collateral = NULL;
	struct attest_verdict *verdict = NULL;
	const char *why = "";

	if (attest_collateral_new(&question->collateral, &collateral, &why) < 0 ||
	    attest_verify(&evidence, &binding, collateral, &roots, question->time, &question->policy, &verdict, &why) <
		0)
		fail_msg("no verdict: %s", why);
	attest_collateral_free(collateral);
	return verdict;
}

void amd_expect(const struct amd_question *question, const char *error)
{
	test_expect_verdict(amd_judge(question), error);
}

void amd_expect_evidence(struct amd_evidence *evidence, const char *error)
{
	struct amd_question question;

	amd_evidence_build(evidence);
	amd_question_init(&question, evidence);
	amd_expect(&question, error);
	amd_evidence_done(evidence);
}
