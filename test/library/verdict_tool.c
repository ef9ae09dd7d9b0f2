/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For check_schemas.py: real verdicts of every TEE and kind as JSON, each behind a line "== NAME"; with `policy`, what
 * attest_policy_parse says of the standard input: "accepted", or "refused: " and the reason.
 */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "amd_judge.h"
#include "attest/ratls.h"
#include "crypto/hash.h"
#include "test_channel.h"

/* Takes the verdict over. */
static void print(const char *name, struct attest_verdict *verdict)
{
	char *text = attest_verdict_json(verdict);

	(void)printf("== %s\n%s\n", name, text);
	free(text);
	attest_verdict_free(verdict);
}

static void print_intel(enum test_quote_kind kind)
{
	static const struct attest_exception EXCEPTION = {.reason = "lab", .until = TEST_TIME + 5, .debug = true};
	struct test_evidence e;
	struct test_question question;
	char name[64];

	test_evidence_init_kind(&e, kind);
	test_evidence_build(&e);
	test_question_init(&question, &e);
	(void)snprintf(name, sizeof(name), "%s accepted", test_quote_kind_text(kind));
	print(name, test_judge(&question));
	question.collateral.pck_crl = (struct attest_bytes){0};
	question.policy.allow_missing_crl = true;
	question.policy.allow_debug = true;
	(void)snprintf(name, sizeof(name), "%s loosened", test_quote_kind_text(kind));
	print(name, test_judge(&question));
	question.quote.size = 900;
	(void)snprintf(name, sizeof(name), "%s truncated", test_quote_kind_text(kind));
	print(name, test_judge(&question));
	test_evidence_done(&e);
	if (kind != TEST_SGX_V3)
		return;
	test_evidence_init_kind(&e, kind);
	e.report[48] |= 2;
	test_evidence_build(&e);
	test_question_init(&question, &e);
	question.policy.exceptions = &EXCEPTION;
	question.policy.exception_count = 1;
	print("sgx-v3 exception", test_judge(&question));
	test_evidence_done(&e);
}

static void print_simulated(void)
{
	struct test_evidence e;
	struct test_question question;
	struct attest_bytes root;

	test_evidence_init(&e);
	test_evidence_mark_simulated(&e);
	test_evidence_build(&e);
	test_question_init(&question, &e);
	root = question.root;
	question.root = (struct attest_bytes){0};
	print("simulated refused", test_judge(&question));
	question.policy.simulation_roots = &root;
	question.policy.simulation_root_count = 1;
	print("simulated allowed", test_judge(&question));
	test_evidence_done(&e);
}

static void print_amd(enum snp_product product, unsigned version, bool vlek, const char *name)
{
	struct amd_evidence e;
	struct amd_question question;

	amd_evidence_init(&e, product, version, vlek);
	amd_evidence_build(&e);
	amd_question_init(&question, &e);
	print(name, amd_judge(&question));
	amd_evidence_done(&e);
}

static void print_channel(void)
{
	struct test_channel channel;

	test_channel_init(&channel);
	test_channel_build(&channel);
	print("fresh accepted", test_channel_fresh(&channel));
	print("ratls accepted", test_channel_ratls(&channel));
	channel.expected.uuid = "6d6e4d2a-6f0d-4a43-9bb9-2c6f4a7f0d12";
	print("ratls refused", test_channel_ratls(&channel));
	channel.body.size = 3;
	print("fresh unreadable", test_channel_fresh(&channel));
	test_channel_done(&channel);
}

static void print_verdicts(void)
{
	for (int kind = 0; kind < TEST_QUOTE_KIND_COUNT; kind++)
		print_intel((enum test_quote_kind)kind);
	print_simulated();
	print_amd(SNP_PRODUCT_MILAN, 2, false, "snp milan v2");
	print_amd(SNP_PRODUCT_GENOA, 5, false, "snp genoa v5");
	print_amd(SNP_PRODUCT_TURIN, 4, false, "snp turin v4");
	print_amd(SNP_PRODUCT_MILAN, 3, true, "snp milan vlek");
	print_channel();
}

static int judge_policy(void)
{
	static char text[ATTEST_POLICY_SIZE_MAX + 1];
	const size_t size = fread(text, 1, sizeof(text), stdin);
	const struct attest_bytes bytes = {(const uint8_t *)text, size};
	struct attest_policy *policy = NULL;
	char why[ATTEST_TEXT_SIZE];

	if (attest_policy_parse(&bytes, &policy, why) < 0)
		(void)printf("refused: %s\n", why);
	else
		(void)printf("accepted\n");
	attest_policy_free(policy);
	return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "policy") == 0)
		return judge_policy();
	print_verdicts();
	return EXIT_SUCCESS;
}
