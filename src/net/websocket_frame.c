/* SPDX-License-Identifier: Apache-2.0 */
/* Frames that a server sends (RFC 6455 5.2): never masked, never in fragments. */
#include <string.h>
#include <wslay/wslay.h>

#include "net/websocket.h"

#define FIN 0x80
#define SIZE_IN_7_BITS 125
#define SIZE_IS_16_BITS 126
#define SIZE_IS_64_BITS 127

static const uint8_t opcodes[] = {
    [WEBSOCKET_TEXT] = WSLAY_TEXT_FRAME, [WEBSOCKET_BYTES] = WSLAY_BINARY_FRAME,     [WEBSOCKET_PING] = WSLAY_PING,
    [WEBSOCKET_PONG] = WSLAY_PONG,       [WEBSOCKET_CLOSE] = WSLAY_CONNECTION_CLOSE,
};

static void put_number(uint8_t *to, uint64_t value, size_t size)
{
	for (size_t i = 0; i < size; i++)
		to[i] = (uint8_t)(value >> 8 * (size - 1 - i));
}

size_t websocket_head(enum websocket_event kind, uint64_t size, uint8_t ret[static WEBSOCKET_HEAD_SIZE_MAX])
{
	const size_t more = size <= SIZE_IN_7_BITS ? 0 : size <= UINT16_MAX ? 2 : 8;

	ret[0] = (uint8_t)(FIN | opcodes[kind]);
	ret[1] = more == 0 ? (uint8_t)size : more == 2 ? SIZE_IS_16_BITS : SIZE_IS_64_BITS;
	put_number(ret + 2, size, more);
	return 2 + more;
}

size_t websocket_close_frame(unsigned code, const char *reason, size_t reason_size,
			     uint8_t ret[static WEBSOCKET_CONTROL_SIZE_MAX + 2])
{
	const bool has_code = code != WEBSOCKET_NO_STATUS;
	const size_t size = has_code ? 2 + reason_size : 0;
	uint8_t head[WEBSOCKET_HEAD_SIZE_MAX];

	memcpy(ret, head, websocket_head(WEBSOCKET_CLOSE, size, head));
	if (!has_code)
		return 2;
	put_number(ret + 2, code, 2);
	if (reason_size > 0)
		memcpy(ret + 4, reason, reason_size);
	return 2 + size;
}

bool websocket_code_is_valid(unsigned code)
{
	if (code >= 3000 && code <= 4999)
		return true;
	return code >= 1000 && code <= 1014 && code != 1004 && code != WEBSOCKET_NO_STATUS &&
	       code != WEBSOCKET_ABNORMAL;
}
