/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "test_judge.h"

#include <stdlib.h>
#include <string.h>

#include "crypto/hash.h"

static struct attest_bytes bytes_of(const struct buf *buf)
{
	return (struct attest_bytes){buf->data, buf->size};
}

void test_question_init(struct test_question *question, const struct test_evidence *evidence)
{
	*question = (struct test_question){
	    .time = TEST_TIME,
	    .root = bytes_of(&evidence->root_der),
	    .collateral =
		{
		    .tcb_info = bytes_of(&evidence->tcb_info),
		    .tcb_info_issuer_chain = bytes_of(&evidence->signer_chain),
		    .qe_identity = bytes_of(&evidence->qe_identity),
		    .qe_identity_issuer_chain = bytes_of(&evidence->signer_chain),
		    .root_ca_crl = bytes_of(&evidence->root_crl_der),
		    .pck_crl = bytes_of(&evidence->pck_crl_der),
		},
	    .quote = bytes_of(&evidence->quote),
	};
	memcpy(question->report_data, test_evidence_report_data(evidence), sizeof(question->report_data));
}

/* Collateral is parsed anew only if a byte of it differs from the last one's: a test may judge thousands of times. */
static struct {
	uint8_t hash[SHA256_SIZE];
	struct attest_collateral *collateral;
} last;

static void forget_last(void)
{
	attest_collateral_free(last.collateral);
	last.collateral = NULL;
}

static void hash_items(const struct attest_collateral_bytes *bytes, uint8_t ret[static SHA256_SIZE])
{
	const struct attest_bytes *items = (const struct attest_bytes *)bytes;
	struct sha256_ctx *hash = sha256_new();

	for (size_t i = 0; i < sizeof(*bytes) / sizeof(*items); i++) {
		const bool is_there = items[i].data != NULL;

		sha256_add(hash, &is_there, sizeof(is_there));
		sha256_add(hash, &items[i].size, sizeof(items[i].size));
		if (is_there)
			sha256_add(hash, items[i].data, items[i].size);
	}
	sha256_finish(hash, ret);
	sha256_free(hash);
}

static const struct attest_collateral *collateral_of(const struct test_question *question)
{
	uint8_t hash[SHA256_SIZE];
	const char *why = "";

	hash_items(&question->collateral, hash);
	if (last.collateral && memcmp(hash, last.hash, sizeof(hash)) == 0)
		return last.collateral;
	if (!last.collateral)
		(void)atexit(forget_last);
	forget_last();
	memcpy(last.hash, hash, sizeof(hash));
	if (attest_collateral_new(&question->collateral, &last.collateral, &why) < 0)
		fail_msg("no collateral: %s", why);
	return last.collateral;
}

struct attest_verdict *test_judge(const struct test_question *question)
{
	const struct attest_roots roots = {.hardware = &question->root, .hardware_count = question->root.data ? 1 : 0};
	const struct attest_evidence evidence = {question->quote};
	const struct attest_binding binding = {.report_data = {question->report_data, sizeof(question->report_data)}};
	struct attest_verdict *verdict = NULL;
	const char *why = "";

	if (attest_verify(&evidence, &binding, collateral_of(question), &roots, question->time, &question->policy,
			  &verdict, &why) < 0)
		fail_msg("no verdict: %s", why);
	return verdict;
}

void test_expect(const struct test_question *question, const char *error)
{
	test_expect_verdict(test_judge(question), error);
}

void test_expect_evidence(struct test_evidence *evidence, const char *error)
{
	struct test_question question;

	test_evidence_build(evidence);
	test_question_init(&question, evidence);
	test_expect(&question, error);
	test_evidence_done(evidence);
}
