/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http2_bytes.h"

#include <string.h>

#include "base/number.h"
#include "net/http_priv.h"

#define CAPACITY_MIN 1024

/* Makes room for size bytes behind end: what is there moves to the front, in twice the memory if need be. */
static int reserve(struct http2_bytes *bytes, size_t size, struct err *err)
{
	const size_t kept = http2_bytes_size(bytes);
	size_t capacity = bytes->capacity > CAPACITY_MIN ? bytes->capacity : CAPACITY_MIN;
	uint8_t *data;

	if (bytes->capacity - bytes->end >= size)
		return 0;
	if (bytes->capacity - kept >= size && bytes->start >= kept) {
		memcpy(bytes->data, bytes->data + bytes->start, kept);
		bytes->start = 0;
		bytes->end = kept;
		return 0;
	}
	if (size > SIZE_MAX / 4 || kept > SIZE_MAX / 4)
		return err_no_memory(err);
	while (capacity - kept < size)
		capacity *= 2;
	data = malloc(capacity);
	if (!data)
		return err_no_memory(err);
	if (kept > 0)
		memcpy(data, bytes->data + bytes->start, kept);
	http_wipe_free(bytes->data);
	*bytes = (struct http2_bytes){.data = data, .end = kept, .capacity = capacity};
	return 0;
}

int http2_bytes_add(struct http2_bytes *bytes, const void *data, size_t size, struct err *err)
{
	if (size == 0)
		return 0;
	if (reserve(bytes, size, err) < 0)
		return -1;
	memcpy(bytes->data + bytes->end, data, size);
	bytes->end += size;
	return 0;
}

size_t http2_bytes_take_some(struct http2_bytes *bytes, void *ret_data, size_t size)
{
	const size_t taken = size_min(size, http2_bytes_size(bytes));

	if (taken > 0)
		memcpy(ret_data, bytes->data + bytes->start, taken);
	bytes->start += taken;
	if (bytes->start == bytes->end)
		bytes->start = bytes->end = 0;
	return taken;
}

size_t http2_bytes_take(struct http2_bytes *bytes, void *ret_data, size_t size)
{
	const size_t taken = http2_bytes_take_some(bytes, ret_data, size);

	if (http2_bytes_size(bytes) == 0)
		http2_bytes_done(bytes);
	return taken;
}

void http2_bytes_done(struct http2_bytes *bytes)
{
	http_wipe_free(bytes->data);
	*bytes = (struct http2_bytes){0};
}
