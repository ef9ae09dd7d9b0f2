/* SPDX-License-Identifier: Apache-2.0 */
/*
 * send(): one table of the messages and the phases they belong to. A message is acted on once; then send() waits until
 * the client has taken what was written, which is the back-pressure. The head leaves with the first piece of the body:
 * if that is the only one, its size is the Content-Length.
 */
#include <string.h>
#include <strings.h>

#include "base/number.h"
#include "enclave/asgi/asgi.h"

#define NO_LENGTH (-1)
#define STATUS_MIN 200
#define STATUS_MAX 599
#define ERROR_TEXT "internal server error\n"

/* Interned, as literals of the application are: they are found by their identity. */
#define KEYS(X) X(type) X(status) X(headers) X(trailers) X(body) X(more_body) X(more_trailers)

#define X(name) static PyObject *key_##name;
KEYS(X)
#undef X

int asgi_send_start_up(void)
{
#define X(name) \
	key_##name = PyUnicode_InternFromString(#name); \
	if (!key_##name) \
		return -1;
	KEYS(X)
#undef X
	return 0;
}

/* ---- the head ---- */

/* Content-Length and Connection mean something to us. */
static int look_at_fields(struct asgi_request *request, PyObject *list)
{
	struct err err = ERR_INIT;

	request->length = NO_LENGTH;
	for (Py_ssize_t i = 0; i < PyList_GET_SIZE(list); i++) {
		const char *value = asgi_fields_text(list, i, 1);

		if (strcasecmp(asgi_fields_text(list, i, 0), "connection") == 0 && http_list_has(value, "close"))
			http_close_after(request->exchange);
		if (strcasecmp(asgi_fields_text(list, i, 0), "content-length") != 0)
			continue;
		if (request->length != NO_LENGTH || number_parse_i64(value, 0, INT64_MAX, &request->length, &err) < 0) {
			PyErr_Format(PyExc_ValueError, "Content-Length '%.40s' is no number, or given twice", value);
			return -1;
		}
	}
	return 0;
}

/* ---- what the engine says ---- */

static enum asgi_step gone(struct asgi_request *request)
{
	asgi_request_disconnect(request, 0);
	PyErr_SetString(PyExc_BrokenPipeError, "the client is gone");
	return ASGI_RAISED;
}

/* After a step failed: the application's mistake, or the client is gone. */
static enum asgi_step step_failed(struct asgi_request *request, const struct err *err)
{
	if (err->code == ERR_NOT_FOUND) {
		PyErr_Format(PyExc_OSError, "response: %s", err->text);
		return ASGI_RAISED;
	}
	if (err->code != ERR_INVALID && err->code != ERR_LIMIT)
		return gone(request);
	PyErr_Format(PyExc_ValueError, "response: %s", err->text);
	return ASGI_RAISED;
}

static enum asgi_step sent(PyObject **ret)
{
	*ret = Py_NewRef(Py_None);
	return ASGI_DONE;
}

/* ---- the messages: what they hold is looked at first, for that may run code of the application ---- */

PyObject *asgi_message_item(PyObject *message, const char *name)
{
	return Py_XNewRef(PyDict_GetItemString(message, name));
}

/* The same for keys that come with each response. What goes wrong in comparing keys is as if there were none. */
static PyObject *item(PyObject *message, PyObject *key)
{
	PyObject *value = PyDict_GetItemWithError(message, key);

	if (!value)
		PyErr_Clear();
	return Py_XNewRef(value);
}

/* The exchange may have been given back meanwhile. */
static bool is_gone(struct asgi_request *request)
{
	if (request->exchange)
		return false;
	(void)gone(request);
	return true;
}

static int is_true(PyObject *message, PyObject *key)
{
	scoped(py_decrefp) PyObject *value = item(message, key);

	return value ? PyObject_IsTrue(value) : 0;
}

enum asgi_step asgi_send_start(struct asgi_request *request, PyObject *message, PyObject **ret)
{
	scoped(py_decrefp) PyObject *status = item(message, key_status);
	scoped(py_decrefp) PyObject *headers = item(message, key_headers);
	const int has_trailers = is_true(message, key_trailers);
	const long code = status ? PyLong_AsLong(status) : -1;
	scoped(py_decrefp) PyObject *list = NULL;

	if (has_trailers < 0)
		return ASGI_RAISED;
	if (code < STATUS_MIN || code > STATUS_MAX) {
		if (!PyErr_Occurred())
			PyErr_Format(PyExc_ValueError, "status %R is not one of %d to %d", status ? status : Py_None,
				     STATUS_MIN, STATUS_MAX);
		return ASGI_RAISED;
	}
	list = asgi_fields_copy(headers);
	if (!list || is_gone(request) || look_at_fields(request, list) < 0)
		return ASGI_RAISED;
	request->status = (int)code;
	request->has_trailers = has_trailers == 1 && !request->websocket;
	request->headers = TAKE_PTR(list);
	request->phase = ASGI_STARTED;
	return sent(ret);
}

/* The head, with the size of the body if it can be known by now. */
static int begin_reply(struct asgi_request *request, size_t piece_size, bool is_last, struct err *err)
{
	struct http_header headers[HTTP_HEADERS_MAX];
	/* What 426 has to say of it (RFC 9110 15.5.22) only the application knows. */
	const size_t count = asgi_fields_list(request->headers, request->status == 426, headers);
	/* To HEAD the body may have been left out: nobody knows its length then (RFC 9110 8.6). */
	const bool is_known = piece_size > 0 || strcmp(http_method(request->exchange), "HEAD") != 0;
	const bool is_whole = is_last && !request->has_trailers && is_known;
	const int64_t size = request->length != NO_LENGTH ? request->length : is_whole ? (int64_t)piece_size : -1;

	if (http_reply_start(request->exchange, request->status, headers, count, size, err) < 0)
		return -1;
	request->phase = ASGI_BODY;
	return 0;
}

/* Nothing more comes from the application: the engine sends what is left. */
static enum asgi_step end_reply(struct asgi_request *request, PyObject **ret)
{
	struct http_header trailers[HTTP_HEADERS_MAX];
	const size_t count = asgi_fields_list(request->trailers, false, trailers);
	struct err err = ERR_INIT;
	const enum http_step step = http_step_end(request->exchange, trailers, count, &err);

	/* Before there is an exception: who is woken by it would report it as his own. */
	asgi_request_release(request);
	return step == HTTP_STEP_FAILED ? step_failed(request, &err) : sent(ret);
}

/* Something was written: the back-pressure, and what comes when all of the body is. */
static enum asgi_step go_on(struct asgi_request *request, enum http_step step, const struct err *err, PyObject **ret)
{
	if (step == HTTP_STEP_FAILED) {
		request->is_last = false;
		return step_failed(request, err);
	}
	if (step == HTTP_STEP_DONE && request->output.left > 0)
		return asgi_request_yield(request);
	/* The end of a reply needs nobody: the engine sends what it has. */
	if (request->is_last && request->output.left == 0) {
		request->is_last = false;
		if (!request->has_trailers)
			return end_reply(request, ret);
		request->phase = ASGI_TRAILERS;
	}
	return step == HTTP_STEP_DONE ? sent(ret) : asgi_request_wait(request, step, true, ret);
}

enum asgi_step asgi_send_drain(struct asgi_request *request, PyObject **ret)
{
	struct err err = ERR_INIT;
	const enum http_step step = asgi_output_flush(request, &err);

	return go_on(request, step, &err, ret);
}

void asgi_send_finish(struct asgi_request *request)
{
	PyObject *nobody = NULL; /* awaits this; but while it is pending, the time-out counts */
	enum asgi_step step;

	request->is_busy = true;
	step = asgi_send_drain(request, &nobody);
	request->is_busy = false;
	Py_XDECREF(nobody);
	if (step == ASGI_YIELD && asgi_request_watch_output(request) < 0)
		step = ASGI_RAISED;
	if (step != ASGI_RAISED)
		return;
	PyErr_Clear();
	asgi_request_release(request);
}

/* While nothing was sent, a body that does not fit its Content-Length can still become a 500. */
static bool fits_length(const struct asgi_request *request, int64_t size, bool is_last)
{
	if (request->length == NO_LENGTH || (size < request->length && !is_last) || size == request->length)
		return true;
	/* Where none is sent it may have been left out, but for its length (RFC 9110 8.6). */
	return size == 0 && (request->status == 204 || request->status == 205 || request->status == 304 ||
			     strcmp(http_method(request->exchange), "HEAD") == 0);
}

enum asgi_step asgi_send_piece(struct asgi_request *request, size_t size, bool is_last, PyObject **ret)
{
	struct err err = ERR_INIT;
	enum http_step step = HTTP_STEP_DONE;

	if (request->phase == ASGI_STARTED && !fits_length(request, (int64_t)size, is_last)) {
		PyErr_Format(PyExc_ValueError, "response: a body of %zu bytes, but a Content-Length of %lld", size,
			     (long long)request->length);
		asgi_output_drop(&request->output);
		return ASGI_RAISED;
	}
	if (request->phase == ASGI_STARTED && begin_reply(request, size, is_last, &err) < 0) {
		asgi_output_drop(&request->output);
		return step_failed(request, &err);
	}
	request->is_last = is_last;
	if (is_last && !request->has_trailers)
		http_step_announce_end(request->exchange);
	if (request->output.left > 0)
		step = asgi_output_write(request, &err);
	else if (!is_last)
		step = http_step_write(request->exchange, "", 0, &err);
	return go_on(request, step, &err, ret);
}

enum asgi_step asgi_send_body(struct asgi_request *request, PyObject *message, PyObject **ret)
{
	scoped(py_decrefp) PyObject *body = item(message, key_body);
	const int is_more = is_true(message, key_more_body);

	if (is_more < 0 || is_gone(request) || (body && asgi_output_take(request, body) < 0))
		return ASGI_RAISED;
	return asgi_send_piece(request, request->output.left, !is_more, ret);
}

static enum asgi_step take_trailers(struct asgi_request *request, PyObject *message, PyObject **ret)
{
	scoped(py_decrefp) PyObject *headers = item(message, key_headers);
	const int is_more = is_true(message, key_more_trailers);
	scoped(py_decrefp) PyObject *list = is_more < 0 ? NULL : asgi_fields_copy(headers);

	if (!list || is_gone(request))
		return ASGI_RAISED;
	if (!request->trailers)
		request->trailers = TAKE_PTR(list);
	else if (PyList_SetSlice(request->trailers, PY_SSIZE_T_MAX, PY_SSIZE_T_MAX, list) < 0)
		return ASGI_RAISED;
	if (PyList_GET_SIZE(request->trailers) > HTTP_HEADERS_MAX) {
		PyErr_Format(PyExc_ValueError, "more than %d trailers", HTTP_HEADERS_MAX);
		return ASGI_RAISED;
	}
	return is_more ? sent(ret) : end_reply(request, ret);
}

/* 103 with a Link field for each link (RFC 8297). */
static enum asgi_step take_hint(struct asgi_request *request, PyObject *message, PyObject **ret)
{
	scoped(py_decrefp) PyObject *links = asgi_message_item(message, "links");
	scoped(py_decrefp) PyObject *items = links ? PySequence_List(links) : PyList_New(0);
	struct http_header headers[HTTP_HEADERS_MAX];
	struct err err = ERR_INIT;
	size_t count = 0;

	for (Py_ssize_t i = 0; items && i < PyList_GET_SIZE(items); i++) {
		PyObject *link = PyList_GET_ITEM(items, i);

		if (!PyBytes_Check(link) || asgi_has_zero(link) || count == HTTP_HEADERS_MAX) {
			PyErr_SetString(PyExc_ValueError, "links must be bytes that can be sent");
			return ASGI_RAISED;
		}
		headers[count++] = (struct http_header){"Link", PyBytes_AS_STRING(link)};
	}
	if (!items || is_gone(request))
		return ASGI_RAISED;
	if (http_step_informational(request->exchange, 103, headers, count, &err) < 0)
		return step_failed(request, &err);
	return asgi_send_drain(request, ret);
}

#define IN(phase) (1u << ASGI_##phase)

static const struct {
	const char *type;
	unsigned phases;
	enum asgi_step (*take)(struct asgi_request *request, PyObject *message, PyObject **ret);
} rows[] = {
    {"http.response.start", IN(HEAD), asgi_send_start},
    {"http.response.body", IN(STARTED) | IN(BODY), asgi_send_body},
    {"http.response.pathsend", IN(STARTED), asgi_send_path},
    {"http.response.trailers", IN(TRAILERS), take_trailers},
    {"http.response.early_hint", IN(HEAD), take_hint},
};

enum asgi_step asgi_send_misplaced(const struct asgi_request *request, const char *type)
{
	static const char *const phases[] = {
	    [ASGI_HEAD] = "before the response has started",
	    [ASGI_STARTED] = "after the response has started",
	    [ASGI_BODY] = "within the body of the response",
	    [ASGI_TRAILERS] = "after the body, where trailers are due",
	    [ASGI_COMPLETE] = "after the response is complete",
	};

	PyErr_Format(PyExc_RuntimeError, "unexpected ASGI message '%s' %s", type, phases[request->phase]);
	return ASGI_RAISED;
}

enum asgi_step asgi_send_unknown(const char *type)
{
	PyErr_Format(PyExc_ValueError, "unknown ASGI message '%.100s'", type);
	return ASGI_RAISED;
}

const char *asgi_message_type(PyObject *message)
{
	PyObject *type = PyDict_Check(message) ? PyDict_GetItemWithError(message, key_type) : NULL; /* borrowed */
	const char *text = type && PyUnicode_Check(type) ? PyUnicode_AsUTF8(type) : NULL;

	if (!text) {
		PyErr_Clear();
		PyErr_SetString(PyExc_TypeError, "an ASGI message is a dict with a 'type'");
	}
	return text;
}

static enum asgi_step take(struct asgi_request *request, PyObject *message, PyObject **ret)
{
	const char *type = asgi_message_type(message);

	for (size_t i = 0; type && i < COUNT_OF(rows); i++) {
		if (strcmp(rows[i].type, type) != 0)
			continue;
		return rows[i].phases & 1u << request->phase ? rows[i].take(request, message, ret)
							     : asgi_send_misplaced(request, type);
	}
	return type ? asgi_send_unknown(type) : ASGI_RAISED;
}

static enum asgi_step send_step(struct asgi_request *request, PyObject **message, PyObject **ret)
{
	scoped(py_decrefp) PyObject *taken = NULL;
	enum asgi_step step;

	if (request->exchange && !request->is_disconnected) {
		/* First what another task's message, or this one's own, has left to write. */
		step = asgi_send_drain(request, ret);
		if (step != ASGI_DONE || !*message)
			return step;
		Py_CLEAR(*ret);
	} else if (!*message) {
		return sent(ret);
	} else if (request->is_disconnected && request->phase != ASGI_COMPLETE) {
		return gone(request);
	}
	taken = TAKE_PTR(*message);
	return take(request, taken, ret);
}

enum asgi_step asgi_send(PyObject *self, PyObject **message, PyObject **ret)
{
	return asgi_request_step(self, send_step, message, ret);
}

void asgi_send_error(struct asgi_request *request, int status)
{
	const struct http_header type = {"Content-Type", "text/plain; charset=utf-8"};
	const char *text = status == 500 ? ERROR_TEXT : "";
	struct err err = ERR_INIT;

	if (http_reply_start(request->exchange, status, &type, 1, (int64_t)strlen(text), &err) < 0)
		return;
	if (http_step_write(request->exchange, text, strlen(text), &err) != HTTP_STEP_FAILED)
		(void)http_step_end(request->exchange, NULL, 0, &err);
}
