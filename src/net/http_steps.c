/* SPDX-License-Identifier: Apache-2.0 */
/* A deferred exchange without blocking: see net/http_server.h. */
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>

#include "base/clock.h"
#include "net/http_priv.h"

#define NO_WAIT 0
#define WATCH_MAX (16u << 10) /* of the next request, kept while the client is watched */
#define WATCH_PIECE 2048

static const char continue_text[] = "HTTP/1.1 100 Continue\r\n\r\n";

int http_descriptor(const struct http_exchange *exchange)
{
	return exchange->conn->fd;
}

unsigned http_step_timeout_ms(const struct http_exchange *exchange, bool is_write)
{
	const struct http_server *server = exchange->conn->server;

	return is_write ? server->write_timeout_ms : server->body_timeout_ms;
}

static enum http_step step_of(enum tls_io io)
{
	switch (io) {
	case TLS_IO_DONE:
		return HTTP_STEP_DONE;
	case TLS_IO_WANT_READ:
		return HTTP_STEP_WANT_READ;
	case TLS_IO_WANT_WRITE:
		return HTTP_STEP_WANT_WRITE;
	case TLS_IO_CLOSED:
	case TLS_IO_FAILED:
		break;
	}
	return HTTP_STEP_FAILED;
}

/* ---- the request's body ---- */

static void end_wait(struct http_exchange *exchange)
{
	if (exchange->step_since_ns != 0)
		exchange->body_waited_ns += clock_monotonic_ns() - exchange->step_since_ns;
	exchange->step_since_ns = 0;
}

/* "100 Continue", in front of whatever goes out next; only if the client has not begun without it. */
static enum http_step say_continue(struct http_exchange *exchange, struct err *err)
{
	if (exchange->continue_wanted) {
		exchange->continue_wanted = false;
		/* RFC 9110 15.2: nothing informational once the final status has begun. */
		if (!exchange->started && exchange->conn->in_start == exchange->conn->in_end &&
		    buf_add(&exchange->out, continue_text, sizeof(continue_text) - 1, err) < 0)
			return HTTP_STEP_FAILED;
	}
	/* Not once a reply is under way: that is the writer's to flush. */
	return exchange->started ? HTTP_STEP_DONE : http_step_flush(exchange, err);
}

static enum http_step read_step(struct http_exchange *exchange, void *ret_data, size_t size, size_t *ret_got,
				struct err *err)
{
	enum http_step step;

	end_wait(exchange);
	if (http_exchange_is_too_large(exchange)) {
		(void)http_exchange_too_large(exchange, err);
		return HTTP_STEP_FAILED;
	}
	step = say_continue(exchange, err);
	if (step != HTTP_STEP_DONE)
		return step;
	if (http_exchange_check_pace(exchange, 0, err) < 0)
		return HTTP_STEP_FAILED;
	if (http_exchange_take_piece(exchange, ret_data, size, NO_WAIT, ret_got, err) == 0) {
		if (!http_exchange_is_too_large(exchange))
			return HTTP_STEP_DONE;
		(void)http_exchange_too_large(exchange, err);
		return HTTP_STEP_FAILED;
	}
	if (err->code != ERR_TIMEOUT)
		return HTTP_STEP_FAILED;
	exchange->step_since_ns = clock_monotonic_ns();
	return HTTP_STEP_WANT_READ;
}

enum http_step http_step_read(struct http_exchange *exchange, void *ret_data, size_t size, size_t *ret_got,
			      struct err *err)
{
	enum http_step step;

	*ret_got = 0;
	if (exchange->is_tunnel)
		return step_of(http_tunnel_read(exchange, ret_data, size, ret_got, err));
	if (exchange->body_failed) {
		(void)err_set(err, ERR_IO, "the body has failed before");
		return HTTP_STEP_FAILED;
	}
	if (size == 0 || exchange->body.done)
		return HTTP_STEP_DONE;
	step = read_step(exchange, ret_data, size, ret_got, err);
	if (step == HTTP_STEP_FAILED) {
		exchange->body_failed = true;
		exchange->close = true;
	}
	return step;
}

enum http_step http_step_watch(struct http_exchange *exchange, struct err *err)
{
	struct http_conn *conn = exchange->conn;

	if (exchange->aborted)
		return HTTP_STEP_FAILED;
	while (conn->in_end - conn->in_start < WATCH_MAX) {
		size_t got = 0;
		enum http_step step;

		if (http_conn_reserve(conn, WATCH_PIECE, err) < 0)
			return HTTP_STEP_FAILED;
		step =
		    step_of(http_conn_read(conn, conn->in + conn->in_end, conn->in_capacity - conn->in_end, &got, err));
		if (step != HTTP_STEP_DONE)
			return step;
		conn->in_end += got;
	}
	return HTTP_STEP_DONE;
}

/* ---- the reply ---- */

static enum http_step failed(struct http_exchange *exchange)
{
	exchange->aborted = true;
	return HTTP_STEP_FAILED;
}

/* All pieces, of which the first is what waits in out. */
static enum http_step send_pieces(struct http_exchange *exchange, struct iovec *pieces, size_t count, struct err *err)
{
	const enum http_step step = step_of(http_conn_try_write(exchange->conn, &pieces, &count, err));

	if (step == HTTP_STEP_FAILED)
		return failed(exchange);
	if (step != HTTP_STEP_DONE)
		return http_reply_keep_rest(exchange, pieces, count, err) < 0 ? failed(exchange) : step;
	buf_clear(&exchange->out);
	exchange->out_sent = 0;
	return HTTP_STEP_DONE;
}

static struct iovec waiting(const struct http_exchange *exchange)
{
	return (struct iovec){.iov_base = exchange->out.data + exchange->out_sent,
			      .iov_len = exchange->out.size - exchange->out_sent};
}

static enum http_step gone(struct err *err)
{
	(void)err_set(err, ERR_IO, "the client is gone");
	return HTTP_STEP_FAILED;
}

enum http_step http_step_flush(struct http_exchange *exchange, struct err *err)
{
	struct iovec piece = waiting(exchange);
	struct iovec *pieces = &piece;
	size_t count = 1;
	enum http_step step;

	if (exchange->aborted)
		return gone(err);
	if (piece.iov_len == 0)
		return HTTP_STEP_DONE;
	step = step_of(http_conn_try_write(exchange->conn, &pieces, &count, err));
	if (step == HTTP_STEP_FAILED)
		return failed(exchange);
	/* What is left stays where it is: no copy for each try. */
	exchange->out_sent = exchange->out.size - (step == HTTP_STEP_DONE ? 0 : piece.iov_len);
	if (step == HTTP_STEP_DONE) {
		buf_clear(&exchange->out);
		exchange->out_sent = 0;
	}
	return step;
}

int http_step_informational(struct http_exchange *exchange, int status, const struct http_header *headers, size_t count,
			    struct err *err)
{
	size_t before;

	if (status < 100 || status > 199 || status == 101)
		return err_set(err, ERR_INVALID, "status %d cannot be sent before the reply", status);
	if (exchange->started)
		return err_set(err, ERR_INTERNAL, "the reply was started before");
	if (exchange->head.minor_version == 0)
		return 0;
	before = exchange->out.size;
	if (http_reply_add_status(&exchange->out, status, err) < 0 ||
	    http_reply_add_fields(&exchange->out, headers, count, err) < 0 ||
	    buf_add(&exchange->out, "\r\n", 2, err) < 0) {
		exchange->out.size = before; /* half a head would swallow the reply's */
		return -1;
	}
	return 0;
}

enum http_step http_step_write(struct http_exchange *exchange, const void *data, size_t size, struct err *err)
{
	char chunk[24];
	struct iovec pieces[4] = {waiting(exchange)};
	size_t count = 1;

	if (http_reply_count(exchange, size, err) < 0)
		return HTTP_STEP_FAILED;
	if (exchange->bodiless)
		size = 0;
	if (size > 0 && exchange->chunked)
		pieces[count++] = (struct iovec){
		    .iov_base = chunk,
		    .iov_len = (size_t)snprintf(chunk, sizeof(chunk), "%zx\r\n", size),
		};
	if (size > 0)
		pieces[count++] = (struct iovec){.iov_base = (void *)(uintptr_t)data, .iov_len = size};
	if (size > 0 && exchange->chunked)
		pieces[count++] = (struct iovec){.iov_base = (void *)(uintptr_t) "\r\n", .iov_len = 2};
	return send_pieces(exchange, pieces, count, err);
}

/* "TE: trailers", perhaps among other codings (RFC 9110 10.1.4). */
static bool wants_trailers(const struct http_exchange *exchange)
{
	const char *te = http_header(exchange, "te");

	while (te && *te) {
		const size_t size = strcspn(te, ",; ");

		if (size == strlen("trailers") && strncasecmp(te, "trailers", size) == 0)
			return true;
		te += strcspn(te, ",");
		te += strspn(te, ", \t");
	}
	return false;
}

static int add_last_chunk(struct http_exchange *exchange, const struct http_header *trailers, size_t count,
			  struct err *err)
{
	struct buf *out = &exchange->out;

	if (!exchange->chunked || exchange->bodiless)
		return 0;
	if (buf_add(out, "0\r\n", 3, err) < 0 ||
	    (wants_trailers(exchange) && http_reply_add_fields(out, trailers, count, err) < 0))
		return -1;
	return buf_add(out, "\r\n", 2, err);
}

enum http_step http_step_end(struct http_exchange *exchange, const struct http_header *trailers, size_t trailer_count,
			     struct err *err)
{
	if (http_reply_count(exchange, 0, err) < 0)
		return HTTP_STEP_FAILED;
	if (exchange->sized && exchange->reply_left > 0 && !exchange->bodiless) {
		(void)err_set(err, ERR_INVALID, "the reply is shorter than its length");
		return failed(exchange);
	}
	if (add_last_chunk(exchange, trailers, trailer_count, err) < 0)
		return failed(exchange);
	exchange->ended = true;
	return http_step_flush(exchange, err);
}

/* Nothing that could block is left to do: this thread itself gives the connection back to epoll. */
static bool is_clean(const struct http_exchange *exchange)
{
	const struct http_conn *conn = exchange->conn;

	return !exchange->aborted && exchange->out.size == 0 && exchange->body.done && conn->in_start == conn->in_end &&
	       !(conn->tls && tls_conn_has_pending(conn->tls));
}

void http_release(struct http_exchange *exchange)
{
	struct http_conn *conn = exchange->conn;

	if (!exchange->ended)
		exchange->aborted = true;
	/* The handler has not returned yet: its thread goes on. Else the connection is ours. */
	if (atomic_exchange(&exchange->deferral, DEFERRAL_COMPLETED) != DEFERRAL_PARKED)
		return;
	conn->deadline_ns = clock_monotonic_ns() + conn->server->write_timeout_ms * NS_PER_MS;
	if (is_clean(exchange))
		http_conn_run(conn);
	else
		http_server_arm(conn, EPOLLOUT);
}
