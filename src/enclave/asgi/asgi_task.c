/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A request's task. asyncio takes a task's first step in the next turn of the loop; here the first step is taken at
 * once, with the task and its context in place, by what the task itself will step later: the driver, a coroutine that
 * stands between the task and the application's. If the application finished in that step, the task finds the driver
 * done at its own first step; else it is given what the application waits for, and all goes on as ever. Nothing that
 * the application raises goes further than the driver: it is reported there, as other servers do.
 */
#include "enclave/asgi/asgi_websocket.h"

struct driver {
	PyObject_HEAD struct asgi_request *request;
	PyObject *coroutine; /* the application's, or the iterator of its __await__ */
	PyObject *yielded;   /* by the first step, for the task's first */
	bool is_running;     /* the application, or what it calls */
	bool is_done;
};

/* Applications can lay hands on it: asyncio.current_task().get_coro(). false with an exception. */
static bool enter(struct driver *driver)
{
	if (driver->is_running || driver->request->is_busy) {
		PyErr_SetString(PyExc_ValueError, "the request is already executing");
		return false;
	}
	driver->is_running = true;
	Py_INCREF((PyObject *)driver);
	return true;
}

static void leave(struct driver *driver)
{
	driver->is_running = false;
	Py_DECREF((PyObject *)driver);
}

/* The application has returned or raised. The exception is looked at before anything of it is dropped. */
static void finish(struct driver *driver, bool has_raised)
{
	driver->is_done = true;
	asgi_request_end(driver->request, has_raised);
	Py_CLEAR(driver->coroutine);
}

static PySendResult done(PyObject **ret)
{
	*ret = Py_NewRef(Py_None);
	return PYGEN_RETURN;
}

/* What came of one step of the application. */
static PySendResult after_step(struct driver *driver, PySendResult result, PyObject **ret)
{
	if (result == PYGEN_NEXT)
		return result;
	if (result == PYGEN_RETURN)
		Py_CLEAR(*ret);
	finish(driver, result == PYGEN_ERROR);
	return done(ret);
}

static PySendResult drive(PyObject *self, PyObject *value, PyObject **ret)
{
	struct driver *driver = (struct driver *)self;
	PySendResult result;

	*ret = NULL;
	if (driver->is_done)
		return done(ret);
	if (!enter(driver))
		return PYGEN_ERROR;
	if (driver->yielded) {
		*ret = TAKE_PTR(driver->yielded);
		result = PYGEN_NEXT;
	} else {
		result = after_step(driver, PyIter_Send(driver->coroutine, value, ret), ret);
	}
	leave(driver);
	return result;
}

static PyObject *driver_send(PyObject *self, PyObject *value)
{
	PyObject *result = NULL;
	const PySendResult step = drive(self, value, &result);

	return asgi_result_of_send(step, result);
}

static PyObject *driver_next(PyObject *self)
{
	return driver_send(self, Py_None);
}

/* What the application does with an exception. */
static PySendResult throw_in(struct driver *driver, PyObject *const *args, Py_ssize_t count, PyObject **ret)
{
	scoped(py_decrefp) PyObject *method = NULL;

	Py_CLEAR(driver->yielded);
	method = PyObject_GetAttrString(driver->coroutine, "throw");
	*ret = method ? PyObject_Vectorcall(method, args, (size_t)count, NULL) : NULL;
	if (*ret)
		return PYGEN_NEXT;
	if (!PyErr_ExceptionMatches(PyExc_StopIteration))
		return PYGEN_ERROR;
	PyErr_Clear();
	*ret = Py_NewRef(Py_None);
	return PYGEN_RETURN;
}

/* Cancellation comes this way. */
static PyObject *driver_throw(PyObject *self, PyObject *const *args, Py_ssize_t count)
{
	struct driver *driver = (struct driver *)self;
	PyObject *result = NULL;
	PySendResult step;

	if (driver->is_done)
		return asgi_result_of_send(PYGEN_RETURN, Py_NewRef(Py_None));
	if (!enter(driver))
		return NULL;
	step = after_step(driver, throw_in(driver, args, count, &result), &result);
	leave(driver);
	return asgi_result_of_send(step, result);
}

static PyObject *driver_close(PyObject *self, PyObject *ignored)
{
	struct driver *driver = (struct driver *)self;
	PyObject *answer;

	(void)ignored;
	if (driver->is_done)
		Py_RETURN_NONE;
	if (!enter(driver))
		return NULL;
	Py_CLEAR(driver->yielded);
	answer = PyObject_CallMethod(driver->coroutine, "close", NULL);
	finish(driver, !answer);
	Py_XDECREF(answer);
	leave(driver);
	Py_RETURN_NONE;
}

static int driver_traverse(PyObject *self, visitproc visit, void *arg)
{
	struct driver *driver = (struct driver *)self;

	Py_VISIT(Py_TYPE(self));
	Py_VISIT(driver->request);
	Py_VISIT(driver->coroutine);
	Py_VISIT(driver->yielded);
	return 0;
}

static int driver_clear(PyObject *self)
{
	struct driver *driver = (struct driver *)self;

	Py_CLEAR(driver->request);
	Py_CLEAR(driver->coroutine);
	Py_CLEAR(driver->yielded);
	driver->is_done = true;
	return 0;
}

static void driver_free(PyObject *self)
{
	PyTypeObject *type = Py_TYPE(self);

	PyObject_GC_UnTrack(self);
	(void)driver_clear(self);
	PyObject_GC_Del(self);
	Py_DECREF(type);
}

static PyMethodDef methods[] = {
    {"send", driver_send, METH_O, NULL},
    {"throw", (PyCFunction)(void (*)(void))driver_throw, METH_FASTCALL, NULL},
    {"close", driver_close, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};

/* For the texts of tasks: "<Task pending name='Task-5' coro=<request()>>". */
static PyObject *driver_name(PyObject *self, void *ignored)
{
	(void)self;
	(void)ignored;
	return PyUnicode_FromString("request");
}

static PyGetSetDef attributes[] = {
    {"__name__", driver_name, NULL, NULL, NULL},
    {"__qualname__", driver_name, NULL, NULL, NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyType_Slot slots[] = {
    {Py_tp_dealloc, driver_free},  {Py_tp_traverse, driver_traverse},
    {Py_tp_clear, driver_clear},   {Py_tp_iter, PyObject_SelfIter},
    {Py_tp_iternext, driver_next}, {Py_am_await, PyObject_SelfIter},
    {Py_am_send, (void *)drive},   {Py_tp_methods, methods},
    {Py_tp_getset, attributes},    {0, NULL},
};

static PyType_Spec spec = {
    .name = "mse.Request",
    .basicsize = sizeof(struct driver),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = slots,
};

static PyTypeObject *driver_type;
static PyObject *task_keywords;
static PyMethodDef receive_method;
static PyMethodDef send_method;

static struct driver *driver_new(struct asgi_request *request)
{
	struct driver *driver = PyObject_GC_New(struct driver, driver_type);

	if (!driver)
		return NULL;
	driver->request = (struct asgi_request *)Py_NewRef((PyObject *)request);
	driver->coroutine = NULL;
	driver->yielded = NULL;
	driver->is_running = false;
	driver->is_done = false;
	PyObject_GC_Track((PyObject *)driver);
	return driver;
}

static PyObject *call_receive(PyObject *self, PyObject *ignored)
{
	const bool is_websocket = ((struct asgi_request *)self)->websocket != NULL;

	(void)ignored;
	return asgi_operation_new(self, is_websocket ? asgi_websocket_receive : asgi_receive, NULL);
}

static PyObject *call_send(PyObject *self, PyObject *message)
{
	const bool is_websocket = ((struct asgi_request *)self)->websocket != NULL;

	return asgi_operation_new(self, is_websocket ? asgi_websocket_send : asgi_send, message);
}

/* The application's coroutine; NULL with its exception. */
static PyObject *call_application(struct asgi_request *request, PyObject *scope)
{
	scoped(py_decrefp) PyObject *receive = PyCFunction_New(&receive_method, (PyObject *)request);
	scoped(py_decrefp) PyObject *send = receive ? PyCFunction_New(&send_method, (PyObject *)request) : NULL;
	PyObject *const arguments[] = {scope, receive, send};
	scoped(py_decrefp) PyObject *awaitable =
	    send ? PyObject_Vectorcall(asgi.app, arguments, COUNT_OF(arguments), NULL) : NULL;

	return awaitable ? asgi_steppable(awaitable) : NULL;
}

static void take_first_step(struct driver *driver, PyObject *scope)
{
	PySendResult result = PYGEN_ERROR;

	driver->coroutine = call_application(driver->request, scope);
	if (driver->coroutine)
		result = PyIter_Send(driver->coroutine, Py_None, &driver->yielded);
	if (result == PYGEN_NEXT)
		return;
	Py_CLEAR(driver->yielded);
	finish(driver, result == PYGEN_ERROR);
}

/* As the task's own step would have it. */
static int step_as_task(struct driver *driver, PyObject *task, PyObject *context, PyObject *scope)
{
	PyObject *const arguments[] = {asgi.loop, task};
	scoped(py_decrefp) PyObject *entered =
	    PyObject_Vectorcall(asgi.enter_task, arguments, COUNT_OF(arguments), NULL);
	scoped(py_decrefp) PyObject *left = NULL;

	/* The task must find nothing to step. */
	if (!entered || PyContext_Enter(context) < 0) {
		driver->is_done = true;
		return -1;
	}
	driver->is_running = true;
	take_first_step(driver, scope);
	driver->is_running = false;
	(void)PyContext_Exit(context);
	left = PyObject_Vectorcall(asgi.leave_task, arguments, COUNT_OF(arguments), NULL);
	asgi_report();
	return 0;
}

int asgi_task_begin(struct asgi_request *request, PyObject *scope)
{
	struct driver *driver = driver_new(request);
	scoped(py_decrefp) PyObject *holder = (PyObject *)driver;
	scoped(py_decrefp) PyObject *context = driver ? PyContext_CopyCurrent() : NULL;
	PyObject *const arguments[] = {holder, asgi.loop, context};
	scoped(py_decrefp) PyObject *task =
	    context ? PyObject_Vectorcall(asgi.task_type, arguments, 1, task_keywords) : NULL;

	if (!task)
		return -1;
	request->task = Py_NewRef(task);
	return step_as_task(driver, task, context, scope);
}

int asgi_task_start(void)
{
	receive_method = (PyMethodDef){"receive", call_receive, METH_NOARGS, NULL};
	send_method = (PyMethodDef){"send", call_send, METH_O, NULL};
	driver_type = (PyTypeObject *)PyType_FromSpec(&spec);
	task_keywords = Py_BuildValue("(ss)", "loop", "context");
	return driver_type && task_keywords ? 0 : -1;
}
