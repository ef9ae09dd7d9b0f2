/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <string.h>

#include "net/http.h"

static void test_date(void **state)
{
	char text[HTTP_DATE_SIZE];

	(void)state;
	/* The example of RFC 9110 5.6.7, the epoch, and a leap day. */
	http_format_date(784111777, text);
	assert_string_equal(text, "Sun, 06 Nov 1994 08:49:37 GMT");
	http_format_date(0, text);
	assert_string_equal(text, "Thu, 01 Jan 1970 00:00:00 GMT");
	http_format_date(951782400, text);
	assert_string_equal(text, "Tue, 29 Feb 2000 00:00:00 GMT");
}

static void test_header_check(void **state)
{
	(void)state;
	assert_true(http_header_is_valid("X-a_b", "v w\t\xff"));
	assert_true(http_header_is_valid("X", ""));
	assert_false(http_header_is_valid("", "v"));
	assert_false(http_header_is_valid("X y", "v"));
	assert_false(http_header_is_valid("X:", "v"));
	assert_false(http_header_is_valid("X", "a\r\nb"));
	assert_false(http_header_is_valid("X", "a\nb"));
	assert_false(http_header_is_valid("X", "\x7f"));
}

static void test_find_and_status(void **state)
{
	const struct http_header headers[] = {{"A", "1"}, {"b", "2"}, {"B", "3"}};

	(void)state;
	assert_string_equal(http_headers_find(headers, 3, "B"), "2");
	assert_null(http_headers_find(headers, 3, "c"));
	assert_null(http_headers_find(NULL, 0, "c"));
	assert_string_equal(http_status_text(404), "Not Found");
	assert_string_equal(http_status_text(299), "Unknown");
}

/* RFC 9110 5.6.2: ALPHA, DIGIT and fifteen more; 5.5: VCHAR, blanks, obs-text. */
static void every_byte_of_a_field(void **state)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!#$%&'*+-.^_`|~";

	(void)state;
	for (int byte = 1; byte < 256; byte++) {
		const char name[] = {'a', (char)byte, 'b', 0};

		assert_int_equal(http_header_is_valid(name, "v"), strchr(letters, byte) != NULL);
		assert_int_equal(http_header_is_valid("n", name), byte == '\t' || (byte >= ' ' && byte != 0x7f));
	}
	assert_false(http_header_is_valid("", "v"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_byte_of_a_field),
	    cmocka_unit_test(test_date),
	    cmocka_unit_test(test_header_check),
	    cmocka_unit_test(test_find_and_status),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
