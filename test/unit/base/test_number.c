/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <string.h>

#include "base/number.h"

static void accepts_only_digits_in_range(void **state)
{
	static const char *const bad[] = {"", "+1", "-1", " 1", "1 ", "0x1", "1e3", "101", "18446744073709551616"};
	struct err err = ERR_INIT;
	uint64_t value = 7;

	(void)state;
	assert_ok(number_parse_u64("100", 0, 100, &value, &err), &err);
	assert_int_equal(value, 100);
	assert_ok(number_parse_u64("18446744073709551615", 0, UINT64_MAX, &value, &err), &err);
	assert_true(value == UINT64_MAX);
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		assert_fails(number_parse_u64(bad[i], 0, 100, &value, &err), &err, ERR_INVALID, "from 0 to 100");
	assert_true(value == UINT64_MAX);
}

static void signed_limits_are_reachable(void **state)
{
	struct err err = ERR_INIT;
	int64_t value;

	(void)state;
	assert_ok(number_parse_i64("-9223372036854775808", INT64_MIN, INT64_MAX, &value, &err), &err);
	assert_true(value == INT64_MIN);
	assert_ok(number_parse_i64("9223372036854775807", INT64_MIN, INT64_MAX, &value, &err), &err);
	assert_true(value == INT64_MAX);
	assert_fails(number_parse_i64("9223372036854775808", INT64_MIN, INT64_MAX, &value, &err), &err, ERR_INVALID,
		     "9223372036854775808");
	assert_fails(number_parse_i64("--1", INT64_MIN, INT64_MAX, &value, &err), &err, ERR_INVALID, "--1");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(accepts_only_digits_in_range),
	    cmocka_unit_test(signed_limits_are_reachable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
