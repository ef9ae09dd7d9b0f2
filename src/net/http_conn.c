/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/number.h"
#include "net/http_priv.h"

#define READ_SIZE 2048
#define THROW_SIZE 16384
#define TLS_HANDSHAKE_RECORD 0x16
#define BODY_AHEAD_MAX (64u << 10)
#define SKIP_MS 1000
#define LINGER_MS 2000
/* More than the buffers of both ends hold: who closes before they are read takes the answer away. */
#define LINGER_MAX (8u << 20)
#define PHASES_MAX 256 /* of a connection whose client goes on and on: then it is others' turn */

enum step { STEP_AGAIN, STEP_WAIT_READ, STEP_WAIT_WRITE, STEP_PARKED, STEP_CLOSE };

/* What a connection does next when reading, writing or shaking hands ended so. */
static const enum step step_of_io[] = {
    [TLS_IO_DONE] = STEP_AGAIN,   [TLS_IO_WANT_READ] = STEP_WAIT_READ, [TLS_IO_WANT_WRITE] = STEP_WAIT_WRITE,
    [TLS_IO_CLOSED] = STEP_CLOSE, [TLS_IO_FAILED] = STEP_CLOSE,
};

/* ---- birth and death ---- */

static enum conn_phase phase_after_proxy(const struct http_conn *conn)
{
	if (!conn->tls)
		return PHASE_HEAD;
	return conn->listener->is_plain_allowed ? PHASE_FIRST_BYTE : PHASE_HANDSHAKE;
}

int http_conn_new(struct http_server *server, const struct http_listener *listener, int fd, struct http_conn **ret_conn,
		  struct err *err)
{
	struct http_conn *conn = calloc(1, sizeof(*conn));

	if (!conn)
		return err_no_memory(err);
	conn->server = server;
	conn->listener = listener;
	conn->fd = fd;
	if (listener->tls && tls_conn_new(tls_server_context(listener->tls), fd, true, &conn->tls, err) < 0) {
		free(conn);
		return -1;
	}
	conn->phase = listener->proxy == HTTP_PROXY_NONE ? phase_after_proxy(conn) : PHASE_PROXY;
	http_conn_find_peer(conn); /* who a proxy does not name, as in LOCAL, is who is connected */
	*ret_conn = conn;
	return 0;
}

void http_conn_free(struct http_conn *conn)
{
	struct http_server *server = conn->server;

	if (server)
		http_watch_forget(conn);
	http_exchange_free(conn->exchange);
	http2_session_free(conn->http2);
	if (conn->slot && conn->slot_destroy)
		conn->slot_destroy(conn->slot);
	if (conn->tls)
		tls_conn_close_notify(conn->tls);
	tls_conn_free(conn->tls);
	fd_close(conn->fd);
	http_wipe_free(conn->in);
	free(conn);
	if (server)
		http_watch_closed(server);
}

static void set_deadline(struct http_conn *conn, unsigned timeout_ms)
{
	conn->deadline_ns = clock_monotonic_ns() + timeout_ms * NS_PER_MS;
}

/* ---- PROXY header: read to its last byte and not one further, what follows may be TLS ---- */

static size_t proxy_size_wanted(const struct http_conn *conn)
{
	if (conn->proxy_got < PROXY_V2_SIZE_MIN)
		return PROXY_V2_SIZE_MIN;
	return proxy_v2_size(conn->in);
}

/* The byte that the connection begins with, left where it is. */
static enum step peek(struct http_conn *conn, uint8_t *ret_first)
{
	const ssize_t got = recv(conn->fd, ret_first, 1, MSG_PEEK);

	conn->is_drained = got < 0;
	if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
		return STEP_WAIT_READ;
	return got < 1 ? STEP_CLOSE : STEP_AGAIN;
}

/* With HTTP_PROXY_OPTIONAL: neither TLS (0x16) nor a method begins as the signature does. */
static enum step look_for_proxy(struct http_conn *conn)
{
	uint8_t first;
	const enum step step = peek(conn, &first);

	if (step != STEP_AGAIN)
		return step;
	if (!proxy_v2_is_possible(&first, 1))
		conn->phase = phase_after_proxy(conn);
	return STEP_AGAIN;
}

static enum step finish_proxy(struct http_conn *conn)
{
	struct proxy_v2_addresses peer;
	struct err ignored = ERR_INIT;
	size_t size;

	if (proxy_v2_parse(conn->in, conn->proxy_got, &peer, &size, &ignored) != 1)
		return STEP_CLOSE;
	if (peer.family != PROXY_V2_UNKNOWN)
		conn->peer = peer;
	conn->peer.is_tls = peer.is_tls;
	conn->in_end = conn->in_start = 0;
	conn->phase = phase_after_proxy(conn);
	return STEP_AGAIN;
}

static enum step run_proxy(struct http_conn *conn)
{
	struct err ignored = ERR_INIT;
	enum tls_io io;

	if (conn->proxy_got == 0 && conn->listener->proxy == HTTP_PROXY_OPTIONAL) {
		const enum step step = look_for_proxy(conn);

		if (step != STEP_AGAIN || conn->phase != PHASE_PROXY)
			return step;
	}
	if (http_conn_reserve(conn, PROXY_V2_SIZE_MAX, &ignored) < 0)
		return STEP_CLOSE;
	while (conn->proxy_got < proxy_size_wanted(conn)) {
		size_t got = 0;
		const size_t wanted = proxy_size_wanted(conn) - conn->proxy_got;

		if (conn->proxy_got + wanted > PROXY_V2_SIZE_MAX || !proxy_v2_is_possible(conn->in, conn->proxy_got))
			return STEP_CLOSE;
		io = http_conn_read_plain(conn, conn->in + conn->proxy_got, wanted, &got, &ignored);
		if (io != TLS_IO_DONE)
			return step_of_io[io];
		conn->proxy_got += got;
	}
	return finish_proxy(conn);
}

/* ---- handshake ---- */

/* A listener that takes both: no method begins with the byte of a TLS handshake record. */
static enum step run_first_byte(struct http_conn *conn)
{
	uint8_t first;
	const enum step step = peek(conn, &first);

	if (step != STEP_AGAIN)
		return step;
	if (first == TLS_HANDSHAKE_RECORD) {
		conn->phase = PHASE_HANDSHAKE;
		return STEP_AGAIN;
	}
	tls_conn_free(TAKE_PTR(conn->tls));
	conn->phase = PHASE_HEAD;
	return STEP_AGAIN;
}

/*
 * We answer a client's Finished with nothing (there are no tickets), so its acknowledgement would wait 40 ms, and with
 * it the request of a client that has not set TCP_NODELAY.
 */
static void acknowledge_now(const struct http_conn *conn)
{
	const int on = 1;

	if (!conn->listener->unix_path)
		(void)setsockopt(conn->fd, IPPROTO_TCP, TCP_QUICKACK, &on, sizeof(on));
}

static enum step begin_http2(struct http_conn *conn)
{
	struct err ignored = ERR_INIT;

	/* What the session keeps fits in the hole that they leave, and does not part it. */
	if (conn->tls)
		tls_conn_keep_buffers(conn->tls, false);
	if (http2_session_new(conn, &ignored) < 0)
		return STEP_CLOSE;
	conn->phase = PHASE_HTTP2;
	return STEP_AGAIN;
}

static enum step run_handshake(struct http_conn *conn)
{
	struct err ignored = ERR_INIT;

	const enum tls_io io = tls_conn_handshake(conn->tls, &ignored);

	conn->is_drained = tls_conn_is_drained(conn->tls);
	if (io == TLS_IO_DONE) {
		acknowledge_now(conn);
		conn->phase = PHASE_HEAD;
		if (tls_conn_is_http2(conn->tls))
			return begin_http2(conn);
	}
	return step_of_io[io];
}

/* ---- the end ---- */

/* Shuts our side and waits a little for the client's, throwing away what it still sends. */
static enum step linger(struct http_conn *conn)
{
	http_exchange_free(TAKE_PTR(conn->exchange));
	http2_session_free(TAKE_PTR(conn->http2));
	if (conn->tls)
		tls_conn_close_notify(conn->tls);
	if (shutdown(conn->fd, SHUT_WR) < 0)
		return STEP_CLOSE;
	conn->phase = PHASE_LINGER;
	set_deadline(conn, LINGER_MS);
	return STEP_AGAIN;
}

static enum step run_linger(struct http_conn *conn)
{
	uint8_t thrown[THROW_SIZE];
	struct err ignored = ERR_INIT;
	size_t got;

	while (conn->lingered < LINGER_MAX) {
		/* Below TLS: what comes is not looked at any more. */
		const enum tls_io io = http_conn_read_plain(conn, thrown, sizeof(thrown), &got, &ignored);

		if (io != TLS_IO_DONE)
			return step_of_io[io];
		conn->lingered += got;
	}
	return STEP_CLOSE;
}

static enum step refuse(struct http_conn *conn, int status)
{
	http_reply_refusal(conn, status);
	return linger(conn);
}

/* ---- requests ---- */

/* A close would be a reset, which takes from the client what it has not read of the answer (RFC 9112 9.6). */
static bool has_unread(const struct http_conn *conn)
{
	int size = 0;

	return conn->in_end > conn->in_start || (ioctl(conn->fd, FIONREAD, &size) == 0 && size > 0);
}

/* The handler has returned, or the deferred reply is out. */
static enum step finish_exchange(struct http_conn *conn)
{
	struct http_exchange *exchange = conn->exchange;

	if (exchange->aborted)
		return STEP_CLOSE;
	switch (http_exchange_skip_body(exchange)) {
	case HTTP_STEP_DONE:
		break;
	case HTTP_STEP_WANT_READ:
	case HTTP_STEP_WANT_WRITE:
		if (conn->phase != PHASE_SKIP)
			set_deadline(conn, SKIP_MS);
		conn->phase = PHASE_SKIP;
		return STEP_WAIT_READ;
	case HTTP_STEP_FAILED:
		return linger(conn);
	}
	/* A tunnel's client may still be sending: what it has not read yet must reach it. */
	if (exchange->is_tunnel)
		return linger(conn);
	/* One who was promised a next answer, before a farewell, gets it: that one is the last. */
	if (exchange->close || atomic_load(&conn->server->draining))
		return has_unread(conn) ? linger(conn) : STEP_CLOSE;
	http_exchange_free(TAKE_PTR(conn->exchange));
	conn->phase = PHASE_HEAD;
	conn->scan = (struct http1_scan){0};
	/* What is already here of the next request (pipelined) began now. */
	if (conn->in_end > conn->in_start || (conn->tls && tls_conn_has_pending(conn->tls))) {
		set_deadline(conn, conn->server->header_timeout_ms);
		return STEP_AGAIN;
	}
	/* Else epoll is asked, not the socket: there is seldom something, and a vain read costs as much. */
	set_deadline(conn, conn->server->idle_timeout_ms);
	http_watch_warm(conn, conn->deadline_ns - conn->server->idle_timeout_ms * NS_PER_MS);
	http_conn_release_input(conn);
	return STEP_WAIT_READ;
}

static enum step finish_handler(struct http_conn *conn)
{
	struct http_exchange *exchange = conn->exchange;
	struct err ignored = ERR_INIT;

	if (!exchange->aborted && !exchange->started) {
		exchange->close = true;
		if (http_reply(exchange, 500, NULL, 0, NULL, 0, &ignored) < 0)
			return STEP_CLOSE;
	}
	/* Started but not ended: the client must see that the response is cut. */
	if (!exchange->aborted && !exchange->ended)
		return STEP_CLOSE;
	if (exchange->out.size == 0)
		return finish_exchange(conn);
	conn->phase = PHASE_FLUSH;
	set_deadline(conn, conn->server->write_timeout_ms);
	return STEP_AGAIN;
}

static enum step run_handler(struct http_conn *conn)
{
	struct http_exchange *exchange = conn->exchange;
	int none = DEFERRAL_NONE;

	/* Before it, for behind it the connection may be somebody else's. */
	http_watch_yield_warmth(conn);
	switch (conn->server->handler(exchange, conn->server->arg)) {
	case HTTP_HANDLED:
		return finish_handler(conn);
	case HTTP_PARTED:
		return STEP_PARKED;
	case HTTP_DEFERRED:
		break;
	}
	conn->phase = PHASE_FLUSH;
	set_deadline(conn, conn->server->write_timeout_ms);
	/* Behind a successful exchange the completing thread owns the connection. */
	if (atomic_compare_exchange_strong(&exchange->deferral, &none, DEFERRAL_PARKED))
		return STEP_PARKED;
	if (atomic_load(&exchange->deferral) == DEFERRAL_RESUMED)
		conn->phase = PHASE_RESUMING;
	else if (http_hold_add(conn))
		return STEP_PARKED;
	return STEP_AGAIN;
}

static enum step run_resuming(struct http_conn *conn)
{
	atomic_store(&conn->exchange->deferral, DEFERRAL_NONE);
	conn->exchange->is_resumed = true;
	return run_handler(conn);
}

/* Sends what is left of a reply as the client takes it, without holding a thread. */
static enum step run_flush(struct http_conn *conn)
{
	struct http_exchange *exchange = conn->exchange;
	struct iovec piece = {.iov_base = exchange->out.data + exchange->out_sent,
			      .iov_len = exchange->out.size - exchange->out_sent};
	struct iovec *pieces = &piece;
	size_t count = 1;
	struct err ignored = ERR_INIT;
	enum tls_io io;

	if (exchange->aborted)
		return STEP_CLOSE;
	io = http_conn_try_write(conn, &pieces, &count, &ignored);
	if (io == TLS_IO_DONE)
		return finish_exchange(conn);
	if (step_of_io[io] == STEP_CLOSE)
		return STEP_CLOSE;
	if (exchange->out_sent != exchange->out.size - piece.iov_len)
		set_deadline(conn, conn->server->write_timeout_ms);
	exchange->out_sent = exchange->out.size - piece.iov_len;
	return step_of_io[io];
}

/*
 * A short body of known size is read before the handler runs, so that whoever sends it slowly holds no thread. Not if
 * the client waits to be told to continue, and not if chunked: such a client may wait for an answer in between.
 */
static bool is_worth_waiting_for(const struct http_exchange *exchange)
{
	return exchange->head.framing == HTTP1_SIZED && exchange->head.body_size <= BODY_AHEAD_MAX &&
	       !exchange->continue_wanted;
}

static enum step read_body_ahead(struct http_conn *conn)
{
	struct err ignored = ERR_INIT;
	enum tls_io io;
	size_t got = 0;

	if (http_conn_reserve(conn, READ_SIZE, &ignored) < 0)
		return STEP_CLOSE;
	io = http_conn_read(conn, conn->in + conn->in_end, conn->in_capacity - conn->in_end, &got, &ignored);
	if (io != TLS_IO_DONE) {
		http_exchange_begin_wait(conn->exchange);
		return step_of_io[io];
	}
	http_exchange_end_wait(conn->exchange);
	conn->in_end += got;
	set_deadline(conn, conn->server->body_timeout_ms);
	return STEP_AGAIN;
}

/* The deadline is for the next piece; who sends pieces for ever is looked after by their pace. */
static enum step run_body(struct http_conn *conn)
{
	struct http_exchange *exchange = conn->exchange;
	struct err ignored = ERR_INIT;

	while (conn->in_end - conn->in_start < exchange->head.body_size) {
		const enum step step = read_body_ahead(conn);

		if (step != STEP_AGAIN)
			return step;
		if (http_exchange_check_pace(exchange, conn->in_end - conn->in_start, &ignored) < 0)
			return refuse(conn, 408);
	}
	return run_handler(conn);
}

/* The head's bytes go with the exchange; what follows them stays. */
static int take_head(struct http_conn *conn, struct http_exchange *exchange, size_t size, struct err *err)
{
	if (conn->in_start == 0 && conn->in_end == size) {
		exchange->memory = TAKE_PTR(conn->in);
		exchange->memory_used = conn->in_used > size ? conn->in_used : size;
		exchange->memory_capacity = conn->in_capacity;
		conn->in_end = conn->in_capacity = conn->in_used = 0;
		return 0;
	}
	exchange->memory = malloc(size);
	if (!exchange->memory)
		return err_no_memory(err);
	memcpy(exchange->memory, conn->in + conn->in_start, size);
	conn->in_start += size;
	return 0;
}

/* 0, or the status of what has too much. */
static int look_at_limits(const struct http_conn *conn, const struct http1_head *head, size_t head_size)
{
	const struct http_limits *limits = &conn->server->limits;

	if (strlen(head->target) > limits->target_bytes)
		return 414;
	return head_size > limits->header_bytes || head->header_count > limits->header_count ? 431 : 0;
}

static enum step run_request(struct http_conn *conn, size_t head_size)
{
	struct http_exchange *exchange;
	struct err err = ERR_INIT;
	int status;

	if (http_exchange_new(conn, &http1_wire, &exchange, &err) < 0)
		return STEP_CLOSE;
	conn->exchange = exchange;
	conn->write_pace = (struct http_pace){0};
	if (take_head(conn, exchange, head_size, &err) < 0)
		return STEP_CLOSE;
	if (http1_request_parse(exchange->memory, head_size, &exchange->head, &status) < 0)
		return refuse(conn, status);
	status = look_at_limits(conn, &exchange->head, head_size);
	if (status != 0)
		return refuse(conn, status);
	if (http_exchange_begin(exchange) < 0)
		return refuse(conn, 503);
	if (!is_worth_waiting_for(exchange))
		return run_handler(conn);
	conn->phase = PHASE_BODY;
	set_deadline(conn, conn->server->body_timeout_ms);
	return STEP_AGAIN;
}

static enum step read_head(struct http_conn *conn)
{
	const bool was_idle = conn->in_start == conn->in_end;
	struct err ignored = ERR_INIT;
	enum tls_io io;
	size_t got = 0;

	if (http_conn_reserve(conn, READ_SIZE, &ignored) < 0)
		return STEP_CLOSE;
	io = http_conn_read(conn, conn->in + conn->in_end, conn->in_capacity - conn->in_end, &got, &ignored);
	if (io == TLS_IO_DONE)
		conn->in_end += got;
	/* The first request's time runs from the connection's beginning. */
	if (io == TLS_IO_DONE && was_idle && conn->requests > 0)
		set_deadline(conn, conn->server->header_timeout_ms);
	if (io == TLS_IO_WANT_READ)
		http_conn_release_input(conn);
	return step_of_io[io];
}

/* RFC 9113 3.3, by its first bytes: no method of HTTP/1 is "PRI". */
static bool begins_as_http2(const struct http_conn *conn)
{
	return conn->requests == 0 && conn->in_end - conn->in_start >= 4 &&
	       memcmp(conn->in + conn->in_start, "PRI ", 4) == 0;
}

static enum step run_head(struct http_conn *conn)
{
	int status;
	int found;

	if (conn->in_start == conn->in_end)
		return read_head(conn);
	if (conn->listener->is_http2_plain && begins_as_http2(conn))
		return begin_http2(conn);
	found = http1_scan(&conn->scan, conn->in + conn->in_start, conn->in_end - conn->in_start, &status);
	if (found < 0)
		return refuse(conn, status);
	return found > 0 ? run_request(conn, conn->scan.seen) : read_head(conn);
}

/* ---- the loop ---- */

/* It is still ours. */
static bool is_waiting(enum step step)
{
	return step == STEP_WAIT_READ || step == STEP_WAIT_WRITE;
}

static bool is_late(const struct http_conn *conn)
{
	return clock_monotonic_ns() >= conn->deadline_ns;
}

/* Its deadline has passed while it waited. */
static enum step run_expired(struct http_conn *conn)
{
	enum step step;

	if (conn->phase == PHASE_HEAD && conn->in_end > conn->in_start)
		return refuse(conn, 408);
	if (conn->phase == PHASE_BODY) {
		/* It may have waited for us, not for the client: one more try. */
		step = run_body(conn);
		return is_waiting(step) && conn->phase == PHASE_BODY && is_late(conn) ? refuse(conn, 408) : step;
	}
	if (conn->phase == PHASE_SKIP)
		return linger(conn);
	/* At a stop, too: the next request may be in the kernel. */
	if (conn->phase == PHASE_HEAD)
		return read_head(conn) == STEP_AGAIN ? STEP_AGAIN : STEP_CLOSE;
	if (conn->phase != PHASE_FLUSH)
		return STEP_CLOSE;
	/* It may have waited for us, not for the client: one more try. */
	step = run_flush(conn);
	return is_waiting(step) ? STEP_CLOSE : step;
}

static enum step run_phase(struct http_conn *conn)
{
	switch (conn->phase) {
	case PHASE_PROXY:
		return run_proxy(conn);
	case PHASE_FIRST_BYTE:
		return run_first_byte(conn);
	case PHASE_HANDSHAKE:
		return run_handshake(conn);
	case PHASE_HEAD:
		return run_head(conn);
	case PHASE_BODY:
		return run_body(conn);
	case PHASE_HTTP2:
		/* Its session looks at the clock by itself; what is left of the flag would keep a stop from telling it.
		 */
		conn->expired = false;
		http2_conn_run(conn);
		return STEP_PARKED;
	case PHASE_RESUMING:
		return run_resuming(conn);
	case PHASE_FLUSH:
		return run_flush(conn);
	case PHASE_SKIP:
		return finish_exchange(conn);
	case PHASE_LINGER:
		return run_linger(conn);
	}
	return STEP_CLOSE;
}

/* false: there is something to do already. */
static bool settle(struct http_conn *conn, enum step step)
{
	switch (step) {
	case STEP_WAIT_READ:
		return http_watch_arm(conn, EPOLLIN);
	case STEP_WAIT_WRITE:
		return http_watch_arm(conn, EPOLLOUT);
	case STEP_AGAIN:
	case STEP_PARKED:
		break;
	case STEP_CLOSE:
		http_conn_free(conn);
		break;
	}
	return true;
}

void http_conn_run(struct http_conn *conn)
{
	enum step step = STEP_AGAIN;
	unsigned phases = 0;

	/* A session does so with its lock. */
	if (conn->cools && conn->phase != PHASE_HTTP2) {
		conn->cools = false;
		http_watch_cool(conn);
	}
	do {
		/* Who drips bytes is seldom found waiting: its deadline counts here too. A session has several. */
		if (conn->phase != PHASE_RESUMING && conn->phase != PHASE_HTTP2 && (conn->expired || is_late(conn))) {
			conn->expired = false;
			step = run_expired(conn);
		}
		while (step == STEP_AGAIN && phases++ < PHASES_MAX)
			step = run_phase(conn);
		if (step == STEP_AGAIN) {
			http_watch_hand_over(conn);
			return;
		}
		if (settle(conn, step))
			return;
		step = STEP_AGAIN;
	} while (true);
}

/* What there is to do at once is for a thread of the pool. */
static void leave_to_pool(struct http_conn *conn, enum step step)
{
	if (step == STEP_AGAIN || !settle(conn, step))
		http_watch_hand_over(conn);
}

void http_conn_end_exchange(struct http_conn *conn)
{
	leave_to_pool(conn, finish_exchange(conn));
}

void http_conn_send_held(struct http_conn *conn)
{
	leave_to_pool(conn, run_flush(conn));
}

void http_conn_end(struct http_conn *conn, bool is_in_order)
{
	if (is_in_order && linger(conn) == STEP_AGAIN)
		http_conn_run(conn);
	else
		http_conn_free(conn);
}
