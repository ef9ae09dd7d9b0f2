/* SPDX-License-Identifier: Apache-2.0 */
#include "format/base64.h"

#include <stdbool.h>

#include "base/number.h"

static const char standard[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char url_safe[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* One group of up to three bytes as up to four digits, without padding. */
static size_t encode_group(const char *alphabet, const uint8_t *bytes, size_t count, char ret[static 4])
{
	uint32_t bits = (uint32_t)bytes[0] << 16;

	if (count > 1)
		bits |= (uint32_t)bytes[1] << 8;
	if (count > 2)
		bits |= bytes[2];
	for (size_t i = 0; i <= count; i++)
		ret[i] = alphabet[bits >> (18 - 6 * i) & 63];
	return count + 1;
}

static int encode(const char *alphabet, bool padded, const uint8_t *bytes, size_t size, struct buf *ret,
		  struct err *err)
{
	uint8_t *room;
	size_t text_size;

	if (!size_mul(size / 3 + (size % 3 != 0), 4, &text_size))
		return err_no_memory(err);
	if (!padded && size % 3 != 0)
		text_size -= 3 - size % 3;
	if (buf_reserve(ret, text_size, &room, err) < 0)
		return -1;
	for (size_t i = 0; i < size; i += 3) {
		char group[4] = "===";
		const size_t count = encode_group(alphabet, bytes + i, size_min(size - i, 3), group);

		group[3] = count == 4 ? group[3] : '=';
		for (size_t k = 0; k < (padded ? 4 : count); k++)
			*room++ = (uint8_t)group[k];
	}
	ret->size += text_size;
	return 0;
}

static int digit_value(const char *alphabet, char digit)
{
	if (digit >= 'A' && digit <= 'Z')
		return digit - 'A';
	if (digit >= 'a' && digit <= 'z')
		return digit - 'a' + 26;
	if (digit >= '0' && digit <= '9')
		return digit - '0' + 52;
	if (digit == alphabet[62])
		return 62;
	return digit == alphabet[63] ? 63 : -1;
}

/* digits without padding; their number modulo 4 is not 1. */
static int check_digits(const char *alphabet, const char *text, size_t size, struct err *err)
{
	for (size_t i = 0; i < size; i++)
		if (digit_value(alphabet, text[i]) < 0)
			return err_set(err, ERR_INVALID, "byte %zu is no base64 digit", i);
	if ((size % 4 == 2 && (digit_value(alphabet, text[size - 1]) & 15) != 0) ||
	    (size % 4 == 3 && (digit_value(alphabet, text[size - 1]) & 3) != 0))
		return err_set(err, ERR_INVALID, "unused bits of the last base64 digit are not zero");
	return 0;
}

static int decode(const char *alphabet, const char *text, size_t size, struct buf *ret, struct err *err)
{
	const size_t result_size = size / 4 * 3 + (size % 4 ? size % 4 - 1 : 0);
	uint8_t *room;
	uint32_t bits = 0;

	if (size % 4 == 1)
		return err_set(err, ERR_INVALID, "%zu base64 digits make no whole bytes", size);
	if (check_digits(alphabet, text, size, err) < 0 || buf_reserve(ret, result_size, &room, err) < 0)
		return -1;
	for (size_t i = 0; i < size; i++) {
		bits = bits << 6 | (uint32_t)digit_value(alphabet, text[i]);
		if (i % 4 != 0)
			*room++ = (uint8_t)(bits >> (6 - i % 4 * 2));
	}
	ret->size += result_size;
	return 0;
}

int base64_encode(const void *data, size_t size, struct buf *ret, struct err *err)
{
	return encode(standard, true, data, size, ret, err);
}

int base64_decode(const char *text, size_t text_size, struct buf *ret, struct err *err)
{
	size_t digits = text_size;

	if (text_size % 4 != 0)
		return err_set(err, ERR_INVALID, "%zu bytes are no padded base64", text_size);
	for (int i = 0; i < 2 && digits > 0 && text[digits - 1] == '='; i++)
		digits--;
	return decode(standard, text, digits, ret, err);
}

int base64url_encode(const void *data, size_t size, struct buf *ret, struct err *err)
{
	return encode(url_safe, false, data, size, ret, err);
}

int base64url_decode(const char *text, size_t text_size, struct buf *ret, struct err *err)
{
	return decode(url_safe, text, text_size, ret, err);
}
