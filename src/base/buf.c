/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define GROW_MIN 256

void buf_done(struct buf *buf)
{
	free(buf->data);
	buf->data = NULL;
	buf->size = 0;
	buf->capacity = 0;
}

void buf_clear(struct buf *buf)
{
	buf->size = 0;
	if (buf->data)
		buf->data[0] = 0;
}

static size_t grown(const struct buf *buf, size_t wanted)
{
	size_t capacity = buf->capacity < GROW_MIN ? GROW_MIN : buf->capacity;

	while (capacity < wanted && capacity <= SIZE_MAX / 2)
		capacity *= 2;
	return capacity < wanted ? wanted : capacity;
}

int buf_reserve(struct buf *buf, size_t size, uint8_t **ret_room, struct err *err)
{
	size_t wanted;

	if (size > buf->max || buf->size > buf->max - size)
		return err_set(err, ERR_LIMIT, "more than %zu bytes", buf->max);
	/* One more for the terminator: max is never near SIZE_MAX but the check costs nothing. */
	if (__builtin_add_overflow(buf->size + size, 1, &wanted))
		return err_no_memory(err);
	if (wanted > buf->capacity) {
		const size_t capacity = grown(buf, wanted);
		uint8_t *data = realloc(buf->data, capacity);

		if (!data)
			return err_no_memory(err);
		buf->data = data;
		buf->capacity = capacity;
	}
	buf->data[buf->size + size] = 0;
	*ret_room = buf->data + buf->size;
	return 0;
}

int buf_add(struct buf *buf, const void *data, size_t size, struct err *err)
{
	uint8_t *room;

	if (buf_reserve(buf, size, &room, err) < 0)
		return -1;
	if (size > 0)
		memcpy(room, data, size);
	buf->size += size;
	return 0;
}

int buf_add_text(struct buf *buf, const char *text, struct err *err)
{
	return buf_add(buf, text, strlen(text), err);
}

int buf_add_byte(struct buf *buf, uint8_t byte, struct err *err)
{
	return buf_add(buf, &byte, 1, err);
}

int buf_addf(struct buf *buf, struct err *err, const char *format, ...)
{
	scoped(freep) char *text = NULL;
	va_list args;
	int size;

	va_start(args, format);
	size = vasprintf(&text, format, args);
	va_end(args);
	if (size < 0) {
		text = NULL;
		return err_no_memory(err);
	}
	return buf_add(buf, text, (size_t)size, err);
}

void buf_consume(struct buf *buf, size_t size)
{
	if (size >= buf->size) {
		buf_clear(buf);
		return;
	}
	memmove(buf->data, buf->data + size, buf->size - size);
	buf->size -= size;
	buf->data[buf->size] = 0;
}

int buf_read_fd(struct buf *buf, int fd, struct err *err)
{
	for (;;) {
		uint8_t chunk[16384];
		const ssize_t got = read(fd, chunk, sizeof(chunk));

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return err_set_errno(err, "cannot read");
		if (got == 0)
			return 0;
		if (buf_add(buf, chunk, (size_t)got, err) < 0)
			return -1;
	}
}

const char *buf_text(const struct buf *buf)
{
	return buf->data ? (const char *)buf->data : "";
}

char *buf_take_text(struct buf *buf)
{
	char *text = buf->data ? (char *)buf->data : calloc(1, 1);

	buf->data = NULL;
	buf->size = 0;
	buf->capacity = 0;
	return text;
}
