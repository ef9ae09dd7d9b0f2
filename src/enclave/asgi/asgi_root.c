/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The task that is there as long as the loop serves, as asyncio.run() has one. anyio looks for it, by the callback that
 * run_until_complete() gives it, to tie to its end what is to outlive requests: the threads that run `def` endpoints.
 * Without it each request would have a thread of its own. The loop itself is run by run_forever(): whoever cancels this
 * task stops the loop, which goes on then.
 */
#include "enclave/asgi/asgi.h"

static PyObject *root;
static PyObject *end;  /* the future that it waits for */
static PyObject *stop; /* the callback */

/* Both times that it is stepped; asyncio lets nobody pass who waits for a future that is not done. */
static enum asgi_step await_end(PyObject *owner, PyObject **message, PyObject **ret)
{
	scoped(py_decrefp) PyObject *is_done = PyObject_CallMethod(end, "done", NULL);

	(void)owner;
	(void)message;
	if (!is_done)
		return ASGI_RAISED;
	*ret = Py_NewRef(is_done == Py_True ? Py_None : end);
	return is_done == Py_True ? ASGI_DONE : ASGI_WAIT;
}

int asgi_root_start(void)
{
	scoped(py_decrefp) PyObject *events = PyImport_ImportModule("asyncio.base_events");
	scoped(py_decrefp) PyObject *awaitable = asgi_operation_new(Py_None, await_end, NULL);
	scoped(py_decrefp) PyObject *added = NULL;

	stop = events ? PyObject_GetAttrString(events, "_run_until_complete_cb") : NULL;
	end = PyObject_CallMethod(asgi.loop, "create_future", NULL);
	root = stop && end && awaitable ? PyObject_CallMethod(asgi.loop, "create_task", "O", awaitable) : NULL;
	added = root ? PyObject_CallMethod(root, "add_done_callback", "O", stop) : NULL;
	return added ? 0 : -1;
}

bool asgi_root_is(PyObject *task)
{
	return task == root;
}

void asgi_root_stop(void)
{
	if (root) {
		asgi_drop(PyObject_CallMethod(root, "remove_done_callback", "O", stop));
		asgi_resolve(end);
		if (asgi_complete(root) < 0)
			PyErr_Clear(); /* it was cancelled before */
	}
	Py_CLEAR(root);
	Py_CLEAR(end);
	Py_CLEAR(stop);
}
