/* SPDX-License-Identifier: Apache-2.0 */
#include "base/number.h"

#include <inttypes.h>
#include <string.h>

/* Digits only; false on anything else and on overflow. */
static bool digits(const char *text, uint64_t *ret_value)
{
	uint64_t value = 0;

	if (!*text)
		return false;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return false;
		if (__builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, (uint64_t)(*text - '0'), &value))
			return false;
	}
	*ret_value = value;
	return true;
}

int number_parse_u64(const char *text, uint64_t min, uint64_t max, uint64_t *ret_value, struct err *err)
{
	uint64_t value;

	if (!digits(text, &value) || value < min || value > max)
		return err_set(err, ERR_INVALID, "'%.40s' is not a whole number from %" PRIu64 " to %" PRIu64, text,
			       min, max);
	*ret_value = value;
	return 0;
}

int number_parse_i64(const char *text, int64_t min, int64_t max, int64_t *ret_value, struct err *err)
{
	const bool negative = text[0] == '-';
	uint64_t magnitude = 0;
	bool fits = digits(text + negative, &magnitude);
	int64_t value = 0;

	if (fits && negative)
		fits = !__builtin_sub_overflow(0, magnitude, &value);
	else if (fits)
		fits = !__builtin_add_overflow(0, magnitude, &value);
	if (!fits || value < min || value > max)
		return err_set(err, ERR_INVALID, "'%.40s' is not a whole number from %" PRId64 " to %" PRId64, text,
			       min, max);
	*ret_value = value;
	return 0;
}

bool size_add(size_t a, size_t b, size_t *ret_result)
{
	size_t result;

	if (__builtin_add_overflow(a, b, &result))
		return false;
	*ret_result = result;
	return true;
}

bool size_mul(size_t a, size_t b, size_t *ret_result)
{
	size_t result;

	if (__builtin_mul_overflow(a, b, &result))
		return false;
	*ret_result = result;
	return true;
}
