/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <string.h>

#include "base/text.h"

static void test_characters(void **state)
{
	static const struct {
		const char *text;
		size_t length;
	} rows[] = {
	    {"", 0},
	    {"a", 1},
	    {" ~", 1},
	    {"\x1f", 0},
	    {"\x7f", 0},
	    {"\n", 0},
	    {"\u00e9x", 2},
	    {"\u20ac", 3},
	    {"\U0001f600", 4},
	    {"\xc3", 0},
	    {"\xc3x", 0},
	    {"\xe2\x82", 0},
	    {"\xff", 0},
	    {"\x80", 0},
	    {"\xc0\x80", 0},
	    {"\xc1\xbf", 0},
	    {"\xc2\x80", 0},
	    {"\xc2\x9f", 0},
	    {"\xc2\xa0", 2},
	    {"\xe0\x9f\xbf", 0},
	    {"\xed\x9f\xbf", 3},
	    {"\xed\xa0\x80", 0},
	    {"\xf0\x8f\xbf\xbf", 0},
	    {"\xf4\x8f\xbf\xbf", 4},
	    {"\xf4\x90\x80\x80", 0},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		if (text_character(rows[i].text) != rows[i].length)
			fail_msg("row %zu: %zu, expected %zu", i, text_character(rows[i].text), rows[i].length);
	}
}

static void test_what_is_no_text_is_replaced(void **state)
{
	char text[16] = "a\xff\x1b[\xc3\xa9\xc3\n";

	(void)state;
	text_clean(text, text, sizeof(text));
	assert_string_equal(text, "a??[\xc3\xa9??");
}

/* At the last byte that fits, and one less. */
static void test_it_is_cut_between_characters(void **state)
{
	static const char text[] = "ab\u20ac";
	char ret[8];

	(void)state;
	text_clean(text, ret, 6);
	assert_string_equal(ret, text);
	text_clean(text, ret, 5);
	assert_string_equal(ret, "ab");
	text_clean(text, ret, 3);
	assert_string_equal(ret, "ab");
	text_clean(text, ret, 2);
	assert_string_equal(ret, "a");
	text_clean(text, ret, 1);
	assert_string_equal(ret, "");
	text_clean("\xff", ret, 1);
	assert_string_equal(ret, "");
}

static void test_ends(void **state)
{
	(void)state;
	assert_true(text_ends_with("a.bin", ".bin"));
	assert_true(text_ends_with(".bin", ".bin"));
	assert_true(text_ends_with("a", ""));
	assert_false(text_ends_with("bin", ".bin"));
	assert_false(text_ends_with("a.binx", ".bin"));
	assert_false(text_ends_with("", "x"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_characters),
	    cmocka_unit_test(test_what_is_no_text_is_replaced),
	    cmocka_unit_test(test_it_is_cut_between_characters),
	    cmocka_unit_test(test_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
