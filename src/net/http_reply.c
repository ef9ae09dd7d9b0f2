/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>

#include "base/clock.h"
#include "net/http_priv.h"

#define KEEP_MAX (1u << 20) /* of a reply that a slow client takes later; more holds the thread */

/* ---- heads ---- */

static bool is_ours(const char *name)
{
	return strcasecmp(name, "content-length") == 0 || strcasecmp(name, "transfer-encoding") == 0 ||
	       strcasecmp(name, "connection") == 0;
}

static int check_headers(const struct http_header *headers, size_t count, struct err *err)
{
	for (size_t i = 0; i < count; i++) {
		if (!http_header_is_valid(headers[i].name, headers[i].value))
			return err_set(err, ERR_INVALID, "header '%.64s' cannot be sent", headers[i].name);
		if (is_ours(headers[i].name))
			return err_set(err, ERR_INVALID, "header '%s' is the server's", headers[i].name);
	}
	return 0;
}

static int add_field(struct buf *out, const char *name, const char *value, struct err *err)
{
	if (buf_add_text(out, name, err) < 0 || buf_add(out, ": ", 2, err) < 0 || buf_add_text(out, value, err) < 0)
		return -1;
	return buf_add(out, "\r\n", 2, err);
}

static int add_fields(struct buf *out, const struct http_header *headers, size_t count, struct err *err)
{
	for (size_t i = 0; i < count; i++) {
		if (add_field(out, headers[i].name, headers[i].value, err) < 0)
			return -1;
	}
	return 0;
}

int http_reply_add_fields(struct buf *out, const struct http_header *headers, size_t count, struct err *err)
{
	return check_headers(headers, count, err) < 0 ? -1 : add_fields(out, headers, count, err);
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

static int add_number_field(struct buf *out, const char *name, int64_t value, struct err *err)
{
	char text[24];

	(void)snprintf(text, sizeof(text), "%lld", (long long)value);
	return add_field(out, name, text, err);
}

int http_reply_add_status(struct buf *out, int status, struct err *err)
{
	char text[80];
	const int size = snprintf(text, sizeof(text), "HTTP/1.1 %d %s\r\n", status, http_status_text(status));

	return buf_add(out, text, (size_t)size, err);
}

/* Connection and the framing of the body that follows. */
static int add_framing(struct http_exchange *exchange, int status, int64_t body_size, struct buf *out, struct err *err)
{
	const bool is_old = exchange->head.minor_version == 0;

	if (exchange->close && add_field(out, "Connection", "close", err) < 0)
		return -1;
	if (!exchange->close && is_old && add_field(out, "Connection", "keep-alive", err) < 0)
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

/* Decides how the body will be framed and writes the head into out. body_size -1: not known. */
static int make_head(struct http_exchange *exchange, int status, const struct http_header *headers, size_t count,
		     int64_t body_size, struct buf *out, struct err *err)
{
	if (status < 200 || status > 599)
		return err_set(err, ERR_INVALID, "status %d cannot be sent", status);
	if (check_headers(headers, count, err) < 0)
		return -1;
	exchange->bodiless = strcmp(exchange->head.method, "HEAD") == 0 || status == 204 || status == 304;
	exchange->chunked = body_size < 0 && exchange->head.minor_version > 0;
	/* A body that ends with the connection ends the connection. */
	exchange->close = exchange->close || (body_size < 0 && !exchange->chunked && !exchange->bodiless) ||
			  atomic_load(&exchange->conn->server->draining);
	if (http_reply_add_status(out, status, err) < 0 ||
	    add_server_fields(exchange->conn->server, headers, count, out, err) < 0)
		return -1;
	if (add_fields(out, headers, count, err) < 0)
		return -1;
	return add_framing(exchange, status, body_size, out, err) < 0 ? -1 : buf_add(out, "\r\n", 2, err);
}

static int begin(struct http_exchange *exchange, int status, const struct http_header *headers, size_t count,
		 int64_t body_size, struct err *err)
{
	const size_t before = exchange->out.size; /* an informational reply may wait there */

	if (exchange->started)
		return err_set(err, ERR_INTERNAL, "the reply was started before");
	/* A refused body may still be on its way: see http_exchange_skip_body. */
	if (exchange->continue_wanted)
		exchange->close = true;
	if (make_head(exchange, status, headers, count, body_size, &exchange->out, err) < 0) {
		exchange->out.size = before;
		return -1;
	}
	exchange->started = true;
	exchange->status = status;
	return 0;
}

/* A write that fails leaves nothing to be said on this connection. */
static int send_pieces(struct http_exchange *exchange, struct iovec *pieces, size_t count, struct err *err)
{
	if (http_conn_write(exchange->conn, pieces, count, err) == 0)
		return 0;
	exchange->aborted = true;
	return -1;
}

/* ---- at once ---- */

/* What the client does not take now stays in out: PHASE_FLUSH sends it while this thread serves others. */
int http_reply_keep_rest(struct http_exchange *exchange, const struct iovec *pieces, size_t count, struct err *err)
{
	struct buf rest = BUF_INIT(SIZE_MAX / 2);

	for (size_t i = 0; i < count; i++) {
		if (buf_add(&rest, pieces[i].iov_base, pieces[i].iov_len, err) < 0) {
			buf_done(&rest);
			return -1;
		}
	}
	buf_done(&exchange->out);
	exchange->out = rest;
	exchange->out_sent = 0;
	return 0;
}

static size_t total(const struct iovec *pieces, size_t count)
{
	size_t size = 0;

	for (size_t i = 0; i < count; i++)
		size += pieces[i].iov_len;
	return size;
}

static int send_or_keep(struct http_exchange *exchange, struct iovec *pieces, size_t count, struct err *err)
{
	const enum tls_io io = http_conn_try_write(exchange->conn, &pieces, &count, err);

	if (io == TLS_IO_DONE)
		buf_clear(&exchange->out);
	if (io == TLS_IO_DONE)
		return 0;
	if (io == TLS_IO_FAILED) {
		exchange->aborted = true;
		return -1;
	}
	if (total(pieces, count) <= KEEP_MAX) {
		exchange->aborted = http_reply_keep_rest(exchange, pieces, count, err) < 0;
		return exchange->aborted ? -1 : 0;
	}
	if (send_pieces(exchange, pieces, count, err) < 0)
		return -1;
	buf_clear(&exchange->out);
	return 0;
}

int http_reply(struct http_exchange *exchange, int status, const struct http_header *headers, size_t header_count,
	       const void *body, size_t body_size, struct err *err)
{
	struct iovec pieces[2] = {{0}};

	if (begin(exchange, status, headers, header_count, (int64_t)body_size, err) < 0)
		return -1;
	exchange->ended = true;
	pieces[0] = (struct iovec){.iov_base = exchange->out.data, .iov_len = exchange->out.size};
	if (!exchange->bodiless) {
		pieces[1] = (struct iovec){.iov_base = (void *)(uintptr_t)body, .iov_len = body_size};
		exchange->reply_size = body_size;
	}
	return send_or_keep(exchange, pieces, 2, err);
}

void http_reply_refusal(struct http_conn *conn, int status)
{
	scoped(buf_done) struct buf out = BUF_INIT(4096);
	struct err ignored = ERR_INIT;
	struct iovec piece;

	if (http_reply_add_status(&out, status, &ignored) < 0 ||
	    add_server_fields(conn->server, NULL, 0, &out, &ignored) < 0 ||
	    add_number_field(&out, "Content-Length", 0, &ignored) < 0 ||
	    add_field(&out, "Connection", "close", &ignored) < 0 || buf_add(&out, "\r\n", 2, &ignored) < 0)
		return;
	piece = (struct iovec){.iov_base = out.data, .iov_len = out.size};
	IGNORE_RESULT(http_conn_write(conn, &piece, 1, &ignored));
}

/* ---- in pieces ---- */

int http_reply_start(struct http_exchange *exchange, int status, const struct http_header *headers, size_t header_count,
		     int64_t body_size, struct err *err)
{
	if (begin(exchange, status, headers, header_count, body_size, err) < 0)
		return -1;
	exchange->sized = body_size >= 0;
	exchange->reply_left = exchange->sized ? (uint64_t)body_size : 0;
	return 0;
}

/* The head, if it still waits, and one piece of the body. */
static int send_body_piece(struct http_exchange *exchange, const void *data, size_t size, struct err *err)
{
	char chunk[24];
	struct iovec pieces[4] = {{0}};
	size_t count = 0;
	int sent;

	pieces[count++] = (struct iovec){.iov_base = exchange->out.data, .iov_len = exchange->out.size};
	if (size > 0 && exchange->chunked)
		pieces[count++] = (struct iovec){
		    .iov_base = chunk,
		    .iov_len = (size_t)snprintf(chunk, sizeof(chunk), "%zx\r\n", size),
		};
	if (size > 0)
		pieces[count++] = (struct iovec){.iov_base = (void *)(uintptr_t)data, .iov_len = size};
	if (size > 0 && exchange->chunked)
		pieces[count++] = (struct iovec){.iov_base = (void *)(uintptr_t) "\r\n", .iov_len = 2};
	sent = send_pieces(exchange, pieces, count, err);
	buf_clear(&exchange->out);
	return sent;
}

int http_reply_count(struct http_exchange *exchange, size_t size, struct err *err)
{
	if (!exchange->started || exchange->ended)
		return err_set(err, ERR_INTERNAL, "no reply is open");
	if (exchange->aborted)
		return err_set(err, ERR_IO, "the client is gone");
	if (exchange->sized) {
		if (size > exchange->reply_left)
			return err_set(err, ERR_INVALID, "%zu bytes more than the reply's length",
				       size - (size_t)exchange->reply_left);
		exchange->reply_left -= size;
	}
	exchange->reply_size += exchange->bodiless ? 0 : size;
	return 0;
}

int http_reply_write(struct http_exchange *exchange, const void *data, size_t size, struct err *err)
{
	if (http_reply_count(exchange, size, err) < 0)
		return -1;
	return send_body_piece(exchange, data, exchange->bodiless ? 0 : size, err);
}

int http_reply_end(struct http_exchange *exchange, struct err *err)
{
	static char last[] = "0\r\n\r\n";
	struct iovec pieces[2] = {{0}};

	if (!exchange->started || exchange->ended)
		return err_set(err, ERR_INTERNAL, "no reply is open");
	if (exchange->aborted)
		return err_set(err, ERR_IO, "the client is gone");
	if (exchange->sized && exchange->reply_left > 0 && !exchange->bodiless)
		return err_set(err, ERR_INVALID, "the reply is shorter than its length");
	exchange->ended = true;
	pieces[0] = (struct iovec){.iov_base = exchange->out.data, .iov_len = exchange->out.size};
	if (exchange->chunked && !exchange->bodiless)
		pieces[1] = (struct iovec){.iov_base = last, .iov_len = sizeof(last) - 1};
	return send_or_keep(exchange, pieces, 2, err);
}

bool http_reply_is_started(const struct http_exchange *exchange)
{
	return exchange->started;
}

/* ---- deferred ---- */

static void prepare(struct http_exchange *exchange, int status, const struct http_header *headers, size_t header_count,
		    const void *body, size_t body_size)
{
	struct err ignored = ERR_INIT;

	if (begin(exchange, status, headers, header_count, (int64_t)body_size, &ignored) == 0 &&
	    (exchange->bodiless || buf_add(&exchange->out, body, body_size, &ignored) == 0)) {
		exchange->ended = true;
		exchange->reply_size = exchange->bodiless ? 0 : body_size;
		return;
	}
	exchange->started = false;
	exchange->close = true;
	buf_clear(&exchange->out);
	if (begin(exchange, 500, NULL, 0, 0, &ignored) < 0)
		exchange->aborted = true;
}

void http_complete(struct http_exchange *exchange, int status, const struct http_header *headers, size_t header_count,
		   const void *body, size_t body_size)
{
	struct http_conn *conn = exchange->conn;

	prepare(exchange, status, headers, header_count, body, body_size);
	/* The handler has not returned yet: its thread sends. Else the connection is ours, and epoll wakes a thread. */
	if (atomic_exchange(&exchange->deferral, DEFERRAL_COMPLETED) != DEFERRAL_PARKED)
		return;
	conn->deadline_ns = clock_monotonic_ns() + conn->server->write_timeout_ms * NS_PER_MS;
	http_server_arm(conn, EPOLLOUT);
}

void http_resume(struct http_exchange *exchange)
{
	struct http_conn *conn = exchange->conn;

	/* The handler has not returned yet: its thread runs it again. Else epoll wakes one. */
	if (atomic_exchange(&exchange->deferral, DEFERRAL_RESUMED) != DEFERRAL_PARKED)
		return;
	conn->phase = PHASE_RESUMING;
	conn->deadline_ns = clock_monotonic_ns() + conn->server->write_timeout_ms * NS_PER_MS;
	http_server_arm(conn, EPOLLOUT);
}
