/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes written as hex in tests. Include after unit.h. */
#ifndef MSE_TEST_HEXBYTES_H
#define MSE_TEST_HEXBYTES_H

#include <stdlib.h>
#include <string.h>

#include "format/hex.h"

static inline void hex_bytes(const char *hex, void *ret, size_t size)
{
	struct err err = ERR_INIT;

	assert_ok(hex_decode(hex, strlen(hex), ret, size, &err), &err);
}

static inline void assert_hex_equal(const void *data, size_t size, const char *wanted)
{
	char *text = malloc(HEX_TEXT_SIZE(size));

	assert_non_null(text);
	hex_encode(data, size, text);
	assert_string_equal(text, wanted);
	free(text);
}

/* first, first + 1, … */
static inline void count_up(uint8_t first, uint8_t *ret, size_t size)
{
	for (size_t i = 0; i < size; i++)
		ret[i] = (uint8_t)(first + i);
}

#endif
