/* SPDX-License-Identifier: Apache-2.0 */
/* A chain that was right before is known by its exact bytes, and only what no call can change is taken from memory. */
#include "unit.h"

#include <string.h>

#include "attest/collateral.h"
#include "test_judge.h"

#define STEP 11 /* every so many bytes of the chain's text one is changed */

static struct test_evidence evidence;
static struct test_question question;
static struct attest_collateral *set;
static size_t chain_at; /* where the chain begins in the quote */

static struct attest_collateral *prepare(void)
{
	struct attest_collateral *collateral = NULL;
	const char *why = "";

	assert_int_equal(attest_collateral_new(&question.collateral, &collateral, &why), 0);
	return collateral;
}

static int setup(void **state)
{
	(void)state;
	test_evidence_init(&evidence);
	test_evidence_build(&evidence);
	test_question_init(&question, &evidence);
	set = prepare();
	chain_at = evidence.quote.size - evidence.pck_chain.size;
	assert_memory_equal(evidence.quote.data + chain_at, evidence.pck_chain.data, evidence.pck_chain.size);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	attest_collateral_free(set);
	test_evidence_done(&evidence);
	return 0;
}

/* Judges the quote as it stands, and writes the verdict's error. */
static void judge(const struct attest_collateral *collateral, const struct attest_bytes *root, int64_t time,
		  char ret[static ATTEST_NAME_SIZE])
{
	const struct attest_evidence quote = {{evidence.quote.data, evidence.quote.size}};
	const struct attest_binding binding = {{question.report_data, 64}};
	const struct attest_roots roots = {.hardware = root, .hardware_count = root ? 1 : 0};
	struct attest_verdict *verdict = NULL;
	const char *why = "";

	assert_int_equal(attest_verify(&quote, &binding, collateral, &roots, time, NULL, &verdict, &why), 0);
	(void)snprintf(ret, ATTEST_NAME_SIZE, "%s", verdict->error_text);
	attest_verdict_free(verdict);
}

static void assert_judged(const struct attest_bytes *root, int64_t time, const char *error)
{
	char seen[ATTEST_NAME_SIZE];

	judge(set, root, time, seen);
	assert_string_equal(seen, error);
}

static bool is_remembered(const void *text, size_t size)
{
	struct seen_chain *chain = NULL;
	struct err err = ERR_INIT;
	bool is_new;

	assert_ok(chain_memory_get(set->memory, text, size, &chain, &is_new, &err), &err);
	seen_chain_release(chain);
	return !is_new;
}

static void test_remembered_after_the_first_verdict(void **state)
{
	(void)state;
	assert_false(is_remembered(evidence.pck_chain.data, evidence.pck_chain.size));
	assert_judged(&question.root, TEST_TIME, "none");
	assert_true(is_remembered(evidence.pck_chain.data, evidence.pck_chain.size));
	assert_judged(&question.root, TEST_TIME, "none");
}

static void test_a_changed_chain_is_not_taken_for_it(void **state)
{
	(void)state;
	assert_judged(&question.root, TEST_TIME, "none");
	for (size_t i = chain_at; i < evidence.quote.size; i += STEP) {
		struct attest_collateral *fresh = prepare();
		char seen[ATTEST_NAME_SIZE];
		char wanted[ATTEST_NAME_SIZE];

		evidence.quote.data[i] ^= 1;
		judge(fresh, &question.root, TEST_TIME, wanted);
		judge(set, &question.root, TEST_TIME, seen);
		evidence.quote.data[i] ^= 1;
		assert_string_equal(seen, wanted);
		attest_collateral_free(fresh);
	}
	assert_judged(&question.root, TEST_TIME, "none");
}

static void test_roots_and_time_are_judged_anew(void **state)
{
	(void)state;
	assert_judged(&question.root, TEST_TIME, "none");
	assert_judged(NULL, TEST_TIME, "root-untrusted");
	assert_judged(&question.root, evidence.pck_cert.not_after + 1, "cert-expired");
	assert_judged(&question.root, evidence.pck_cert.not_before - 1, "not-yet-valid");
	assert_judged(&question.root, TEST_TIME, "none");
}

static void test_a_strangers_chain_does_not_enter(void **state)
{
	(void)state;
	assert_judged(NULL, TEST_TIME, "root-untrusted");
	assert_false(is_remembered(evidence.pck_chain.data, evidence.pck_chain.size));
}

static void test_a_broken_chain_does_not_enter(void **state)
{
	(void)state;
	test_evidence_done(&evidence);
	test_evidence_init(&evidence);
	evidence.pck_cert.break_signature = true;
	test_evidence_build(&evidence);
	test_question_init(&question, &evidence);
	attest_collateral_free(set);
	set = prepare();
	assert_judged(&question.root, TEST_TIME, "chain-invalid");
	assert_judged(&question.root, TEST_TIME, "chain-invalid");
	assert_false(is_remembered(evidence.pck_chain.data, evidence.pck_chain.size));
}

/* The same chain with spaces behind it: the same machine, another text. */
static void add_spaces(struct buf *text, size_t size)
{
	struct err err = ERR_INIT;

	while (text->size < size)
		assert_ok(buf_add_byte(text, '\n', &err), &err);
}

static void test_long_chains_are_judged_but_not_kept(void **state)
{
	(void)state;
	add_spaces(&evidence.pck_chain, CHAIN_MEMORY_TEXT_MAX);
	test_evidence_build_quote(&evidence);
	assert_judged(&question.root, TEST_TIME, "none");
	assert_true(is_remembered(evidence.pck_chain.data, CHAIN_MEMORY_TEXT_MAX));
	add_spaces(&evidence.pck_chain, CHAIN_MEMORY_TEXT_MAX + 1);
	test_evidence_build_quote(&evidence);
	assert_judged(&question.root, TEST_TIME, "none");
	assert_judged(&question.root, TEST_TIME, "none");
	assert_false(is_remembered(evidence.pck_chain.data, CHAIN_MEMORY_TEXT_MAX + 1));
}

static void test_the_oldest_makes_room(void **state)
{
	const size_t first = evidence.pck_chain.size;

	(void)state;
	for (size_t i = 0; i <= CHAIN_MEMORY_ENTRIES; i++) {
		add_spaces(&evidence.pck_chain, first + i);
		test_evidence_build_quote(&evidence);
		assert_judged(&question.root, TEST_TIME, "none");
		assert_true(is_remembered(evidence.pck_chain.data, first + i));
	}
	assert_false(is_remembered(evidence.pck_chain.data, first));
	assert_true(is_remembered(evidence.pck_chain.data, first + 1));
}

/* A copied chain around anything else: not even one entry is lost by it. */
static void test_a_refused_quote_pushes_nothing_out(void **state)
{
	(void)state;
	evidence.quote.data[100] ^= 1;
	assert_judged(&question.root, TEST_TIME, "quote-signature");
	evidence.quote.data[100] ^= 1;
	assert_false(is_remembered(evidence.pck_chain.data, evidence.pck_chain.size));
}

/* A list that was never given, or is broken, is not helped by a chain that is known. */
static void test_lists_are_signed_by_the_chain_that_is_known(void **state)
{
	(void)state;
	attest_collateral_free(set);
	evidence.pck_crl_der.data[evidence.pck_crl_der.size - 1] ^= 1;
	set = prepare();
	assert_judged(&question.root, TEST_TIME, "crl-signature");
	assert_false(is_remembered(evidence.pck_chain.data, evidence.pck_chain.size));
	assert_judged(&question.root, TEST_TIME, "crl-signature");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_remembered_after_the_first_verdict, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_a_changed_chain_is_not_taken_for_it, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_roots_and_time_are_judged_anew, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_a_strangers_chain_does_not_enter, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_a_broken_chain_does_not_enter, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_long_chains_are_judged_but_not_kept, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_the_oldest_makes_room, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_a_refused_quote_pushes_nothing_out, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_lists_are_signed_by_the_chain_that_is_known, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
