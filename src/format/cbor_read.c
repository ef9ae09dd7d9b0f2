/* SPDX-License-Identifier: Apache-2.0 */
#include "format/cbor_read.h"

#include <cbor.h>
#include <string.h>

/* What the callbacks of one call of the decoder leave behind. */
struct decoded {
	struct cbor_item item;
	bool indefinite;
};

static void set(void *context, enum cbor_kind kind, uint64_t number)
{
	((struct decoded *)context)->item = (struct cbor_item){.kind = kind, .number = number};
}

static void on_uint8(void *context, uint8_t number)
{
	set(context, CBOR_UNSIGNED, number);
}

static void on_uint16(void *context, uint16_t number)
{
	set(context, CBOR_UNSIGNED, number);
}

static void on_uint32(void *context, uint32_t number)
{
	set(context, CBOR_UNSIGNED, number);
}

static void on_uint64(void *context, uint64_t number)
{
	set(context, CBOR_UNSIGNED, number);
}

static void on_negint8(void *context, uint8_t number)
{
	set(context, CBOR_NEGATIVE, number);
}

static void on_negint16(void *context, uint16_t number)
{
	set(context, CBOR_NEGATIVE, number);
}

static void on_negint32(void *context, uint32_t number)
{
	set(context, CBOR_NEGATIVE, number);
}

static void on_negint64(void *context, uint64_t number)
{
	set(context, CBOR_NEGATIVE, number);
}

static void on_bytes(void *context, cbor_data data, size_t size)
{
	((struct decoded *)context)->item = (struct cbor_item){.kind = CBOR_BYTES, .data = data, .size = size};
}

static void on_text(void *context, cbor_data data, size_t size)
{
	((struct decoded *)context)->item = (struct cbor_item){.kind = CBOR_TEXT, .data = data, .size = size};
}

static void on_array(void *context, size_t count)
{
	set(context, CBOR_ARRAY, count);
}

static void on_map(void *context, size_t count)
{
	set(context, CBOR_MAP, count);
}

static void on_tag(void *context, uint64_t number)
{
	set(context, CBOR_TAG, number);
}

static void on_indefinite(void *context)
{
	((struct decoded *)context)->indefinite = true;
}

static struct cbor_callbacks make_callbacks(void)
{
	struct cbor_callbacks callbacks = cbor_empty_callbacks;

	callbacks.uint8 = on_uint8;
	callbacks.uint16 = on_uint16;
	callbacks.uint32 = on_uint32;
	callbacks.uint64 = on_uint64;
	callbacks.negint8 = on_negint8;
	callbacks.negint16 = on_negint16;
	callbacks.negint32 = on_negint32;
	callbacks.negint64 = on_negint64;
	callbacks.byte_string = on_bytes;
	callbacks.byte_string_start = on_indefinite;
	callbacks.string = on_text;
	callbacks.string_start = on_indefinite;
	callbacks.array_start = on_array;
	callbacks.indef_array_start = on_indefinite;
	callbacks.map_start = on_map;
	callbacks.indef_map_start = on_indefinite;
	callbacks.tag = on_tag;
	callbacks.indef_break = on_indefinite;
	return callbacks;
}

int cbor_next(struct cbor_reader *reader, struct cbor_item *ret, struct err *err)
{
	const struct cbor_callbacks callbacks = make_callbacks();
	struct decoded decoded = {.item = {.kind = CBOR_OTHER}};
	struct cbor_decoder_result result;

	result = cbor_stream_decode(reader->data, reader->size, &callbacks, &decoded);
	if (result.status != CBOR_DECODER_FINISHED)
		return err_set(err, ERR_INVALID, "CBOR is cut short or not well formed");
	if (decoded.indefinite)
		return err_set(err, ERR_INVALID, "CBOR item of indefinite length");
	reader->data += result.read;
	reader->size -= result.read;
	*ret = decoded.item;
	return 0;
}

int cbor_take(struct cbor_reader *reader, enum cbor_kind kind, const char *what, struct cbor_item *ret, struct err *err)
{
	if (cbor_next(reader, ret, err) < 0)
		return err_prefix(err, "%s", what);
	if (ret->kind != kind)
		return err_set(err, ERR_INVALID, "%s: another kind of CBOR item", what);
	return 0;
}

int cbor_skip(struct cbor_reader *reader, struct err *err)
{
	uint64_t left = 1;

	while (left > 0) {
		struct cbor_item item = {.kind = CBOR_OTHER};

		if (cbor_next(reader, &item, err) < 0)
			return -1;
		left--;
		/* Every part has at least one byte: a larger count can never be there. */
		if ((item.kind == CBOR_ARRAY || item.kind == CBOR_MAP) && item.number > reader->size)
			return err_set(err, ERR_INVALID, "CBOR is cut short");
		if (item.kind == CBOR_ARRAY)
			left += item.number;
		else if (item.kind == CBOR_MAP)
			left += 2 * item.number;
		else if (item.kind == CBOR_TAG)
			left++;
	}
	return 0;
}

int cbor_end(const struct cbor_reader *reader, const char *what, struct err *err)
{
	if (reader->size > 0)
		return err_set(err, ERR_INVALID, "%s: %zu bytes after its end", what, reader->size);
	return 0;
}

bool cbor_text_is(const struct cbor_item *item, const char *text)
{
	return item->kind == CBOR_TEXT && item->size == strlen(text) && memcmp(item->data, text, item->size) == 0;
}
