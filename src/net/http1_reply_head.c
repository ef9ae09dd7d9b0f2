/* SPDX-License-Identifier: Apache-2.0 */
/* Heads of replies as HTTP/1 writes them. */
#include <string.h>

#include "base/clock.h"
#include "base/number.h"
#include "net/http1_wire.h"

#define NUMBER_MAX 20
#define STATUS_LINE_MAX 80

static uint8_t *put(uint8_t *at, const char *data, size_t size)
{
	memcpy(at, data, size);
	return at + size;
}

static int add_sized_field(struct buf *out, const char *name, const char *value, size_t value_size, struct err *err)
{
	const size_t name_size = strlen(name);
	const size_t size = name_size + 2 + value_size + 2;
	uint8_t *at;

	if (buf_reserve(out, size, &at, err) < 0)
		return -1;
	at = put(put(at, name, name_size), ": ", 2);
	(void)put(put(at, value, value_size), "\r\n", 2);
	out->size += size;
	return 0;
}

static int add_field(struct buf *out, const char *name, const char *value, struct err *err)
{
	return add_sized_field(out, name, value, strlen(value), err);
}

static int add_fields(struct buf *out, const struct http_header *headers, size_t count, struct err *err)
{
	for (size_t i = 0; i < count; i++) {
		if (add_field(out, headers[i].name, headers[i].value, err) < 0)
			return -1;
	}
	return 0;
}

static int add_date(struct buf *out, struct err *err)
{
	static _Thread_local int64_t made_at = -1;
	static _Thread_local char text[HTTP_DATE_SIZE];
	const int64_t now = clock_now_seconds();

	if (now != made_at) {
		http_format_date(now, text);
		made_at = now;
	}
	return add_field(out, "Date", text, err);
}

/* value is not negative. Without snprintf: it would cost more than the rest of the head. */
static int add_number_field(struct buf *out, const char *name, int64_t value, struct err *err)
{
	char text[NUMBER_MAX];
	size_t at = sizeof(text);
	uint64_t left = (uint64_t)value;

	do {
		text[--at] = (char)('0' + left % 10);
		left /= 10;
	} while (left > 0);
	return add_sized_field(out, name, text + at, sizeof(text) - at, err);
}

int http1_add_status(struct buf *out, int status, const char *reason, struct err *err)
{
	const char digits[] = {(char)('0' + status / 100 % 10), (char)('0' + status / 10 % 10),
			       (char)('0' + status % 10), ' '};
	const char *text = reason ? reason : http_status_text(status);
	const size_t text_size = size_min(strlen(text), STATUS_LINE_MAX);
	const size_t size = sizeof("HTTP/1.1 ") - 1 + sizeof(digits) + text_size + 2;
	uint8_t *at;

	if (buf_reserve(out, size, &at, err) < 0)
		return -1;
	at = put(put(at, "HTTP/1.1 ", sizeof("HTTP/1.1 ") - 1), digits, sizeof(digits));
	(void)put(put(at, text, text_size), "\r\n", 2);
	out->size += size;
	return 0;
}

int http1_add_fields(struct buf *out, const struct http_header *headers, size_t count, struct err *err)
{
	return http_reply_check_fields(headers, count, err) < 0 ? -1 : add_fields(out, headers, count, err);
}

/* RFC 9110 7.8: who sends Upgrade, as 426 has to, names it here. NULL: there is nothing to say. */
static const char *connection_option(const struct http_exchange *exchange, int status)
{
	const bool is_old = exchange->head.minor_version == 0;

	if (status == 426)
		return exchange->close ? "close, Upgrade" : is_old ? "keep-alive, Upgrade" : "Upgrade";
	return exchange->close ? "close" : is_old ? "keep-alive" : NULL;
}

/* Connection and the framing of the body that follows. */
static int add_framing(struct http_exchange *exchange, int status, int64_t body_size, struct buf *out, struct err *err)
{
	const char *option = connection_option(exchange, status);

	if (option && add_field(out, "Connection", option, err) < 0)
		return -1;
	if (status == 204 || status == 304)
		return 0;
	if (body_size >= 0)
		return add_number_field(out, "Content-Length", body_size, err);
	return exchange->chunked ? add_field(out, "Transfer-Encoding", "chunked", err) : 0;
}

static int add_server_fields(const struct http_server *server, const struct http_header *headers, size_t count,
			     struct buf *out, struct err *err)
{
	if (!http_headers_find(headers, count, "date") && add_date(out, err) < 0)
		return -1;
	if (server->server_name && !http_headers_find(headers, count, "server"))
		return add_field(out, "Server", server->server_name, err);
	return 0;
}

static int add_head(struct http_exchange *exchange, int status, const struct http_header *headers, size_t count,
		    int64_t body_size, struct err *err)
{
	struct buf *out = &exchange->out;

	if (http1_add_status(out, status, exchange->reason, err) < 0 ||
	    add_server_fields(exchange->conn->server, headers, count, out, err) < 0 ||
	    add_fields(out, headers, count, err) < 0)
		return -1;
	return add_framing(exchange, status, body_size, out, err) < 0 ? -1 : buf_add(out, "\r\n", 2, err);
}

int http1_make_head(struct http_exchange *exchange, int status, const struct http_header *headers, size_t count,
		    int64_t body_size, struct err *err)
{
	const size_t before = exchange->out.size; /* an informational reply may wait there */

	exchange->chunked = body_size < 0 && exchange->head.minor_version > 0;
	/* A refused body may still be on its way: see http_exchange_skip_body. Who gives a length has read what he
	 * wants of a body; who answers in pieces may still read. A body that ends with the connection ends it. */
	exchange->close = exchange->close || exchange->continue_wanted ||
			  (body_size >= 0 && http1_body_is_given_up(exchange)) ||
			  (body_size < 0 && !exchange->chunked && !exchange->bodiless) ||
			  http_server_is_leaving(exchange->conn->server);
	if (add_head(exchange, status, headers, count, body_size, err) == 0)
		return 0;
	exchange->out.size = before;
	return -1;
}

int http1_informational(struct http_exchange *exchange, int status, const struct http_header *headers, size_t count,
			struct err *err)
{
	const size_t before = exchange->out.size;

	if (exchange->head.minor_version == 0)
		return 0;
	if (http1_add_status(&exchange->out, status, NULL, err) == 0 &&
	    http1_add_fields(&exchange->out, headers, count, err) == 0 && buf_add(&exchange->out, "\r\n", 2, err) == 0)
		return 0;
	exchange->out.size = before; /* half a head would swallow the reply's */
	return -1;
}

void http_reply_refusal(struct http_conn *conn, int status)
{
	scoped(buf_done) struct buf out = BUF_INIT(4096);
	struct err ignored = ERR_INIT;
	struct iovec piece;
	struct iovec *pieces = &piece;
	size_t count = 1;

	if (http1_add_status(&out, status, NULL, &ignored) < 0 ||
	    add_server_fields(conn->server, NULL, 0, &out, &ignored) < 0 ||
	    add_number_field(&out, "Content-Length", 0, &ignored) < 0 ||
	    add_field(&out, "Connection", "close", &ignored) < 0 || buf_add(&out, "\r\n", 2, &ignored) < 0)
		return;
	piece = (struct iovec){.iov_base = out.data, .iov_len = out.size};
	/* Who has not taken what was sent before need not hear why it ends: it is not waited for. */
	(void)http_conn_try_write(conn, &pieces, &count, &ignored);
}
