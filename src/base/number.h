/* SPDX-License-Identifier: Apache-2.0 */
/* The one parser of integers in text, and checked arithmetic on sizes. strtol and friends are banned elsewhere. */
#ifndef MSE_BASE_NUMBER_H
#define MSE_BASE_NUMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* Whole text is one decimal integer (no sign for u64, no space, no leading '+') within [min, max]. */
must_check int number_parse_u64(const char *text, uint64_t min, uint64_t max, uint64_t *ret_value, struct err *err);
must_check int number_parse_i64(const char *text, int64_t min, int64_t max, int64_t *ret_value, struct err *err);

/* true when the exact result fits; *ret_result is set only then. */
bool size_add(size_t a, size_t b, size_t *ret_result);
bool size_mul(size_t a, size_t b, size_t *ret_result);

static inline size_t size_min(size_t a, size_t b)
{
	return a < b ? a : b;
}

#endif
