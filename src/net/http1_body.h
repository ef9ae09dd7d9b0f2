/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finds the body in the bytes that follow a head: counted, chunked (RFC 9112 7.1) or until the connection ends. Pure.
 * Chunked is decoded here, not by llhttp: line ends are CR LF and nothing else, sizes have no sign, blank or more than
 * 16 digits, extensions and trailer fields are bounded and skipped (a trailer may not change what a head has said).
 */
#ifndef MSE_NET_HTTP1_BODY_H
#define MSE_NET_HTTP1_BODY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "net/http1_head.h"

#define HTTP1_CHUNK_EXTENSION_MAX 256 /* bytes of all extensions in one body */
#define HTTP1_TRAILER_MAX 8192        /* bytes of all trailer fields */

struct http1_body {
	enum http1_framing framing;
	uint64_t left;  /* SIZED: of the body; CHUNKED: of this chunk */
	uint64_t taken; /* bytes of body so far */
	int state;      /* of the chunk decoder */
	unsigned digits;
	size_t extension_size;
	size_t extension_max; /* as all of one body's; from http1_body_init HTTP1_CHUNK_EXTENSION_MAX */
	size_t trailer_size;
	size_t trailer_max; /* from http1_body_init HTTP1_TRAILER_MAX */
	bool done;
};

void http1_body_init(struct http1_body *body, enum http1_framing framing, uint64_t size);

/*
 * Takes bytes from data: *ret_used of them are consumed; *ret_data and *ret_size are the piece of the body among them
 * (its size may be 0, and is never over piece_max). Stops behind a piece: call again until nothing is used, or
 * body->done. ERR_INVALID, ERR_LIMIT.
 */
must_check int http1_body_take(struct http1_body *body, const uint8_t *data, size_t size, size_t piece_max,
			       size_t *ret_used, const uint8_t **ret_data, size_t *ret_size, struct err *err);

/* How many bytes may be read past the decoder: data of a chunk or counted body that is to come. 0: use http1_body_take.
 */
uint64_t http1_body_direct(const struct http1_body *body);
/* Says that size bytes of body (at most http1_body_direct) went past the decoder. */
void http1_body_skip(struct http1_body *body, uint64_t size);

/* The connection has ended: fine only for HTTP1_UNTIL_CLOSE. */
must_check int http1_body_ended(struct http1_body *body, struct err *err);

#endif
