/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/ecdsa_der.h"

#include <assert.h>
#include <string.h>

#define TAG_INTEGER 0x02
#define TAG_SEQUENCE 0x30

static_assert(ECDSA_DER_SIZE_MAX < 2 + 128, "every length has one byte");

/* Adds a number as INTEGER at ret + at; returns where it ends. */
static size_t put_integer(const uint8_t *number, size_t size, uint8_t *ret, size_t at)
{
	while (size > 1 && *number == 0) {
		number++;
		size--;
	}
	ret[at++] = TAG_INTEGER;
	ret[at++] = (uint8_t)(size + (*number >> 7)); /* a zero byte in front of a set top bit */
	if (*number >= 0x80)
		ret[at++] = 0;
	memcpy(ret + at, number, size);
	return at + size;
}

size_t ecdsa_der_format(const uint8_t *r, const uint8_t *s, size_t size, uint8_t ret[static ECDSA_DER_SIZE_MAX])
{
	const size_t end = put_integer(s, size, ret, put_integer(r, size, ret, 2));

	ret[0] = TAG_SEQUENCE;
	ret[1] = (uint8_t)(end - 2);
	return end;
}
