/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counts what a peer of HTTP/2 may send in a second, of things that cost us something and it nothing (RFC 9113 10.5):
 * rapid reset, PING, SETTINGS, empty DATA and WINDOW_UPDATE floods, priorities. (Frames of unknown types are skipped.)
 * Pure.
 */
#ifndef MSE_NET_HTTP2_GUARD_H
#define MSE_NET_HTTP2_GUARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HTTP2_RESETS 200
#define HTTP2_PINGS 100
#define HTTP2_SETTINGS 20
#define HTTP2_EMPTY_DATA 100
#define HTTP2_WINDOW_UPDATES 1000
#define HTTP2_OTHERS 500

enum http2_guarded {
	HTTP2_GUARD_RESETS,
	HTTP2_GUARD_PINGS,
	HTTP2_GUARD_SETTINGS,
	HTTP2_GUARD_EMPTY_DATA,
	HTTP2_GUARD_WINDOW_UPDATES, /* besides HTTP2_GUARD_UPDATES for each DATA that we sent */
	HTTP2_GUARD_OTHERS,         /* PRIORITY, GOAWAY, and types that are none of RFC 9113 */
	HTTP2_GUARD_COUNT,
};

#define HTTP2_GUARD_UPDATES 3

struct http2_guard {
	int64_t second_began_ns;
	unsigned counts[HTTP2_GUARD_COUNT];
	uint64_t sent; /* DATA in this second, and a share of those before */
};

/* What a frame counts as: its type and flags of RFC 9113 6 and its payload's size; false: as nothing. */
bool http2_guard_kind(uint8_t type, uint8_t flags, size_t size, enum http2_guarded *ret_kind);

/* Counts one; false if it is one more than most in this second. */
bool http2_guard_take(struct http2_guard *guard, enum http2_guarded kind, unsigned most, int64_t now_ns);
/* DATA went out: its bytes will be acknowledged. */
void http2_guard_sent(struct http2_guard *guard);

#endif
