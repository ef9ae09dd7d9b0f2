/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A time limit for the beginning of an answer. Requests are looked at by a timer of the loop, several times within the
 * limit and only while there are any; a timer that does not come tells others that the loop is blocked.
 */
#include <stdatomic.h>

#include "base/clock.h"
#include "enclave/asgi/asgi.h"

#define LOOKS 4 /* within a limit */

static _Atomic(int64_t) due_ns; /* 0: no timer */

static PyObject *on_look(PyObject *self, PyObject *ignored);
static PyMethodDef look_method = {"look", on_look, METH_NOARGS, NULL};

static void arm(void)
{
	const unsigned pause_ms = asgi.site->request_limit_ms / LOOKS;
	PyObject *callback = PyCFunction_New(&look_method, NULL);

	atomic_store(&due_ns, clock_monotonic_ns() + pause_ms * NS_PER_MS);
	asgi_drop(callback ? PyObject_CallMethod(asgi.loop, "call_later", "dO", pause_ms / 1000.0, callback) : NULL);
	Py_XDECREF(callback);
}

static PyObject *on_look(PyObject *self, PyObject *ignored)
{
	const int64_t limit_ns = asgi.site->request_limit_ms * NS_PER_MS;

	(void)self;
	(void)ignored;
	atomic_store(&due_ns, 0);
	if (asgi_request_cancel_overdue(clock_monotonic_ns() - limit_ns))
		arm();
	Py_RETURN_NONE;
}

int64_t asgi_limit_begin(void)
{
	if (asgi.site->request_limit_ms == 0)
		return 0;
	if (atomic_load(&due_ns) == 0)
		arm();
	return clock_monotonic_ns();
}

int64_t asgi_limit_late_ns(void)
{
	const int64_t due = atomic_load(&due_ns);

	return due && clock_monotonic_ns() > due ? due : 0;
}
