/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <string.h>

#include "format/date.h"

static void forms_that_people_write_are_read(void **state)
{
	struct err err = ERR_INIT;
	struct date date;
	char text[DATE_TEXT_SIZE];

	(void)state;
	assert_ok(date_parse("2022-11-19 09:47:26.931077+00:00", &date, &err), &err);
	assert_true(date.zoned);
	assert_int_equal(date.nanosecond, 931077000);
	assert_int_equal(date_to_unix(&date, 600), 1668851246);
	date_format(&date, text);
	assert_string_equal(text, "2022-11-19 09:47:26.931077+00:00");

	assert_ok(date_parse("2022-11-18 16:22:11.516125", &date, &err), &err);
	assert_false(date.zoned);
	date_format(&date, text);
	assert_string_equal(text, "2022-11-18 16:22:11.516125");

	assert_ok(date_parse("2026-02-28T23:59:59-05:30", &date, &err), &err);
	assert_int_equal(date_to_unix(&date, 0), 1772342999);
	assert_ok(date_parse("2024-02-29", &date, &err), &err);
	assert_int_equal(date_to_unix(&date, 0), 1709164800);
}

static void naive_dates_are_read_in_the_given_zone(void **state)
{
	struct err err = ERR_INIT;
	struct date date;

	(void)state;
	assert_ok(date_parse("1970-01-01 02:00:00", &date, &err), &err);
	assert_int_equal(date_to_unix(&date, 120), 0);
	assert_int_equal(date_to_unix(&date, 0), 7200);
}

static void other_texts_are_refused(void **state)
{
	static const char *const texts[] = {"",
					    "2026",
					    "2026-13-01",
					    "2026-02-29",
					    "2026-01-01T24:00:00Z",
					    "2026-01-01 00:00:60",
					    "2026-01-01 00:00:00.",
					    "2026-01-01 00:00:00.1234567890",
					    "2026-01-01 00:00:00+0100",
					    "2026-01-01 00:00:00+24:00",
					    "2026-01-01 00:00:00Zx",
					    "1969-12-31",
					    "2026-01-01_00:00:00"};
	struct err err = ERR_INIT;
	struct date date;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(texts); i++)
		assert_fails(date_parse(texts[i], &date, &err), &err, ERR_INVALID, "date");
}

static void unix_seconds_come_back(void **state)
{
	static const int64_t moments[] = {0, 951782400 /* 29 February 2000 */, 1668851246, 253402300799};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(moments); i++) {
		const struct date date = date_from_unix(moments[i]);

		assert_true(date_is_valid(&date));
		assert_int_equal(date_to_unix(&date, 99), moments[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(forms_that_people_write_are_read),
	    cmocka_unit_test(naive_dates_are_read_in_the_given_zone),
	    cmocka_unit_test(other_texts_are_refused),
	    cmocka_unit_test(unix_seconds_come_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
