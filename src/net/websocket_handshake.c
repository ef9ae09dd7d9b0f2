/* SPDX-License-Identifier: Apache-2.0 */
/* RFC 6455 section 4.2. Which connection it is, and that the method is right, http_upgrade knows. */
#include <string.h>
#include <strings.h>

#include "crypto/hash.h"
#include "format/base64.h"
#include "net/http1_head.h"
#include "net/websocket.h"

#define KEY_SIZE 24   /* 16 bytes in base64 */
#define KEY_DIGITS 22 /* and then "==" */
#define ACCEPT_TEXT_MAX 32
#define OFFER_FIELD "sec-websocket-protocol"

static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/* The value of a field that must be there once. */
static const char *only_field(const struct http_exchange *exchange, const char *name)
{
	const struct http_header *headers = http_headers(exchange);
	const char *value = NULL;

	for (size_t i = 0; i < http_header_count(exchange); i++) {
		if (strcasecmp(headers[i].name, name) != 0)
			continue;
		if (value)
			return NULL;
		value = headers[i].value;
	}
	return value;
}

static bool is_digit_of_base64(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' || c == '/';
}

static bool is_key(const char *text)
{
	if (!text || strlen(text) != KEY_SIZE)
		return false;
	for (size_t i = 0; i < KEY_DIGITS; i++) {
		if (!is_digit_of_base64(text[i]))
			return false;
	}
	return strcmp(text + KEY_DIGITS, "==") == 0;
}

/* Where a list's next element begins and ends, without the blanks around it. */
static size_t element_size(const char *at)
{
	size_t size = strcspn(at, ",");

	while (size > 0 && (at[size - 1] == ' ' || at[size - 1] == '\t'))
		size--;
	return size;
}

bool websocket_next_offer(const struct http_exchange *exchange, struct websocket_offer *at)
{
	const struct http_header *headers = http_headers(exchange);

	for (; at->field < http_header_count(exchange); at->field++, at->offset = 0) {
		const char *value = headers[at->field].value;

		if (strcasecmp(headers[at->field].name, OFFER_FIELD) != 0)
			continue;
		at->offset += strspn(value + at->offset, ", \t");
		at->name = value + at->offset;
		at->size = element_size(at->name);
		at->offset += at->size;
		if (at->size > 0)
			return true;
	}
	return false;
}

bool websocket_is_offered(const struct http_exchange *exchange, const char *protocol)
{
	struct websocket_offer offer = {0};

	while (websocket_next_offer(exchange, &offer)) {
		if (strlen(protocol) == offer.size && memcmp(protocol, offer.name, offer.size) == 0)
			return true;
	}
	return false;
}

static bool are_offers_tokens(const struct http_exchange *exchange)
{
	struct websocket_offer offer = {0};

	while (websocket_next_offer(exchange, &offer)) {
		for (size_t i = 0; i < offer.size; i++) {
			if (!http_is_token_byte((uint8_t)offer.name[i]))
				return false;
		}
	}
	return true;
}

/* The key proves that the other end of a connection knows this protocol; over HTTP/2 there is none (RFC 8441 5). */
static bool has_keys(const struct http_exchange *exchange)
{
	return strncmp(http_version(exchange), "1.", 2) == 0;
}

int websocket_check(const struct http_exchange *exchange)
{
	const char *version = only_field(exchange, "sec-websocket-version");

	if (!version || strcmp(version, WEBSOCKET_VERSION) != 0)
		return 426;
	/* Over HTTP/2 what follows the head is the tunnel already. */
	if (has_keys(exchange) && (!is_key(only_field(exchange, "sec-websocket-key")) || http_body_size(exchange) != 0))
		return 400;
	return are_offers_tokens(exchange) ? 0 : 400;
}

static int answer_key(const char *key, struct buf *ret, struct err *err)
{
	uint8_t text[KEY_SIZE + sizeof(guid) - 1];
	uint8_t hash[SHA1_SIZE];

	memcpy(text, key, KEY_SIZE);
	memcpy(text + KEY_SIZE, guid, sizeof(guid) - 1);
	sha1(text, sizeof(text), hash);
	return base64_encode(hash, sizeof(hash), ret, err);
}

/* What the handshake itself says must not be said twice. */
static int check_fields(const struct http_header *headers, size_t count, struct err *err)
{
	for (size_t i = 0; i < count; i++) {
		if (strncasecmp(headers[i].name, "sec-websocket-", strlen("sec-websocket-")) == 0 ||
		    strcasecmp(headers[i].name, "upgrade") == 0)
			return err_set(err, ERR_INVALID, "header '%s' is the server's", headers[i].name);
	}
	return count <= HTTP_HEADERS_MAX - 2 ? 0 : err_set(err, ERR_INVALID, "%zu headers", count);
}

enum http_step websocket_accept(struct http_exchange *exchange, const char *protocol, const struct http_header *headers,
				size_t header_count, struct err *err)
{
	scoped(buf_done) struct buf answer = BUF_INIT(ACCEPT_TEXT_MAX);
	struct http_header all[HTTP_HEADERS_MAX];
	const char *key = has_keys(exchange) ? http_header(exchange, "sec-websocket-key") : NULL;
	size_t count = 0;

	if (check_fields(headers, header_count, err) < 0)
		return HTTP_STEP_FAILED;
	if (protocol && !websocket_is_offered(exchange, protocol)) {
		(void)err_set(err, ERR_INVALID, "the client did not offer subprotocol '%.40s'", protocol);
		return HTTP_STEP_FAILED;
	}
	if (key && answer_key(key, &answer, err) < 0)
		return HTTP_STEP_FAILED;
	if (key)
		all[count++] = (struct http_header){"Sec-WebSocket-Accept", buf_text(&answer)};
	if (protocol)
		all[count++] = (struct http_header){"Sec-WebSocket-Protocol", protocol};
	for (size_t i = 0; i < header_count; i++)
		all[count++] = headers[i];
	return http_step_upgrade(exchange, all, count, err);
}
