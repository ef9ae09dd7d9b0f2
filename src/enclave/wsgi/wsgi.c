/* SPDX-License-Identifier: Apache-2.0 */
#include "enclave/wsgi/wsgi.h"

#include <string.h>

#define ERROR_TEXT "internal server error\n"
#define TOO_BIG_TEXT "the body is too long\n"

static PyObject *application;
static PyObject *text_close;
static uint64_t body_max;

/* Whatever can be called and is not ASGI's, which is asked first. */
static bool wsgi_is_mine(PyObject *app)
{
	return PyCallable_Check(app) != 0;
}

static int wsgi_start(PyObject *app, const struct python_site *site, struct err *err)
{
	if (wsgi_file_start(err) < 0 || wsgi_environ_start(site, err) < 0 || wsgi_input_start(err) < 0 ||
	    wsgi_response_start(err) < 0) {
		python_report_exception();
		return -1;
	}
	text_close = PyUnicode_InternFromString("close");
	if (!text_close)
		return err_set(err, ERR_NO_MEMORY, "no memory for a text");
	application = Py_NewRef(app);
	body_max = site->body_max;
	return 0;
}

static void wsgi_stop(void)
{
	Py_CLEAR(application);
	wsgi_environ_stop();
}

/* PEP 3333: close() is called whatever happened, so that an application can release what it holds. */
static void close_result(PyObject *result)
{
	scoped(py_decrefp) PyObject *close = NULL;
	scoped(py_decrefp) PyObject *answer = NULL;

	/* They have none: not finding it would cost an exception. */
	if (PyList_CheckExact(result) || PyTuple_CheckExact(result) || PyBytes_CheckExact(result))
		return;
	close = PyObject_GetAttr(result, text_close);
	if (!close) {
		PyErr_Clear();
		return;
	}
	answer = PyObject_CallNoArgs(close);
	if (!answer)
		python_report_exception();
}

/* A client that sends no more of its body, or too much, is no error of the application's. */
static void report(const struct http_exchange *exchange, PyObject *input, PyObject *response)
{
	if (input && wsgi_input_explains(input))
		PyErr_Clear();
	else if (response && wsgi_response_is_parted(response))
		wsgi_response_report(response);
	else
		python_report_request(exchange);
}

static enum wsgi_result run(const struct http_exchange *exchange, PyObject *environment, PyObject *input,
			    PyObject *response)
{
	PyObject *const arguments[] = {environment, response};
	scoped(py_decrefp) PyObject *result = PyObject_Vectorcall(application, arguments, COUNT_OF(arguments), NULL);
	enum wsgi_result outcome;

	if (!result)
		return wsgi_response_is_gone(response) ? WSGI_GONE : WSGI_RAISED;
	outcome = wsgi_response_send(response, result);
	if (outcome == WSGI_RAISED)
		report(exchange, input, response);
	/* What write() raised for a client that is gone; close() begins without an exception. */
	PyErr_Clear();
	close_result(result);
	return outcome;
}

static void refuse(struct http_exchange *exchange, int status, const char *text)
{
	const struct http_header type = {"Content-Type", "text/plain; charset=utf-8"};
	struct err err = ERR_INIT;

	IGNORE_RESULT(http_reply(exchange, status, &type, 1, text, strlen(text), &err));
}

/* status: what to say if nothing was said yet. */
static void fail(struct http_exchange *exchange, bool is_sent, int status)
{
	if (is_sent)
		http_abort(exchange);
	else
		refuse(exchange, status, ERROR_TEXT);
}

static enum http_result serve_locked(struct http_exchange *exchange)
{
	scoped(py_decrefp) PyObject *input = wsgi_input_new(exchange);
	scoped(py_decrefp) PyObject *response = input ? wsgi_response_new(exchange, input) : NULL;
	scoped(py_decrefp) PyObject *environment = response ? wsgi_environ_new(exchange, input) : NULL;
	enum wsgi_result outcome = WSGI_RAISED;
	bool is_sent = false;
	bool is_parted = false;
	int status = 0;

	if (environment)
		outcome = run(exchange, environment, input, response);
	if (PyErr_Occurred()) {
		if (outcome == WSGI_RAISED)
			report(exchange, input, response);
		PyErr_Clear();
	}
	if (response) {
		is_sent = wsgi_response_is_sent(response);
		is_parted = wsgi_response_is_parted(response);
		wsgi_response_detach(response);
	}
	if (input)
		status = wsgi_input_detach(input);
	if (is_parted)
		return HTTP_PARTED;
	if (outcome == WSGI_GONE)
		http_abort(exchange);
	if (outcome != WSGI_RAISED)
		return HTTP_HANDLED;
	Py_BEGIN_ALLOW_THREADS;
	fail(exchange, is_sent, status ? status : 500);
	Py_END_ALLOW_THREADS;
	return HTTP_HANDLED;
}

static enum http_result wsgi_serve(struct http_exchange *exchange, void *arg)
{
	enum http_result result;

	(void)arg;
	http_set_body_max(exchange, body_max);
	/* Refused before the application sees it: many take an error while reading for one of their own. */
	if (http_body_size(exchange) > 0 && (uint64_t)http_body_size(exchange) > body_max) {
		refuse(exchange, 413, TOO_BIG_TEXT);
		return HTTP_HANDLED;
	}
	python_enter();
	result = serve_locked(exchange);
	python_leave();
	return result;
}

const struct python_protocol wsgi_protocol = {
    .name = "wsgi",
    .is_mine = wsgi_is_mine,
    .start = wsgi_start,
    .serve = wsgi_serve,
    .stop = wsgi_stop,
};
