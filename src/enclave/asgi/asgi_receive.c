/* SPDX-License-Identifier: Apache-2.0 */
/* receive(): the body in pieces as the client sends it and the application asks for it, then its going away. */
#include "base/number.h"
#include "enclave/asgi/asgi.h"

/* Copied for each message; keys and values are interned, as literals of the application are. */
static PyObject *request_message;
static PyObject *disconnect_message;
static PyObject *key_body;
static PyObject *key_more_body;

/* Takes type. */
static int set_type(PyObject *message, PyObject *type)
{
	PyObject *key = PyUnicode_InternFromString("type");
	const int status = message && key && type ? PyDict_SetItem(message, key, type) : -1;

	Py_XDECREF(key);
	Py_XDECREF(type);
	return status;
}

int asgi_receive_start_up(void)
{
	request_message = PyDict_New();
	disconnect_message = PyDict_New();
	key_body = PyUnicode_InternFromString("body");
	key_more_body = PyUnicode_InternFromString("more_body");
	if (!key_body || !key_more_body || set_type(request_message, PyUnicode_InternFromString("http.request")) < 0 ||
	    set_type(disconnect_message, PyUnicode_InternFromString("http.disconnect")) < 0)
		return -1;
	return PyDict_SetItem(request_message, key_body, Py_None) < 0
		   ? -1
		   : PyDict_SetItem(request_message, key_more_body, Py_False);
}

static enum asgi_step done_if(PyObject *message)
{
	return message ? ASGI_DONE : ASGI_RAISED;
}

static enum asgi_step say_disconnect(PyObject **ret)
{
	*ret = PyDict_Copy(disconnect_message);
	return done_if(*ret);
}

/* Takes body. */
static enum asgi_step say_body(struct asgi_request *request, PyObject *body, bool is_last, PyObject **ret)
{
	PyObject *message = PyDict_Copy(request_message);

	request->is_body_read = is_last;
	if (message && (PyDict_SetItem(message, key_body, body) < 0 ||
			PyDict_SetItem(message, key_more_body, is_last ? Py_False : Py_True) < 0))
		Py_CLEAR(message);
	Py_DECREF(body);
	*ret = message;
	return done_if(message);
}

/* Room for the next piece: no more than the body can still have. */
static size_t room_for(const struct asgi_request *request, int64_t declared)
{
	if (declared < 0)
		return ASGI_PIECE_SIZE;
	return size_min(ASGI_PIECE_SIZE, (size_t)((uint64_t)declared - request->body_got));
}

static enum asgi_step read_failed(struct asgi_request *request, const struct err *err, PyObject **ret)
{
	/* The client is there, but there will be no body: for the application it is the same. */
	asgi_request_disconnect(request, err->code == ERR_IO ? 0 : http_body_status(err));
	return say_disconnect(ret);
}

static enum asgi_step read_piece(struct asgi_request *request, PyObject **ret)
{
	const int64_t declared = http_body_size(request->exchange);
	PyObject *body = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)room_for(request, declared));
	struct err err = ERR_INIT;
	enum http_step step;
	size_t got = 0;

	if (!body)
		return ASGI_RAISED;
	if (PyBytes_GET_SIZE(body) == 0)
		return say_body(request, body, true, ret);
	step = http_step_read(request->exchange, PyBytes_AS_STRING(body), (size_t)PyBytes_GET_SIZE(body), &got, &err);
	switch (step) {
	case HTTP_STEP_DONE:
		if (got < (size_t)PyBytes_GET_SIZE(body) && _PyBytes_Resize(&body, (Py_ssize_t)got) < 0)
			return ASGI_RAISED;
		request->body_got += got;
		request->turn_used += got;
		return say_body(request, body, got == 0 || request->body_got == (uint64_t)declared, ret);
	case HTTP_STEP_WANT_READ:
	case HTTP_STEP_WANT_WRITE:
		Py_DECREF(body);
		return asgi_request_wait(request, step, true, ret);
	case HTTP_STEP_FAILED:
		break;
	}
	Py_DECREF(body);
	return read_failed(request, &err, ret);
}

static enum asgi_step watch_client(struct asgi_request *request, PyObject **ret)
{
	struct err err = ERR_INIT;
	const enum http_step step = http_step_watch(request->exchange, &err);

	if (step != HTTP_STEP_FAILED)
		return asgi_request_wait(request, step, false, ret);
	asgi_request_disconnect(request, 0);
	return say_disconnect(ret);
}

static enum asgi_step receive_step(struct asgi_request *request, PyObject **message, PyObject **ret)
{
	(void)message;
	if (!request->exchange || request->is_disconnected)
		return say_disconnect(ret);
	return request->is_body_read ? watch_client(request, ret) : read_piece(request, ret);
}

enum asgi_step asgi_receive(PyObject *self, PyObject **message, PyObject **ret)
{
	return asgi_request_step(self, receive_step, message, ret);
}
