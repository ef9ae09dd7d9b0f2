/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/number.h"
#include "enclave/asgi/asgi_websocket.h"

#define STATUS_REFUSED 403

static enum asgi_step done_if(PyObject *message)
{
	return message ? ASGI_DONE : ASGI_RAISED;
}

static enum asgi_step sent(PyObject **ret)
{
	*ret = Py_NewRef(Py_None);
	return ASGI_DONE;
}

/* ---- receive ---- */

static enum asgi_step say_connect(struct asgi_websocket *websocket, PyObject **ret)
{
	*ret = Py_BuildValue("{s:s}", "type", "websocket.connect");
	websocket->is_connect_given = *ret != NULL;
	return done_if(*ret);
}

static enum asgi_step say_disconnect(const struct asgi_websocket *websocket, PyObject **ret)
{
	scoped(py_decrefp) PyObject *reason =
	    websocket->reason ? Py_NewRef(websocket->reason) : PyUnicode_FromString("");

	*ret = reason ? Py_BuildValue("{s:s, s:I, s:O}", "type", "websocket.disconnect", "code", websocket->code,
				      "reason", reason)
		      : NULL;
	return done_if(*ret);
}

static size_t size_of(PyObject *message)
{
	PyObject *bytes = PyDict_GetItemString(message, "bytes"); /* borrowed */
	PyObject *text = PyDict_GetItemString(message, "text");   /* borrowed */
	Py_ssize_t size = 0;

	if (bytes)
		return (size_t)PyBytes_GET_SIZE(bytes);
	(void)PyUnicode_AsUTF8AndSize(text, &size);
	return (size_t)size;
}

static enum asgi_step give_message(struct asgi_request *request, PyObject **ret)
{
	struct asgi_websocket *websocket = request->websocket;

	*ret = Py_NewRef(PyList_GET_ITEM(websocket->queue, 0));
	websocket->queue_bytes -= size_of(*ret);
	if (PyList_SetSlice(websocket->queue, 0, 1, NULL) < 0) {
		Py_CLEAR(*ret);
		return ASGI_RAISED;
	}
	asgi_websocket_resume_input(request);
	return ASGI_DONE;
}

/* Before it is accepted nothing comes, but the client may go away. */
static enum asgi_step watch_client(struct asgi_request *request, PyObject **ret)
{
	struct err err = ERR_INIT;
	const enum http_step step = http_step_watch(request->exchange, &err);

	if (step != HTTP_STEP_FAILED)
		return asgi_request_wait(request, step, false, ret);
	asgi_request_disconnect(request, 0);
	return say_disconnect(request->websocket, ret);
}

static enum asgi_step receive_step(struct asgi_request *request, PyObject **message, PyObject **ret)
{
	struct asgi_websocket *websocket = request->websocket;

	(void)message;
	if (!websocket->is_connect_given)
		return say_connect(websocket, ret);
	if (PyList_GET_SIZE(websocket->queue) > 0)
		return give_message(request, ret);
	if (!request->exchange || request->is_disconnected || websocket->phase == ASGI_WEBSOCKET_CLOSING)
		return say_disconnect(websocket, ret);
	if (websocket->phase == ASGI_WEBSOCKET_CONNECTING)
		return watch_client(request, ret);
	return asgi_request_wait(request, HTTP_STEP_DONE, false, ret);
}

enum asgi_step asgi_websocket_receive(PyObject *self, PyObject **message, PyObject **ret)
{
	return asgi_request_step(self, receive_step, message, ret);
}

/* ---- send ---- */

static enum asgi_step gone(void)
{
	PyErr_SetString(PyExc_BrokenPipeError, "the client is gone");
	return ASGI_RAISED;
}

/* After something was written: the back-pressure. */
static enum asgi_step wait_for(struct asgi_request *request, enum http_step step, PyObject **ret)
{
	if (step == HTTP_STEP_FAILED) {
		if (request->exchange)
			asgi_websocket_lose(request);
		return gone();
	}
	/* Here and below: it goes on, whether or not this wait is given up. */
	if (step == HTTP_STEP_DONE && request->output.left > 0) {
		asgi_websocket_note_write(request, step);
		return asgi_request_yield(request);
	}
	asgi_websocket_written(request);
	if (step == HTTP_STEP_DONE || !request->exchange)
		return sent(ret);
	/* The tunnel's input is watched in its own way. */
	request->websocket->wakes_on_input = step == HTTP_STEP_WANT_READ;
	request->websocket->awaits_room = step == HTTP_STEP_WANT_WRITE;
	request->websocket->owes_flush = true;
	return asgi_request_wait(request, step == HTTP_STEP_WANT_READ ? HTTP_STEP_DONE : step, true, ret);
}

static enum asgi_step refuse_value(PyObject *type, const char *text)
{
	PyErr_SetString(type, text);
	return ASGI_RAISED;
}

/* The text of a str that may be missing or None; NULL for these, or with an exception. */
static const char *text_of(PyObject *value, const char *name, Py_ssize_t *ret_size)
{
	if (!value || value == Py_None)
		return NULL;
	if (PyUnicode_Check(value))
		return PyUnicode_AsUTF8AndSize(value, ret_size);
	PyErr_Format(PyExc_TypeError, "'%s' must be a str", name);
	return NULL;
}

static enum asgi_step take_accept(struct asgi_request *request, PyObject *message, PyObject **ret)
{
	scoped(py_decrefp) PyObject *subprotocol = asgi_message_item(message, "subprotocol");
	scoped(py_decrefp) PyObject *headers = asgi_message_item(message, "headers");
	Py_ssize_t size = 0;
	const char *text = text_of(subprotocol, "subprotocol", &size);
	scoped(py_decrefp) PyObject *list = PyErr_Occurred() ? NULL : asgi_fields_copy(headers);
	struct err err = ERR_INIT;
	enum http_step step;

	if (!list)
		return ASGI_RAISED;
	if (!request->exchange)
		return gone();
	step = asgi_websocket_open(request, text, list, &err);
	if (step != HTTP_STEP_FAILED || err.code != ERR_INVALID)
		return wait_for(request, step, ret);
	PyErr_Format(PyExc_ValueError, "websocket.accept: %s", err.text);
	return ASGI_RAISED;
}

static enum asgi_step refuse_client(struct asgi_request *request, PyObject **ret)
{
	asgi_send_error(request, STATUS_REFUSED);
	request->is_disconnected = true;
	asgi_request_release(request);
	return sent(ret);
}

static int code_of(PyObject *message, unsigned *ret)
{
	scoped(py_decrefp) PyObject *value = asgi_message_item(message, "code");
	const long code = value && value != Py_None ? PyLong_AsLong(value) : WEBSOCKET_NORMAL;

	if (code == -1 && PyErr_Occurred())
		return -1;
	if (code < 0 || code > UINT16_MAX || !websocket_code_is_valid((unsigned)code)) {
		PyErr_Format(PyExc_ValueError, "close code %ld cannot be sent", code);
		return -1;
	}
	*ret = (unsigned)code;
	return 0;
}

static enum asgi_step take_close(struct asgi_request *request, PyObject *message, PyObject **ret)
{
	scoped(py_decrefp) PyObject *reason = asgi_message_item(message, "reason");
	Py_ssize_t size = 0;
	const char *text = text_of(reason, "reason", &size);
	unsigned code = 0;

	if (PyErr_Occurred() || code_of(message, &code) < 0)
		return ASGI_RAISED;
	if (size > WEBSOCKET_REASON_MAX)
		return refuse_value(PyExc_ValueError, "the reason of a close is longer than 123 bytes");
	if (!request->exchange)
		return gone();
	request->websocket->is_closed_by_app = true;
	if (request->websocket->phase == ASGI_WEBSOCKET_CONNECTING)
		return refuse_client(request, ret);
	return wait_for(request, asgi_websocket_close(request, code, text, (size_t)size), ret);
}

/* A small message goes out with its head in one piece, a large one's first bytes do; the rest is not copied. */
static enum asgi_step send_output(struct asgi_request *request, enum websocket_event kind, PyObject **ret)
{
	struct asgi_output *output = &request->output;
	uint8_t frame[WEBSOCKET_HEAD_SIZE_MAX + ASGI_WEBSOCKET_JOIN_MAX];
	const size_t head = websocket_head(kind, output->left, frame);
	const size_t part = size_min(output->left, ASGI_WEBSOCKET_JOIN_MAX);
	struct err err = ERR_INIT;
	enum http_step step;

	if (part > 0)
		memcpy(frame + head, output->data, part);
	output->data += part;
	output->left -= part;
	step = http_step_write(request->exchange, frame, head + part, &err);
	if (step != HTTP_STEP_FAILED && output->left > 0)
		step = step == HTTP_STEP_DONE ? asgi_output_write(request, &err) : step;
	else
		asgi_output_drop(output);
	return wait_for(request, step, ret);
}

static enum asgi_step take_send(struct asgi_request *request, PyObject *message, PyObject **ret)
{
	scoped(py_decrefp) PyObject *bytes = asgi_message_item(message, "bytes");
	scoped(py_decrefp) PyObject *text = asgi_message_item(message, "text");

	if (bytes && bytes != Py_None && text && text != Py_None)
		return refuse_value(PyExc_ValueError, "websocket.send with both 'bytes' and 'text'");
	if (bytes && bytes != Py_None)
		return asgi_output_take(request, bytes) < 0 ? ASGI_RAISED : send_output(request, WEBSOCKET_BYTES, ret);
	if (!text || text == Py_None)
		return refuse_value(PyExc_ValueError, "websocket.send without 'bytes' and 'text'");
	if (!PyUnicode_Check(text))
		return refuse_value(PyExc_TypeError, "'text' must be a str");
	return asgi_output_take_text(request, text) < 0 ? ASGI_RAISED : send_output(request, WEBSOCKET_TEXT, ret);
}

#define IN(phase) (1u << ASGI_WEBSOCKET_##phase)

static const struct {
	const char *type;
	unsigned phases;
	unsigned replies; /* phases of the response that refuses the client */
	enum asgi_step (*take)(struct asgi_request *request, PyObject *message, PyObject **ret);
} rows[] = {
    {"websocket.accept", IN(CONNECTING), 1u << ASGI_HEAD, take_accept},
    {"websocket.send", IN(OPEN), 1u << ASGI_HEAD, take_send},
    {"websocket.close", IN(CONNECTING) | IN(OPEN), 1u << ASGI_HEAD, take_close},
    {"websocket.http.response.start", IN(CONNECTING), 1u << ASGI_HEAD, asgi_send_start},
    {"websocket.http.response.body", IN(CONNECTING), 1u << ASGI_STARTED | 1u << ASGI_BODY, asgi_send_body},
};

static enum asgi_step misplaced(const struct asgi_request *request, const char *type)
{
	static const char *const phases[] = {
	    [ASGI_WEBSOCKET_CONNECTING] = "before 'websocket.accept', or after a response",
	    [ASGI_WEBSOCKET_OPEN] = "after 'websocket.accept'",
	    [ASGI_WEBSOCKET_CLOSING] = "after 'websocket.close'",
	    [ASGI_WEBSOCKET_CLOSED] = "after 'websocket.close'",
	};

	PyErr_Format(PyExc_RuntimeError, "unexpected ASGI message '%s' %s", type, phases[request->websocket->phase]);
	return ASGI_RAISED;
}

/* The connection has ended, but not because the application said so. */
static bool has_left(const struct asgi_request *request)
{
	const struct asgi_websocket *websocket = request->websocket;

	if (websocket->is_closed_by_app)
		return false;
	return websocket->phase > ASGI_WEBSOCKET_OPEN || request->is_disconnected;
}

static enum asgi_step take(struct asgi_request *request, PyObject *message, PyObject **ret)
{
	const char *type = asgi_message_type(message);

	for (size_t i = 0; type && i < COUNT_OF(rows); i++) {
		if (strcmp(rows[i].type, type) != 0)
			continue;
		/* To close what is closed is no mistake: there was no way to know. */
		if (has_left(request))
			return rows[i].take == take_close ? sent(ret) : gone();
		return request->exchange && rows[i].phases & 1u << request->websocket->phase &&
			       rows[i].replies & 1u << request->phase
			   ? rows[i].take(request, message, ret)
			   : misplaced(request, type);
	}
	return type ? asgi_send_unknown(type) : ASGI_RAISED;
}

static enum asgi_step send_step(struct asgi_request *request, PyObject **message, PyObject **ret)
{
	scoped(py_decrefp) PyObject *taken = NULL;
	struct err err = ERR_INIT;
	enum http_step step;

	if (request->exchange && !request->is_disconnected && request->phase != ASGI_HEAD) {
		const enum asgi_step drained = asgi_send_drain(request, ret);

		if (drained != ASGI_DONE || !*message)
			return drained;
		Py_CLEAR(*ret);
	} else if (request->exchange && !request->is_disconnected) {
		step = asgi_output_flush(request, &err);
		if (step != HTTP_STEP_DONE || request->output.left > 0 || !*message)
			return wait_for(request, step, ret);
		asgi_websocket_written(request);
	} else if (!*message) {
		return sent(ret);
	}
	taken = TAKE_PTR(*message);
	return take(request, taken, ret);
}

enum asgi_step asgi_websocket_send(PyObject *self, PyObject **message, PyObject **ret)
{
	return asgi_request_step(self, send_step, message, ret);
}
