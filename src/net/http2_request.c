/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Heads of requests. nghttp2 has refused what RFC 9113 8.2 and 8.3 forbid: names in upper case, fields of a connection,
 * pseudo fields that are unknown, doubled, missing or behind others, TE but trailers, malformed Content-Length. What is
 * checked here is what HTTP/1 checks too, so that handlers can rely on the same.
 */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/number.h"
#include "net/http1_target.h"
#include "net/http2_priv.h"

#define TEXT_MIN 1024

static const char *const pseudo_names[] = {
    [HTTP2_METHOD] = ":method", [HTTP2_SCHEME] = ":scheme",     [HTTP2_AUTHORITY] = ":authority",
    [HTTP2_PATH] = ":path",     [HTTP2_PROTOCOL] = ":protocol",
};

/* ---- collecting ---- */

static int reserve_text(struct http2_stream *stream, size_t size)
{
	size_t capacity = stream->text_capacity ? stream->text_capacity : TEXT_MIN;
	uint8_t *text;

	while (capacity - stream->text_size < size)
		capacity *= 2;
	if (capacity == stream->text_capacity)
		return 0;
	text = malloc(capacity);
	if (!text)
		return -1;
	if (stream->text_size > 0)
		memcpy(text, stream->exchange->memory, stream->text_size);
	http_wipe_free(stream->exchange->memory);
	stream->exchange->memory = text;
	stream->text_capacity = capacity;
	return 0;
}

/* Its offset; there is room. */
static size_t add_text(struct http2_stream *stream, const void *text, size_t size)
{
	const size_t offset = stream->text_size;

	memcpy(stream->exchange->memory + offset, text, size);
	stream->exchange->memory[offset + size] = 0;
	stream->text_size += size + 1;
	return offset;
}

static bool take_pseudo(struct http2_stream *stream, const uint8_t *name, size_t name_size, const uint8_t *value,
			size_t value_size)
{
	for (size_t i = 0; i < COUNT_OF(pseudo_names); i++) {
		if (strlen(pseudo_names[i]) != name_size || memcmp(pseudo_names[i], name, name_size) != 0)
			continue;
		stream->pseudo[i] = add_text(stream, value, value_size) + 1;
		return true;
	}
	return false;
}

/* Offsets to begin with: the memory may still move. */
static const char *as_pointer(size_t offset)
{
	return (const char *)(uintptr_t)offset;
}

static size_t as_offset(const char *pointer)
{
	return (size_t)(uintptr_t)pointer;
}

static bool is_cookie(const uint8_t *name, size_t size)
{
	return size == strlen("cookie") && memcmp(name, "cookie", size) == 0;
}

/* However many crumbs a cookie has, it is one field. Their bytes are bounded as all of the head's are. */
static int add_crumb(struct http2_stream *stream, const uint8_t *value, size_t size)
{
	const size_t offset = add_text(stream, value, size);
	struct err ignored = ERR_INIT;

	return buf_add(&stream->crumbs, &offset, sizeof(offset), &ignored) < 0 ? 503 : 0;
}

static int add_field(struct http2_stream *stream, const uint8_t *name, size_t name_size, const uint8_t *value,
		     size_t value_size)
{
	struct http1_head *head = &stream->exchange->head;
	struct http_header *header;

	if (is_cookie(name, name_size) && stream->cookie)
		return add_crumb(stream, value, value_size);
	header = &head->headers[head->header_count++];
	header->name = as_pointer(add_text(stream, name, name_size));
	if (!is_cookie(name, name_size)) {
		header->value = as_pointer(add_text(stream, value, value_size));
		return 0;
	}
	stream->cookie = head->header_count;
	stream->crumbs = BUF_INIT(SIZE_MAX / 2);
	return add_crumb(stream, value, value_size);
}

int http2_request_add(struct http2_stream *stream, const uint8_t *name, size_t name_size, const uint8_t *value,
		      size_t value_size)
{
	const struct http_limits *limits = &stream->session->conn->server->limits;
	struct http1_head *head = &stream->exchange->head;
	const bool is_pseudo = name_size > 0 && name[0] == ':';
	const bool is_crumb = stream->cookie && is_cookie(name, name_size);

	stream->list_size += name_size + value_size + HTTP2_FIELD_OVERHEAD;
	if (stream->list_size > limits->header_bytes)
		return 431;
	if (!is_pseudo && !is_crumb && head->header_count >= limits->header_count)
		return 431;
	if (memchr(value, 0, value_size) || memchr(name, 0, name_size))
		return 400;
	if (stream->has_head)
		return 0;
	if (reserve_text(stream, name_size + value_size + 2) < 0)
		return 503;
	if (is_pseudo)
		return take_pseudo(stream, name, name_size, value, value_size) ? 0 : 400;
	return add_field(stream, name, name_size, value, value_size);
}

/* ---- from fields to a head ---- */

static const char *text_at(const struct http2_stream *stream, size_t offset)
{
	return (const char *)stream->exchange->memory + offset;
}

/* RFC 9113 8.2.3: crumbs of a cookie become one field again. Still with offsets. */
static int join_cookies(struct http2_stream *stream)
{
	const size_t count = stream->crumbs.size / sizeof(size_t);
	const size_t joined = stream->text_size;
	const size_t joints = 2 * count; /* "; " */

	if (count == 0)
		return 0;
	if (reserve_text(stream, stream->text_size + joints + count) < 0)
		return -1;
	for (size_t i = 0; i < count; i++) {
		size_t offset;

		memcpy(&offset, stream->crumbs.data + i * sizeof(offset), sizeof(offset));
		(void)add_text(stream, i > 0 ? "; " : "", i > 0 ? 2 : 0);
		stream->text_size--; /* each piece but the last loses its zero byte */
		(void)add_text(stream, text_at(stream, offset), strlen(text_at(stream, offset)));
		stream->text_size--;
	}
	stream->text_size++;
	stream->exchange->head.headers[stream->cookie - 1].value = as_pointer(joined);
	return 0;
}

static void settle_pointers(struct http2_stream *stream)
{
	struct http1_head *head = &stream->exchange->head;

	for (size_t i = 0; i < head->header_count; i++) {
		head->headers[i].name = text_at(stream, as_offset(head->headers[i].name));
		head->headers[i].value = text_at(stream, as_offset(head->headers[i].value));
	}
}

/* NULL: there is none. */
static const char *pseudo(const struct http2_stream *stream, enum http2_pseudo which)
{
	return stream->pseudo[which] ? text_at(stream, stream->pseudo[which] - 1) : NULL;
}

static bool fields_are_valid(const struct http1_head *head)
{
	for (size_t i = 0; i < head->header_count; i++) {
		if (!http_header_is_valid(head->headers[i].name, head->headers[i].value))
			return false;
	}
	return true;
}

/* :authority is what HTTP/1 calls Host: handlers find it there. */
static int settle_host(struct http2_stream *stream)
{
	struct http1_head *head = &stream->exchange->head;
	const char *authority = pseudo(stream, HTTP2_AUTHORITY);
	const char *host = NULL;
	size_t hosts = 0;

	for (size_t i = 0; i < head->header_count; i++) {
		if (strcmp(head->headers[i].name, "host") == 0 && hosts++ == 0)
			host = head->headers[i].value;
	}
	if (hosts > 1 || (!host && !authority) || (host && authority && strcasecmp(host, authority) != 0))
		return 400;
	head->host = authority ? authority : host;
	if (!*head->host || !http1_host_is_valid(head->host))
		return 400;
	if (host)
		return 0;
	if (head->header_count >= stream->session->conn->server->limits.header_count)
		return 431;
	memmove(&head->headers[1], &head->headers[0], head->header_count * sizeof(head->headers[0]));
	head->headers[0] = (struct http_header){"host", authority};
	head->header_count++;
	return 0;
}

/* A connection whose certificate is not for that host (RFC 9110 7.4): a client that joins connections took the wrong.
 */
static bool is_misdirected(const struct http2_stream *stream)
{
	const struct tls_conn *tls = stream->session->conn->tls;
	const char *host = stream->exchange->head.host;
	const size_t size = *host == '[' ? strlen(host) : strcspn(host, ":");

	return tls && *tls_conn_sni(tls) && !tls_conn_shows(tls, host, size);
}

static int settle_method(struct http2_stream *stream)
{
	struct http1_head *head = &stream->exchange->head;
	const char *scheme = pseudo(stream, HTTP2_SCHEME);

	head->method = pseudo(stream, HTTP2_METHOD);
	stream->protocol = pseudo(stream, HTTP2_PROTOCOL);
	if (!head->method)
		return 400;
	/* We are no proxy; an extended CONNECT (RFC 8441) is for WebSocket. */
	if (strcmp(head->method, "CONNECT") == 0) {
		if (!stream->session->takes_tunnels || !stream->protocol || strcmp(stream->protocol, "websocket") != 0)
			return 501;
	} else if (stream->protocol) {
		return 400;
	} else if (!http1_method_is_known(head->method)) {
		return 501;
	}
	return scheme && (strcmp(scheme, "https") == 0 || strcmp(scheme, "http") == 0) ? 0 : 400;
}

static int settle_target(struct http2_stream *stream)
{
	struct http1_head *head = &stream->exchange->head;

	head->target = pseudo(stream, HTTP2_PATH);
	if (!head->target || !http1_path_is_valid(head->method, head->target))
		return 400;
	return strlen(head->target) > stream->session->conn->server->limits.target_bytes ? 414 : 0;
}

static int settle_expect(struct http1_head *head)
{
	for (size_t i = 0; i < head->header_count; i++) {
		if (strcmp(head->headers[i].name, "expect") != 0)
			continue;
		if (strcasecmp(head->headers[i].value, "100-continue") != 0)
			return 417;
		head->expects_continue = head->framing != HTTP1_NO_BODY;
	}
	return 0;
}

static int settle_body(struct http2_stream *stream, bool has_ended)
{
	struct http1_head *head = &stream->exchange->head;
	const char *length = http_headers_find(head->headers, head->header_count, "content-length");
	struct err ignored = ERR_INIT;

	head->framing = has_ended ? HTTP1_NO_BODY : HTTP1_CHUNKED;
	if (length && number_parse_u64(length, 0, INT64_MAX, &head->body_size, &ignored) < 0)
		return 400;
	if (length && !has_ended)
		head->framing = head->body_size > 0 ? HTTP1_SIZED : HTTP1_NO_BODY;
	/* RFC 9110 9.3.6, RFC 8441 5: what follows is the tunnel's. */
	if (stream->protocol && head->framing == HTTP1_SIZED)
		return 400;
	head->keep_alive = true;
	return settle_expect(head);
}

static int settle(struct http2_stream *stream, bool has_ended)
{
	int status = settle_method(stream);

	if (status == 0)
		status = settle_target(stream);
	if (status == 0 && !fields_are_valid(&stream->exchange->head))
		status = 400;
	if (status == 0)
		status = settle_host(stream);
	if (status == 0)
		status = settle_body(stream, has_ended);
	return status == 0 && is_misdirected(stream) ? 421 : status;
}

int http2_request_finish(struct http2_stream *stream, bool has_ended)
{
	struct http1_head *head = &stream->exchange->head;
	int status = stream->refusal;

	head->method = head->target = head->host = "";
	head->minor_version = 1;
	head->body_size = 0;
	head->framing = HTTP1_NO_BODY;
	head->expects_continue = head->keep_alive = false;
	if (status == 0 && join_cookies(stream) < 0)
		status = 503;
	if (status != 0) {
		head->header_count = 0;
		return status;
	}
	settle_pointers(stream);
	return settle(stream, has_ended);
}
