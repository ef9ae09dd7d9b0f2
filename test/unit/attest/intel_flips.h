/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any single bit of an Intel quote or of its collateral that is turned round is refused, but where HARMLESS says why
 * not: bytes that nothing signs and nothing reads. For evidence of a test CA and for real evidence. Include after
 * unit.h.
 */
#ifndef MSE_TEST_INTEL_FLIPS_H
#define MSE_TEST_INTEL_FLIPS_H

#include <stdlib.h>
#include <string.h>

#include "mse/attest.h"

/* How to ask for a verdict, and with which collateral; collateral NULL: read anew each time. */
struct flip_question {
	struct attest_bytes quote;
	struct attest_binding binding;
	struct attest_collateral_bytes bytes;
	struct attest_collateral *collateral;
	const struct attest_roots *roots;
	int64_t time;
	const struct attest_policy *policy;
	size_t trailing;               /* bytes after the quote's declared end */
	char failed[ATTEST_NAME_SIZE]; /* unturned: the first check that fails, and how many; "": it is accepted */
	size_t failed_count;
	size_t refused, harmless;
};

/* What is turned round: an item, its bytes, the place, the byte after the turn. */
struct flip {
	const char *item;
	struct attest_bytes bytes;
	size_t at;
	uint8_t now;
	const struct flip_question *question;
};

static inline bool flip_is_blank(uint8_t byte)
{
	return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n' || byte == 0;
}

/* Where the PEM chain of a quote begins; past its end if it has none. */
static inline size_t flip_pem_at(struct attest_bytes quote)
{
	for (size_t i = 1000; i + 11 <= quote.size; i++)
		if (memcmp(quote.data + i, "-----BEGIN ", 11) == 0)
			return i;
	return quote.size;
}

static inline bool flip_is_trailing(const struct flip *flip)
{
	return strcmp(flip->item, "quote") == 0 && flip->at >= flip->bytes.size - flip->question->trailing;
}

/* Nothing but blanks before it, or behind it, on its line. */
static inline bool flip_is_at_line_end(struct attest_bytes bytes, size_t at)
{
	size_t before = at;
	size_t behind = at;

	while (before > 0 && bytes.data[before - 1] != '\n' && flip_is_blank(bytes.data[before - 1]))
		before--;
	while (behind < bytes.size && bytes.data[behind] != '\n' && flip_is_blank(bytes.data[behind]))
		behind++;
	return before == 0 || bytes.data[before - 1] == '\n' || behind == bytes.size || bytes.data[behind] == '\n';
}

static inline bool flip_is_space_of_pem(const struct flip *flip)
{
	const bool pem = strcmp(flip->item, "quote") == 0 ? flip->at >= flip_pem_at(flip->bytes)
							  : strstr(flip->item, "chain") != NULL;

	return pem && flip_is_blank(flip->bytes.data[flip->at]) && flip_is_blank(flip->now) &&
	       flip_is_at_line_end(flip->bytes, flip->at);
}

/* Of the digits a to f of the signature, which is the last member: 128 digits before the last quotation mark. */
static inline bool flip_is_case_of_signature(const struct flip *flip)
{
	const uint8_t old = flip->bytes.data[flip->at];
	size_t end = flip->bytes.size;

	if (strcmp(flip->item, "tcb-info") != 0 && strcmp(flip->item, "qe-identity") != 0)
		return false;
	while (end > 0 && flip->bytes.data[end - 1] != '"')
		end--;
	return flip->at < end - 1 && flip->at + 128 >= end - 1 && (old ^ flip->now) == 0x20 && (old | 0x20) >= 'a' &&
	       (old | 0x20) <= 'f';
}

static const struct {
	bool (*is)(const struct flip *flip);
	const char *why;
} HARMLESS[] = {
    {flip_is_trailing, "after the declared end of the quote: counted and shown, not judged"},
    {flip_is_space_of_pem, "white space or NUL at an end of a line of the PEM chain that becomes another of them"},
    {flip_is_case_of_signature, "case of a hexadecimal digit of a signature"},
};

static inline bool flip_is_harmless(const struct flip *flip)
{
	for (size_t i = 0; i < COUNT_OF(HARMLESS); i++)
		if (HARMLESS[i].is(flip))
			return true;
	return false;
}

static inline bool flip_is_exhaustive(void)
{
	const char *text = getenv("MSE_TEST_LONG");

	return text && text[0];
}

/* Are the same checks failing as without the turn: none, for evidence that is accepted? */
static inline bool flip_is_same(struct flip_question *question, bool first)
{
	const struct attest_evidence evidence = {.quote = question->quote};
	struct attest_collateral *collateral = question->collateral;
	struct attest_verdict *verdict = NULL;
	const char *why = "";
	size_t count = 0;
	bool same;

	if (!collateral && attest_collateral_new(&question->bytes, &collateral, &why) < 0)
		fail_msg("no collateral: %s", why);
	if (attest_verify(&evidence, &question->binding, collateral, question->roots, question->time, question->policy,
			  &verdict, &why) < 0)
		fail_msg("no verdict: %s", why);
	for (size_t i = 0; i < verdict->check_count; i++)
		count += verdict->checks[i].result == ATTEST_FAILED;
	if (first && verdict->failed)
		memcpy(question->failed, verdict->failed->name, sizeof(question->failed));
	if (first)
		question->failed_count = count;
	same = count == question->failed_count && (count == 0 || strcmp(verdict->failed->name, question->failed) == 0);
	attest_verdict_free(verdict);
	if (!question->collateral)
		attest_collateral_free(collateral);
	return same;
}

static inline void flip_bit(struct flip_question *question, struct flip *flip, uint8_t *copy, unsigned bit)
{
	copy[flip->at] ^= (uint8_t)(1u << bit);
	flip->now = copy[flip->at];
	if (flip_is_same(question, false) != flip_is_harmless(flip))
		fail_msg("%s: bit %u of byte %zu turned round, and %s", flip->item, bit, flip->at,
			 flip_is_harmless(flip) ? "refused" : "accepted");
	copy[flip->at] ^= (uint8_t)(1u << bit);
	if (flip_is_harmless(flip))
		question->harmless++;
	else
		question->refused++;
}

/*
 * slot is a member of the question. One bit of every stride-th byte, of every head_stride-th before `head`; with
 * MSE_TEST_LONG every bit of every byte, if the item is evidence.
 */
static inline void flip_item(struct flip_question *question, const char *item, struct attest_bytes *slot, size_t head,
			     size_t head_stride, size_t stride)
{
	const bool all = flip_is_exhaustive() && strcmp(item, "quote") == 0;
	struct flip flip = {.item = item, .bytes = *slot, .question = question};
	uint8_t *copy = malloc(slot->size);

	assert_non_null(copy);
	memcpy(copy, slot->data, slot->size);
	slot->data = copy;
	assert_true(flip_is_same(question, true));
	for (size_t i = 0; i < slot->size; i += all ? 1 : i < head ? head_stride : stride) {
		flip.at = i;
		for (unsigned bit = 0; bit < 8; bit++)
			if (all || bit == (i / 3 + i) % 8)
				flip_bit(question, &flip, copy, bit);
	}
	*slot = flip.bytes;
	free(copy);
}

static inline void flip_quote(struct flip_question *question, size_t head_stride, size_t stride)
{
	const char *why = "";

	assert_int_equal(attest_collateral_new(&question->bytes, &question->collateral, &why), 0);
	flip_item(question, "quote", &question->quote, flip_pem_at(question->quote), head_stride, stride);
	attest_collateral_free(question->collateral);
	question->collateral = NULL;
}

static inline void flip_collateral(struct flip_question *question, size_t stride)
{
	struct attest_collateral_bytes *bytes = &question->bytes;

	flip_item(question, "tcb-info", &bytes->tcb_info, 0, 1, stride);
	flip_item(question, "tcb-info-chain", &bytes->tcb_info_issuer_chain, 0, 1, stride);
	flip_item(question, "qe-identity", &bytes->qe_identity, 0, 1, stride);
	flip_item(question, "qe-identity-chain", &bytes->qe_identity_issuer_chain, 0, 1, stride);
	flip_item(question, "root-crl", &bytes->root_ca_crl, 0, 1, stride);
	flip_item(question, "pck-crl", &bytes->pck_crl, 0, 1, stride);
}

#endif
