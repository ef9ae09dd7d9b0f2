/* SPDX-License-Identifier: Apache-2.0 */
/* A queue of bytes of one stream: added behind, taken in front. What is given back to the system is wiped. Pure. */
#ifndef MSE_NET_HTTP2_BYTES_H
#define MSE_NET_HTTP2_BYTES_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct http2_bytes {
	uint8_t *data;
	size_t start;
	size_t end;
	size_t capacity;
};

static inline size_t http2_bytes_size(const struct http2_bytes *bytes)
{
	return bytes->end - bytes->start;
}

must_check int http2_bytes_add(struct http2_bytes *bytes, const void *data, size_t size, struct err *err);
/* At most size bytes; how many. An empty queue keeps no memory. */
size_t http2_bytes_take(struct http2_bytes *bytes, void *ret_data, size_t size);
/* The same, for a queue that will be filled again at once: it keeps its memory, which is wiped at the end. */
size_t http2_bytes_take_some(struct http2_bytes *bytes, void *ret_data, size_t size);
void http2_bytes_done(struct http2_bytes *bytes);

#endif
