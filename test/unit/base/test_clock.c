/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <string.h>

#include "base/clock.h"

static void text_and_seconds_agree(void **state)
{
	char text[CLOCK_TEXT_SIZE];
	struct err err = ERR_INIT;
	int64_t seconds;

	(void)state;
	assert_ok(clock_parse_utc("2024-02-29T23:59:59Z", &seconds, &err), &err);
	assert_int_equal(seconds, 1709251199);
	clock_format_utc(seconds, text);
	assert_string_equal(text, "2024-02-29T23:59:59Z");
}

static void refuses_what_is_not_a_date(void **state)
{
	static const char *const bad[] = {
	    "2026-02-30T00:00:00Z", "2026-13-01T00:00:00Z",      "2026-01-01 00:00:00Z", "2026-01-01T24:00:00Z",
	    "2026-01-01T00:00:00",  "2026-01-01T00:00:00+00:00", "1969-12-31T23:59:59Z", "",
	    "2026-1-01T00:00:000Z"};
	struct err err = ERR_INIT;
	int64_t seconds;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		assert_fails(clock_parse_utc(bad[i], &seconds, &err), &err, ERR_INVALID, "date");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(text_and_seconds_agree),
	    cmocka_unit_test(refuses_what_is_not_a_date),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
