/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/connect_raw.h"

#include <string.h>
#include <strings.h>

#define TLS_HANDSHAKE 0x16 /* RFC 8446 B.1 */
#define HTTP_MARK "HTTP/"
#define STUN_BEFORE_COOKIE 4 /* RFC 8489 5: type, length */
#define STUN_FRAME 2         /* RFC 4571: a length before it, where ICE runs over TCP */
#define STUN_HELD_MAX 3      /* requests begin with a 0, frames of browsers with one of these */

static int refuse(struct connect_refusal *ret, int status, const char *name, const char *why)
{
	*ret = (struct connect_refusal){status, name, why};
	return -1;
}

int connect_speech_parse(const char *text, enum connect_speech *ret, struct err *err)
{
	static const char *const names[CONNECT_SPEECH_COUNT] = {[CONNECT_SPEAKS_UNNAMED] = "",
								[CONNECT_SPEAKS_HTTP] = "http",
								[CONNECT_SPEAKS_TLS] = "tls",
								[CONNECT_SPEAKS_TEXT] = "text",
								[CONNECT_SPEAKS_ANY] = "any"};

	for (enum connect_speech i = CONNECT_SPEAKS_HTTP; i < CONNECT_SPEECH_COUNT; i++) {
		if (strcmp(text, names[i]) == 0) {
			*ret = i;
			return 0;
		}
	}
	return err_set(err, ERR_INVALID, "'%.32s' is none of http, tls, text and any", text);
}

/* A first line that could be HTTP's: nothing of it passes, in whatever letters. */
static enum connect_sniff sniff_text(const uint8_t *data, size_t size, struct connect_refusal *ret)
{
	const uint8_t *end = memchr(data, '\n', size);
	const size_t line = end ? (size_t)(end - data) : size;

	for (size_t i = 0; i + strlen(HTTP_MARK) <= line; i++) {
		if (strncasecmp((const char *)data + i, HTTP_MARK, strlen(HTTP_MARK)) == 0) {
			(void)refuse(ret, 403, "raw-http", "this port passes lines of text, but no HTTP");
			return CONNECT_SNIFF_REFUSE;
		}
	}
	if (end)
		return CONNECT_SNIFF_PASS;
	if (size <= CONNECT_SNIFF_MAX)
		return CONNECT_SNIFF_MORE;
	(void)refuse(ret, 403, "raw-http", "the first line is longer than that of any text");
	return CONNECT_SNIFF_REFUSE;
}

/* It begins with a token and a blank. */
static enum connect_sniff sniff_word(enum connect_speech speech, const uint8_t *data, size_t size,
				     struct connect_refusal *ret)
{
	if (speech == CONNECT_SPEAKS_HTTP)
		return CONNECT_SNIFF_HTTP;
	if (speech == CONNECT_SPEAKS_TEXT)
		return sniff_text(data, size, ret);
	(void)refuse(ret, 403, "raw-http",
		     "this port passes raw TCP, and what could be HTTP only where --speaks names it");
	return CONNECT_SNIFF_REFUSE;
}

static enum connect_sniff sniff_tls(enum connect_speech speech, struct connect_refusal *ret)
{
	if (speech == CONNECT_SPEAKS_TLS)
		return CONNECT_SNIFF_PASS;
	(void)refuse(ret, 403, "raw-tls", "this port passes raw TCP, and TLS only where --speaks names it");
	return CONNECT_SNIFF_REFUSE;
}

/* STUN's magic cookie behind skip bytes, as far as they have come. */
static enum connect_sniff sniff_cookie(const uint8_t *data, size_t size, size_t skip)
{
	static const uint8_t cookie[] = {0x21, 0x12, 0xa4, 0x42};
	const size_t at = skip + STUN_BEFORE_COOKIE;

	if (size > skip && data[skip] & 0xc0)
		return CONNECT_SNIFF_PASS;
	for (size_t i = 0; i < sizeof(cookie); i++) {
		if (at + i >= size)
			return data[0] <= STUN_HELD_MAX ? CONNECT_SNIFF_MORE : CONNECT_SNIFF_PASS;
		if (data[at + i] != cookie[i])
			return CONNECT_SNIFF_PASS;
	}
	return CONNECT_SNIFF_REFUSE;
}

/* A page has its browser send it by naming the port as a TURN server, or as the other side of a call. */
static enum connect_sniff sniff_stun(const uint8_t *data, size_t size, struct connect_refusal *ret)
{
	const enum connect_sniff plain = sniff_cookie(data, size, 0), framed = sniff_cookie(data, size, STUN_FRAME);

	if (plain != CONNECT_SNIFF_REFUSE && framed != CONNECT_SNIFF_REFUSE)
		return plain == CONNECT_SNIFF_MORE ? plain : framed;
	(void)refuse(ret, 403, "raw-stun", "this port passes raw TCP, and STUN only with --speaks any");
	return CONNECT_SNIFF_REFUSE;
}

/* Behind empty lines, if any. */
static enum connect_sniff sniff_start(enum connect_speech speech, const uint8_t *data, size_t size,
				      struct connect_refusal *ret)
{
	size_t start = 0, at;

	/* Servers pass over empty lines before a request (RFC 9112 2.2). */
	while (start < size && start <= CONNECT_SNIFF_MAX && (data[start] == '\r' || data[start] == '\n'))
		start++;
	if (start > CONNECT_SNIFF_MAX) {
		(void)refuse(ret, 403, "raw-http", "it begins with more empty lines than anything that is meant");
		return CONNECT_SNIFF_REFUSE;
	}
	at = start;
	while (at < size && at <= CONNECT_SNIFF_MAX && http_is_token_byte(data[at]))
		at++;
	if (at > CONNECT_SNIFF_MAX || (at < size && at > start && data[at] == ' '))
		return sniff_word(speech, data + start, size - start, ret);
	return at == size ? CONNECT_SNIFF_MORE : CONNECT_SNIFF_PASS;
}

enum connect_sniff connect_sniff(const struct connect_site *site, enum connect_speech speech, const uint8_t *data,
				 size_t size, struct connect_refusal *ret)
{
	enum connect_sniff stun;

	if (site->name_count == 0 || speech == CONNECT_SPEAKS_ANY)
		return CONNECT_SNIFF_PASS;
	if (size == 0)
		return CONNECT_SNIFF_MORE;
	if (data[0] == TLS_HANDSHAKE)
		return sniff_tls(speech, ret);
	stun = sniff_stun(data, size, ret);
	return stun == CONNECT_SNIFF_PASS ? sniff_start(speech, data, size, ret) : stun;
}

int connect_raw_judge(const struct connect_site *site, const struct http1_head *head, struct connect_refusal *ret)
{
	static const char *const marks[] = {"origin", "referer", "sec-fetch-site", "sec-fetch-mode", "sec-fetch-dest"};
	struct connect_request ignored;

	for (size_t i = 0; i < COUNT_OF(marks); i++) {
		if (site->name_count > 0 && http_headers_find(head->headers, head->header_count, marks[i]))
			return refuse(ret, 403, "cross-site", "this port passes raw TCP: it is not for browsers");
	}
	return connect_request_judge(site, head, &ignored, ret);
}
