/* SPDX-License-Identifier: Apache-2.0 */
/*
 * start_response and what follows. The object is start_response itself when called, has write() as a method, and keeps
 * status and headers until the first byte of the body (or the end) sends them, so that an error before that can still
 * replace them (exc_info, PEP 3333).
 */
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "base/number.h"
#include "enclave/wsgi/wsgi.h"

#include <structmember.h> /* behind Python.h */

#define STATUS_MIN 200
#define STATUS_MAX 599
#define STATUS_DIGITS 3
#define METHOD_SHOWN_MAX 32
#define LENGTH_UNKNOWN (-1)
#define FILE_PIECE (128u << 10)
#define SHORT_SIZE (16u << 10) /* one record of TLS */

struct response {
	PyObject_HEAD vectorcallfunc call;
	struct http_exchange *exchange; /* NULL: detached, or parted */
	PyObject *input;                /* borrowed; NULL: detached */
	unsigned long thread;
	int status;        /* 0: start_response was not called */
	PyObject *reason;  /* the whole status as it was given */
	PyObject *headers; /* tuple of (name, value), all Latin-1 str without control characters */
	int64_t length;    /* Content-Length as the application gave it */
	int64_t written;
	bool is_sent;  /* status and headers are out */
	bool is_ended; /* the whole response is out */
	bool is_gone;  /* the client does not read any more */
	bool is_parted;
	char method[METHOD_SHOWN_MAX + 1]; /* of one that has parted, for a traceback */
	char *target;
};

/* PEP 3333: an application may not use hop-by-hop features. */
static const struct {
	const char *name;
	size_t size;
} hop_by_hop[] = {
#define NAME(text) \
	{ \
		text, sizeof(text) - 1 \
	}
    NAME("connection"), NAME("keep-alive"), NAME("proxy-authenticate"), NAME("proxy-authorization"),
    NAME("te"),         NAME("trailer"),    NAME("trailers"),           NAME("transfer-encoding"),
    NAME("upgrade"),
#undef NAME
};

static int check_usable(const struct response *response)
{
	const bool is_there = response->exchange || response->is_parted;

	if (is_there && response->thread == PyThread_get_thread_ident())
		return 0;
	PyErr_SetString(PyExc_ValueError, is_there ? "a response is for the thread of its request"
						   : "the response of a request that has ended");
	return -1;
}

/* The Latin-1 bytes of a str, NULL with TypeError or ValueError. Borrowed from the object. */
static const char *latin1(PyObject *text, const char *what)
{
	if (!PyUnicode_Check(text)) {
		PyErr_Format(PyExc_TypeError, "%s must be a str, not %.100s", what, Py_TYPE(text)->tp_name);
		return NULL;
	}
	if (PyUnicode_KIND(text) != PyUnicode_1BYTE_KIND) {
		PyErr_Format(PyExc_ValueError, "%s %R cannot be written in Latin-1", what, text);
		return NULL;
	}
	return (const char *)PyUnicode_1BYTE_DATA(text);
}

static int parse_status(PyObject *text)
{
	const char *status = latin1(text, "status");
	int value = 0;

	if (!status)
		return -1;
	for (int i = 0; i < STATUS_DIGITS; i++) {
		if (status[i] < '0' || status[i] > '9') {
			value = 0;
			break;
		}
		value = 10 * value + (status[i] - '0');
	}
	if (value < STATUS_MIN || value > STATUS_MAX || status[STATUS_DIGITS] != ' ' ||
	    strlen(status) != (size_t)PyUnicode_GET_LENGTH(text) || !http_header_is_valid("status", status)) {
		PyErr_Format(PyExc_ValueError, "status %R is not like '200 OK'", text);
		return -1;
	}
	return value;
}

static bool is_hop_by_hop(const char *name, size_t size)
{
	for (size_t i = 0; i < COUNT_OF(hop_by_hop); i++) {
		if (size == hop_by_hop[i].size && strcasecmp(name, hop_by_hop[i].name) == 0)
			return true;
	}
	return false;
}

static bool is_length(const char *name, size_t size)
{
	return size == sizeof("content-length") - 1 && strcasecmp(name, "content-length") == 0;
}

/* Digits only, no sign, no overflow. */
static int parse_length(PyObject *value, const char *text, int64_t *ret)
{
	struct err err = ERR_INIT;

	if (number_parse_i64(text, 0, INT64_MAX, ret, &err) < 0) {
		PyErr_Format(PyExc_ValueError, "Content-Length %R is not a number", value);
		return -1;
	}
	return 0;
}

static int check_header(PyObject *header, int64_t *length)
{
	const char *name;
	const char *value;
	size_t size;

	if (!PyTuple_Check(header) || PyTuple_GET_SIZE(header) != 2) {
		PyErr_Format(PyExc_TypeError, "header %R is not a tuple (name, value)", header);
		return -1;
	}
	name = latin1(PyTuple_GET_ITEM(header, 0), "header name");
	value = name ? latin1(PyTuple_GET_ITEM(header, 1), "header value") : NULL;
	if (!value)
		return -1;
	size = (size_t)PyUnicode_GET_LENGTH(PyTuple_GET_ITEM(header, 0));
	if (strlen(name) != size || strlen(value) != (size_t)PyUnicode_GET_LENGTH(PyTuple_GET_ITEM(header, 1)) ||
	    !http_header_is_valid(name, value)) {
		PyErr_Format(PyExc_ValueError, "header %R has characters that are not allowed", header);
		return -1;
	}
	if (is_hop_by_hop(name, size)) {
		PyErr_Format(PyExc_AssertionError, "hop-by-hop header '%s' is the server's", name);
		return -1;
	}
	if (!is_length(name, size))
		return 0;
	if (*length != LENGTH_UNKNOWN) {
		PyErr_SetString(PyExc_ValueError, "Content-Length is given twice");
		return -1;
	}
	return parse_length(PyTuple_GET_ITEM(header, 1), value, length);
}

/* A tuple of its own, so that changing the list later changes nothing. New reference. */
static PyObject *copy_headers(PyObject *list, int64_t *ret_length)
{
	PyObject *headers;

	if (!PyList_Check(list)) {
		PyErr_Format(PyExc_TypeError, "headers must be a list, not %.100s", Py_TYPE(list)->tp_name);
		return NULL;
	}
	headers = PyList_AsTuple(list);
	*ret_length = LENGTH_UNKNOWN;
	if (headers && PyTuple_GET_SIZE(headers) > HTTP_HEADERS_MAX) {
		PyErr_Format(PyExc_ValueError, "more than %d headers", HTTP_HEADERS_MAX);
		Py_CLEAR(headers);
	}
	for (Py_ssize_t i = 0; headers && i < PyTuple_GET_SIZE(headers); i++) {
		if (check_header(PyTuple_GET_ITEM(headers, i), ret_length) < 0)
			Py_CLEAR(headers);
	}
	return headers;
}

/* None, and what sys.exc_info() gives where nothing was raised. */
static bool is_no_exception(PyObject *exc_info)
{
	if (!exc_info || exc_info == Py_None)
		return true;
	if (!PyTuple_Check(exc_info) || PyTuple_GET_SIZE(exc_info) != 3)
		return false;
	for (Py_ssize_t i = 0; i < 3; i++) {
		if (PyTuple_GET_ITEM(exc_info, i) != Py_None)
			return false;
	}
	return true;
}

/* An exception's class and an instance of it (or None), or an instance alone; what the interpreter can raise again. */
static bool is_exception(PyObject *type, PyObject *value)
{
	if (PyExceptionInstance_Check(type))
		return value == Py_None || value == type;
	if (!PyExceptionClass_Check(type))
		return false;
	return value == Py_None ||
	       (PyExceptionInstance_Check(value) && PyType_IsSubtype(Py_TYPE(value), (PyTypeObject *)type));
}

static int check_exception(PyObject *exc_info)
{
	PyObject *traceback;

	if (!PyTuple_Check(exc_info) || PyTuple_GET_SIZE(exc_info) != 3) {
		PyErr_SetString(PyExc_TypeError, "exc_info must be a tuple (type, value, traceback)");
		return -1;
	}
	if (!is_exception(PyTuple_GET_ITEM(exc_info, 0), PyTuple_GET_ITEM(exc_info, 1))) {
		PyErr_SetString(PyExc_TypeError, "exc_info holds no exception and its class");
		return -1;
	}
	traceback = PyTuple_GET_ITEM(exc_info, 2);
	if (traceback != Py_None && !PyTraceBack_Check(traceback)) {
		PyErr_SetString(PyExc_TypeError, "exc_info holds no traceback");
		return -1;
	}
	return 0;
}

/* exc_info was checked. */
static void raise_again(PyObject *exc_info)
{
	PyObject *type = PyTuple_GET_ITEM(exc_info, 0);
	PyObject *value = PyTuple_GET_ITEM(exc_info, 1);
	PyObject *traceback = PyTuple_GET_ITEM(exc_info, 2);

	if (PyExceptionInstance_Check(type)) {
		value = type;
		type = PyExceptionInstance_Class(type);
	}
	PyErr_Restore(Py_NewRef(type), value == Py_None ? NULL : Py_NewRef(value),
		      traceback == Py_None ? NULL : Py_NewRef(traceback));
}

/* A second call must bring exc_info; after the headers are out it raises that exception again. */
static int check_again(const struct response *response, PyObject *exc_info)
{
	if (is_no_exception(exc_info)) {
		if (response->status == 0)
			return 0;
		PyErr_SetString(PyExc_AssertionError, "start_response was called twice without exc_info");
		return -1;
	}
	if (check_exception(exc_info) < 0)
		return -1;
	if (!response->is_sent)
		return 0;
	raise_again(exc_info);
	return -1;
}

/* status, headers and exc_info as they were given, by place or by name; NULL where one is missing. */
static int take_arguments(PyObject *const *args, size_t count, PyObject *names, PyObject *ret[static 3])
{
	static const char *const known[] = {"status", "headers", "exc_info"};
	const size_t named = names ? (size_t)PyTuple_GET_SIZE(names) : 0;
	bool is_right = count <= COUNT_OF(known);

	for (size_t i = 0; i < COUNT_OF(known); i++)
		ret[i] = i < count ? args[i] : NULL;
	for (size_t i = 0; i < named && is_right; i++) {
		size_t k = 0;

		while (k < COUNT_OF(known) &&
		       PyUnicode_CompareWithASCIIString(PyTuple_GET_ITEM(names, (Py_ssize_t)i), known[k]) != 0)
			k++;
		is_right = k < COUNT_OF(known) && !ret[k];
		if (is_right)
			ret[k] = args[count + i];
	}
	if (is_right && ret[0] && ret[1])
		return 0;
	PyErr_SetString(PyExc_TypeError, "start_response takes (status, headers, exc_info=None)");
	return -1;
}

static PyObject *response_write(PyObject *self, PyObject *piece);

static PyMethodDef methods[] = {
    {"write", response_write, METH_O, NULL},
    {NULL, NULL, 0, NULL},
};

static PyObject *response_call(PyObject *self, PyObject *const *args, size_t count, PyObject *names)
{
	struct response *response = (struct response *)self;
	PyObject *given[3];
	PyObject *headers;
	int64_t length;
	int status;

	if (take_arguments(args, (size_t)PyVectorcall_NARGS(count), names, given) < 0 || check_usable(response) < 0 ||
	    check_again(response, given[2]) < 0)
		return NULL;
	status = parse_status(given[0]);
	headers = status < 0 ? NULL : copy_headers(given[1], &length);
	if (!headers)
		return NULL;
	response->status = status;
	response->length = length;
	Py_XSETREF(response->reason, Py_NewRef(given[0]));
	Py_XSETREF(response->headers, headers);
	return PyCFunction_New(&methods[0], self);
}

/* The reason, and all headers but Content-Length, which is the engine's to write. The texts stay owned by the objects.
 */
static size_t list_headers(const struct response *response, struct http_header ret[static HTTP_HEADERS_MAX])
{
	const char *status = (const char *)PyUnicode_1BYTE_DATA(response->reason);
	size_t count = 0;

	http_reply_reason(response->exchange, status + STATUS_DIGITS + 1);
	for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(response->headers); i++) {
		PyObject *header = PyTuple_GET_ITEM(response->headers, i);
		PyObject *name_text = PyTuple_GET_ITEM(header, 0);
		const char *name = (const char *)PyUnicode_1BYTE_DATA(name_text);

		if (!is_length(name, (size_t)PyUnicode_GET_LENGTH(name_text)))
			ret[count++] =
			    (struct http_header){name, (const char *)PyUnicode_1BYTE_DATA(PyTuple_GET_ITEM(header, 1))};
	}
	return count;
}

/* After a call of the engine failed: the client is gone, or it refused what we wanted to send. */
static enum wsgi_result failed(struct response *response, const struct err *err)
{
	if (err->code == ERR_INVALID || err->code == ERR_LIMIT) {
		PyErr_Format(PyExc_ValueError, "response: %s", err->text);
		return WSGI_RAISED;
	}
	response->is_gone = true;
	return WSGI_GONE;
}

/*
 * Python's lock is kept for a short reply: that never waits (what the client does not take is sent later), and to give
 * the lock up and take it again may cost a whole turn of another thread. Over HTTP/2 the session's lock may be held by
 * a thread that decodes what the client sends. may_part: what calls us does not need the exchange behind it.
 */
static int reply(struct response *response, const struct http_header *headers, size_t count, const char *data,
		 size_t size, bool may_part, struct err *err)
{
	const bool is_short = size <= SHORT_SIZE && *http_version(response->exchange) == '1';
	int status;

	if (is_short && may_part)
		return http_reply_part(response->exchange, response->status, headers, count, data, size,
				       &response->is_parted, err);
	if (is_short)
		return http_reply(response->exchange, response->status, headers, count, data, size, err);
	Py_BEGIN_ALLOW_THREADS;
	status = http_reply(response->exchange, response->status, headers, count, data, size, err);
	Py_END_ALLOW_THREADS;
	return status;
}

/* For a traceback, before the exchange may go. */
static int note_request(struct response *response)
{
	const char *method = http_method(response->exchange);

	(void)memccpy(response->method, method, 0, METHOD_SHOWN_MAX);
	response->method[METHOD_SHOWN_MAX] = 0;
	response->target = strndup(http_target(response->exchange), PYTHON_TARGET_SHOWN_MAX);
	return response->target ? 0 : -1;
}

/* Status, headers and body in one go. */
static enum wsgi_result send_whole(struct response *response, const char *data, size_t size, bool may_part)
{
	struct http_header headers[HTTP_HEADERS_MAX];
	const size_t count = list_headers(response, headers);
	struct err err = ERR_INIT;

	may_part = may_part && note_request(response) == 0;
	if (reply(response, headers, count, data, size, may_part, &err) < 0)
		return failed(response, &err);
	if (response->is_parted) {
		wsgi_input_part(response->input);
		response->exchange = NULL;
	}
	response->is_sent = true;
	response->is_ended = true;
	response->written = (int64_t)size;
	return WSGI_DONE;
}

static enum wsgi_result send_start(struct response *response)
{
	struct http_header headers[HTTP_HEADERS_MAX];
	const size_t count = list_headers(response, headers);
	struct err err = ERR_INIT;
	int status;

	Py_BEGIN_ALLOW_THREADS;
	status = http_reply_start(response->exchange, response->status, headers, count, response->length, &err);
	Py_END_ALLOW_THREADS;
	if (status < 0)
		return failed(response, &err);
	response->is_sent = true;
	return WSGI_DONE;
}

static enum wsgi_result send_piece(struct response *response, const char *data, size_t size)
{
	struct err err = ERR_INIT;
	int status;

	Py_BEGIN_ALLOW_THREADS;
	status = http_reply_write(response->exchange, data, size, &err);
	Py_END_ALLOW_THREADS;
	if (status < 0)
		return failed(response, &err);
	response->written += (int64_t)size;
	return WSGI_DONE;
}

/* Who gives a piece. */
enum giver {
	GIVER_WRITE,    /* within its call of write() */
	GIVER_ITERATOR, /* which may give others */
	GIVER_SINGLE,   /* which gives no other */
};

/* One piece of the body that is not empty. */
static enum wsgi_result send_body(struct response *response, const char *data, size_t size, enum giver giver)
{
	size_t allowed = size;
	enum wsgi_result result = WSGI_DONE;

	if (response->status == 0) {
		PyErr_SetString(PyExc_AssertionError, "the body came before start_response was called");
		return WSGI_RAISED;
	}
	if (response->length != LENGTH_UNKNOWN)
		allowed = size_min(size, (size_t)(response->length - response->written));
	if (response->is_ended && allowed > 0) {
		PyErr_SetString(PyExc_AssertionError, "the response has ended");
		return WSGI_RAISED;
	}
	if (!response->is_sent && (giver == GIVER_SINGLE || (int64_t)allowed == response->length) &&
	    (response->length == LENGTH_UNKNOWN || (int64_t)allowed == response->length)) {
		result = send_whole(response, data, allowed, giver != GIVER_WRITE);
	} else {
		if (!response->is_sent)
			result = send_start(response);
		if (result == WSGI_DONE && allowed > 0)
			result = send_piece(response, data, allowed);
	}
	if (result == WSGI_DONE && allowed < size) {
		PyErr_Format(PyExc_AssertionError, "the body is longer than its Content-Length %lld",
			     (long long)response->length);
		return WSGI_RAISED;
	}
	return result;
}

static enum wsgi_result send_object(struct response *response, PyObject *piece, enum giver giver)
{
	if (!PyBytes_Check(piece)) {
		PyErr_Format(PyExc_TypeError, "the body must be bytes, not %.100s", Py_TYPE(piece)->tp_name);
		return WSGI_RAISED;
	}
	if (PyBytes_GET_SIZE(piece) == 0)
		return WSGI_DONE;
	return send_body(response, PyBytes_AS_STRING(piece), (size_t)PyBytes_GET_SIZE(piece), giver);
}

static PyObject *response_write(PyObject *self, PyObject *piece)
{
	struct response *response = (struct response *)self;

	if (check_usable(response) < 0)
		return NULL;
	switch (send_object(response, piece, GIVER_WRITE)) {
	case WSGI_DONE:
		Py_RETURN_NONE;
	case WSGI_GONE:
		PyErr_SetString(PyExc_BrokenPipeError, "the client is gone");
		return NULL;
	case WSGI_RAISED:
		return NULL;
	}
	return NULL;
}

static bool is_head(const struct response *response)
{
	return strcmp(http_method(response->exchange), "HEAD") == 0;
}

/* After the last piece. */
static enum wsgi_result send_end(struct response *response)
{
	struct err err = ERR_INIT;
	enum wsgi_result result;
	int status;

	if (response->status == 0) {
		PyErr_SetString(PyExc_AssertionError, "the application returned without calling start_response");
		return WSGI_RAISED;
	}
	if (response->is_ended)
		return WSGI_DONE;
	/* To HEAD the body may have been left out: nobody knows its length then (RFC 9110 8.6). */
	if (!response->is_sent && response->length <= 0 && !(response->length == LENGTH_UNKNOWN && is_head(response)))
		return send_whole(response, NULL, 0, true);
	/* Only HEAD, 204 and 304 may promise a length and send nothing: the engine knows them. */
	if (!response->is_sent && (result = send_start(response)) != WSGI_DONE)
		return result;
	Py_BEGIN_ALLOW_THREADS;
	status = http_reply_end(response->exchange, &err);
	Py_END_ALLOW_THREADS;
	if (status < 0)
		return failed(response, &err);
	response->is_ended = true;
	return WSGI_DONE;
}

/* Without the interpreter: pieces go from the file to the client while other threads run Python. */
static int copy_file(struct http_exchange *exchange, const struct wsgi_file *file, int64_t left, struct err *err)
{
	scoped(freep) char *piece = malloc(FILE_PIECE);
	int64_t at = file->offset;

	if (!piece)
		return err_no_memory(err);
	while (left > 0) {
		const ssize_t got = pread(file->fd, piece, size_min(FILE_PIECE, (size_t)left), at);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return err_set(err, ERR_INVALID, "the file ended within the response, or cannot be read");
		if (http_reply_write(exchange, piece, (size_t)got, err) < 0)
			return -1;
		at += got;
		left -= got;
	}
	return 0;
}

/* As PEP 3333 says, no more of it than Content-Length. */
static enum wsgi_result send_file(struct response *response, const struct wsgi_file *file)
{
	enum wsgi_result result = WSGI_DONE;
	struct err err = ERR_INIT;
	int64_t size = file->size;
	int status;

	if (!response->is_sent && response->length == LENGTH_UNKNOWN && response->status != 0)
		response->length = size;
	if (response->length != LENGTH_UNKNOWN && response->length - response->written < size)
		size = response->length - response->written;
	if (!response->is_sent && response->status != 0)
		result = send_start(response);
	if (result != WSGI_DONE || response->status == 0 || is_head(response))
		return result == WSGI_DONE ? send_end(response) : result;
	Py_BEGIN_ALLOW_THREADS;
	status = copy_file(response->exchange, file, size, &err);
	Py_END_ALLOW_THREADS;
	if (status < 0)
		return failed(response, &err);
	response->written += size;
	return send_end(response);
}

/* A list or tuple with one element: its length is the Content-Length. */
static bool is_single(PyObject *result)
{
	return (PyList_CheckExact(result) || PyTuple_CheckExact(result)) && Py_SIZE(result) == 1;
}

enum wsgi_result wsgi_response_send(PyObject *self, PyObject *object)
{
	struct response *response = (struct response *)self;
	const enum giver giver = is_single(object) ? GIVER_SINGLE : GIVER_ITERATOR;
	scoped(py_decrefp) PyObject *pieces = NULL;
	struct wsgi_file file;
	PyObject *piece;

	if (wsgi_file_find(object, &file)) {
		const enum wsgi_result result = send_file(response, &file);

		(void)close(file.fd);
		return result;
	}
	pieces = PyObject_GetIter(object);
	if (!pieces)
		return WSGI_RAISED;
	while ((piece = PyIter_Next(pieces)) != NULL) {
		const enum wsgi_result result = send_object(response, piece, giver);

		Py_DECREF(piece);
		if (result != WSGI_DONE)
			return result;
	}
	if (PyErr_Occurred())
		return response->is_gone ? WSGI_GONE : WSGI_RAISED;
	return send_end(response);
}

bool wsgi_response_is_sent(PyObject *self)
{
	return ((struct response *)self)->is_sent;
}

bool wsgi_response_is_gone(PyObject *self)
{
	return ((struct response *)self)->is_gone;
}

bool wsgi_response_is_parted(PyObject *self)
{
	return ((struct response *)self)->is_parted;
}

void wsgi_response_report(PyObject *self)
{
	const struct response *response = (struct response *)self;

	python_report_named(response->method, response->target);
}

void wsgi_response_detach(PyObject *self)
{
	struct response *response = (struct response *)self;

	response->exchange = NULL;
	response->input = NULL;
	response->is_parted = false;
}

static void response_free(PyObject *self)
{
	PyTypeObject *type = Py_TYPE(self);

	Py_CLEAR(((struct response *)self)->headers);
	Py_CLEAR(((struct response *)self)->reason);
	free(((struct response *)self)->target);
	PyObject_Free(self);
	Py_DECREF(type);
}

static PyMemberDef members[] = {
    {"__vectorcalloffset__", T_PYSSIZET, offsetof(struct response, call), READONLY, NULL},
    {NULL, 0, 0, 0, NULL},
};

static PyType_Slot slots[] = {
    {Py_tp_dealloc, response_free},
    {Py_tp_call, (void *)PyVectorcall_Call},
    {Py_tp_members, members},
    {Py_tp_methods, methods},
    {0, NULL},
};

static PyType_Spec spec = {
    .name = "mse.StartResponse",
    .basicsize = sizeof(struct response),
    .flags =
	Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_VECTORCALL | Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = slots,
};

static PyTypeObject *response_type;

int wsgi_response_start(struct err *err)
{
	response_type = (PyTypeObject *)PyType_FromSpec(&spec);
	return response_type ? 0 : err_set(err, ERR_INTERNAL, "python: cannot make a type");
}

PyObject *wsgi_response_new(struct http_exchange *exchange, PyObject *input)
{
	struct response *response = PyObject_New(struct response, response_type);

	if (!response)
		return NULL;
	response->call = response_call;
	response->exchange = exchange;
	response->input = input;
	response->thread = PyThread_get_thread_ident();
	response->status = 0;
	response->headers = NULL;
	response->reason = NULL;
	response->length = LENGTH_UNKNOWN;
	response->written = 0;
	response->is_sent = false;
	response->is_ended = false;
	response->is_gone = false;
	response->is_parted = false;
	response->target = NULL;
	return (PyObject *)response;
}
