/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http2_guard.h"

#include <string.h>

#include "base/clock.h"

#define FLAG_END_STREAM 0x1

/* RFC 9113 6. */
enum type { DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION };

bool http2_guard_kind(uint8_t type, uint8_t flags, size_t size, enum http2_guarded *ret_kind)
{
	static const struct {
		bool is_guarded;
		enum http2_guarded kind;
	} rows[] = {
	    [PRIORITY] = {true, HTTP2_GUARD_OTHERS},      [RST_STREAM] = {true, HTTP2_GUARD_RESETS},
	    [SETTINGS] = {true, HTTP2_GUARD_SETTINGS},    [PING] = {true, HTTP2_GUARD_PINGS},
	    [GOAWAY] = {true, HTTP2_GUARD_OTHERS},        [WINDOW_UPDATE] = {true, HTTP2_GUARD_WINDOW_UPDATES},
	    [CONTINUATION] = {false, HTTP2_GUARD_OTHERS}, /* bounded by the head's size and count */
	};

	*ret_kind = HTTP2_GUARD_OTHERS;
	if (type > CONTINUATION)
		return true;
	if (type == DATA) {
		*ret_kind = HTTP2_GUARD_EMPTY_DATA;
		return size == 0 && !(flags & FLAG_END_STREAM);
	}
	/* Acknowledgements too: ours are few, a flood of them is one all the same. */
	*ret_kind = rows[type].kind;
	return rows[type].is_guarded;
}

static void turn(struct http2_guard *guard, int64_t now_ns)
{
	if (now_ns - guard->second_began_ns < NS_PER_SECOND)
		return;
	memset(guard->counts, 0, sizeof(guard->counts));
	guard->second_began_ns = now_ns;
	/* What was sent just before may be acknowledged now. */
	guard->sent /= 2;
}

bool http2_guard_take(struct http2_guard *guard, enum http2_guarded kind, unsigned most, int64_t now_ns)
{
	uint64_t allowed = most;

	turn(guard, now_ns);
	if (kind == HTTP2_GUARD_WINDOW_UPDATES)
		allowed += guard->sent * HTTP2_GUARD_UPDATES;
	return ++guard->counts[kind] <= allowed;
}

void http2_guard_sent(struct http2_guard *guard)
{
	guard->sent++;
}
