/* SPDX-License-Identifier: Apache-2.0 */
/* The rows that write, and the table. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/number.h"
#include "net/http2_priv.h"

#define OWN_FIELDS 4 /* :status, date, server, content-length */
#define NUMBER_SIZE 24

/* ---- fields ---- */

struct fields {
	nghttp2_nv rows[HTTP_HEADERS_MAX + OWN_FIELDS];
	size_t count;
	char status[NUMBER_SIZE];
	char length[NUMBER_SIZE];
	char date[HTTP_DATE_SIZE];
};

/* nghttp2 copies names, in lower case, and values. RFC 9113 8.2.1: a value has no blanks at its ends, which do no harm
 * in HTTP/1. */
static void add(struct fields *fields, const char *name, const char *value)
{
	const char *begin = value + strspn(value, " \t");
	size_t size = strlen(begin);

	while (size > 0 && (begin[size - 1] == ' ' || begin[size - 1] == '\t'))
		size--;
	fields->rows[fields->count++] = (nghttp2_nv){
	    .name = (uint8_t *)(uintptr_t)name,
	    .value = (uint8_t *)(uintptr_t)begin,
	    .namelen = strlen(name),
	    .valuelen = size,
	    .flags = NGHTTP2_NV_FLAG_NONE,
	};
}

static int add_all(struct fields *fields, const struct http_header *headers, size_t count, struct err *err)
{
	if (count > HTTP_HEADERS_MAX)
		return err_set(err, ERR_LIMIT, "more than %d headers", HTTP_HEADERS_MAX);
	for (size_t i = 0; i < count; i++) {
		if (!http_field_is_of_connection(headers[i].name))
			add(fields, headers[i].name, headers[i].value);
	}
	return 0;
}

static void add_status(struct fields *fields, int status)
{
	(void)snprintf(fields->status, sizeof(fields->status), "%d", status);
	add(fields, ":status", fields->status);
}

static void add_own(struct fields *fields, const struct http_server *server, const struct http_header *headers,
		    size_t count)
{
	if (!http_headers_find(headers, count, "date")) {
		http_format_date(clock_now_seconds(), fields->date);
		add(fields, "date", fields->date);
	}
	if (server->server_name && !http_headers_find(headers, count, "server"))
		add(fields, "server", server->server_name);
}

static void add_length(struct fields *fields, int status, int64_t body_size)
{
	if (body_size < 0 || status == 204 || status == 304)
		return;
	(void)snprintf(fields->length, sizeof(fields->length), "%lld", (long long)body_size);
	add(fields, "content-length", fields->length);
}

/* ---- bytes for nghttp2 ---- */

/* Trailers are kept as NAME 0 VALUE 0 …, checked before. */
static void submit_trailers(struct http2_stream *stream)
{
	const char *at = (const char *)stream->trailers.data;
	const char *end = at + stream->trailers.size;
	struct fields fields;

	fields.count = 0;
	while (at < end) {
		const char *value = at + strlen(at) + 1;

		add(&fields, at, value);
		at = value + strlen(value) + 1;
	}
	(void)nghttp2_submit_trailer(stream->session->nghttp2, stream->id, fields.rows, fields.count);
}

static bool is_empty(const struct http2_stream *stream)
{
	return http2_bytes_size(&stream->out) == 0;
}

static ssize_t read_out(nghttp2_session *nghttp2, int32_t id, uint8_t *ret_data, size_t size, uint32_t *flags,
			nghttp2_data_source *source, void *arg)
{
	struct http2_stream *stream = source->ptr;
	size_t taken;

	(void)nghttp2;
	(void)id;
	(void)arg;
	if (is_empty(stream) && !stream->out_ended)
		return NGHTTP2_ERR_DEFERRED;
	taken = http2_bytes_take(&stream->out, ret_data, size);
	stream->session->out_size -= taken;
	http2_stream_account(stream);
	if (is_empty(stream) && stream->out_ended) {
		*flags |= NGHTTP2_DATA_FLAG_EOF;
		if (stream->trailers.size > 0) {
			*flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
			submit_trailers(stream);
		}
	}
	http2_stream_pace(stream, taken);
	http2_tell_room(stream);
	return (ssize_t)taken;
}

/* ---- heads ---- */

static int gone(struct http_exchange *exchange, struct err *err)
{
	exchange->aborted = true;
	return err_set(err, ERR_IO, "the client has closed the stream");
}

/* With the lock. */
static int submit(struct http2_stream *stream, const struct fields *fields, bool has_body, struct err *err)
{
	const nghttp2_data_provider provider = {.source.ptr = stream, .read_callback = read_out};

	if (stream->is_closed || stream->session->is_dead)
		return gone(stream->exchange, err);
	if (stream->is_submitted || nghttp2_submit_response(stream->session->nghttp2, stream->id, fields->rows,
							    fields->count, has_body ? &provider : NULL) != 0)
		return err_set(err, ERR_INTERNAL, "the head cannot be sent");
	stream->is_submitted = true;
	stream->out_ended = !has_body;
	return 0;
}

static int submit_locked(struct http2_stream *stream, const struct fields *fields, bool has_body, struct err *err)
{
	int status;

	http2_lock(stream->session);
	status = submit(stream, fields, has_body, err);
	http2_unlock(stream->session);
	return status;
}

static int make_head(struct http_exchange *exchange, int status, const struct http_header *headers, size_t count,
		     int64_t body_size, struct err *err)
{
	struct fields fields;

	fields.count = 0;
	add_status(&fields, status);
	add_own(&fields, exchange->conn->server, headers, count);
	if (add_all(&fields, headers, count, err) < 0)
		return -1;
	add_length(&fields, status, body_size);
	return submit_locked(exchange->stream, &fields, !exchange->bodiless && body_size != 0, err);
}

static int informational(struct http_exchange *exchange, int status, const struct http_header *headers, size_t count,
			 struct err *err)
{
	struct http2_stream *stream = exchange->stream;
	struct fields fields;
	int failed;

	fields.count = 0;
	add_status(&fields, status);
	if (http_reply_check_fields(headers, count, err) < 0 || add_all(&fields, headers, count, err) < 0)
		return -1;
	http2_lock(stream->session);
	failed = stream->is_closed || nghttp2_submit_headers(stream->session->nghttp2, NGHTTP2_FLAG_NONE, stream->id,
							     NULL, fields.rows, fields.count, NULL) != 0;
	http2_unlock(stream->session);
	return failed ? gone(exchange, err) : 0;
}

void http2_refuse(struct http2_stream *stream, int status)
{
	struct http2_session *session = stream->session;
	struct fields fields;
	struct err ignored = ERR_INIT;
	const size_t size = http2_bytes_size(&stream->in);

	http2_stream_set_deadline(stream, 0);
	stream->is_awaited = false;
	stream->is_discarding = true;
	http2_bytes_done(&stream->in);
	http2_stream_account(stream);
	if (size > 0)
		(void)nghttp2_session_consume_stream(session->nghttp2, stream->id, size);
	fields.count = 0;
	add_status(&fields, status);
	add_own(&fields, session->conn->server, NULL, 0);
	add_length(&fields, status, 0);
	if (submit(stream, &fields, false, &ignored) < 0)
		(void)nghttp2_submit_rst_stream(session->nghttp2, NGHTTP2_FLAG_NONE, stream->id,
						NGHTTP2_INTERNAL_ERROR);
}

/* ---- bodies ---- */

/* So much more may wait now. */
static size_t room(const struct http2_stream *stream)
{
	const size_t size = http2_bytes_size(&stream->out);
	const size_t all = stream->session->out_size;
	const size_t left = http2_memory_left(stream->session);
	const size_t most = left > 0 ? HTTP2_OUT_MAX : HTTP2_OUT_SCARCE;
	const size_t own = size < most ? most - size : 0;
	const size_t shared = all < HTTP2_OUT_ALL_MAX ? size_min(HTTP2_OUT_ALL_MAX - all, left) : 0;

	return own > shared ? own : shared;
}

static bool has_room(const struct http2_stream *stream)
{
	return room(stream) > 0;
}

static int put(struct http2_stream *stream, const void *data, size_t size, struct err *err)
{
	if (http2_bytes_add(&stream->out, data, size, err) < 0)
		return -1;
	stream->session->out_size += size;
	http2_stream_account(stream);
	(void)nghttp2_session_resume_data(stream->session->nghttp2, stream->id);
	return 0;
}

static bool is_gone(const struct http2_stream *stream)
{
	return stream->is_closed || stream->session->is_dead;
}

/* Waits until the client has taken so much that there is room. With the lock. */
static int wait_for_room(struct http2_stream *stream, struct err *err)
{
	http2_wait(stream, has_room, http2_stream_patience(stream));
	if (is_gone(stream))
		return gone(stream->exchange, err);
	if (has_room(stream))
		return 0;
	stream->exchange->aborted = true;
	return err_set(err, ERR_TIMEOUT, "the client takes the response too slowly");
}

/* With the lock. */
static int write_all(struct http2_stream *stream, const uint8_t *data, size_t size, struct err *err)
{
	while (size > 0) {
		const size_t part = size_min(size, room(stream));

		if (part == 0) {
			if (wait_for_room(stream, err) < 0)
				return -1;
			continue;
		}
		if (is_gone(stream))
			return gone(stream->exchange, err);
		if (put(stream, data, part, err) < 0)
			return -1;
		http2_flush(stream->session);
		data += part;
		size -= part;
	}
	return http2_is_gone(stream) ? gone(stream->exchange, err) : 0;
}

static void end_out(struct http2_stream *stream)
{
	if (stream->out_ended)
		return;
	stream->out_ended = true;
	(void)nghttp2_session_resume_data(stream->session->nghttp2, stream->id);
}

static int write_row(struct http_exchange *exchange, const void *data, size_t size, struct err *err)
{
	struct http2_stream *stream = exchange->stream;
	int status;

	http2_lock(stream->session);
	status = write_all(stream, data, size, err);
	http2_flush(stream->session);
	http2_unlock(stream->session);
	return status;
}

static int end_row(struct http_exchange *exchange, struct err *err)
{
	struct http2_stream *stream = exchange->stream;

	(void)err;
	http2_lock(stream->session);
	end_out(stream);
	http2_flush(stream->session);
	http2_unlock(stream->session);
	return 0;
}

/* The last piece and the end are one frame, if it fits. */
static int reply(struct http_exchange *exchange, const void *body, size_t size, struct err *err)
{
	struct http2_stream *stream = exchange->stream;
	const size_t last = size < HTTP2_OUT_MAX ? size : HTTP2_OUT_MAX;
	const uint8_t *data = body;
	int status = 0;

	http2_lock(stream->session);
	if (!exchange->bodiless && size > 0) {
		status = write_all(stream, data, size - last, err);
		if (status == 0 && room(stream) < last)
			status = write_all(stream, data + size - last, last, err);
		else if (status == 0)
			status = put(stream, data + size - last, last, err);
	}
	if (status == 0)
		end_out(stream);
	http2_flush(stream->session);
	http2_unlock(stream->session);
	return status;
}

/* ---- in steps ---- */

static enum http_step failed(struct http_exchange *exchange, struct err *err)
{
	(void)gone(exchange, err);
	return HTTP_STEP_FAILED;
}

/* With the lock. */
static enum http_step flush(struct http_exchange *exchange, struct err *err)
{
	struct http2_stream *stream = exchange->stream;

	http2_flush(stream->session);
	if (is_gone(stream) && !(stream->out_ended && is_empty(stream)))
		return failed(exchange, err);
	return is_empty(stream) ? HTTP_STEP_DONE : http2_want_room(stream);
}

static enum http_step step_flush(struct http_exchange *exchange, struct err *err)
{
	enum http_step step;

	http2_lock(exchange->stream->session);
	step = flush(exchange, err);
	http2_unlock(exchange->stream->session);
	return step;
}

static size_t step_room(const struct http_exchange *exchange)
{
	struct http2_session *session = exchange->stream->session;
	size_t most;

	(void)pthread_mutex_lock(&session->lock);
	most = room(exchange->stream);
	(void)pthread_mutex_unlock(&session->lock);
	if (most < HTTP_STEP_ROOM_MIN)
		return HTTP_STEP_ROOM_MIN;
	return size_min(most, HTTP_STEP_ROOM_MAX);
}

static enum http_step step_write(struct http_exchange *exchange, const void *data, size_t size, struct err *err)
{
	struct http2_stream *stream = exchange->stream;
	enum http_step step = HTTP_STEP_FAILED;

	http2_lock(stream->session);
	if (http2_is_gone(stream))
		(void)gone(exchange, err);
	else if (size == 0 && is_gone(stream))
		step = HTTP_STEP_DONE;
	else if (put(stream, data, size, err) == 0)
		step = flush(exchange, err);
	http2_unlock(stream->session);
	return step;
}

static int keep_trailers(struct http2_stream *stream, const struct http_header *trailers, size_t count, struct err *err)
{
	if (http_reply_check_fields(trailers, count, err) < 0)
		return -1;
	stream->trailers = BUF_INIT(SIZE_MAX / 2);
	for (size_t i = 0; i < count && i < HTTP_HEADERS_MAX; i++) {
		if (buf_add(&stream->trailers, trailers[i].name, strlen(trailers[i].name) + 1, err) < 0 ||
		    buf_add(&stream->trailers, trailers[i].value, strlen(trailers[i].value) + 1, err) < 0)
			return -1;
	}
	return 0;
}

static enum http_step step_end(struct http_exchange *exchange, const struct http_header *trailers, size_t count,
			       struct err *err)
{
	struct http2_stream *stream = exchange->stream;
	enum http_step step;

	http2_lock(stream->session);
	if (count > 0 && !stream->out_ended && keep_trailers(stream, trailers, count, err) < 0) {
		exchange->aborted = true;
		step = HTTP_STEP_FAILED;
	} else {
		end_out(stream);
		step = flush(exchange, err);
	}
	http2_unlock(stream->session);
	return step;
}

/* ---- tunnels ---- */

static const char *upgrade_asked(const struct http_exchange *exchange)
{
	return exchange->stream->protocol;
}

static int make_upgrade(struct http_exchange *exchange, const char *protocol, const struct http_header *headers,
			size_t count, struct err *err)
{
	struct fields fields;

	(void)protocol;
	fields.count = 0;
	add_status(&fields, 200);
	add_own(&fields, exchange->conn->server, headers, count);
	if (http_reply_check_fields(headers, count, err) < 0 || add_all(&fields, headers, count, err) < 0 ||
	    submit_locked(exchange->stream, &fields, true, err) < 0)
		return -1;
	exchange->status = 200;
	return 0;
}

/* ---- the connection ---- */

static int exporter(struct http_exchange *exchange, const char *label, const void *context, size_t context_size,
		    uint8_t ret[static TLS_EXPORTER_SIZE], struct err *err)
{
	struct http2_session *session = exchange->stream->session;
	int status;

	http2_lock(session);
	status = tls_conn_exporter(exchange->conn->tls, label, context, context_size, ret, err);
	http2_unlock(session);
	return status;
}

static bool is_given_up(const struct http_exchange *exchange)
{
	struct http2_session *session = exchange->stream->session;
	bool answer;

	/* Nothing has changed: there is nothing that http2_unlock could have to do. */
	(void)pthread_mutex_lock(&session->lock);
	answer = http2_is_gone(exchange->stream);
	(void)pthread_mutex_unlock(&session->lock);
	return answer;
}

static void resumed(struct http_exchange *exchange)
{
	atomic_store(&exchange->deferral, DEFERRAL_NONE);
	exchange->is_resumed = true;
	exchange->next = NULL;
	http_work_push(exchange->conn->server, exchange);
}

const struct http_wire http2_wire = {
    .version = "2",
    .read = http2_read,
    .say_continue = http2_say_continue,
    .step_continue = http2_step_continue,
    .watch = http2_watch,
    .is_gone = is_given_up,
    .make_head = make_head,
    .reply = reply,
    .write = write_row,
    .end = end_row,
    .informational = informational,
    .step_write = step_write,
    .step_room = step_room,
    .step_end = step_end,
    .step_flush = step_flush,
    .upgrade_asked = upgrade_asked,
    .make_upgrade = make_upgrade,
    .tunnel_read = http2_tunnel_read,
    .completed = http2_finish,
    .resumed = resumed,
    .released = http2_finish,
    .descriptor = http2_descriptor,
    .exporter = exporter,
};
