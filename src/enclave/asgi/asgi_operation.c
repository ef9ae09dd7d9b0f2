/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The awaitable that receive() and send() return. It does nothing until it is awaited, as the coroutine of another
 * server would, and has a coroutine's methods, so asyncio.create_task(receive()) works; but it costs one small object.
 */
#include "enclave/asgi/asgi.h"

struct operation {
	PyObject_HEAD PyObject *owner;
	asgi_step_function step;
	PyObject *message;
	PyObject *waiting; /* the iterator of the future it waits for; or NULL */
	bool is_running;   /* a step, or what it calls */
	bool is_done;
};

PyObject *asgi_result_of_send(PySendResult result, PyObject *value)
{
	scoped(py_decrefp) PyObject *stop = NULL;

	if (result == PYGEN_NEXT)
		return value;
	if (result == PYGEN_ERROR)
		return NULL;
	stop = PyObject_CallOneArg(PyExc_StopIteration, value);
	Py_DECREF(value);
	if (stop)
		PyErr_SetObject(PyExc_StopIteration, stop);
	return NULL;
}

void asgi_raise(PyObject *const *args, Py_ssize_t count)
{
	PyObject *type = count > 0 ? args[0] : PyExc_RuntimeError;
	PyObject *value = count > 1 && args[1] != Py_None ? args[1] : NULL;
	PyObject *traceback = count > 2 && args[2] != Py_None ? args[2] : NULL;

	if (PyExceptionInstance_Check(type)) {
		value = type;
		type = PyExceptionInstance_Class(type);
	} else if (!PyExceptionClass_Check(type)) {
		PyErr_SetString(PyExc_TypeError, "exceptions must be classes or instances deriving from BaseException");
		return;
	}
	if (traceback && !PyTraceBack_Check(traceback)) {
		PyErr_SetString(PyExc_TypeError, "throw() third argument must be a traceback object");
		return;
	}
	PyErr_Restore(Py_NewRef(type), Py_XNewRef(value), Py_XNewRef(traceback));
}

PyObject *asgi_steppable(PyObject *awaitable)
{
	const PyTypeObject *type = Py_TYPE(awaitable);

	if (PyCoro_CheckExact(awaitable))
		return Py_NewRef(awaitable);
	if (type->tp_as_async && type->tp_as_async->am_await)
		return type->tp_as_async->am_await(awaitable);
	PyErr_Format(PyExc_TypeError, "the application returned a %.100s, which cannot be awaited", type->tp_name);
	return NULL;
}

static PySendResult raised(struct operation *operation)
{
	operation->is_done = true;
	Py_CLEAR(operation->waiting);
	return PYGEN_ERROR;
}

/* Lets the future have its turn. PYGEN_RETURN: it is done, and the next step may be taken. */
static PySendResult wait_on(struct operation *operation, PyObject *value, PyObject **ret)
{
	scoped(py_decrefp) PyObject *waiting = Py_NewRef(operation->waiting);
	const PySendResult result = PyIter_Send(waiting, value, ret);

	if (result == PYGEN_ERROR)
		return raised(operation);
	if (result == PYGEN_RETURN) {
		Py_CLEAR(*ret);
		Py_CLEAR(operation->waiting);
	}
	return result;
}

static int begin_wait(struct operation *operation, PyObject **future)
{
	Py_XSETREF(operation->waiting, asgi_steppable(*future));
	Py_CLEAR(*future);
	return operation->waiting ? 0 : -1;
}

static PySendResult run(struct operation *operation, PyObject *value, PyObject **ret)
{
	for (;;) {
		if (operation->waiting) {
			const PySendResult result = wait_on(operation, value, ret);

			if (result != PYGEN_RETURN)
				return result;
			value = Py_None;
		}
		switch (operation->step(operation->owner, &operation->message, ret)) {
		case ASGI_DONE:
			operation->is_done = true;
			return PYGEN_RETURN;
		case ASGI_RAISED:
			return raised(operation);
		case ASGI_WAIT:
			if (begin_wait(operation, ret) < 0)
				return raised(operation);
			break;
		case ASGI_YIELD:
			*ret = Py_NewRef(Py_None);
			return PYGEN_NEXT;
		}
	}
}

/* What runs holds itself: code of the application may drop it meanwhile. false with an exception. */
static bool enter(struct operation *operation)
{
	if (operation->is_running) {
		PyErr_SetString(PyExc_ValueError, "receive() or send() already executing");
		return false;
	}
	operation->is_running = true;
	Py_INCREF((PyObject *)operation);
	return true;
}

static void leave(struct operation *operation)
{
	operation->is_running = false;
	Py_DECREF((PyObject *)operation);
}

static PySendResult advance(PyObject *self, PyObject *value, PyObject **ret)
{
	struct operation *operation = (struct operation *)self;
	PySendResult result;

	*ret = NULL;
	if (!enter(operation))
		return PYGEN_ERROR;
	if (operation->is_done) {
		PyErr_SetString(PyExc_RuntimeError, "cannot reuse already awaited receive() or send()");
		result = PYGEN_ERROR;
	} else {
		result = run(operation, value, ret);
	}
	leave(operation);
	return result;
}

static PyObject *operation_send(PyObject *self, PyObject *value)
{
	PyObject *result = NULL;
	const PySendResult step = advance(self, value, &result);

	return asgi_result_of_send(step, result);
}

static PyObject *operation_next(PyObject *self)
{
	return operation_send(self, Py_None);
}

static PyObject *operation_throw(PyObject *self, PyObject *const *args, Py_ssize_t count)
{
	struct operation *operation = (struct operation *)self;

	if (!enter(operation))
		return NULL;
	Py_CLEAR(operation->waiting);
	asgi_raise(args, count);
	(void)raised(operation);
	leave(operation);
	return NULL;
}

static PyObject *operation_close(PyObject *self, PyObject *ignored)
{
	struct operation *operation = (struct operation *)self;

	(void)ignored;
	if (!enter(operation))
		return NULL;
	operation->is_done = true;
	Py_CLEAR(operation->waiting);
	leave(operation);
	Py_RETURN_NONE;
}

static int operation_traverse(PyObject *self, visitproc visit, void *arg)
{
	struct operation *operation = (struct operation *)self;

	Py_VISIT(Py_TYPE(self));
	Py_VISIT(operation->owner);
	Py_VISIT(operation->message);
	Py_VISIT(operation->waiting);
	return 0;
}

static int operation_clear(PyObject *self)
{
	struct operation *operation = (struct operation *)self;

	Py_CLEAR(operation->owner);
	Py_CLEAR(operation->message);
	Py_CLEAR(operation->waiting);
	operation->is_done = true;
	return 0;
}

static void operation_free(PyObject *self)
{
	PyTypeObject *type = Py_TYPE(self);

	PyObject_GC_UnTrack(self);
	(void)operation_clear(self);
	PyObject_GC_Del(self);
	Py_DECREF(type);
}

static PyMethodDef methods[] = {
    {"send", operation_send, METH_O, NULL},
    {"throw", (PyCFunction)(void (*)(void))operation_throw, METH_FASTCALL, NULL},
    {"close", operation_close, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot slots[] = {
    {Py_tp_dealloc, operation_free},
    {Py_tp_traverse, operation_traverse},
    {Py_tp_clear, operation_clear},
    {Py_tp_iter, PyObject_SelfIter},
    {Py_tp_iternext, operation_next},
    {Py_am_await, PyObject_SelfIter},
    {Py_am_send, (void *)advance},
    {Py_tp_methods, methods},
    {0, NULL},
};

static PyType_Spec spec = {
    .name = "mse.Operation",
    .basicsize = sizeof(struct operation),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = slots,
};

static PyTypeObject *operation_type;

int asgi_operation_start(void)
{
	operation_type = (PyTypeObject *)PyType_FromSpec(&spec);
	return operation_type ? 0 : -1;
}

PyObject *asgi_operation_new(PyObject *owner, asgi_step_function step, PyObject *message)
{
	struct operation *operation = PyObject_GC_New(struct operation, operation_type);

	if (!operation)
		return NULL;
	operation->owner = Py_NewRef(owner);
	operation->step = step;
	operation->message = Py_XNewRef(message);
	operation->waiting = NULL;
	operation->is_running = false;
	operation->is_done = false;
	PyObject_GC_Track((PyObject *)operation);
	return (PyObject *)operation;
}
