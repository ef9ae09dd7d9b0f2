/* SPDX-License-Identifier: Apache-2.0 */
/* Exchanges of HTTP/2 on the pool. */
#include "net/http2_priv.h"

void http2_make_ready(struct http2_stream *stream)
{
	struct http2_session *session = stream->session;
	struct http_exchange *exchange = stream->exchange;

	stream->is_begun = true;
	stream->is_awaited = false;
	http2_stream_set_deadline(stream, 0);
	session->live++;
	exchange->next = NULL;
	*session->ready_end = exchange;
	session->ready_end = &exchange->next;
}

static bool is_closed(struct http2_stream *stream)
{
	bool answer;

	(void)pthread_mutex_lock(&stream->session->lock);
	answer = stream->is_closed;
	(void)pthread_mutex_unlock(&stream->session->lock);
	return answer;
}

void http2_run(struct http_exchange *exchange)
{
	const struct http_server *server = exchange->conn->server;
	int none = DEFERRAL_NONE;

	/* The client has reset it while it waited for a thread: it costs none. */
	if (!exchange->is_resumed && is_closed(exchange->stream)) {
		exchange->aborted = true;
		http2_finish(exchange);
		return;
	}
	while (server->handler(exchange, server->arg) == HTTP_DEFERRED) {
		/* Behind a successful exchange it is somebody else's. */
		if (atomic_compare_exchange_strong(&exchange->deferral, &none, DEFERRAL_PARKED))
			return;
		if (atomic_load(&exchange->deferral) != DEFERRAL_RESUMED)
			break;
		atomic_store(&exchange->deferral, DEFERRAL_NONE);
		exchange->is_resumed = true;
		none = DEFERRAL_NONE;
	}
	http2_finish(exchange);
}

/* A reply that http_complete has prepared is all in the exchange. */
static void adopt_reply(struct http2_stream *stream)
{
	struct http_exchange *exchange = stream->exchange;
	struct http2_session *session = stream->session;
	struct err ignored = ERR_INIT;

	if (!exchange->ended || exchange->aborted || stream->out_ended || !stream->is_submitted)
		return;
	if (http2_bytes_add(&stream->out, exchange->out.data, exchange->out.size, &ignored) < 0) {
		exchange->aborted = true;
		return;
	}
	session->out_size += exchange->out.size;
	buf_done(&exchange->out);
	http2_stream_account(stream);
	stream->out_ended = true;
	(void)nghttp2_session_resume_data(session->nghttp2, stream->id);
}

/* The body that nobody will read. */
static void discard_body(struct http2_stream *stream)
{
	const size_t size = http2_bytes_size(&stream->in);

	stream->is_discarding = true;
	http2_bytes_done(&stream->in);
	http2_stream_account(stream);
	if (size > 0)
		(void)nghttp2_session_consume_stream(stream->session->nghttp2, stream->id, size);
}

static void end_open(struct http2_stream *stream)
{
	struct http2_session *session = stream->session;
	const struct http_exchange *exchange = stream->exchange;

	/* Not replied to its end: the client must see that it is cut. */
	if (exchange->aborted || !exchange->ended)
		(void)nghttp2_submit_rst_stream(session->nghttp2, NGHTTP2_FLAG_NONE, stream->id,
						NGHTTP2_INTERNAL_ERROR);
	else if (stream->is_sent && !stream->in_ended)
		(void)nghttp2_submit_rst_stream(session->nghttp2, NGHTTP2_FLAG_NONE, stream->id, NGHTTP2_NO_ERROR);
	else if (!stream->is_sent)
		http2_stream_set_deadline(stream, http2_stream_patience(stream));
}

void http2_finish(struct http_exchange *exchange)
{
	struct http2_stream *stream = exchange->stream;
	struct http2_session *session = stream->session;
	struct err ignored = ERR_INIT;

	if (!exchange->aborted && !exchange->started)
		IGNORE_RESULT(http_reply(exchange, 500, NULL, 0, NULL, 0, &ignored));
	http2_lock(session);
	adopt_reply(stream);
	stream->is_over = true;
	session->live--;
	discard_body(stream);
	/* A body that failed ends its stream only. */
	if (exchange->is_last)
		http2_say_goodbye(session);
	if (!stream->is_closed)
		end_open(stream);
	if (stream->is_closed)
		http2_stream_retire(stream);
	http2_flush(session);
	http2_rest(session);
	http2_unlock(session);
}
