/* SPDX-License-Identifier: Apache-2.0 */
#include "format/utf8.h"

#include <string.h>

#define HIGH_BITS 0x8080808080808080ULL

/* RFC 3629 section 4: what may follow each first byte of more than one. */
static const struct row {
	uint8_t first;
	uint8_t last;
	uint8_t left;
	uint8_t min;
	uint8_t max;
} rows[] = {
    {0xc2, 0xdf, 1, 0x80, 0xbf}, {0xe0, 0xe0, 2, 0xa0, 0xbf}, {0xe1, 0xec, 2, 0x80, 0xbf}, {0xed, 0xed, 2, 0x80, 0x9f},
    {0xee, 0xef, 2, 0x80, 0xbf}, {0xf0, 0xf0, 3, 0x90, 0xbf}, {0xf1, 0xf3, 3, 0x80, 0xbf}, {0xf4, 0xf4, 3, 0x80, 0x8f},
};

static bool begin(struct utf8_check *check, uint8_t byte)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (byte < rows[i].first || byte > rows[i].last)
			continue;
		*check = (struct utf8_check){rows[i].left, rows[i].min, rows[i].max};
		return true;
	}
	return byte < 0x80;
}

static bool go_on(struct utf8_check *check, uint8_t byte)
{
	if (byte < check->min || byte > check->max)
		return false;
	*check = (struct utf8_check){(uint8_t)(check->left - 1), 0x80, 0xbf};
	return true;
}

/* How many bytes at the beginning are ASCII, in steps of eight. */
static size_t skip_ascii(const uint8_t *bytes, size_t size)
{
	size_t at = 0;
	uint64_t eight;

	for (; size - at >= sizeof(eight); at += sizeof(eight)) {
		memcpy(&eight, bytes + at, sizeof(eight));
		if (eight & HIGH_BITS)
			break;
	}
	return at;
}

bool utf8_check_take(struct utf8_check *check, const void *data, size_t size)
{
	const uint8_t *bytes = data;
	size_t at = 0;

	while (at < size) {
		if (check->left == 0)
			at += skip_ascii(bytes + at, size - at);
		if (at == size)
			return true;
		if (!(check->left > 0 ? go_on(check, bytes[at]) : begin(check, bytes[at])))
			return false;
		at++;
	}
	return true;
}

bool utf8_check_is_whole(const struct utf8_check *check)
{
	return check->left == 0;
}

bool utf8_is_valid(const void *data, size_t size)
{
	struct utf8_check check = {0};

	return utf8_check_take(&check, data, size) && utf8_check_is_whole(&check);
}
