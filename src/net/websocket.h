/* SPDX-License-Identifier: Apache-2.0 */
/*
 * WebSocket (RFC 6455), the server's side: the handshake of an exchange, the messages that come through its tunnel,
 * the frames that go back. Nothing here waits or keeps a connection: bytes come from a function of the caller's, and
 * frames go where the caller writes them. One thread at a time for each struct websocket.
 *
 * wslay takes the frames apart; here is what a peer must keep (masks, order of fragments, UTF-8, codes) and what it
 * may cost: one message of at most message_max bytes is in memory, whatever lengths are announced. No extensions.
 */
#ifndef MSE_NET_WEBSOCKET_H
#define MSE_NET_WEBSOCKET_H

#include <sys/types.h>

#include "net/http_server.h"

/* ---- the handshake (section 4) ---- */

#define WEBSOCKET_VERSION "13"

/* For an exchange that http_upgrade says is one. 0: may be accepted; else refuse with this status (400, 426). */
int websocket_check(const struct http_exchange *exchange);
/* The next protocol that the client offers, from the field and position in *at (zero at first). false: no further. */
struct websocket_offer {
	size_t field;
	size_t offset;
	const char *name; /* not ended by a zero byte */
	size_t size;
};
bool websocket_next_offer(const struct http_exchange *exchange, struct websocket_offer *at);
bool websocket_is_offered(const struct http_exchange *exchange, const char *protocol);
/* The server's yes, with more fields; protocol: one of those offered, or NULL. ERR_INVALID: cannot be said so. */
enum http_step websocket_accept(struct http_exchange *exchange, const char *protocol, const struct http_header *headers,
				size_t header_count, struct err *err);

/* ---- what comes (sections 5 to 8) ---- */

#define WEBSOCKET_MESSAGE_DEFAULT (16u << 20)
#define WEBSOCKET_MESSAGE_MAX (1u << 30)
#define WEBSOCKET_FRAGMENTS_DEFAULT 65536
#define WEBSOCKET_FRAGMENTS_MAX (1u << 24)
#define WEBSOCKET_CONTROLS_DEFAULT 100
#define WEBSOCKET_CONTROLS_MAX 100000
#define WEBSOCKET_CONTROL_SIZE_MAX 125

/* Zero means the default. */
struct websocket_limits {
	uint64_t message_max;         /* bytes; beyond it: 1009 */
	unsigned fragments_max;       /* frames of one message; beyond it: 1008 */
	unsigned controls_per_second; /* pings, pongs and empty fragments; beyond it: 1008 */
};

enum websocket_code {
	WEBSOCKET_NORMAL = 1000,
	WEBSOCKET_GOING_AWAY = 1001,
	WEBSOCKET_PROTOCOL_ERROR = 1002,
	WEBSOCKET_NO_STATUS = 1005, /* is never sent */
	WEBSOCKET_ABNORMAL = 1006,  /* is never sent */
	WEBSOCKET_INVALID_DATA = 1007,
	WEBSOCKET_POLICY = 1008,
	WEBSOCKET_TOO_BIG = 1009,
	WEBSOCKET_INTERNAL = 1011,
	WEBSOCKET_RESTART = 1012,
};

/* false for what must not stand in a close frame (section 7.4, and the codes registered since). */
bool websocket_code_is_valid(unsigned code);

enum websocket_event {
	WEBSOCKET_NOTHING, /* until more bytes come */
	WEBSOCKET_TEXT,    /* valid UTF-8 */
	WEBSOCKET_BYTES,
	WEBSOCKET_PING, /* to be answered with a pong of the same data; one for the last of several is enough */
	WEBSOCKET_PONG,
	WEBSOCKET_CLOSE,  /* code (1005: none was sent), data is the reason; nothing counts after it */
	WEBSOCKET_FAILED, /* the connection is to be closed with code, for this reason; so is every further event */
};

struct websocket_message {
	const uint8_t *data; /* until the next call; never NULL */
	size_t size;
	unsigned code;
};

/* Bytes of the tunnel: how many; 0: none now, or never again. */
typedef size_t (*websocket_read)(void *arg, uint8_t *ret_data, size_t size);

struct websocket;

must_check int websocket_new(const struct websocket_limits *limits, websocket_read read, void *arg,
			     struct websocket **ret_websocket, struct err *err);
void websocket_free(struct websocket *websocket);
DEFINE_SCOPED_PTR(struct websocket, websocket_free);

/* now_ns: of a monotonic clock. */
enum websocket_event websocket_next(struct websocket *websocket, int64_t now_ns, struct websocket_message *ret);

/* ---- what goes ---- */

#define WEBSOCKET_HEAD_SIZE_MAX 10
#define WEBSOCKET_REASON_MAX (WEBSOCKET_CONTROL_SIZE_MAX - 2)

/* The frame of a whole message, or of a ping or pong, up to its data: unmasked, not fragmented. Its size. */
size_t websocket_head(enum websocket_event kind, uint64_t size, uint8_t ret[static WEBSOCKET_HEAD_SIZE_MAX]);
/* A whole close frame; code WEBSOCKET_NO_STATUS: without one. Reasons beyond WEBSOCKET_REASON_MAX are not for it. */
size_t websocket_close_frame(unsigned code, const char *reason, size_t reason_size,
			     uint8_t ret[static WEBSOCKET_CONTROL_SIZE_MAX + 2]);

#endif
