/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "collateral/record.h"

static void fill(struct collateral_record *record, const char *body, const char *chain)
{
	struct err err = ERR_INIT;

	*record = COLLATERAL_RECORD_INIT;
	(void)snprintf(record->name, sizeof(record->name), "PCCS, TCB info, https://a/b?c=d");
	(void)snprintf(record->source, sizeof(record->source), "PCCS https://a");
	record->fetched = 5;
	record->answer.from = INT64_MIN;
	record->answer.until = INT64_MAX;
	assert_ok(buf_add_text(&record->answer.body, body, &err), &err);
	assert_ok(buf_add_text(&record->answer.chain, chain, &err), &err);
}

static void test_round_trip(void **state)
{
	static const char *const rows[][2] = {{"body", "chain"}, {"b\n\n", ""}, {"", ""}};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		scoped(collateral_record_done) struct collateral_record in;
		scoped(collateral_record_done) struct collateral_record out = COLLATERAL_RECORD_INIT;
		scoped(buf_done) struct buf bytes = BUF_INIT(COLLATERAL_RECORD_MAX);
		struct err err = ERR_INIT;

		fill(&in, rows[i][0], rows[i][1]);
		assert_ok(collateral_record_format(&in, &bytes, &err), &err);
		assert_ok(collateral_record_parse(bytes.data, bytes.size, &out, &err), &err);
		assert_string_equal(out.name, in.name);
		assert_string_equal(out.source, in.source);
		assert_int_equal(out.fetched, 5);
		assert_true(out.answer.from == INT64_MIN && out.answer.until == INT64_MAX);
		assert_string_equal(buf_text(&out.answer.body), rows[i][0]);
		assert_string_equal(buf_text(&out.answer.chain), rows[i][1]);
	}
}

/* Any bit, any cut: none is taken for the record, or for another. */
static void test_every_bit_counts(void **state)
{
	scoped(collateral_record_done) struct collateral_record in;
	scoped(collateral_record_done) struct collateral_record out = COLLATERAL_RECORD_INIT;
	scoped(buf_done) struct buf bytes = BUF_INIT(COLLATERAL_RECORD_MAX);
	struct err err = ERR_INIT;

	(void)state;
	fill(&in, "body of an item", "and its chain");
	assert_ok(collateral_record_format(&in, &bytes, &err), &err);
	for (size_t i = 0; i < bytes.size * 8; i++) {
		const uint8_t bit = (uint8_t)(1u << i % 8);

		bytes.data[i / 8] ^= bit;
		/* The digits of the hash may be of either case. */
		if (collateral_record_parse(bytes.data, bytes.size, &out, &err) == 0)
			assert_true(bit == 0x20 && bytes.data[i / 8] >= 'A' && bytes.data[i / 8] <= 'F');
		bytes.data[i / 8] ^= bit;
	}
	for (size_t size = 0; size < bytes.size; size++)
		assert_int_equal(collateral_record_parse(bytes.data, size, &out, &err), -1);
}

static void test_lines_stay_lines(void **state)
{
	scoped(collateral_record_done) struct collateral_record in;
	scoped(buf_done) struct buf bytes = BUF_INIT(COLLATERAL_RECORD_MAX);
	struct err err = ERR_INIT;

	(void)state;
	fill(&in, "", "");
	(void)snprintf(in.source, sizeof(in.source), "a\nfetched 7");
	assert_int_equal(collateral_record_format(&in, &bytes, &err), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_round_trip),
	    cmocka_unit_test(test_every_bit_counts),
	    cmocka_unit_test(test_lines_stay_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
