/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/der.h"

#include <stdio.h>
#include <string.h>

#include "base/utc.h"

#define LONG_LENGTH 0x80
#define LENGTH_BYTES_MAX 4
#define TAG_NUMBER_MASK 0x1f
#define UTC_TIME_PIVOT 50 /* its years are 1950 to 2049 */

/* Reads the length after a tag. bytes is what follows the tag; *ret_used how much of it the length took. */
static int length_parse(const uint8_t *bytes, size_t left, size_t *ret_length, size_t *ret_used, struct err *err)
{
	size_t count;
	size_t length = 0;

	if (left < 1)
		return err_set(err, ERR_INVALID, "DER: ends inside an element");
	if (bytes[0] < LONG_LENGTH) {
		*ret_length = bytes[0];
		*ret_used = 1;
		return 0;
	}
	count = bytes[0] & 0x7f;
	if (count == 0 || count > LENGTH_BYTES_MAX || count >= left)
		return err_set(err, ERR_INVALID, "DER: indefinite, too long or truncated length");
	for (size_t i = 1; i <= count; i++)
		length = length << 8 | bytes[i];
	if (length < LONG_LENGTH || bytes[1] == 0)
		return err_set(err, ERR_INVALID, "DER: length is not the shortest form");
	*ret_length = length;
	*ret_used = 1 + count;
	return 0;
}

int der_next(struct der *reader, uint8_t *ret_tag, struct der *ret_content, struct der *ret_whole, struct err *err)
{
	size_t length = 0;
	size_t used = 0;

	if (reader->size < 2)
		return err_set(err, ERR_INVALID, "DER: ends inside an element");
	if ((reader->data[0] & TAG_NUMBER_MASK) == TAG_NUMBER_MASK)
		return err_set(err, ERR_INVALID, "DER: tag of several bytes");
	if (length_parse(reader->data + 1, reader->size - 1, &length, &used, err) < 0)
		return -1;
	if (length > reader->size - 1 - used)
		return err_set(err, ERR_INVALID, "DER: element of %zu bytes, %zu are left", length,
			       reader->size - 1 - used);
	*ret_tag = reader->data[0];
	*ret_content = (struct der){reader->data + 1 + used, length};
	if (ret_whole)
		*ret_whole = (struct der){reader->data, 1 + used + length};
	reader->data += 1 + used + length;
	reader->size -= 1 + used + length;
	return 0;
}

int der_take_whole(struct der *reader, uint8_t tag, const char *what, struct der *ret_content, struct der *ret_whole,
		   struct err *err)
{
	struct der rest = *reader;
	uint8_t seen;

	if (der_next(&rest, &seen, ret_content, ret_whole, err) < 0)
		return err_prefix(err, "%s", what);
	if (seen != tag)
		return err_set(err, ERR_INVALID, "%s: DER tag 0x%02x, expected 0x%02x", what, seen, tag);
	*reader = rest;
	return 0;
}

int der_take(struct der *reader, uint8_t tag, const char *what, struct der *ret_content, struct err *err)
{
	return der_take_whole(reader, tag, what, ret_content, NULL, err);
}

bool der_is_next(const struct der *reader, uint8_t tag)
{
	return reader->size > 0 && reader->data[0] == tag;
}

int der_end(const struct der *reader, const char *what, struct err *err)
{
	if (reader->size != 0)
		return err_set(err, ERR_INVALID, "%s: %zu bytes too many", what, reader->size);
	return 0;
}

/* An integer's content: not empty, and no byte that could be left out. */
static int check_integer(struct der content, const char *what, struct err *err)
{
	if (content.size == 0)
		return err_set(err, ERR_INVALID, "%s: empty integer", what);
	if (content.size > 1 && ((content.data[0] == 0x00 && content.data[1] < 0x80) ||
				 (content.data[0] == 0xff && content.data[1] >= 0x80)))
		return err_set(err, ERR_INVALID, "%s: integer is not the shortest form", what);
	return 0;
}

int der_take_int(struct der *reader, uint8_t tag, const char *what, int64_t min, int64_t max, int64_t *ret_value,
		 struct err *err)
{
	struct der content;
	int64_t value;

	if (der_take(reader, tag, what, &content, err) < 0 || check_integer(content, what, err) < 0)
		return -1;
	if (content.size > sizeof(int32_t) + 1)
		return err_set(err, ERR_INVALID, "%s: integer of %zu bytes", what, content.size);
	value = content.data[0] >= 0x80 ? -1 : 0;
	for (size_t i = 0; i < content.size; i++)
		value = (int64_t)((uint64_t)value << 8 | content.data[i]);
	if (value < min || value > max)
		return err_set(err, ERR_INVALID, "%s: %lld, expected %lld to %lld", what, (long long)value,
			       (long long)min, (long long)max);
	*ret_value = value;
	return 0;
}

int der_take_unsigned(struct der *reader, const char *what, struct der *ret_bytes, struct err *err)
{
	struct der content;

	if (der_take(reader, DER_INTEGER, what, &content, err) < 0 || check_integer(content, what, err) < 0)
		return -1;
	if (content.data[0] >= 0x80)
		return err_set(err, ERR_INVALID, "%s: negative integer", what);
	if (content.data[0] == 0 && content.size > 1) {
		content.data++;
		content.size--;
	}
	if (content.size > DER_INTEGER_SIZE_MAX)
		return err_set(err, ERR_INVALID, "%s: integer of %zu bytes, at most %d", what, content.size,
			       DER_INTEGER_SIZE_MAX);
	*ret_bytes = content;
	return 0;
}

int der_take_bool(struct der *reader, const char *what, bool *ret_value, struct err *err)
{
	struct der content;

	if (der_take(reader, DER_BOOLEAN, what, &content, err) < 0)
		return -1;
	if (content.size != 1 || (content.data[0] != 0x00 && content.data[0] != 0xff))
		return err_set(err, ERR_INVALID, "%s: boolean is neither 00 nor FF", what);
	*ret_value = content.data[0] == 0xff;
	return 0;
}

int der_take_bits(struct der *reader, const char *what, struct der *ret_bytes, struct err *err)
{
	struct der content;

	if (der_take(reader, DER_BIT_STRING, what, &content, err) < 0)
		return -1;
	if (content.size < 1 || content.data[0] != 0)
		return err_set(err, ERR_INVALID, "%s: bit string with unused bits", what);
	*ret_bytes = (struct der){content.data + 1, content.size - 1};
	return 0;
}

int der_take_time(struct der *reader, const char *what, int64_t *ret_seconds, struct err *err)
{
	const bool utc = der_is_next(reader, DER_UTC_TIME);
	const size_t year_size = utc ? 2 : 4;
	struct utc moment;
	struct der content;
	const char *at;

	if (der_take(reader, utc ? DER_UTC_TIME : DER_GENERALIZED_TIME, what, &content, err) < 0)
		return -1;
	if (content.size != year_size + 11)
		return err_set(err, ERR_INVALID, "%s: time of %zu bytes, expected %zu", what, content.size,
			       year_size + 11);
	at = (const char *)content.data + year_size;
	moment = (struct utc){utc_digits((const char *)content.data, (int)year_size),
			      utc_digits(at, 2),
			      utc_digits(at + 2, 2),
			      utc_digits(at + 4, 2),
			      utc_digits(at + 6, 2),
			      utc_digits(at + 8, 2)};
	if (utc && moment.year >= 0)
		moment.year += moment.year >= UTC_TIME_PIVOT ? 1900 : 2000;
	if (!utc_exists(&moment) || at[10] != 'Z')
		return err_set(err, ERR_INVALID, "%s: '%.*s' is not a date that exists, in UTC from 1970 on", what,
			       (int)content.size, (const char *)content.data);
	if (!utc && moment.year < UTC_TIME_PIVOT + 2000)
		return err_set(err, ERR_INVALID, "%s: '%.*s' must be UTCTime", what, (int)content.size,
			       (const char *)content.data);
	*ret_seconds = utc_to_seconds(&moment);
	return 0;
}

int der_oid_text(struct der oid, char ret_text[static DER_OID_TEXT_SIZE], struct err *err)
{
	uint64_t arc = 0;
	size_t used = 0;
	bool first = true;

	if (oid.size == 0 || (oid.data[oid.size - 1] & 0x80))
		return err_set(err, ERR_INVALID, "OID: empty or truncated");
	for (size_t i = 0; i < oid.size; i++) {
		if ((arc == 0 && oid.data[i] == 0x80) || arc >> 56)
			return err_set(err, ERR_INVALID, "OID: arc not in its shortest form or too large");
		arc = arc << 7 | (oid.data[i] & 0x7f);
		if (oid.data[i] & 0x80)
			continue;
		if (used + 24 > DER_OID_TEXT_SIZE)
			return err_set(err, ERR_LIMIT, "OID: text above %d bytes", DER_OID_TEXT_SIZE);
		if (first) {
			const uint64_t top = arc < 80 ? arc / 40 : 2;

			used += (size_t)snprintf(ret_text, DER_OID_TEXT_SIZE, "%u.%llu", (unsigned)top,
						 (unsigned long long)(arc - top * 40));
		} else {
			used += (size_t)snprintf(ret_text + used, DER_OID_TEXT_SIZE - used, ".%llu",
						 (unsigned long long)arc);
		}
		first = false;
		arc = 0;
	}
	return 0;
}

/* The arcs of dotted text, one after another; -1 at its end. */
static int64_t take_arc(const char **text)
{
	int64_t arc = 0;

	if (**text == '\0')
		return -1;
	for (; **text >= '0' && **text <= '9'; (*text)++)
		arc = arc * 10 + (**text - '0');
	if (**text == '.')
		(*text)++;
	return arc;
}

bool der_oid_is(struct der oid, const char *text)
{
	const int64_t top = take_arc(&text);
	int64_t arc = top * 40 + take_arc(&text);
	size_t at = 0;

	for (; arc >= 0; arc = take_arc(&text)) {
		int shift = 0;

		while (arc >> (shift + 7))
			shift += 7;
		for (; shift >= 0; shift -= 7, at++)
			if (at >= oid.size ||
			    oid.data[at] != (uint8_t)((shift > 0 ? 0x80 : 0) | ((arc >> shift) & 0x7f)))
				return false;
	}
	return at == oid.size;
}

bool der_equal(struct der a, struct der b)
{
	return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

int der_signature_raw(struct der signature, uint8_t ret_raw[static 64], struct err *err)
{
	struct der body;
	struct der part[2];
	uint8_t raw[64] = {0};

	if (der_take(&signature, DER_SEQUENCE, "signature", &body, err) < 0 ||
	    der_end(&signature, "signature", err) < 0 || der_take_unsigned(&body, "signature r", &part[0], err) < 0 ||
	    der_take_unsigned(&body, "signature s", &part[1], err) < 0 || der_end(&body, "signature", err) < 0)
		return -1;
	for (size_t i = 0; i < 2; i++)
		memcpy(raw + 32 * i + 32 - part[i].size, part[i].data, part[i].size);
	memcpy(ret_raw, raw, sizeof(raw));
	return 0;
}

#define CHECK_DEPTH_MAX 32

int der_check(struct der data, size_t depth_max, struct err *err)
{
	struct der stack[CHECK_DEPTH_MAX];
	size_t depth = 0;

	if (depth_max >= CHECK_DEPTH_MAX)
		return err_set(err, ERR_INTERNAL, "DER: depth above %d asked for", CHECK_DEPTH_MAX);
	stack[0] = data;
	for (;;) {
		struct der content;
		uint8_t tag;

		while (stack[depth].size == 0) {
			if (depth == 0)
				return 0;
			depth--;
		}
		if (der_next(&stack[depth], &tag, &content, NULL, err) < 0)
			return -1;
		if (!(tag & 0x20))
			continue;
		if (depth == depth_max)
			return err_set(err, ERR_INVALID, "DER: nested deeper than %zu", depth_max);
		stack[++depth] = content;
	}
}
