/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

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

/* Every day of two eras and some seconds of it, against the C library. */
static void dates_are_the_c_librarys(void **state)
{
	char text[CLOCK_TEXT_SIZE];
	char expected[64];
	struct err err = ERR_INIT;
	int64_t seconds = 0;

	(void)state;
	for (int64_t day = -200000; day < 150000; day++) {
		const time_t when = (time_t)(day * 86400 + (day * 7919 % 86400 + 86400) % 86400);
		struct tm parts;

		assert_non_null(gmtime_r(&when, &parts));
		(void)snprintf(expected, sizeof(expected), "%04d-%02d-%02dT%02d:%02d:%02dZ", parts.tm_year + 1900,
			       parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec);
		clock_format_utc(when, text);
		if (strcmp(text, expected) != 0)
			fail_msg("%s, expected %s", text, expected);
		if (when >= 0 && (clock_parse_utc(text, &seconds, &err) < 0 || seconds != when))
			fail_msg("%s was read as %lld: %s", text, (long long)seconds, err.text);
	}
}

static void bounds_of_text(void **state)
{
	static const struct {
		int64_t seconds;
		const char *text;
	} CASES[] = {
	    {0, "1970-01-01T00:00:00Z"},
	    {-1, "1969-12-31T23:59:59Z"},
	    {INT64_C(253402300799), "9999-12-31T23:59:59Z"},
	    {INT64_C(253402300800), "9999-12-31T23:59:59Z"},
	    {INT64_MAX, "9999-12-31T23:59:59Z"},
	    {INT64_C(-62135596800), "0001-01-01T00:00:00Z"},
	    {INT64_C(-62135596801), "0001-01-01T00:00:00Z"},
	    {INT64_MIN, "0001-01-01T00:00:00Z"},
	};
	char text[CLOCK_TEXT_SIZE];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(CASES); i++) {
		clock_format_utc(CASES[i].seconds, text);
		assert_string_equal(text, CASES[i].text);
	}
}

static void refuses_what_is_not_a_date(void **state)
{
	static const char *const bad[] = {
	    "2026-02-30T00:00:00Z", "2026-13-01T00:00:00Z",      "2026-01-01 00:00:00Z", "2026-01-01T24:00:00Z",
	    "2026-01-01T00:00:00",  "2026-01-01T00:00:00+00:00", "1969-12-31T23:59:59Z", "",
	    "2026-1-01T00:00:000Z", "2025-02-29T00:00:00Z",      "2100-02-29T00:00:00Z", "2026-00-01T00:00:00Z",
	    "2026-01-00T00:00:00Z", "2026-04-31T00:00:00Z",      "2026-01-32T00:00:00Z", "2026-01-01T00:60:00Z",
	    "2026-01-01T00:00:60Z", "2026-01-01T0/:00:00Z",      "2026-01-01T00:0::00Z", "2026-01-01T00:00:-1Z"};
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
	    cmocka_unit_test(dates_are_the_c_librarys),
	    cmocka_unit_test(bounds_of_text),
	    cmocka_unit_test(refuses_what_is_not_a_date),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
