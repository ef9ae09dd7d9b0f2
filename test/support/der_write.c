/* SPDX-License-Identifier: Apache-2.0 */
#include "der_write.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "crypto/der.h"

#define UTC_TIME_END 2524608000 /* 2050-01-01 */

static void must(int result, const struct err *err)
{
	if (result == 0)
		return;
	(void)fprintf(stderr, "der_write: %s\n", err->text);
	abort();
}

void der_put_raw(struct buf *buf, const void *data, size_t size)
{
	struct err err = ERR_INIT;

	must(buf_add(buf, data, size, &err), &err);
}

static size_t format_header(uint8_t tag, size_t size, uint8_t ret[static 6])
{
	size_t used = 0;

	ret[used++] = tag;
	if (size < 0x80) {
		ret[used++] = (uint8_t)size;
	} else {
		const size_t count = size > 0xffff ? 3 : size > 0xff ? 2 : 1;

		ret[used++] = (uint8_t)(0x80 | count);
		for (size_t i = count; i-- > 0;)
			ret[used++] = (uint8_t)(size >> (8 * i));
	}
	return used;
}

void der_put(struct buf *buf, uint8_t tag, const void *content, size_t size)
{
	uint8_t header[6];

	der_put_raw(buf, header, format_header(tag, size, header));
	der_put_raw(buf, content, size);
}

void der_wrap(struct buf *buf, size_t start, uint8_t tag)
{
	uint8_t header[6];
	const size_t size = buf->size - start;
	const size_t used = format_header(tag, size, header);

	der_put_raw(buf, header, used); /* room */
	memmove(buf->data + start + used, buf->data + start, size);
	memcpy(buf->data + start, header, used);
}

void der_put_int(struct buf *buf, uint8_t tag, int64_t value)
{
	uint8_t bytes[8];
	size_t first = 0;

	for (size_t i = 0; i < 8; i++)
		bytes[i] = (uint8_t)((uint64_t)value >> (8 * (7 - i)));
	while (first < 7 && ((bytes[first] == 0x00 && bytes[first + 1] < 0x80) ||
			     (bytes[first] == 0xff && bytes[first + 1] >= 0x80)))
		first++;
	der_put(buf, tag, bytes + first, 8 - first);
}

void der_put_unsigned(struct buf *buf, const uint8_t *bytes, size_t size)
{
	const size_t start = buf->size;

	while (size > 1 && bytes[0] == 0) {
		bytes++;
		size--;
	}
	if (bytes[0] >= 0x80)
		der_put_raw(buf, "", 1);
	der_put_raw(buf, bytes, size);
	der_wrap(buf, start, DER_INTEGER);
}

void der_put_bool(struct buf *buf, bool value)
{
	der_put(buf, DER_BOOLEAN, value ? "\xff" : "\x00", 1);
}

static void put_arc(struct buf *buf, uint64_t arc)
{
	uint8_t bytes[10];
	size_t at = sizeof(bytes);

	bytes[--at] = arc & 0x7f;
	while (arc >>= 7)
		bytes[--at] = (uint8_t)(0x80 | (arc & 0x7f));
	der_put_raw(buf, bytes + at, sizeof(bytes) - at);
}

void der_put_oid(struct buf *buf, const char *dotted)
{
	const size_t start = buf->size;
	uint64_t first = 0;
	size_t position = 0;

	for (const char *at = dotted; *at; position++) {
		uint64_t arc = 0;

		for (; *at && *at != '.'; at++)
			arc = arc * 10 + (uint64_t)(*at - '0');
		at += *at == '.';
		if (position == 0)
			first = arc;
		else
			put_arc(buf, position == 1 ? first * 40 + arc : arc);
	}
	der_wrap(buf, start, DER_OID);
}

void der_put_time(struct buf *buf, int64_t seconds)
{
	const time_t when = (time_t)seconds;
	struct tm parts;
	char text[32];

	(void)gmtime_r(&when, &parts);
	(void)strftime(text, sizeof(text), "%Y%m%d%H%M%SZ", &parts);
	if (seconds < UTC_TIME_END)
		der_put(buf, DER_UTC_TIME, text + 2, strlen(text) - 2);
	else
		der_put(buf, DER_GENERALIZED_TIME, text, strlen(text));
}

void der_put_name(struct buf *buf, const char *common_name)
{
	const size_t start = buf->size;

	der_put_oid(buf, "2.5.4.3");
	der_put(buf, 0x0c, common_name, strlen(common_name));
	der_wrap(buf, start, DER_SEQUENCE);
	der_wrap(buf, start, DER_SET);
	der_wrap(buf, start, DER_SEQUENCE);
}

void der_put_extension(struct buf *buf, const char *oid, bool critical, const void *value, size_t size)
{
	const size_t start = buf->size;

	der_put_oid(buf, oid);
	if (critical)
		der_put_bool(buf, true);
	der_put(buf, DER_OCTET_STRING, value, size);
	der_wrap(buf, start, DER_SEQUENCE);
}
