/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The lifespan of an application: its startup before the first request, its shutdown after the last, and the state
 * that requests get a copy of. An application that does not know the scope (it raises, or returns before it answered)
 * has none, and is served all the same.
 */
#include <string.h>

#include "enclave/asgi/asgi.h"

enum lifespan_phase {
	LIFESPAN_NONE,     /* not supported, or over */
	LIFESPAN_STARTING, /* startup was, or is to be received */
	LIFESPAN_UP,
	LIFESPAN_STOPPING,
};

static enum lifespan_phase phase;
static bool has_received_startup;
static bool has_received_shutdown;
static bool is_started; /* its startup was completed, whatever came then */
static bool has_failed;
static PyObject *turn;       /* the future that the main thread waits for: an answer, or the end of the task */
static PyObject *await_stop; /* list of futures: of those whose receive() waits for the stop */
static PyObject *task;
static PyMethodDef receive_method;
static PyMethodDef send_method;
static PyMethodDef done_method;

static enum asgi_step say(const char *type, PyObject **ret)
{
	*ret = Py_BuildValue("{s:s}", "type", type);
	return *ret ? ASGI_DONE : ASGI_RAISED;
}

/* Those that are done were given up. */
static int forget_done(PyObject *list)
{
	for (Py_ssize_t i = PyList_GET_SIZE(list); i-- > 0;) {
		scoped(py_decrefp) PyObject *future = Py_NewRef(PyList_GET_ITEM(list, i));
		scoped(py_decrefp) PyObject *is_done = PyObject_CallMethod(future, "done", NULL);

		if (!is_done || (is_done == Py_True && PyList_SetSlice(list, i, i + 1, NULL) < 0))
			return -1;
	}
	return 0;
}

/* A future for each who waits: to give up waiting ends nobody else's. Who comes after the stop waits until the end. */
static enum asgi_step wait_for_stop(PyObject **ret)
{
	PyObject *future = PyObject_CallMethod(asgi.loop, "create_future", NULL);

	if (!future || forget_done(await_stop) < 0 || PyList_Append(await_stop, future) < 0) {
		Py_XDECREF(future);
		return ASGI_RAISED;
	}
	*ret = future;
	return ASGI_WAIT;
}

static enum asgi_step receive_step(PyObject *owner, PyObject **message, PyObject **ret)
{
	(void)owner;
	(void)message;
	if (!has_received_startup) {
		has_received_startup = true;
		return say("lifespan.startup", ret);
	}
	if (phase != LIFESPAN_STOPPING || has_received_shutdown)
		return wait_for_stop(ret);
	has_received_shutdown = true;
	return say("lifespan.shutdown", ret);
}

/* The application's own words about why. */
static void say_why(PyObject *message)
{
	PyObject *text = PyDict_GetItemString(message, "message"); /* borrowed */

	if (text && PyUnicode_Check(text) && PyUnicode_GetLength(text) > 0)
		PySys_FormatStderr("ASGI: the application's lifespan failed: %U\n", text);
}

static const struct {
	const char *type;
	enum lifespan_phase expected;
	enum lifespan_phase next;
	bool is_failure;
} rows[] = {
    {"lifespan.startup.complete", LIFESPAN_STARTING, LIFESPAN_UP, false},
    {"lifespan.startup.failed", LIFESPAN_STARTING, LIFESPAN_NONE, true},
    {"lifespan.shutdown.complete", LIFESPAN_STOPPING, LIFESPAN_NONE, false},
    {"lifespan.shutdown.failed", LIFESPAN_STOPPING, LIFESPAN_NONE, true},
};

static enum asgi_step send_step(PyObject *owner, PyObject **message, PyObject **ret)
{
	scoped(py_decrefp) PyObject *taken = TAKE_PTR(*message);
	PyObject *type = PyDict_Check(taken) ? PyDict_GetItemString(taken, "type") : NULL; /* borrowed */
	const char *text = type && PyUnicode_Check(type) ? PyUnicode_AsUTF8(type) : "";

	(void)owner;
	for (size_t i = 0; text && i < COUNT_OF(rows); i++) {
		if (strcmp(rows[i].type, text) != 0 || rows[i].expected != phase)
			continue;
		is_started = is_started || rows[i].next == LIFESPAN_UP;
		phase = rows[i].next;
		has_failed = has_failed || rows[i].is_failure;
		if (rows[i].is_failure)
			say_why(taken);
		asgi_resolve(turn);
		*ret = Py_NewRef(Py_None);
		return ASGI_DONE;
	}
	PyErr_Format(PyExc_RuntimeError, "unexpected ASGI message '%.100s' in the lifespan", text ? text : "");
	return ASGI_RAISED;
}

static PyObject *call_receive(PyObject *self, PyObject *ignored)
{
	(void)self;
	(void)ignored;
	return asgi_operation_new(Py_None, receive_step, NULL);
}

static PyObject *call_send(PyObject *self, PyObject *message)
{
	(void)self;
	return asgi_operation_new(Py_None, send_step, message);
}

/* The application's lifespan has ended, in whatever way. Its exception tells that it has none, or that it failed. */
static PyObject *on_done(PyObject *self, PyObject *ended)
{
	scoped(py_decrefp) PyObject *is_cancelled = PyObject_CallMethod(ended, "cancelled", NULL);
	scoped(py_decrefp) PyObject *exception =
	    is_cancelled == Py_False ? PyObject_CallMethod(ended, "exception", NULL) : NULL;

	(void)self;
	PyErr_Clear();
	/* Before its startup an exception only says that it knows no lifespan; later it is news. */
	if (exception && exception != Py_None && phase != LIFESPAN_STARTING && !has_failed) {
		scoped(py_decrefp) PyObject *traceback = PyException_GetTraceback(exception);

		PyErr_Display((PyObject *)Py_TYPE(exception), exception, traceback);
	}
	phase = LIFESPAN_NONE;
	asgi_resolve(turn);
	Py_RETURN_NONE;
}

static PyObject *make_scope(void)
{
	return Py_BuildValue("{s:s, s:{s:s, s:s}, s:O}", "type", "lifespan", "asgi", "version", "3.0", "spec_version",
			     ASGI_LIFESPAN_VERSION, "state", asgi.state);
}

/* A task around what the application returned, whatever kind of awaitable it is. */
static PyObject *make_task(PyObject *asyncio)
{
	scoped(py_decrefp) PyObject *scope = make_scope();
	scoped(py_decrefp) PyObject *receive = PyCFunction_New(&receive_method, NULL);
	scoped(py_decrefp) PyObject *send = PyCFunction_New(&send_method, NULL);
	scoped(py_decrefp) PyObject *awaitable =
	    scope && receive && send ? PyObject_CallFunctionObjArgs(asgi.app, scope, receive, send, NULL) : NULL;
	scoped(py_decrefp) PyObject *ensure = awaitable ? PyObject_GetAttrString(asyncio, "ensure_future") : NULL;
	scoped(py_decrefp) PyObject *arguments = ensure ? PyTuple_Pack(1, awaitable) : NULL;
	scoped(py_decrefp) PyObject *keywords = arguments ? Py_BuildValue("{s:O}", "loop", asgi.loop) : NULL;

	return keywords ? PyObject_Call(ensure, arguments, keywords) : NULL;
}

static int new_turn(void)
{
	Py_XSETREF(turn, PyObject_CallMethod(asgi.loop, "create_future", NULL));
	return turn ? 0 : -1;
}

static int begin(PyObject *asyncio)
{
	scoped(py_decrefp) PyObject *done = PyCFunction_New(&done_method, NULL);
	scoped(py_decrefp) PyObject *added = NULL;

	asgi.state = PyDict_New();
	await_stop = PyList_New(0);
	if (!asgi.state || !await_stop || !done || new_turn() < 0)
		return -1;
	phase = LIFESPAN_STARTING;
	task = make_task(asyncio);
	/* An application may refuse the scope as soon as it is called. */
	if (!task) {
		PyErr_Clear();
		phase = LIFESPAN_NONE;
		return 0;
	}
	added = PyObject_CallMethod(task, "add_done_callback", "O", done);
	return added ? asgi_complete(turn) : -1;
}

int asgi_lifespan_start(struct err *err)
{
	scoped(py_decrefp) PyObject *asyncio = PyImport_ImportModule("asyncio");

	receive_method = (PyMethodDef){"receive", call_receive, METH_NOARGS, NULL};
	send_method = (PyMethodDef){"send", call_send, METH_O, NULL};
	done_method = (PyMethodDef){"done", on_done, METH_O, NULL};
	if (!asyncio || begin(asyncio) < 0) {
		asgi_report();
		return err_set(err, ERR_INTERNAL, "python: cannot begin the application's lifespan");
	}
	if (has_failed)
		return err_set(err, ERR_INVALID, "the application failed to start");
	if (!is_started)
		Py_CLEAR(asgi.state);
	return 0;
}

void asgi_lifespan_stop(void)
{
	if (phase != LIFESPAN_UP || new_turn() < 0)
		return;
	phase = LIFESPAN_STOPPING;
	for (Py_ssize_t i = 0; i < PyList_GET_SIZE(await_stop); i++)
		asgi_resolve(PyList_GET_ITEM(await_stop, i));
	if (asgi_complete(turn) < 0)
		asgi_report();
}
