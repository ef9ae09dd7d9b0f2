/* SPDX-License-Identifier: Apache-2.0 */
#include "format/bill_reader.h"

#include <string.h>

#include "base/number.h"
#include "format/hex.h"

#define NUMBER_DIGITS_MAX 20

int bill_reader_expect(struct bill_reader *reader, const char *text, struct err *err)
{
	const size_t size = strlen(text);

	if (reader->size - reader->at < size || memcmp(reader->data + reader->at, text, size) != 0)
		return err_set(err, ERR_INVALID, "expected '%s'", text);
	reader->at += size;
	return 0;
}

bool bill_reader_next_is(const struct bill_reader *reader, char byte)
{
	return reader->at < reader->size && reader->data[reader->at] == byte;
}

int bill_reader_end(const struct bill_reader *reader, struct err *err)
{
	return reader->at == reader->size ? 0 : err_set(err, ERR_INVALID, "expected the end");
}

int bill_reader_text(struct bill_reader *reader, char *ret, size_t ret_size, struct err *err)
{
	const char *start = reader->data + reader->at;
	const char *quote = memchr(start, '"', reader->size - reader->at);
	const size_t size = quote ? (size_t)(quote - start) : 0;

	if (!quote)
		return err_set(err, ERR_INVALID, "text without an end");
	if (size >= ret_size)
		return err_set(err, ERR_LIMIT, "text of %zu bytes, at most %zu are allowed", size, ret_size - 1);
	for (size_t i = 0; i < size; i++) {
		if (start[i] < 0x20 || start[i] > 0x7e || start[i] == '\\')
			return err_set(err, ERR_INVALID, "byte 0x%02x is not allowed in a text", (uint8_t)start[i]);
	}
	memcpy(ret, start, size);
	ret[size] = 0;
	reader->at += size + 1;
	return 0;
}

int bill_reader_hex(struct bill_reader *reader, uint8_t *ret, size_t ret_size, struct err *err)
{
	if (reader->size - reader->at < 2 * ret_size)
		return err_set(err, ERR_INVALID, "expected %zu hexadecimal digits", 2 * ret_size);
	if (hex_decode_lower(reader->data + reader->at, 2 * ret_size, ret, ret_size, err) < 0)
		return -1;
	reader->at += 2 * ret_size;
	return bill_reader_expect(reader, "\"", err);
}

int bill_reader_number(struct bill_reader *reader, uint64_t max, uint64_t *ret, struct err *err)
{
	char digits[NUMBER_DIGITS_MAX + 1];
	size_t count = 0;

	for (; count < NUMBER_DIGITS_MAX && reader->at + count < reader->size; count++) {
		const char byte = reader->data[reader->at + count];

		if (byte < '0' || byte > '9')
			break;
		digits[count] = byte;
	}
	digits[count] = 0;
	if (count > 1 && digits[0] == '0')
		return err_set(err, ERR_INVALID, "number '%s' begins with 0", digits);
	if (number_parse_u64(digits, 0, max, ret, err) < 0)
		return -1;
	reader->at += count;
	return 0;
}
