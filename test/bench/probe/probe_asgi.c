/* SPDX-License-Identifier: Apache-2.0 */
/* The application's coroutine is stepped here, without a task and without an event loop. */
#include "probe.h"

static PyObject *application;
static PyObject *common;
static PyObject *receive;
static PyObject *send;
static PyObject *done;         /* what await send() waits for */
static PyObject *done_request; /* what await receive() waits for */
static PyObject *key_type, *key_status, *key_headers, *key_body, *key_method, *key_path, *key_raw_path, *key_query,
    *key_client, *text_start;

/* ---- an awaitable that is done ---- */

struct done {
	PyObject_HEAD PyObject *value;
};

static PyObject *done_next(PyObject *self)
{
	PyErr_SetObject(PyExc_StopIteration, ((struct done *)self)->value);
	return NULL;
}

static PySendResult done_send(PyObject *self, PyObject *ignored, PyObject **ret)
{
	(void)ignored;
	*ret = Py_NewRef(((struct done *)self)->value);
	return PYGEN_RETURN;
}

static PyType_Slot slots[] = {
    {Py_tp_iter, PyObject_SelfIter},
    {Py_tp_iternext, done_next},
    {Py_am_await, PyObject_SelfIter},
    {Py_am_send, (void *)done_send},
    {0, NULL},
};

static PyType_Spec spec = {
    .name = "probe.Done", .basicsize = sizeof(struct done), .flags = Py_TPFLAGS_DEFAULT, .slots = slots};

/* Takes value; lives for ever. */
static PyObject *done_new(PyTypeObject *type, PyObject *value)
{
	struct done *object = PyObject_New(struct done, type);

	if (object)
		object->value = value;
	return (PyObject *)object;
}

/* ---- receive and send ---- */

static PyObject *call_receive(PyObject *self, PyObject *ignored)
{
	(void)self;
	(void)ignored;
	return Py_NewRef(done_request);
}

static void put_fields(PyObject *fields)
{
	PyObject *iterator = fields ? PyObject_GetIter(fields) : NULL;
	PyObject *field;

	while (iterator && (field = PyIter_Next(iterator)) != NULL) {
		PyObject *pair = PySequence_Fast(field, "a pair");
		PyObject *name = PySequence_Fast_GET_ITEM(pair, 0);
		PyObject *value = PySequence_Fast_GET_ITEM(pair, 1);

		probe_put(PyBytes_AS_STRING(name), (size_t)PyBytes_GET_SIZE(name));
		probe_put(": ", 2);
		probe_put(PyBytes_AS_STRING(value), (size_t)PyBytes_GET_SIZE(value));
		probe_put("\r\n", 2);
		Py_DECREF(pair);
		Py_DECREF(field);
	}
	Py_XDECREF(iterator);
	probe_put("\r\n", 2);
}

static PyObject *call_send(PyObject *self, PyObject *message)
{
	PyObject *type = PyDict_GetItemWithError(message, key_type);
	PyObject *body;

	(void)self;
	if (type && PyUnicode_Compare(type, text_start) == 0) {
		probe_put_head(PyLong_AsLong(PyDict_GetItemWithError(message, key_status)));
		put_fields(PyDict_GetItemWithError(message, key_headers));
	} else if ((body = PyDict_GetItemWithError(message, key_body)) != NULL && PyBytes_Check(body)) {
		probe_put(PyBytes_AS_STRING(body), (size_t)PyBytes_GET_SIZE(body));
	}
	return Py_NewRef(done);
}

static PyMethodDef receive_method = {"receive", call_receive, METH_NOARGS, NULL};
static PyMethodDef send_method = {"send", call_send, METH_O, NULL};

static int make_keys(void)
{
	key_type = PyUnicode_InternFromString("type");
	key_status = PyUnicode_InternFromString("status");
	key_headers = PyUnicode_InternFromString("headers");
	key_body = PyUnicode_InternFromString("body");
	key_method = PyUnicode_InternFromString("method");
	key_path = PyUnicode_InternFromString("path");
	key_raw_path = PyUnicode_InternFromString("raw_path");
	key_query = PyUnicode_InternFromString("query_string");
	key_client = PyUnicode_InternFromString("client");
	text_start = PyUnicode_InternFromString("http.response.start");
	return text_start ? 0 : -1;
}

int probe_asgi_start(PyObject *app)
{
	PyTypeObject *type = (PyTypeObject *)PyType_FromSpec(&spec);

	application = app;
	if (!type || make_keys() < 0)
		return -1;
	common = Py_BuildValue("{s:s,s:{s:s,s:s},s:s,s:s,s:s,s:(si)}", "type", "http", "asgi", "version", "3.0",
			       "spec_version", "2.3", "http_version", "1.1", "scheme", "https", "root_path", "",
			       "server", "127.0.0.1", 443);
	done = done_new(type, Py_NewRef(Py_None));
	done_request =
	    done_new(type, Py_BuildValue("{s:s,s:y,s:O}", "type", "http.request", "body", "", "more_body", Py_False));
	receive = PyCFunction_New(&receive_method, NULL);
	send = PyCFunction_New(&send_method, NULL);
	return common && done && done_request && receive && send ? 0 : -1;
}

static PyObject *fields_of(const struct probe_request *request)
{
	PyObject *list = PyList_New((Py_ssize_t)request->count);

	for (size_t i = 0; list && i < request->count; i++) {
		const struct probe_text from = request->names[i];
		PyObject *name = PyBytes_FromStringAndSize(from.at, (Py_ssize_t)from.size);
		PyObject *pair = PyTuple_New(2);
		char *to = PyBytes_AS_STRING(name);

		for (size_t k = 0; k < from.size; k++)
			to[k] = (char)(to[k] >= 'A' && to[k] <= 'Z' ? to[k] + 'a' - 'A' : to[k]);
		PyTuple_SET_ITEM(pair, 0, name);
		PyTuple_SET_ITEM(pair, 1,
				 PyBytes_FromStringAndSize(request->values[i].at, (Py_ssize_t)request->values[i].size));
		PyList_SET_ITEM(list, (Py_ssize_t)i, pair);
	}
	return list;
}

static PyObject *scope_of(const struct probe_request *request)
{
	const struct probe_text path = request->path;
	const struct probe_text query = request->query;
	PyObject *scope = PyDict_Copy(common);

	if (!scope)
		return NULL;
	(void)probe_set(scope, key_method, probe_latin1(request->method));
	(void)probe_set(scope, key_path, PyUnicode_DecodeUTF8(path.at, (Py_ssize_t)path.size, "replace"));
	(void)probe_set(scope, key_raw_path, PyBytes_FromStringAndSize(path.at, (Py_ssize_t)path.size));
	(void)probe_set(scope, key_query, PyBytes_FromStringAndSize(query.at, (Py_ssize_t)query.size));
	(void)probe_set(scope, key_headers, fields_of(request));
	(void)probe_set(scope, key_client, Py_BuildValue("(si)", "127.0.0.1", 12345));
	return scope;
}

int probe_asgi_call(const struct probe_request *request)
{
	PyObject *scope = scope_of(request);
	PyObject *const arguments[] = {scope, receive, send};
	PyObject *coroutine = scope ? PyObject_Vectorcall(application, arguments, 3, NULL) : NULL;
	PySendResult step = PYGEN_ERROR;
	PyObject *value = NULL;

	Py_XDECREF(scope);
	if (coroutine)
		step = PyIter_Send(coroutine, Py_None, &value);
	if (step == PYGEN_ERROR)
		PyErr_Print();
	Py_XDECREF(value);
	Py_XDECREF(coroutine);
	return step == PYGEN_RETURN ? 0 : -1;
}
