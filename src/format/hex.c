/* SPDX-License-Identifier: Apache-2.0 */
#include "format/hex.h"

#include <stdbool.h>

#include "base/number.h"

static const char digits[] = "0123456789abcdef";

void hex_encode(const void *data, size_t size, char *ret_text)
{
	const uint8_t *bytes = data;

	for (size_t i = 0; i < size; i++) {
		ret_text[2 * i] = digits[bytes[i] >> 4];
		ret_text[2 * i + 1] = digits[bytes[i] & 15];
	}
	ret_text[2 * size] = 0;
}

int hex_add(struct buf *buf, const void *data, size_t size, struct err *err)
{
	uint8_t *room;
	size_t text_size;

	if (!size_mul(size, 2, &text_size))
		return err_no_memory(err);
	if (buf_reserve(buf, text_size, &room, err) < 0)
		return -1;
	hex_encode(data, size, (char *)room); /* its zero byte is the buffer's own terminator */
	buf->size += text_size;
	return 0;
}

static int digit_value(char digit, bool lower_only)
{
	if (digit >= '0' && digit <= '9')
		return digit - '0';
	if (digit >= 'a' && digit <= 'f')
		return digit - 'a' + 10;
	if (digit >= 'A' && digit <= 'F' && !lower_only)
		return digit - 'A' + 10;
	return -1;
}

static int decode(const char *text, size_t text_size, uint8_t *ret, size_t ret_size, bool lower_only, struct err *err)
{
	if (text_size / 2 != ret_size || text_size % 2 != 0)
		return err_set(err, ERR_INVALID, "%zu hex digits, expected %zu", text_size, 2 * ret_size);
	for (size_t i = 0; i < text_size; i++)
		if (digit_value(text[i], lower_only) < 0)
			return err_set(err, ERR_INVALID, "byte %zu is no %shex digit", i,
				       lower_only ? "lower-case " : "");
	for (size_t i = 0; i < ret_size; i++)
		ret[i] =
		    (uint8_t)(digit_value(text[2 * i], lower_only) << 4 | digit_value(text[2 * i + 1], lower_only));
	return 0;
}

int hex_decode(const char *text, size_t text_size, uint8_t *ret, size_t ret_size, struct err *err)
{
	return decode(text, text_size, ret, ret_size, false, err);
}

int hex_decode_lower(const char *text, size_t text_size, uint8_t *ret, size_t ret_size, struct err *err)
{
	return decode(text, text_size, ret, ret_size, true, err);
}
