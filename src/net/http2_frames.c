/* SPDX-License-Identifier: Apache-2.0 */
/* nghttp2's callbacks. They run with the session's lock, inside reads and writes of its frames. */
#include <string.h>

#include "base/clock.h"
#include "net/http2_priv.h"

static struct http2_stream *stream_of(struct http2_session *session, int32_t id)
{
	return nghttp2_session_get_stream_user_data(session->nghttp2, id);
}

/* ---- floods ---- */

static unsigned limit_of(const struct http2_limits *limits, enum http2_guarded kind)
{
	switch (kind) {
	case HTTP2_GUARD_RESETS:
		return limits->resets;
	case HTTP2_GUARD_PINGS:
		return limits->pings;
	case HTTP2_GUARD_SETTINGS:
		return limits->settings;
	case HTTP2_GUARD_EMPTY_DATA:
		return limits->empty_data;
	case HTTP2_GUARD_WINDOW_UPDATES:
		return limits->window_updates;
	case HTTP2_GUARD_OTHERS:
	case HTTP2_GUARD_COUNT:
		break;
	}
	return limits->others;
}

static void guard(struct http2_session *session, const nghttp2_frame_hd *head)
{
	enum http2_guarded kind;

	if (!session->is_ending && http2_guard_kind(head->type, head->flags, head->length, &kind) &&
	    !http2_guard_take(&session->guard, kind, limit_of(&session->limits, kind), clock_monotonic_ns()))
		http2_terminate(session, NGHTTP2_ENHANCE_YOUR_CALM);
}

static int on_begin_frame(nghttp2_session *nghttp2, const nghttp2_frame_hd *head, void *arg)
{
	struct http2_session *session = arg;

	(void)nghttp2;
	guard(session, head);
	return 0;
}

/* ---- heads ---- */

/* From its first byte on: a frame may come in pieces too. */
static void expect_head(struct http2_session *session, int32_t id)
{
	session->head_id = id;
	session->list_size = 0;
	session->head_deadline_ns = clock_monotonic_ns() + session->conn->server->header_timeout_ms * NS_PER_MS;
}

static void expect_no_head(struct http2_session *session)
{
	session->head_id = 0;
	session->head_deadline_ns = 0;
}

static int refuse_stream(struct http2_session *session, int32_t id)
{
	return nghttp2_submit_rst_stream(session->nghttp2, NGHTTP2_FLAG_NONE, id, NGHTTP2_REFUSED_STREAM) == 0
		   ? 0
		   : NGHTTP2_ERR_CALLBACK_FAILURE;
}

/* No connection is without a stream for what others hold. */
static bool is_spent(const struct http2_session *session)
{
	const struct http_server *server = session->conn->server;

	return session->stream_count > 0 && atomic_load(&server->http2_held) >= server->http2_memory;
}

/* Handlers of streams that the client has reset run on: together with the open ones they are no more than allowed. */
static int on_begin_headers(nghttp2_session *nghttp2, const nghttp2_frame *frame, void *arg)
{
	struct http2_session *session = arg;
	struct http2_stream *stream;

	if (frame->hd.type != NGHTTP2_HEADERS)
		return 0;
	expect_head(session, frame->hd.stream_id);
	if (frame->headers.cat != NGHTTP2_HCAT_REQUEST)
		return 0;
	if (session->stream_count >= session->limits.streams || session->is_leaving || is_spent(session))
		return refuse_stream(session, frame->hd.stream_id);
	stream = http2_stream_new(session, frame->hd.stream_id);
	if (!stream)
		return refuse_stream(session, frame->hd.stream_id);
	return nghttp2_session_set_stream_user_data(nghttp2, frame->hd.stream_id, stream);
}

/* Fields that are decoded for nothing, of a head that is refused already: so many are no mistake (a bomb of HPACK). */
static bool is_bomb(struct http2_session *session, size_t size)
{
	session->list_size += size + HTTP2_FIELD_OVERHEAD;
	return session->list_size / 2 > session->conn->server->limits.header_bytes;
}

static int on_header(nghttp2_session *nghttp2, const nghttp2_frame *frame, const uint8_t *name, size_t name_size,
		     const uint8_t *value, size_t value_size, uint8_t flags, void *arg)
{
	struct http2_session *session = arg;
	struct http2_stream *stream = stream_of(session, frame->hd.stream_id);
	int status;

	(void)nghttp2;
	(void)flags;
	if (is_bomb(session, name_size + value_size)) {
		http2_terminate(session, NGHTTP2_ENHANCE_YOUR_CALM);
		return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
	}
	if (!stream || stream->refusal)
		return 0;
	status = http2_request_add(stream, name, name_size, value, value_size);
	/* Trailers are counted and thrown away: too many of them end the stream. */
	if (status != 0 && stream->has_head)
		return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
	stream->refusal = status;
	return 0;
}

/* ---- whole frames ---- */

static bool is_worth_waiting_for(const struct http2_stream *stream)
{
	const struct http_exchange *exchange = stream->exchange;

	return exchange->head.framing == HTTP1_SIZED && exchange->head.body_size <= HTTP2_BODY_AHEAD_MAX &&
	       !exchange->continue_wanted;
}

/* Once: it is short, and a byte now and then is no reason to wait longer. */
static void await_body(struct http2_stream *stream)
{
	stream->is_awaited = true;
	http2_stream_set_deadline(stream,
				  clock_monotonic_ns() + stream->session->conn->server->body_timeout_ms * NS_PER_MS);
}

static void begin_request(struct http2_stream *stream, bool has_ended)
{
	struct http_server *server = stream->session->conn->server;
	int status = http2_request_finish(stream, has_ended);

	if (status == 0 && atomic_load(&server->stream_waits) >= server->stream_waits_max)
		status = 503;
	stream->has_head = true;
	stream->in_ended = has_ended;
	http2_stream_account(stream);
	if (status == 0 && http_exchange_begin(stream->exchange) < 0)
		status = 503;
	if (status) {
		http2_refuse(stream, status);
		return;
	}
	if (has_ended || !is_worth_waiting_for(stream))
		http2_make_ready(stream);
	else
		await_body(stream);
}

static void end_body(struct http2_stream *stream)
{
	stream->in_ended = true;
	http2_stream_account(stream);
	if (stream->is_awaited)
		http2_make_ready(stream);
	http2_tell_input(stream);
}

static int on_frame_recv(nghttp2_session *nghttp2, const nghttp2_frame *frame, void *arg)
{
	struct http2_session *session = arg;
	const bool has_ended = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
	struct http2_stream *stream;

	(void)nghttp2;
	/* The first SETTINGS end the preface. */
	if (frame->hd.type == NGHTTP2_SETTINGS || frame->hd.type == NGHTTP2_HEADERS)
		expect_no_head(session);
	if (frame->hd.type == NGHTTP2_SETTINGS && (frame->hd.flags & NGHTTP2_FLAG_ACK))
		session->settings_deadline_ns = 0;
	if (frame->hd.type == NGHTTP2_PING && (frame->hd.flags & NGHTTP2_FLAG_ACK) && session->notice_deadline_ns != 0)
		http2_say_last(session);
	if (frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA)
		return 0;
	stream = stream_of(session, frame->hd.stream_id);
	if (!stream)
		return 0;
	if (frame->hd.type == NGHTTP2_HEADERS && frame->headers.cat == NGHTTP2_HCAT_REQUEST)
		begin_request(stream, has_ended);
	else if (has_ended)
		end_body(stream);
	return 0;
}

static int on_data(nghttp2_session *nghttp2, uint8_t flags, int32_t id, const uint8_t *data, size_t size, void *arg)
{
	struct http2_session *session = arg;
	struct http2_stream *stream = stream_of(session, id);
	struct err ignored = ERR_INIT;

	(void)flags;
	if (nghttp2_session_consume_connection(nghttp2, size) != 0)
		return NGHTTP2_ERR_CALLBACK_FAILURE;
	if (!stream || stream->is_discarding)
		return nghttp2_session_consume_stream(nghttp2, id, size) == 0 ? 0 : NGHTTP2_ERR_CALLBACK_FAILURE;
	if (http2_bytes_add(&stream->in, data, size, &ignored) < 0)
		return NGHTTP2_ERR_CALLBACK_FAILURE;
	http2_stream_account(stream);
	http2_tell_input(stream);
	return 0;
}

/* A whole reply is out and the request's body is not here: the rest of it is not wanted (RFC 9113 8.1). */
static int on_frame_send(nghttp2_session *nghttp2, const nghttp2_frame *frame, void *arg)
{
	struct http2_session *session = arg;
	struct http2_stream *stream;

	if (frame->hd.type == NGHTTP2_DATA)
		http2_guard_sent(&session->guard);
	if (!(frame->hd.flags & NGHTTP2_FLAG_END_STREAM) ||
	    (frame->hd.type != NGHTTP2_DATA && frame->hd.type != NGHTTP2_HEADERS))
		return 0;
	stream = stream_of(session, frame->hd.stream_id);
	if (!stream)
		return 0;
	stream->is_sent = true;
	if (stream->in_ended || !stream->is_discarding)
		return 0;
	return nghttp2_submit_rst_stream(nghttp2, NGHTTP2_FLAG_NONE, stream->id, NGHTTP2_NO_ERROR) == 0
		   ? 0
		   : NGHTTP2_ERR_CALLBACK_FAILURE;
}

static int on_stream_close(nghttp2_session *nghttp2, int32_t id, uint32_t code, void *arg)
{
	struct http2_session *session = arg;
	struct http2_stream *stream = stream_of(session, id);

	(void)nghttp2;
	(void)code;
	/* What comes of its head is thrown away. */
	if (session->head_id == id)
		expect_no_head(session);
	if (stream)
		http2_stream_close(stream);
	return 0;
}

/* ---- memory: what a client sent is wiped ---- */

/* nghttp2 keeps one buffer for the frame that it sends. */
static bool is_for_frames(const struct http2_session *session, size_t size)
{
	return !session->frame_memory && size >= HTTP2_FRAME_MIN && size <= HTTP2_PAGES_SIZE;
}

static void *take_memory(size_t size, void *arg)
{
	struct http2_session *session = arg;

	if (!is_for_frames(session, size))
		return malloc(size);
	session->frame_memory = http2_pages_take(&session->frame_slab);
	return session->frame_memory;
}

static void *take_zeros(size_t count, size_t size, void *arg)
{
	(void)arg;
	return calloc(count, size);
}

static void give_memory(void *ptr, void *arg)
{
	struct http2_session *session = arg;

	if (ptr && ptr == session->frame_memory)
		http2_pages_give(session->frame_slab, TAKE_PTR(session->frame_memory));
	else
		http_wipe_free(ptr);
}

static void *change_memory(void *ptr, size_t size, void *arg)
{
	struct http2_session *session = arg;
	void *larger;

	if (!ptr)
		return take_memory(size, arg);
	if (ptr != session->frame_memory)
		return realloc(ptr, size);
	if (size <= HTTP2_PAGES_SIZE)
		return ptr;
	larger = malloc(size);
	if (!larger)
		return NULL;
	memcpy(larger, ptr, HTTP2_PAGES_SIZE);
	give_memory(ptr, arg);
	return larger;
}

void http2_frames_rest(struct http2_session *session)
{
	if (session->frame_memory && session->has_sent)
		http2_pages_rest(session->frame_memory);
	session->has_sent = false;
}

/* ---- setup ---- */

static int make_callbacks(nghttp2_session_callbacks **ret)
{
	nghttp2_session_callbacks *callbacks;

	if (nghttp2_session_callbacks_new(&callbacks) != 0)
		return -1;
	nghttp2_session_callbacks_set_on_begin_frame_callback(callbacks, on_begin_frame);
	nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, on_begin_headers);
	nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
	nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame_recv);
	nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
	nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, on_frame_send);
	nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_stream_close);
	*ret = callbacks;
	return 0;
}

static int make_options(const struct http2_limits *limits, nghttp2_option **ret)
{
	nghttp2_option *option;

	if (nghttp2_option_new(&option) != 0)
		return -1;
	nghttp2_option_set_no_auto_window_update(option, 1);
	nghttp2_option_set_no_closed_streams(option, 1);
	nghttp2_option_set_max_outbound_ack(option, limits->acks);
	nghttp2_option_set_max_continuations(option, limits->continuations);
	/* Twice: ours comes first. */
	nghttp2_option_set_stream_reset_rate_limit(option, 2 * (uint64_t)limits->resets, limits->resets);
	nghttp2_option_set_max_deflate_dynamic_table_size(option, limits->header_table);
	*ret = option;
	return 0;
}

static int submit_settings(struct http2_session *session)
{
	const size_t most = session->limits.window;
	const size_t window = most > HTTP2_CONNECTION_WINDOW ? most : HTTP2_CONNECTION_WINDOW;
	const struct http2_limits *limits = &session->limits;
	const nghttp2_settings_entry entries[] = {
	    {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, limits->streams},
	    {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, HTTP2_STREAM_WINDOW},
	    {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, session->conn->server->limits.header_bytes},
	    {NGHTTP2_SETTINGS_HEADER_TABLE_SIZE, limits->header_table},
	    {NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1},
	    {NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL, 1}, /* the last: it may be left out */
	};
	const size_t count = COUNT_OF(entries) - (session->takes_tunnels ? 0 : 1);

	if (nghttp2_submit_settings(session->nghttp2, NGHTTP2_FLAG_NONE, entries, count) != 0)
		return -1;
	return nghttp2_session_set_local_window_size(session->nghttp2, NGHTTP2_FLAG_NONE, 0, (int32_t)window);
}

int http2_frames_setup(struct http2_session *session, struct err *err)
{
	nghttp2_mem memory = {session, take_memory, give_memory, take_zeros, change_memory}; /* copied */
	nghttp2_session_callbacks *callbacks = NULL;
	nghttp2_option *option = NULL;
	int failed = -1;

	if (make_callbacks(&callbacks) == 0 && make_options(&session->limits, &option) == 0)
		failed = nghttp2_session_server_new3(&session->nghttp2, callbacks, session, option, &memory);
	nghttp2_session_callbacks_del(callbacks);
	nghttp2_option_del(option);
	if (failed == 0)
		failed = submit_settings(session);
	return failed == 0 ? 0 : err_no_memory(err);
}
