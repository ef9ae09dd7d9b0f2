/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "net/http2_priv.h"

#define READ_SIZE (16u << 10)
#define READS_AT_ONCE 4
#define GATHER_SIZE (16u << 10)

/* ---- streams ---- */

struct http2_stream *http2_stream_new(struct http2_session *session, int32_t id)
{
	struct http2_stream *stream = calloc(1, sizeof(*stream));
	struct err ignored = ERR_INIT;

	if (!stream)
		return NULL;
	if (http_exchange_new(session->conn, &http2_wire, &stream->exchange, &ignored) < 0) {
		free(stream);
		return NULL;
	}
	stream->exchange->stream = stream;
	stream->exchange->head.header_count = 0;
	stream->session = session;
	stream->id = id;
	stream->pair[0] = stream->pair[1] = -1;
	stream->next = session->streams;
	if (stream->next)
		stream->next->prev = stream;
	session->streams = stream;
	session->stream_count++;
	session->idle_deadline_ns = 0;
	http2_stream_account(stream);
	return stream;
}

void http2_stream_set_deadline(struct http2_stream *stream, int64_t deadline_ns)
{
	stream->session->timed += (deadline_ns != 0) - (stream->deadline_ns != 0);
	stream->deadline_ns = deadline_ns;
}

/*
 * A client that takes less than limits.rate_min bytes in a second, over more than one time-out's worth of waiting, has
 * run out of patience as one that takes nothing: windows opened byte by byte hold nothing for long.
 */
int64_t http2_stream_patience(struct http2_stream *stream)
{
	if (stream->pace_since_ns == 0) {
		stream->pace_since_ns = clock_monotonic_ns();
		stream->pace_taken = 0;
	}
	return stream->pace_since_ns + stream->session->conn->server->write_timeout_ms * NS_PER_MS;
}

void http2_stream_pace(struct http2_stream *stream, size_t size)
{
	const struct http_server *server = stream->session->conn->server;
	const uint64_t wanted = (uint64_t)server->write_timeout_ms * server->limits.rate_min / 1000;

	stream->pace_taken += size;
	if (http2_bytes_size(&stream->out) == 0 || stream->pace_taken >= wanted)
		stream->pace_since_ns = 0;
	if (stream->deadline_ns != 0)
		http2_stream_set_deadline(stream, http2_stream_patience(stream));
}

/* What may come of a body before anybody reads; or, of one that is read, if that is more than the least window. */
static size_t promised_to(const struct http2_stream *stream)
{
	if (!stream->has_head || stream->in_ended || stream->is_closed || stream->is_discarding)
		return 0;
	if (!stream->is_read)
		return HTTP2_STREAM_WINDOW;
	return stream->window > HTTP2_READ_WINDOW ? stream->window : 0;
}

static size_t held_by(const struct http2_stream *stream)
{
	const size_t promised = promised_to(stream);
	const size_t in = stream->in.capacity > promised ? stream->in.capacity : promised;

	return sizeof(*stream) + sizeof(*stream->exchange) + stream->text_capacity + in + stream->out.capacity;
}

void http2_stream_account(struct http2_stream *stream)
{
	struct http_server *server = stream->session->conn->server;
	const size_t held = held_by(stream);

	if (held > stream->held)
		(void)atomic_fetch_add(&server->http2_held, held - stream->held);
	else if (held < stream->held)
		(void)atomic_fetch_sub(&server->http2_held, stream->held - held);
	stream->held = held;
}

size_t http2_memory_left(const struct http2_session *session)
{
	const struct http_server *server = session->conn->server;
	const size_t held = atomic_load(&server->http2_held);

	return held < server->http2_memory / 2 ? server->http2_memory / 2 - held : 0;
}

static void be_idle(struct http2_session *session)
{
	session->idle_deadline_ns = clock_monotonic_ns() + session->conn->server->idle_timeout_ms * NS_PER_MS;
}

void http2_stream_retire(struct http2_stream *stream)
{
	struct http2_session *session = stream->session;

	http2_stream_set_deadline(stream, 0);
	session->out_size -= http2_bytes_size(&stream->out);
	if (stream->prev)
		stream->prev->next = stream->next;
	else
		session->streams = stream->next;
	if (stream->next)
		stream->next->prev = stream->prev;
	if (--session->stream_count == 0)
		be_idle(session);
	stream->next = session->closed;
	session->closed = stream;
}

void http2_stream_close(struct http2_stream *stream)
{
	stream->is_closed = true;
	http2_stream_set_deadline(stream, 0);
	http2_tell_input(stream);
	http2_tell_room(stream);
	if (!stream->is_begun || stream->is_over)
		http2_stream_retire(stream);
}

/* ---- the session ---- */

static void setup_locks(struct http2_session *session)
{
	pthread_condattr_t monotonic;

	(void)pthread_mutex_init(&session->lock, NULL);
	(void)pthread_condattr_init(&monotonic);
	(void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&session->changed, &monotonic);
	(void)pthread_condattr_destroy(&monotonic);
}

int http2_session_new(struct http_conn *conn, struct err *err)
{
	struct http2_session *session = calloc(1, sizeof(*session));

	if (!session)
		return err_no_memory(err);
	session->conn = conn;
	session->limits = conn->server->http2;
	session->takes_tunnels = atomic_load(&conn->server->takes_tunnels);
	session->ready_end = &session->ready;
	session->pump_fd = -1;
	session->wanted = TLS_IO_DONE;
	session->head_deadline_ns = clock_monotonic_ns() + conn->server->header_timeout_ms * NS_PER_MS;
	session->settings_deadline_ns = session->head_deadline_ns;
	be_idle(session);
	setup_locks(session);
	conn->http2 = session;
	if (http2_frames_setup(session, err) == 0)
		return 0;
	conn->http2 = NULL;
	http2_session_free(session);
	return -1;
}

static void free_streams(struct http2_stream *stream)
{
	struct http2_stream *next;

	for (; stream; stream = next) {
		next = stream->next;
		http2_stream_free(stream);
	}
}

void http2_session_free(struct http2_session *session)
{
	if (!session)
		return;
	nghttp2_session_del(session->nghttp2);
	free_streams(session->streams);
	free_streams(session->closed);
	http2_bytes_done(&session->out);
	(void)pthread_cond_destroy(&session->changed);
	(void)pthread_mutex_destroy(&session->lock);
	free(session);
}

void http2_terminate(struct http2_session *session, uint32_t code)
{
	if (nghttp2_session_terminate_session(session->nghttp2, code) != 0)
		session->is_dead = true;
	session->is_ending = true;
}

/* ---- out ---- */

static void keep(struct http2_session *session, const struct iovec *pieces, size_t count)
{
	struct err ignored = ERR_INIT;

	for (size_t i = 0; i < count; i++) {
		if (http2_bytes_add(&session->out, pieces[i].iov_base, pieces[i].iov_len, &ignored) < 0)
			session->is_dead = true;
	}
}

static void note_write(struct http2_session *session, enum tls_io io, bool has_moved)
{
	session->wanted = io;
	session->is_dead = session->is_dead || io == TLS_IO_FAILED;
	if (io == TLS_IO_DONE)
		session->write_deadline_ns = 0;
	else if (has_moved || session->write_deadline_ns == 0)
		session->write_deadline_ns = clock_monotonic_ns() + session->conn->server->write_timeout_ms * NS_PER_MS;
}

/* What the client did not take before. */
static bool write_kept(struct http2_session *session)
{
	const size_t before = http2_bytes_size(&session->out);
	struct iovec piece = {.iov_len = before};
	struct iovec *pieces = &piece;
	size_t count = 1;
	struct err ignored = ERR_INIT;
	enum tls_io io;

	if (before == 0)
		return true;
	piece.iov_base = session->out.data + session->out.start;
	io = http_conn_try_write(session->conn, &pieces, &count, &ignored);
	note_write(session, io, count == 0 || piece.iov_len < before);
	if (io == TLS_IO_DONE)
		http2_bytes_done(&session->out);
	else
		session->out.start = session->out.end - piece.iov_len;
	return io == TLS_IO_DONE;
}

/* false: the client takes no more. */
static bool write_pieces(struct http2_session *session, struct iovec *pieces, size_t count)
{
	struct err ignored = ERR_INIT;
	const enum tls_io io = http_conn_try_write(session->conn, &pieces, &count, &ignored);

	note_write(session, io, true);
	if (io != TLS_IO_DONE && !session->is_dead)
		keep(session, pieces, count);
	return io == TLS_IO_DONE;
}

/* Frames, joined as long as they fit. false: there is nothing more, or the client takes no more. */
static bool write_some(struct http2_session *session, uint8_t gathered[static GATHER_SIZE])
{
	struct iovec pieces[2] = {{.iov_base = gathered}, {0}};
	const uint8_t *frame;
	ssize_t size;
	bool goes_on;

	while ((size = nghttp2_session_mem_send(session->nghttp2, &frame)) > 0) {
		if ((size_t)size > GATHER_SIZE - pieces[0].iov_len) {
			pieces[1] = (struct iovec){.iov_base = (void *)(uintptr_t)frame, .iov_len = (size_t)size};
			break;
		}
		memcpy(gathered + pieces[0].iov_len, frame, (size_t)size);
		pieces[0].iov_len += (size_t)size;
	}
	session->has_sent = true;
	session->is_dead = session->is_dead || size < 0;
	size = (ssize_t)pieces[0].iov_len;
	goes_on = size + (ssize_t)pieces[1].iov_len > 0 && write_pieces(session, pieces, COUNT_OF(pieces));
	explicit_bzero(gathered, (size_t)size);
	return goes_on;
}

void http2_flush(struct http2_session *session)
{
	uint8_t gathered[GATHER_SIZE];

	if (session->is_dead || !write_kept(session))
		return;
	while (!session->is_dead && write_some(session, gathered)) {
	}
}

/* ---- in ---- */

/* nghttp2 refuses nothing but what breaks the protocol: then it has queued a GOAWAY. */
static void take_in(struct http2_session *session, const uint8_t *data, size_t size)
{
	const ssize_t used = nghttp2_session_mem_recv(session->nghttp2, data, size);

	if (used >= 0)
		return;
	if (used == NGHTTP2_ERR_BAD_CLIENT_MAGIC || used == NGHTTP2_ERR_NOMEM)
		session->is_dead = true;
	else if (!session->is_ending)
		http2_terminate(session,
				used == NGHTTP2_ERR_FLOODED ? NGHTTP2_ENHANCE_YOUR_CALM : NGHTTP2_PROTOCOL_ERROR);
	session->is_ending = true;
}

/*
 * Refusals of streams are answers that nghttp2 gives by itself, for as long as the client has not acknowledged how many
 * it may open: who sends such frames must take what they cause. An honest burst is out with the first write.
 */
static void bound_queue(struct http2_session *session)
{
	const size_t most = session->limits.queue + HTTP2_QUEUE_STREAM * (size_t)session->limits.streams;

	if (session->is_dead || nghttp2_session_get_outbound_queue_size(session->nghttp2) <= most)
		return;
	http2_flush(session);
	if (!session->is_dead && !session->is_ending &&
	    nghttp2_session_get_outbound_queue_size(session->nghttp2) > most)
		http2_terminate(session, NGHTTP2_ENHANCE_YOUR_CALM);
}

static enum tls_io read_once(struct http2_session *session)
{
	struct http_conn *conn = session->conn;
	struct err ignored = ERR_INIT;
	uint8_t data[READ_SIZE];
	size_t got = 0;
	enum tls_io io;

	/* What came before it was known to be HTTP/2. */
	if (conn->in_start < conn->in_end) {
		take_in(session, conn->in + conn->in_start, conn->in_end - conn->in_start);
		conn->in_start = conn->in_end;
		http_conn_release_input(conn);
		return TLS_IO_DONE;
	}
	io = http_conn_read(conn, data, sizeof(data), &got, &ignored);
	session->has_read = session->has_read || io == TLS_IO_DONE;
	if (io == TLS_IO_DONE)
		take_in(session, data, got);
	explicit_bzero(data, got);
	return io;
}

static bool tls_has_pending(const struct http_conn *conn)
{
	return conn->tls && tls_conn_has_pending(conn->tls);
}

static void read_some(struct http2_session *session)
{
	enum tls_io io = TLS_IO_DONE;

	session->has_more = false;
	session->has_read = false;
	for (int i = 0; i < READS_AT_ONCE && io == TLS_IO_DONE && !session->is_dead && !session->is_ending; i++) {
		io = read_once(session);
		bound_queue(session);
		/* A vain read costs as much as one that gets something. */
		if (session->conn->is_drained && !tls_has_pending(session->conn))
			break;
	}
	session->has_more =
	    io == TLS_IO_DONE && !session->is_ending && (!session->conn->is_drained || tls_has_pending(session->conn));
	session->is_dead = session->is_dead || io == TLS_IO_CLOSED || io == TLS_IO_FAILED;
}

/* ---- the clock ---- */

static int64_t sooner(int64_t a, int64_t b)
{
	return b != 0 && b < a ? b : a;
}

int64_t http2_deadline(const struct http2_session *session)
{
	int64_t deadline = clock_monotonic_ns() + HTTP2_LOOK_MS * NS_PER_MS;
	size_t left = session->timed;

	/* Nothing can be done but by writing. */
	if (session->write_deadline_ns != 0)
		return session->write_deadline_ns;
	deadline = sooner(deadline, session->head_deadline_ns);
	deadline = sooner(deadline, session->idle_deadline_ns);
	deadline = sooner(deadline, session->settings_deadline_ns);
	deadline = sooner(deadline, session->notice_deadline_ns);
	for (const struct http2_stream *stream = session->streams; stream && left > 0; stream = stream->next) {
		deadline = sooner(deadline, stream->deadline_ns);
		left -= stream->deadline_ns != 0;
	}
	return deadline;
}

/* Its body, or the client's taking of its reply, came to a stand. */
static void end_stream(struct http2_stream *stream)
{
	http2_stream_set_deadline(stream, 0);
	if (stream->is_awaited)
		http2_refuse(stream, 408);
	else
		(void)nghttp2_submit_rst_stream(stream->session->nghttp2, NGHTTP2_FLAG_NONE, stream->id,
						NGHTTP2_CANCEL);
}

static bool is_due(int64_t deadline_ns, int64_t now_ns)
{
	return deadline_ns != 0 && deadline_ns <= now_ns;
}

static void look_at_clock(struct http2_session *session)
{
	const int64_t now_ns = clock_monotonic_ns();

	if (session->has_read && session->stream_count > 0)
		http_watch_warm(session->conn, now_ns);
	if (is_due(session->write_deadline_ns, now_ns))
		session->is_dead = true;
	if (!session->is_ending && is_due(session->head_deadline_ns, now_ns))
		http2_terminate(session, NGHTTP2_NO_ERROR);
	if (!session->is_ending && is_due(session->idle_deadline_ns, now_ns))
		http2_terminate(session, NGHTTP2_NO_ERROR);
	if (!session->is_ending && is_due(session->settings_deadline_ns, now_ns))
		http2_terminate(session, NGHTTP2_SETTINGS_TIMEOUT);
	if (!session->is_ending && is_due(session->notice_deadline_ns, now_ns))
		http2_say_last(session);
	for (struct http2_stream *stream = session->timed > 0 ? session->streams : NULL; stream;
	     stream = stream->next) {
		if (is_due(stream->deadline_ns, now_ns))
			end_stream(stream);
	}
}

/* No new streams from now on; those that are there go on. */
void http2_say_last(struct http2_session *session)
{
	session->notice_deadline_ns = 0;
	session->is_leaving = true;
	if (nghttp2_submit_goaway(session->nghttp2, NGHTTP2_FLAG_NONE,
				  nghttp2_session_get_last_proc_stream_id(session->nghttp2), NGHTTP2_NO_ERROR, NULL,
				  0) != 0)
		session->is_dead = true;
}

/*
 * In two steps (RFC 9113 6.8): requests that are on their way while the client hears of the end are served. Behind its
 * answer to a PING there are none any more. A client that has said goodbye itself sends none.
 */
void http2_say_goodbye(struct http2_session *session)
{
	if (atomic_exchange(&session->conn->told_end, true))
		return;
	if (nghttp2_submit_shutdown_notice(session->nghttp2) != 0 ||
	    nghttp2_submit_ping(session->nghttp2, NGHTTP2_FLAG_NONE, NULL) != 0)
		http2_say_last(session);
	else
		session->notice_deadline_ns = clock_monotonic_ns() + HTTP2_NOTICE_MS * NS_PER_MS;
}

static void cool(struct http_conn *conn)
{
	conn->cools = false;
	http_watch_cool(conn);
}

/* Between two requests a connection keeps its buffers for a moment. */
void http2_rest(struct http2_session *session)
{
	if (session->conn->cool_ns == 0 && session->stream_count == 0 && session->has_sent && !session->is_dead &&
	    !nghttp2_session_want_write(session->nghttp2))
		http2_frames_rest(session);
}

void http2_drive(struct http2_session *session)
{
	if (!session->is_dead && !session->is_ending)
		read_some(session);
	if (atomic_load(&session->conn->server->draining))
		http2_say_goodbye(session);
	look_at_clock(session);
	http2_flush(session);
	/* One that ends does not read any more: what has come stays where it is. */
	session->has_more = session->has_more && !session->is_ending && !session->is_dead;
	if (session->conn->cools)
		cool(session->conn);
	http2_rest(session);
}
