/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "probe.h"

static PyObject *application;
static PyObject *common;
static PyObject *bytes_io;
static PyObject *start;
static PyObject *key_method, *key_path, *key_query, *key_protocol, *key_address, *key_port, *key_input;

static void put_text(PyObject *text)
{
	Py_ssize_t size;
	const char *data = PyUnicode_AsUTF8AndSize(text, &size);

	if (data)
		probe_put(data, (size_t)size);
}

static PyObject *start_response(PyObject *self, PyObject *const *args, Py_ssize_t count)
{
	(void)self;
	if (count < 2 || !PyList_Check(args[1])) {
		PyErr_SetString(PyExc_TypeError, "start_response(status, headers)");
		return NULL;
	}
	probe_put_head(200);
	for (Py_ssize_t i = 0; i < PyList_GET_SIZE(args[1]); i++) {
		PyObject *field = PyList_GET_ITEM(args[1], i);

		put_text(PyTuple_GET_ITEM(field, 0));
		probe_put(": ", 2);
		put_text(PyTuple_GET_ITEM(field, 1));
		probe_put("\r\n", 2);
	}
	probe_put("\r\n", 2);
	Py_RETURN_NONE;
}

static PyMethodDef start_method = {"start_response", (PyCFunction)(void (*)(void))start_response, METH_FASTCALL, NULL};

int probe_wsgi_start(PyObject *app)
{
	PyObject *io = PyImport_ImportModule("io");

	application = app;
	bytes_io = io ? PyObject_GetAttrString(io, "BytesIO") : NULL;
	start = PyCFunction_New(&start_method, NULL);
	common = Py_BuildValue("{s:s,s:s,s:s,s:s,s:(ii),s:O,s:O,s:O,s:O}", "SERVER_NAME", "localhost", "SERVER_PORT",
			       "443", "SCRIPT_NAME", "", "wsgi.url_scheme", "https", "wsgi.version", 1, 0,
			       "wsgi.errors", PySys_GetObject("stderr"), "wsgi.multithread", Py_False,
			       "wsgi.multiprocess", Py_False, "wsgi.run_once", Py_False);
	key_method = PyUnicode_InternFromString("REQUEST_METHOD");
	key_path = PyUnicode_InternFromString("PATH_INFO");
	key_query = PyUnicode_InternFromString("QUERY_STRING");
	key_protocol = PyUnicode_InternFromString("SERVER_PROTOCOL");
	key_address = PyUnicode_InternFromString("REMOTE_ADDR");
	key_port = PyUnicode_InternFromString("REMOTE_PORT");
	key_input = PyUnicode_InternFromString("wsgi.input");
	return bytes_io && start && common && key_input ? 0 : -1;
}

static PyObject *key_of(struct probe_text name)
{
	PyObject *key = PyUnicode_New((Py_ssize_t)(5 + name.size), 127);
	Py_UCS1 *to = key ? PyUnicode_1BYTE_DATA(key) : NULL;

	if (!key)
		return NULL;
	memcpy(to, "HTTP_", 5);
	for (size_t i = 0; i < name.size; i++) {
		const char c = name.at[i];

		to[5 + i] = (Py_UCS1)(c == '-' ? '_' : c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
	}
	return key;
}

static PyObject *environ_of(const struct probe_request *request)
{
	PyObject *environment = PyDict_Copy(common);

	if (!environment)
		return NULL;
	(void)probe_set(environment, key_method, probe_latin1(request->method));
	(void)probe_set(environment, key_path, probe_latin1(request->path));
	(void)probe_set(environment, key_query, probe_latin1(request->query));
	(void)probe_set(environment, key_protocol, PyUnicode_FromString("HTTP/1.1"));
	(void)probe_set(environment, key_address, PyUnicode_FromString("127.0.0.1"));
	(void)probe_set(environment, key_port, PyUnicode_FromString("12345"));
	(void)probe_set(environment, key_input, PyObject_CallNoArgs(bytes_io));
	for (size_t i = 0; i < request->count; i++) {
		PyObject *key = key_of(request->names[i]);

		if (key)
			(void)probe_set(environment, key, probe_latin1(request->values[i]));
		Py_XDECREF(key);
	}
	return environment;
}

static void put_pieces(PyObject *result)
{
	PyObject *pieces = PyObject_GetIter(result);
	PyObject *piece;

	while (pieces && (piece = PyIter_Next(pieces)) != NULL) {
		probe_put(PyBytes_AS_STRING(piece), (size_t)PyBytes_GET_SIZE(piece));
		Py_DECREF(piece);
	}
	Py_XDECREF(pieces);
}

static void close_result(PyObject *result)
{
	PyObject *answer = PyList_CheckExact(result) || !PyObject_HasAttrString(result, "close")
			       ? NULL
			       : PyObject_CallMethod(result, "close", NULL);

	Py_XDECREF(answer);
}

int probe_wsgi_call(const struct probe_request *request)
{
	PyObject *environment = environ_of(request);
	PyObject *const arguments[] = {environment, start};
	PyObject *result = environment ? PyObject_Vectorcall(application, arguments, 2, NULL) : NULL;

	Py_XDECREF(environment);
	if (result) {
		put_pieces(result);
		close_result(result);
		Py_DECREF(result);
	}
	if (!PyErr_Occurred())
		return 0;
	PyErr_Print();
	return -1;
}
