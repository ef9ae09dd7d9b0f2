/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One piece of evidence under test: built right, changed in one way, judged. `in` is changed before it is built, the
 * bytes of the quote and the question afterwards. Include after unit.h.
 */
#ifndef MSE_TEST_INTEL_CASE_H
#define MSE_TEST_INTEL_CASE_H

#include <string.h>

#include "test_judge.h"

#define CASE_QUOTE_MAX 65600 /* a little over what is taken */

static struct {
	struct test_evidence in;
	struct test_question ask;
	struct test_quote_map at;
	uint8_t *quote; /* a copy of ask.quote that may be changed */
	size_t size;
} test_case;

static inline void case_init(enum test_quote_kind kind)
{
	test_evidence_init_kind(&test_case.in, kind);
}

/* Asks for the verdict on what test_case.in says now. */
static inline void case_build(void)
{
	struct test_evidence *in = &test_case.in;

	test_evidence_build(in);
	test_question_init(&test_case.ask, in);
	test_evidence_map(in, &test_case.at);
	assert_int_equal(test_case.at.end, in->quote.size);
	free(test_case.quote);
	test_case.quote = calloc(1, CASE_QUOTE_MAX);
	assert_non_null(test_case.quote);
	memcpy(test_case.quote, in->quote.data, in->quote.size);
	test_case.size = in->quote.size;
	test_case.ask.quote = (struct attest_bytes){test_case.quote, test_case.size};
}

static inline void case_done(void)
{
	test_evidence_done(&test_case.in);
	free(test_case.quote);
	test_case.quote = NULL;
}

/* The verdict on what is there; "none": accepted. */
static inline void case_expect(const char *error)
{
	test_expect(&test_case.ask, error);
}

/* Runs the change on evidence of each of these kinds, built. */
static inline void case_each_built(const enum test_quote_kind *kinds, size_t count, void (*change)(void))
{
	for (size_t i = 0; i < count; i++) {
		case_init(kinds[i]);
		case_build();
		change();
		case_done();
	}
}

static const enum test_quote_kind CASE_ALL[] = {TEST_SGX_V3, TEST_SGX_V4,     TEST_SGX_V5,
						TEST_TDX_V4, TEST_TDX_V5_1_0, TEST_TDX_V5_1_5};

#define CASE_OF_ALL(change) case_each_built(CASE_ALL, COUNT_OF(CASE_ALL), change)

/* Builds evidence of SGX and of TDX after the change and expects the verdict. */
static inline void case_refuse(void (*change)(struct test_evidence *in), const char *error)
{
	static const enum test_quote_kind KINDS[] = {TEST_SGX_V3, TEST_TDX_V5_1_5};

	for (size_t i = 0; i < COUNT_OF(KINDS); i++) {
		case_init(KINDS[i]);
		change(&test_case.in);
		case_build();
		case_expect(error);
		case_done();
	}
}

/* As case_refuse, for one kind. */
static inline void case_refuse_kind(enum test_quote_kind kind, void (*change)(struct test_evidence *in),
				    const char *error)
{
	case_init(kind);
	change(&test_case.in);
	case_build();
	case_expect(error);
	case_done();
}

/* A change of the text of TCB info or QE identity, signed anew. */
struct case_text {
	bool in_identity;
	const char *from;
	const char *to;
};

static inline void case_refuse_text(enum test_quote_kind kind, const struct case_text *text, const char *error)
{
	case_init(kind);
	if (text->in_identity)
		test_replace(test_case.in.qe_identity_body, sizeof(test_case.in.qe_identity_body), text->from,
			     text->to);
	else
		test_replace(test_case.in.tcb_info_body, sizeof(test_case.in.tcb_info_body), text->from, text->to);
	case_build();
	case_expect(error);
	case_done();
}

static inline void case_put(size_t at, uint32_t value, size_t size)
{
	for (size_t i = 0; i < size; i++)
		test_case.quote[at + i] = (uint8_t)(value >> (8 * i));
}

static inline uint32_t case_get(size_t at, size_t size)
{
	uint32_t value = 0;

	for (size_t i = size; i-- > 0;)
		value = value << 8 | test_case.quote[at + i];
	return value;
}

/* Writes a number into the quote, expects, writes the old one again. */
static inline void case_with(size_t at, uint32_t value, size_t size, const char *error)
{
	const uint32_t old = case_get(at, size);

	case_put(at, value, size);
	case_expect(error);
	case_put(at, old, size);
}

#endif
