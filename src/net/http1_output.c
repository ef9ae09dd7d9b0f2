/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of HTTP/1 that write. */
#include <stdio.h>
#include <sys/epoll.h>

#include "base/clock.h"
#include "net/http1_wire.h"

#define SHORT_MAX 4096      /* of a body that is sent with its head */
#define MUCH_HELD_MAX 64    /* exchanges that hold a HTTP_STEP_ROOM_WHOLE each for their clients */
#define KEEP_MAX (1u << 20) /* of a reply that a slow client takes later; more holds the thread */
#define BODY_PIECES_MAX 3   /* a chunk's size, its data, its end */
#define CHUNK_LINE_SIZE 24

/* ---- waiting ---- */

/* A write that fails leaves nothing to be said on this connection. */
static int send_pieces(struct http_exchange *exchange, struct iovec *pieces, size_t count, struct err *err)
{
	if (http_conn_write(exchange->conn, pieces, count, err) == 0)
		return 0;
	exchange->aborted = true;
	return -1;
}

/* What the client does not take now stays in out: PHASE_FLUSH sends it while this thread serves others. */
static int keep_rest(struct http_exchange *exchange, const struct iovec *pieces, size_t count, struct err *err)
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
		exchange->aborted = keep_rest(exchange, pieces, count, err) < 0;
		return exchange->aborted ? -1 : 0;
	}
	if (send_pieces(exchange, pieces, count, err) < 0)
		return -1;
	buf_clear(&exchange->out);
	return 0;
}

/* A piece of the body as it leaves, in at most BODY_PIECES_MAX of ret; line is for a chunk's size. */
static size_t frame_piece(const struct http_exchange *exchange, const void *data, size_t size,
			  char line[static CHUNK_LINE_SIZE], struct iovec *ret)
{
	size_t count = 0;

	if (size > 0 && exchange->chunked)
		ret[count++] = (struct iovec){
		    .iov_base = line,
		    .iov_len = (size_t)snprintf(line, CHUNK_LINE_SIZE, "%zx\r\n", size),
		};
	if (size > 0)
		ret[count++] = (struct iovec){.iov_base = (void *)(uintptr_t)data, .iov_len = size};
	if (size > 0 && exchange->chunked)
		ret[count++] = (struct iovec){.iov_base = (void *)(uintptr_t) "\r\n", .iov_len = 2};
	return count;
}

/* The head, if it still waits, and one piece of the body. */
static int write_piece(struct http_exchange *exchange, const void *data, size_t size, struct err *err)
{
	char line[CHUNK_LINE_SIZE];
	struct iovec pieces[1 + BODY_PIECES_MAX] = {{.iov_base = exchange->out.data, .iov_len = exchange->out.size}};
	const size_t count = 1 + frame_piece(exchange, data, size, line, pieces + 1);
	int sent;

	sent = send_pieces(exchange, pieces, count, err);
	buf_clear(&exchange->out);
	return sent;
}

/* What the client sends behind the request is here already: its next one. */
static bool has_more_input(const struct http_conn *conn)
{
	return conn->in_start < conn->in_end || (conn->tls && tls_conn_has_pending(conn->tls));
}

/* The last of a reply, size bytes, is kept: who leads sends it later. */
static bool is_held(const struct http_exchange *exchange, size_t size)
{
	return exchange->is_ending && exchange->out_sent == 0 && exchange->out.size + size <= HTTP_HOLD_MAX &&
	       http_hold_is_on(exchange->conn->server);
}

/* A short body is put behind its head: it is a part of the same record. */
static int reply(struct http_exchange *exchange, const void *body, size_t size, struct err *err)
{
	const size_t sent = exchange->bodiless ? 0 : size;
	const bool waits = is_held(exchange, sent) && !has_more_input(exchange->conn);
	struct iovec pieces[2] = {{0}};

	if (sent > SHORT_MAX && !waits)
		pieces[1] = (struct iovec){.iov_base = (void *)(uintptr_t)body, .iov_len = sent};
	else if (buf_add(&exchange->out, body, sent, err) < 0)
		return -1;
	if (waits)
		return 0;
	pieces[0] = (struct iovec){.iov_base = exchange->out.data, .iov_len = exchange->out.size};
	return send_or_keep(exchange, pieces, COUNT_OF(pieces), err);
}

static int end(struct http_exchange *exchange, struct err *err)
{
	static char last[] = "0\r\n\r\n";
	struct iovec pieces[2] = {{.iov_base = exchange->out.data, .iov_len = exchange->out.size}};

	if (exchange->chunked && !exchange->bodiless)
		pieces[1] = (struct iovec){.iov_base = last, .iov_len = sizeof(last) - 1};
	return send_or_keep(exchange, pieces, 2, err);
}

/* ---- in steps ---- */

enum http_step http1_step_of(enum tls_io io)
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

static enum http_step failed(struct http_exchange *exchange)
{
	exchange->aborted = true;
	return HTTP_STEP_FAILED;
}

/* All pieces, of which the first is what waits in out. */
static enum http_step step_pieces(struct http_exchange *exchange, struct iovec *pieces, size_t count, struct err *err)
{
	const enum http_step step = http1_step_of(http_conn_try_write(exchange->conn, &pieces, &count, err));

	if (step == HTTP_STEP_FAILED)
		return failed(exchange);
	if (step != HTTP_STEP_DONE)
		return keep_rest(exchange, pieces, count, err) < 0 ? failed(exchange) : step;
	buf_clear(&exchange->out);
	exchange->out_sent = 0;
	return HTTP_STEP_DONE;
}

static struct iovec waiting(const struct http_exchange *exchange)
{
	return (struct iovec){.iov_base = exchange->out.data + exchange->out_sent,
			      .iov_len = exchange->out.size - exchange->out_sent};
}

enum http_step http1_step_flush(struct http_exchange *exchange, struct err *err)
{
	struct iovec piece = waiting(exchange);
	struct iovec *pieces = &piece;
	size_t count = 1;
	enum http_step step;

	if (piece.iov_len == 0)
		return HTTP_STEP_DONE;
	step = http1_step_of(http_conn_try_write(exchange->conn, &pieces, &count, err));
	if (step == HTTP_STEP_FAILED)
		return failed(exchange);
	/* What is left stays where it is: no copy for each try. */
	exchange->out_sent = exchange->out.size - (step == HTTP_STEP_DONE ? 0 : piece.iov_len);
	if (step == HTTP_STEP_DONE) {
		buf_clear(&exchange->out);
		exchange->out_sent = 0;
		http_exchange_hold_much(exchange, false);
	}
	return step;
}

static enum http_step step_write(struct http_exchange *exchange, const void *data, size_t size, struct err *err)
{
	char line[CHUNK_LINE_SIZE];
	struct iovec pieces[1 + BODY_PIECES_MAX] = {waiting(exchange)};
	enum http_step step;
	size_t count = 1;

	if (exchange->sized && exchange->reply_left == 0 && is_held(exchange, size))
		return buf_add(&exchange->out, data, size, err) < 0 ? failed(exchange) : HTTP_STEP_DONE;
	count += frame_piece(exchange, data, size, line, pieces + 1);
	step = step_pieces(exchange, pieces, count, err);
	http_exchange_hold_much(exchange, size > HTTP_STEP_ROOM_MAX && step != HTTP_STEP_DONE);
	return step;
}

/* What waits for a message to all its clients is bounded: a tunnel gets no more. */
static size_t step_room(const struct http_exchange *exchange)
{
	const bool has_room = atomic_load(&exchange->conn->server->much_held) < MUCH_HELD_MAX;

	return has_room && !exchange->is_tunnel ? HTTP_STEP_ROOM_WHOLE : HTTP_STEP_ROOM_MAX;
}

static int add_last_chunk(struct http_exchange *exchange, const struct http_header *trailers, size_t count,
			  struct err *err)
{
	struct buf *out = &exchange->out;

	if (!exchange->chunked || exchange->bodiless)
		return 0;
	if (buf_add(out, "0\r\n", 3, err) < 0 || (count > 0 && http1_add_fields(out, trailers, count, err) < 0))
		return -1;
	return buf_add(out, "\r\n", 2, err);
}

static enum http_step step_end(struct http_exchange *exchange, const struct http_header *trailers, size_t count,
			       struct err *err)
{
	if (add_last_chunk(exchange, trailers, count, err) < 0)
		return failed(exchange);
	if (exchange->is_ending && http_hold_is_on(exchange->conn->server))
		return HTTP_STEP_DONE;
	return http1_step_flush(exchange, err);
}

/* ---- parked ---- */

static void renew_deadline(struct http_conn *conn)
{
	conn->deadline_ns = clock_monotonic_ns() + conn->server->write_timeout_ms * NS_PER_MS;
}

static void give_back(struct http_conn *conn)
{
	renew_deadline(conn);
	http_watch_hand_over(conn);
}

static void completed(struct http_exchange *exchange)
{
	give_back(exchange->conn);
}

static void resumed(struct http_exchange *exchange)
{
	exchange->conn->phase = PHASE_RESUMING;
	give_back(exchange->conn);
}

/* Nothing that could block is left to do: this thread itself gives the connection back to epoll. */
static bool is_clean(const struct http_exchange *exchange)
{
	const struct http_conn *conn = exchange->conn;

	return !exchange->aborted && exchange->out.size == 0 && exchange->body.done && !has_more_input(conn);
}

static void released(struct http_exchange *exchange)
{
	struct http_conn *conn = exchange->conn;

	if (is_clean(exchange)) {
		http_conn_end_exchange(conn);
		return;
	}
	renew_deadline(conn);
	if (!http_hold_add(conn))
		http_watch_hand_over(conn);
}

/* Nothing of it is left, or it could not be held after all, and is not to wait for what the handler does now. */
static bool part(struct http_exchange *exchange)
{
	struct http_conn *conn = exchange->conn;
	struct err ignored = ERR_INIT;

	if (exchange->out.size == 0)
		return false;
	conn->phase = PHASE_FLUSH;
	renew_deadline(conn);
	if (http_hold_add(conn))
		return true;
	(void)http1_step_flush(exchange, &ignored);
	return false;
}

static int exporter(struct http_exchange *exchange, const char *label, const void *context, size_t context_size,
		    uint8_t ret[static TLS_EXPORTER_SIZE], struct err *err)
{
	return tls_conn_exporter(exchange->conn->tls, label, context, context_size, ret, err);
}

const struct http_wire http1_wire = {
    .read = http1_read,
    .say_continue = http1_say_continue,
    .step_continue = http1_step_continue,
    .watch = http1_watch,
    .make_head = http1_make_head,
    .reply = reply,
    .part = part,
    .write = write_piece,
    .end = end,
    .informational = http1_informational,
    .step_write = step_write,
    .step_room = step_room,
    .step_end = step_end,
    .step_flush = http1_step_flush,
    .upgrade_asked = http1_upgrade_asked,
    .make_upgrade = http1_make_upgrade,
    .tunnel_read = http1_tunnel_read,
    .completed = completed,
    .resumed = resumed,
    .released = released,
    .descriptor = http1_descriptor,
    .exporter = exporter,
};
