/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of HTTP/1 that read: the body of a request, and whether its client is still there. */
#include <poll.h>
#include <string.h>

#include "base/clock.h"
#include "net/http1_wire.h"

#define BODY_READ_SIZE 16384
#define WATCH_MAX (16u << 10) /* of the next request, kept while the client is watched */
#define WATCH_PIECE 2048

#define CONTINUE_TEXT "HTTP/1.1 100 Continue\r\n\r\n"

int http1_say_continue(struct http_exchange *exchange, struct err *err)
{
	static char text[] = CONTINUE_TEXT;
	struct iovec piece = {.iov_base = text, .iov_len = sizeof(text) - 1};

	if (!exchange->continue_wanted)
		return 0;
	exchange->continue_wanted = false;
	/* RFC 9110 10.1.1: not needed when the client has not waited for it; 15.2: too late once the reply has begun.
	 */
	if (exchange->started || exchange->conn->in_start < exchange->conn->in_end)
		return 0;
	return http_conn_write(exchange->conn, &piece, 1, err);
}

/* Reads what comes into data, and watches the pace. */
static int read_piece(struct http_exchange *exchange, void *data, size_t size, int timeout_ms, size_t *ret_got,
		      struct err *err)
{
	const int64_t began_ns = clock_monotonic_ns();

	if (http_conn_read_wait(exchange->conn, data, size, timeout_ms, ret_got, err) < 0)
		return -1;
	exchange->body_waited_ns += clock_monotonic_ns() - began_ns;
	return http_exchange_check_pace(exchange, *ret_got, err);
}

static int fill_input(struct http_exchange *exchange, int timeout_ms, struct err *err)
{
	struct http_conn *conn = exchange->conn;
	size_t got;

	if (http_conn_reserve(conn, BODY_READ_SIZE, err) < 0 ||
	    read_piece(exchange, conn->in + conn->in_end, conn->in_capacity - conn->in_end, timeout_ms, &got, err) < 0)
		return -1;
	conn->in_end += got;
	return 0;
}

/* TLS gives one record at a time: what else has come already. A failure shows at the next read. */
static void read_on(struct http_conn *conn, uint8_t *data, size_t size, size_t *got)
{
	struct err ignored = ERR_INIT;
	enum tls_io io = TLS_IO_DONE;

	while (io == TLS_IO_DONE && conn->tls && *got < size &&
	       (!conn->is_drained || tls_conn_has_pending(conn->tls))) {
		size_t more = 0;

		io = http_conn_read(conn, data + *got, size - *got, &more, &ignored);
		*got += io == TLS_IO_DONE ? more : 0;
	}
}

/* From what is here, or from the wire. */
int http1_read(struct http_exchange *exchange, void *ret_data, size_t size, int timeout_ms, size_t *ret_got,
	       struct err *err)
{
	struct http_conn *conn = exchange->conn;

	while (!exchange->body.done) {
		const uint64_t direct = http1_body_direct(&exchange->body);
		const uint8_t *piece;
		size_t used;

		if (conn->in_start < conn->in_end) {
			if (http1_body_take(&exchange->body, conn->in + conn->in_start, conn->in_end - conn->in_start,
					    size, &used, &piece, ret_got, err) < 0)
				return -1;
			if (*ret_got > 0)
				memcpy(ret_data, piece, *ret_got);
			conn->in_start += used;
			if (*ret_got > 0)
				return 0;
		} else if (direct > 0) {
			const size_t room = direct < size ? (size_t)direct : size;

			if (read_piece(exchange, ret_data, room, timeout_ms, ret_got, err) < 0)
				return -1;
			read_on(conn, ret_data, room, ret_got);
			http1_body_skip(&exchange->body, *ret_got);
			return 0;
		} else if (fill_input(exchange, timeout_ms, err) < 0) {
			return -1;
		}
	}
	*ret_got = 0;
	return 0;
}

/* "100 Continue", in front of whatever goes out next; only if the client has not begun without it. */
enum http_step http1_step_continue(struct http_exchange *exchange, struct err *err)
{
	if (exchange->continue_wanted) {
		exchange->continue_wanted = false;
		/* RFC 9110 15.2: nothing informational once the final status has begun. */
		if (!exchange->started && exchange->conn->in_start == exchange->conn->in_end &&
		    buf_add_text(&exchange->out, CONTINUE_TEXT, err) < 0)
			return HTTP_STEP_FAILED;
	}
	/* Not once a reply is under way: that is the writer's to flush. */
	return exchange->started ? HTTP_STEP_DONE : http1_step_flush(exchange, err);
}

/* Behind bytes that are not read, the end of the other side shows only here. */
static enum http_step look_for_end(const struct http_conn *conn)
{
	struct pollfd ended = {.fd = conn->fd, .events = POLLRDHUP};

	return poll(&ended, 1, 0) > 0 ? HTTP_STEP_FAILED : HTTP_STEP_DONE;
}

enum http_step http1_watch(struct http_exchange *exchange, struct err *err)
{
	struct http_conn *conn = exchange->conn;

	if (exchange->aborted)
		return HTTP_STEP_FAILED;
	while (conn->in_end - conn->in_start < WATCH_MAX) {
		size_t got = 0;
		enum http_step step;

		if (http_conn_reserve(conn, WATCH_PIECE, err) < 0)
			return HTTP_STEP_FAILED;
		step = http1_step_of(
		    http_conn_read(conn, conn->in + conn->in_end, conn->in_capacity - conn->in_end, &got, err));
		if (step != HTTP_STEP_DONE)
			return step;
		conn->in_end += got;
	}
	return look_for_end(conn);
}

int http1_descriptor(const struct http_exchange *exchange)
{
	http_watch_mute(exchange->conn);
	return exchange->conn->fd;
}

bool http1_body_is_given_up(const struct http_exchange *exchange)
{
	return !exchange->body.done && (exchange->body_failed || (exchange->body.framing == HTTP1_SIZED &&
								  exchange->body.left > HTTP1_SKIP_MAX));
}

enum http_step http_exchange_skip_body(struct http_exchange *exchange)
{
	uint8_t thrown[BODY_READ_SIZE];
	struct err err = ERR_INIT;
	size_t got;

	/* A client that was not told to continue may or may not send: what follows cannot be told apart. */
	if (http1_body_is_given_up(exchange) || (!exchange->body.done && exchange->continue_wanted))
		return HTTP_STEP_FAILED;
	while (!exchange->body.done && exchange->skipped <= HTTP1_SKIP_MAX) {
		const int status = http1_read(exchange, thrown, sizeof(thrown), 0, &got, &err);

		explicit_bzero(thrown, sizeof(thrown));
		if (status < 0)
			return err.code == ERR_TIMEOUT ? HTTP_STEP_WANT_READ : HTTP_STEP_FAILED;
		exchange->skipped += got;
	}
	return exchange->body.done ? HTTP_STEP_DONE : HTTP_STEP_FAILED;
}
