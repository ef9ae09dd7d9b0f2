/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A growing byte buffer that is born with its maximum.
 *
 * Invariants: size <= max always; data is NULL only while nothing was ever added; when data is not NULL,
 * data[size] is a zero byte that does not count, so text can be used as a C string. buf_done wipes nothing:
 * secrets go into struct secret (crypto/secret.h).
 */
#ifndef MSE_BASE_BUF_H
#define MSE_BASE_BUF_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct buf {
	uint8_t *data;
	size_t size;
	size_t capacity;
	size_t max; /* buf_add and the others fail with ERR_LIMIT rather than pass it */
};

#define BUF_INIT(maximum) ((struct buf){.max = (maximum)})

void buf_done(struct buf *buf);
void buf_clear(struct buf *buf); /* size 0, memory kept */

must_check int buf_add(struct buf *buf, const void *data, size_t size, struct err *err);
must_check int buf_add_text(struct buf *buf, const char *text, struct err *err);
must_check int buf_add_byte(struct buf *buf, uint8_t byte, struct err *err);
must_check int buf_addf(struct buf *buf, struct err *err, const char *format, ...) format_like(3, 4);
/* Makes room for size more bytes and returns where they go in *ret_room; the caller then adds to buf->size. */
must_check int buf_reserve(struct buf *buf, size_t size, uint8_t **ret_room, struct err *err);
/* Drops the first size bytes. */
void buf_consume(struct buf *buf, size_t size);

/* Reads fd to its end; ERR_LIMIT if more than the room that is left. */
must_check int buf_read_fd(struct buf *buf, int fd, struct err *err);

/* The content as a C string; "" for an empty buffer. Owned by buf, valid until it changes. */
const char *buf_text(const struct buf *buf);

/* Hands the bytes over as a heap string (caller frees), leaves the buffer empty. NULL only when out of memory. */
char *buf_take_text(struct buf *buf);

#endif
