/* SPDX-License-Identifier: Apache-2.0 */
#include "enclave/asgi/asgi_websocket.h"

#include <string.h>

#include "base/clock.h"

static unsigned or_default(unsigned value, unsigned fallback)
{
	return value ? value : fallback;
}

int asgi_websocket_new(struct asgi_request *request, struct asgi_websocket **ret)
{
	const struct websocket_options *options = &asgi.site->websocket;
	struct asgi_websocket *websocket = calloc(1, sizeof(*websocket));
	struct err ignored = ERR_INIT;

	if (!websocket)
		return -1;
	websocket->code = WEBSOCKET_ABNORMAL;
	websocket->queue_messages_max = or_default(options->queue_messages, WEBSOCKET_QUEUE);
	websocket->queue_bytes_max = or_default(options->queue_bytes, WEBSOCKET_QUEUE_BYTES);
	websocket->queue = PyList_New(0);
	if (!websocket->queue ||
	    websocket_new(&options->limits, asgi_websocket_read, request, &websocket->frames, &ignored) < 0) {
		asgi_websocket_free(websocket);
		return -1;
	}
	*ret = websocket;
	return 0;
}

void asgi_websocket_drop_queue(struct asgi_websocket *websocket)
{
	(void)PyList_SetSlice(websocket->queue, 0, PY_SSIZE_T_MAX, NULL);
	websocket->queue_bytes = 0;
}

void asgi_websocket_drop_frames(struct asgi_websocket *websocket)
{
	if (!websocket->is_reading)
		websocket_free(TAKE_PTR(websocket->frames));
}

void asgi_websocket_free(struct asgi_websocket *websocket)
{
	if (!websocket)
		return;
	websocket_free(websocket->frames);
	Py_CLEAR(websocket->queue);
	Py_CLEAR(websocket->on_input);
	Py_CLEAR(websocket->timer);
	Py_CLEAR(websocket->reason);
	free(websocket);
}

bool asgi_websocket_is_open(const struct asgi_websocket *websocket)
{
	return websocket->phase == ASGI_WEBSOCKET_OPEN || websocket->phase == ASGI_WEBSOCKET_CLOSING;
}

/* ---- the end ---- */

static void set_reason(struct asgi_websocket *websocket, unsigned code, const void *text, size_t size)
{
	websocket->code = code;
	Py_XSETREF(websocket->reason, PyUnicode_DecodeUTF8(text ? text : "", (Py_ssize_t)size, "replace"));
	PyErr_Clear();
}

void asgi_websocket_detach(struct asgi_websocket *websocket, struct http_exchange *exchange)
{
	scoped(py_decrefp) PyObject *timer = TAKE_PTR(websocket->timer);

	asgi_websocket_unwatch(websocket, http_descriptor(exchange));
	if (timer)
		asgi_drop(PyObject_CallMethod(timer, "cancel", NULL));
	if (websocket->phase != ASGI_WEBSOCKET_CONNECTING)
		websocket->phase = ASGI_WEBSOCKET_CLOSED;
	/* It holds its request. */
	Py_CLEAR(websocket->on_input);
	asgi_websocket_drop_frames(websocket);
}

/* What is written is still sent, by the engine. */
void asgi_websocket_end_tunnel(struct asgi_request *request)
{
	struct err ignored = ERR_INIT;

	if (!request->exchange)
		return;
	request->websocket->phase = ASGI_WEBSOCKET_CLOSED;
	request->is_disconnected = true;
	(void)http_step_end(request->exchange, NULL, 0, &ignored);
	asgi_request_release(request);
}

void asgi_websocket_lose(struct asgi_request *request)
{
	if (!request->exchange)
		return;
	if (request->websocket->phase == ASGI_WEBSOCKET_OPEN)
		set_reason(request->websocket, WEBSOCKET_ABNORMAL, NULL, 0);
	request->websocket->phase = ASGI_WEBSOCKET_CLOSED;
	request->is_disconnected = true;
	http_abort(request->exchange);
	asgi_request_release(request);
}

/* Not in the middle of a message: then it waits for asgi_websocket_written. */
static enum http_step write_close(struct asgi_request *request, unsigned code, const void *reason, size_t size)
{
	struct asgi_websocket *websocket = request->websocket;
	struct err ignored = ERR_INIT;
	const size_t frame = websocket_close_frame(code, reason, size, websocket->close);
	enum http_step step;

	websocket->close_size = request->output.left > 0 ? frame : 0;
	if (websocket->close_size > 0)
		return HTTP_STEP_WANT_WRITE;
	step = http_step_write(request->exchange, websocket->close, frame, &ignored);
	asgi_websocket_note_write(request, step);
	return step;
}

void asgi_websocket_note_write(struct asgi_request *request, enum http_step step)
{
	struct asgi_websocket *websocket = request->websocket;
	const bool is_turn_over = step == HTTP_STEP_DONE && request->output.left > 0;

	websocket->awaits_room = step == HTTP_STEP_WANT_WRITE || is_turn_over;
	websocket->owes_flush = websocket->awaits_room || step == HTTP_STEP_WANT_READ;
	/* Input is watched as it is. */
	if (websocket->awaits_room && asgi_request_watch_output(request) < 0)
		asgi_report();
}

void asgi_websocket_flush(struct asgi_request *request)
{
	struct asgi_websocket *websocket = request->websocket;
	struct err ignored = ERR_INIT;
	enum http_step step;

	if (!request->exchange || !asgi_websocket_is_open(websocket) ||
	    !(websocket->owes_flush || websocket->owes_pong))
		return;
	/* Also of a message whose send() was given up: who still waits for it finds it written. */
	request->turn_used = 0;
	step = asgi_output_flush(request, &ignored);
	if (step == HTTP_STEP_FAILED) {
		asgi_websocket_lose(request);
		return;
	}
	asgi_websocket_note_write(request, step);
	if (step == HTTP_STEP_DONE)
		asgi_websocket_written(request);
}

/* While the close itself waits for the end of a message, that one's time-out counts. */
static void set_close_deadline(struct asgi_websocket *websocket, int64_t now_ns)
{
	websocket->deadline_ns = now_ns + or_default(asgi.site->websocket.close_ms, WEBSOCKET_CLOSE_MS) * NS_PER_MS;
}

/* What waits in the engine comes before it; the client has as long for both. */
static enum http_step send_ping(struct asgi_request *request, int64_t now_ns)
{
	struct asgi_websocket *websocket = request->websocket;
	uint8_t head[WEBSOCKET_HEAD_SIZE_MAX];
	struct err ignored = ERR_INIT;
	enum http_step step = http_step_flush(request->exchange, &ignored);

	websocket->owes_ping = step != HTTP_STEP_DONE;
	if (step == HTTP_STEP_DONE)
		step = http_step_write(request->exchange, head, websocket_head(WEBSOCKET_PING, 0, head), &ignored);
	asgi_websocket_note_write(request, step);
	websocket->is_asked = true;
	websocket->deadline_ns = now_ns + or_default(asgi.site->websocket.pong_ms, WEBSOCKET_PONG_MS) * NS_PER_MS;
	return step;
}

void asgi_websocket_written(struct asgi_request *request)
{
	struct asgi_websocket *websocket = request->websocket;
	const size_t size = websocket->close_size;
	struct err ignored = ERR_INIT;
	enum http_step step;

	if (!request->exchange || request->output.left > 0)
		return;
	if (websocket->owes_pong)
		asgi_websocket_send_pong(request);
	if (websocket->owes_ping && request->exchange)
		(void)send_ping(request, clock_monotonic_ns());
	websocket->close_size = 0;
	if (size == 0 || !request->exchange)
		return;
	set_close_deadline(websocket, clock_monotonic_ns());
	step = http_step_write(request->exchange, websocket->close, size, &ignored);
	asgi_websocket_note_write(request, step);
	if (step == HTTP_STEP_FAILED)
		asgi_websocket_lose(request);
	else if (websocket->is_answered)
		asgi_websocket_end_tunnel(request);
}

static int set_timer(struct asgi_request *request);

/* From now on nobody gets or sends messages. */
static void begin_close(struct asgi_request *request, unsigned code, const void *reason, size_t size)
{
	struct asgi_websocket *websocket = request->websocket;

	set_reason(websocket, code, reason, size);
	websocket->phase = ASGI_WEBSOCKET_CLOSING;
	set_close_deadline(websocket, clock_monotonic_ns());
	websocket->owes_pong = websocket->owes_ping = false;
	if (set_timer(request) < 0)
		asgi_report();
}

enum http_step asgi_websocket_close(struct asgi_request *request, unsigned code, const char *reason, size_t size)
{
	struct asgi_websocket *websocket = request->websocket;
	const enum http_step step = write_close(request, code, reason, size);

	begin_close(request, code, reason, size);
	asgi_websocket_drop_queue(websocket);
	if (step == HTTP_STEP_FAILED)
		asgi_websocket_lose(request);
	else
		asgi_websocket_resume_input(request);
	asgi_request_wake(request);
	return step;
}

void asgi_websocket_answer_close(struct asgi_request *request, const struct websocket_message *message)
{
	struct asgi_websocket *websocket = request->websocket;

	if (websocket->phase == ASGI_WEBSOCKET_OPEN) {
		(void)write_close(request, message->code, message->data, message->size);
		begin_close(request, message->code, message->data, message->size);
	}
	websocket->is_answered = true;
	if (websocket->close_size == 0 || !request->exchange) {
		asgi_websocket_end_tunnel(request);
		return;
	}
	asgi_websocket_unwatch(websocket, http_descriptor(request->exchange));
	asgi_request_wake(request);
}

/* A message that is on its way is cut. */
void asgi_websocket_fail(struct asgi_request *request, const struct websocket_message *message)
{
	struct asgi_websocket *websocket = request->websocket;

	if (websocket->phase == ASGI_WEBSOCKET_OPEN) {
		(void)write_close(request, message->code, message->data, message->size);
		begin_close(request, message->code, message->data, message->size);
	}
	if (websocket->close_size > 0)
		asgi_websocket_lose(request);
	else
		asgi_websocket_end_tunnel(request);
}

void asgi_websocket_end(struct asgi_request *request, bool has_raised)
{
	/* Of a message that is on its way the rest is sent first. */
	if (request->websocket->phase == ASGI_WEBSOCKET_OPEN)
		(void)asgi_websocket_close(request, has_raised ? WEBSOCKET_INTERNAL : WEBSOCKET_NORMAL, NULL, 0);
}

void asgi_websocket_stop(struct asgi_request *request)
{
	request->websocket->is_stopping = true;
	if (request->websocket->phase == ASGI_WEBSOCKET_OPEN)
		(void)asgi_websocket_close(request, WEBSOCKET_RESTART, NULL, 0);
}

/* ---- is the client there? ---- */

static int64_t ping_ns(void)
{
	return or_default(asgi.site->websocket.ping_ms, WEBSOCKET_PING_MS) * NS_PER_MS;
}

/* A message that the client takes in its time comes first: it has the time-out of whoever writes. */
static void ask(struct asgi_request *request, int64_t now_ns)
{
	if (request->output.left > 0)
		request->websocket->heard_ns = now_ns;
	else if (send_ping(request, now_ns) == HTTP_STEP_FAILED)
		asgi_websocket_lose(request);
}

static void give_up_asking(struct asgi_request *request)
{
	static const char reason[] = "no answer to a ping";

	if (request->output.left > 0) {
		asgi_websocket_lose(request);
		return;
	}
	(void)write_close(request, WEBSOCKET_INTERNAL, reason, sizeof(reason) - 1);
	set_reason(request->websocket, WEBSOCKET_ABNORMAL, NULL, 0);
	asgi_websocket_end_tunnel(request);
}

/* While its input is held back, a client cannot be heard. */
static void look_after(struct asgi_request *request, int64_t now_ns)
{
	struct asgi_websocket *websocket = request->websocket;
	const bool is_late = now_ns >= websocket->deadline_ns;

	if (websocket->phase == ASGI_WEBSOCKET_CLOSING) {
		if (is_late && websocket->close_size > 0)
			set_close_deadline(websocket, now_ns);
		else if (is_late)
			asgi_websocket_lose(request);
	} else if (!websocket->is_watched) {
		websocket->heard_ns = now_ns;
		websocket->is_asked = false;
	} else if (websocket->is_asked && is_late) {
		give_up_asking(request);
	} else if (!websocket->is_asked && now_ns - websocket->heard_ns >= ping_ns()) {
		ask(request, now_ns);
	}
}

static PyObject *on_tick(PyObject *self, PyObject *ignored)
{
	struct asgi_request *request = (struct asgi_request *)self;

	(void)ignored;
	Py_INCREF(self);
	Py_CLEAR(request->websocket->timer);
	if (request->exchange && !request->is_busy)
		look_after(request, clock_monotonic_ns());
	if (request->exchange && set_timer(request) < 0)
		asgi_report();
	Py_DECREF(self);
	Py_RETURN_NONE;
}

static PyMethodDef tick_method = {"tick", on_tick, METH_NOARGS, NULL};

/* When there is something to look after next. */
static int64_t next_look_ns(const struct asgi_websocket *websocket, int64_t now_ns)
{
	const int64_t ping = (websocket->is_watched && !websocket->is_asked ? websocket->heard_ns : now_ns) + ping_ns();

	if (websocket->phase == ASGI_WEBSOCKET_CLOSING)
		return websocket->deadline_ns;
	return websocket->is_asked && websocket->deadline_ns < ping ? websocket->deadline_ns : ping;
}

/* One call for each quiet client and ping, none for what comes. */
static int set_timer(struct asgi_request *request)
{
	struct asgi_websocket *websocket = request->websocket;
	const int64_t now_ns = clock_monotonic_ns();
	const int64_t left_ns = next_look_ns(websocket, now_ns) - now_ns;
	scoped(py_decrefp) PyObject *old = TAKE_PTR(websocket->timer);
	scoped(py_decrefp) PyObject *tick = PyCFunction_New(&tick_method, (PyObject *)request);

	if (old)
		asgi_drop(PyObject_CallMethod(old, "cancel", NULL));
	websocket->timer = tick ? PyObject_CallMethod(asgi.loop, "call_later", "dO",
						      left_ns > 0 ? (double)left_ns / NS_PER_SECOND : 0.0, tick)
				: NULL;
	return websocket->timer ? 0 : -1;
}

/* ---- the beginning ---- */

enum http_step asgi_websocket_open(struct asgi_request *request, const char *protocol, PyObject *headers,
				   struct err *err)
{
	struct asgi_websocket *websocket = request->websocket;
	struct http_header fields[HTTP_HEADERS_MAX];
	const size_t count = asgi_fields_list(headers, true, fields); /* and refused */
	const enum http_step step = websocket_accept(request->exchange, protocol, fields, count, err);

	if (step == HTTP_STEP_FAILED)
		return step;
	websocket->phase = ASGI_WEBSOCKET_OPEN;
	websocket->heard_ns = clock_monotonic_ns();
	/* What a receive() that came before waited for was the client's going away. */
	asgi_request_wake(request);
	if (set_timer(request) < 0 || asgi_websocket_start_input(request) < 0) {
		PyErr_Clear();
		(void)err_no_memory(err);
		return HTTP_STEP_FAILED;
	}
	if (websocket->is_stopping)
		asgi_websocket_stop(request);
	return step;
}
