/* SPDX-License-Identifier: Apache-2.0 */
/* The rows that read. */
#include <string.h>

#include "base/clock.h"
#include "base/number.h"
#include "net/http2_priv.h"

static bool has_input(const struct http2_stream *stream)
{
	return http2_bytes_size(&stream->in) > 0 || stream->in_ended;
}

static int gone(struct err *err)
{
	return err_set(err, ERR_IO, "the client has closed the stream");
}

static void set_window(struct http2_stream *stream, size_t window)
{
	stream->window = window;
	stream->window_taken = 0;
	http2_stream_account(stream);
	(void)nghttp2_session_set_local_window_size(stream->session->nghttp2, NGHTTP2_FLAG_NONE, stream->id,
						    (int32_t)window);
}

/* Who reads a body on shall not wait for a round trip in each window; but memory for it is nobody's right. */
static void widen(struct http2_stream *stream, size_t got)
{
	const struct http_server *server = stream->session->conn->server;
	const size_t window = size_min(2 * stream->window, stream->session->limits.window);

	stream->window_taken += got;
	if (stream->is_read && !stream->in_ended && !stream->protocol && stream->window_taken >= stream->window &&
	    window > stream->window && http2_memory_left(stream->session) >= server->http2_memory / 4 + window)
		set_window(stream, window);
}

/* Much has been read, and more is to come: the window that was opened for it is counted as held anyway. */
static bool is_fast(const struct http2_stream *stream)
{
	return stream->window > HTTP2_READ_WINDOW && !stream->in_ended && stream->in.capacity <= stream->window;
}

/* From what is here; the window opens by what is taken. */
static size_t take(struct http2_stream *stream, void *ret_data, size_t size)
{
	struct http2_session *session = stream->session;
	const size_t got = is_fast(stream) ? http2_bytes_take_some(&stream->in, ret_data, size)
					   : http2_bytes_take(&stream->in, ret_data, size);

	http2_stream_account(stream);
	if (got > 0 && !stream->is_closed) {
		(void)nghttp2_session_consume_stream(session->nghttp2, stream->id, got);
		widen(stream, got);
	}
	if (nghttp2_session_want_write(session->nghttp2))
		http2_flush(session);
	return got;
}

static void count_body(struct http_exchange *exchange, size_t got)
{
	struct http1_body *body = &exchange->body;

	body->taken += got;
	body->done = got == 0 || (body->framing == HTTP1_SIZED && body->taken >= exchange->head.body_size);
}

/* A handler reads: from now on more may be on its way. */
static void open_window(struct http2_stream *stream)
{
	if (stream->is_read || stream->in_ended || stream->is_closed || http2_memory_left(stream->session) == 0)
		return;
	stream->is_read = true;
	set_window(stream, HTTP2_READ_WINDOW);
	http2_flush(stream->session);
}

bool http2_is_input_here(const struct http2_stream *stream)
{
	bool is_here;

	http2_lock(stream->session);
	is_here = stream->in_ended || stream->is_closed;
	http2_unlock(stream->session);
	return is_here;
}

/* With the lock. */
static int read_now(struct http_exchange *exchange, void *ret_data, size_t size, size_t *ret_got, struct err *err)
{
	struct http2_stream *stream = exchange->stream;

	if (has_input(stream)) {
		*ret_got = take(stream, ret_data, size);
		count_body(exchange, *ret_got);
		return 0;
	}
	if (stream->is_closed || stream->session->is_dead)
		return gone(err);
	(void)http2_want_input(stream);
	return err_set(err, ERR_TIMEOUT, "nothing from the client");
}

int http2_read(struct http_exchange *exchange, void *ret_data, size_t size, int timeout_ms, size_t *ret_got,
	       struct err *err)
{
	struct http2_stream *stream = exchange->stream;
	const int64_t began_ns = timeout_ms > 0 ? clock_monotonic_ns() : 0;
	int status;

	*ret_got = 0;
	http2_lock(stream->session);
	http2_hear_input(stream);
	open_window(stream);
	if (timeout_ms > 0 && !has_input(stream))
		http2_wait(stream, has_input, began_ns + timeout_ms * NS_PER_MS);
	status = read_now(exchange, ret_data, size, ret_got, err);
	http2_unlock(stream->session);
	if (status < 0 || timeout_ms == 0)
		return status;
	exchange->body_waited_ns += clock_monotonic_ns() - began_ns;
	return http_exchange_check_pace(exchange, 0, err);
}

/* ---- 100 Continue ---- */

static void submit_continue(struct http_exchange *exchange)
{
	static uint8_t name[] = ":status";
	static uint8_t value[] = "100";
	const nghttp2_nv field = {name, value, sizeof(name) - 1, sizeof(value) - 1, NGHTTP2_NV_FLAG_NONE};
	struct http2_stream *stream = exchange->stream;

	exchange->continue_wanted = false;
	/* Not needed when the client has not waited for it, too late once the reply has begun. */
	if (exchange->started || stream->is_closed || has_input(stream))
		return;
	if (nghttp2_submit_headers(stream->session->nghttp2, NGHTTP2_FLAG_NONE, stream->id, NULL, &field, 1, NULL) == 0)
		http2_flush(stream->session);
}

int http2_say_continue(struct http_exchange *exchange, struct err *err)
{
	struct http2_session *session = exchange->stream->session;

	(void)err;
	if (!exchange->continue_wanted)
		return 0;
	http2_lock(session);
	submit_continue(exchange);
	http2_unlock(session);
	return 0;
}

enum http_step http2_step_continue(struct http_exchange *exchange, struct err *err)
{
	return http2_say_continue(exchange, err) < 0 ? HTTP_STEP_FAILED : HTTP_STEP_DONE;
}

/* ---- is the client there? ---- */

bool http2_is_gone(const struct http2_stream *stream)
{
	return stream->session->is_dead || (stream->is_closed && !(stream->out_ended && stream->is_sent));
}

enum http_step http2_watch(struct http_exchange *exchange, struct err *err)
{
	struct http2_stream *stream = exchange->stream;
	enum http_step step;

	http2_lock(stream->session);
	http2_hear_input(stream);
	if (http2_is_gone(stream)) {
		(void)gone(err);
		step = HTTP_STEP_FAILED;
	} else {
		step = http2_want_input(stream);
	}
	http2_unlock(stream->session);
	return step;
}

/* ---- tunnels ---- */

enum http_step http2_tunnel_read(struct http_exchange *exchange, void *ret_data, size_t size, size_t *ret_got,
				 struct err *err)
{
	struct http2_stream *stream = exchange->stream;
	enum http_step step = HTTP_STEP_DONE;

	*ret_got = 0;
	http2_lock(stream->session);
	http2_hear_input(stream);
	open_window(stream);
	if (has_input(stream)) {
		*ret_got = take(stream, ret_data, size);
	} else if (stream->is_closed || stream->session->is_dead) {
		(void)gone(err);
		step = HTTP_STEP_FAILED;
	} else {
		step = http2_want_input(stream);
	}
	http2_unlock(stream->session);
	return step;
}
