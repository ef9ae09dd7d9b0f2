/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <string.h>

#include "format/utf8.h"

struct row {
	const char *text;
	bool is_valid;
};

static const struct row rows[] = {
    {"", true},
    {"plain, longer than eight bytes", true},
    {"\xc2\x80 \xdf\xbf \xe0\xa0\x80 \xed\x9f\xbf \xee\x80\x80 \xef\xbf\xbf \xf0\x90\x80\x80 \xf4\x8f\xbf\xbf", true},
    {"12345678\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5"
     "87654321",
     true},
    {"\x80", false},
    {"\xbf", false},
    {"\xc0\xaf", false},
    {"\xc1\xbf", false},
    {"\xe0\x9f\xbf", false},
    {"\xed\xa0\x80", false},
    {"\xf0\x8f\xbf\xbf", false},
    {"\xf4\x90\x80\x80", false},
    {"\xf5\x80\x80\x80", false},
    {"\xff", false},
    {"\xc2", false},
    {"\xe1\x80", false},
    {"\xf1\x80\x80", false},
    {"\xc2\x41", false},
    {"\xe1\x80\xc0", false},
    {"12345678\xf1\x80\x80z", false},
};

static void test_texts(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(utf8_is_valid(rows[i].text, strlen(rows[i].text)), rows[i].is_valid);
}

static void test_cut_anywhere(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (size_t cut = 0; cut <= strlen(rows[i].text); cut++) {
			struct utf8_check check = {0};
			const bool is_valid = utf8_check_take(&check, rows[i].text, cut) &&
					      utf8_check_take(&check, rows[i].text + cut, strlen(rows[i].text) - cut) &&
					      utf8_check_is_whole(&check);

			assert_int_equal(is_valid, rows[i].is_valid);
		}
	}
}

/* The verdict falls with the first byte that cannot be, not at the end. */
static void test_refused_early(void **state)
{
	struct utf8_check check = {0};

	(void)state;
	assert_false(utf8_check_take(&check, "\xf4\x90", 2));
	check = (struct utf8_check){0};
	assert_true(utf8_check_take(&check, "\xf4\x8f", 2));
	assert_false(utf8_check_is_whole(&check));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_texts),
	    cmocka_unit_test(test_cut_anywhere),
	    cmocka_unit_test(test_refused_early),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
