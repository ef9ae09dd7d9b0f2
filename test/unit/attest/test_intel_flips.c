/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Single bits turned round in evidence of a test CA, of every kind. Real evidence: test_vectors.c. All bits of the
 * quotes with MSE_TEST_LONG=1 (make check-long).
 */
#include "unit.h"

#include "intel_case.h"
#include "intel_flips.h"

static struct attest_roots roots;

static void open_question(struct flip_question *question)
{
	roots = (struct attest_roots){.hardware = &test_case.ask.root, .hardware_count = 1};
	*question = (struct flip_question){
	    .quote = test_case.ask.quote,
	    .binding = {.report_data = {test_case.ask.report_data, 64}},
	    .bytes = test_case.ask.collateral,
	    .roots = &roots,
	    .time = TEST_TIME,
	    .policy = &test_case.ask.policy,
	};
}

static void test_quotes(void **state)
{
	size_t refused = 0;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(CASE_ALL); i++) {
		struct flip_question question;

		case_init(CASE_ALL[i]);
		case_build();
		open_question(&question);
		flip_quote(&question, 6, 53);
		assert_int_equal(question.harmless, 0);
		refused += question.refused;
		case_done();
	}
	print_message("%zu changed quotes refused\n", refused);
}

/* A padded buffer, with blanks after the chain: what may change, and is counted. */
static void test_harmless_places(void **state)
{
	static const uint8_t BLANKS[] = {' ', '\n', 0, '\t', 0};
	struct flip_question question;
	struct err err = ERR_INIT;

	(void)state;
	case_init(TEST_TDX_V4);
	case_build();
	assert_ok(buf_add(&test_case.in.pck_chain, BLANKS, sizeof(BLANKS), &err), &err);
	test_evidence_build_quote(&test_case.in);
	memset(test_case.quote, 0, CASE_QUOTE_MAX);
	memcpy(test_case.quote, test_case.in.quote.data, test_case.in.quote.size);
	open_question(&question);
	question.quote.size = test_case.in.quote.size + 16;
	question.trailing = 16;
	assert_true(flip_is_same(&question, true));
	/* All bits of the blanks and of what follows. */
	{
		struct attest_bytes *quote = &question.quote;
		struct flip flip = {.item = "quote", .bytes = *quote, .question = &question};
		uint8_t *copy = malloc(quote->size);

		assert_non_null(copy);
		memcpy(copy, quote->data, quote->size);
		quote->data = copy;
		for (flip.at = test_case.in.quote.size - sizeof(BLANKS); flip.at < quote->size; flip.at++)
			for (unsigned bit = 0; bit < 8; bit++)
				flip_bit(&question, &flip, copy, bit);
		*quote = flip.bytes;
		free(copy);
	}
	assert_true(question.harmless >= 16 * 8 + 4);
	assert_true(question.refused >= 30);
	case_done();
}

static void test_collateral(void **state)
{
	static const enum test_quote_kind KINDS[] = {TEST_SGX_V3, TEST_TDX_V5_1_5};
	size_t refused = 0;
	size_t harmless = 0;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(KINDS); i++) {
		struct flip_question question;

		case_init(KINDS[i]);
		case_build();
		open_question(&question);
		flip_collateral(&question, flip_is_exhaustive() ? 3 : 61);
		refused += question.refused;
		harmless += question.harmless;
		case_done();
	}
	print_message("%zu items changed without harm, %zu refused\n", harmless, refused);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_quotes),
	    cmocka_unit_test(test_harmless_places),
	    cmocka_unit_test(test_collateral),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
