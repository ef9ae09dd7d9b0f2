/* SPDX-License-Identifier: Apache-2.0 */
/* Whether an application is one of ASGI: a coroutine function, or a callable of three arguments where WSGI has two. */
#include "enclave/asgi/asgi.h"

static bool says_yes(PyObject *inspect, const char *question, PyObject *object)
{
	scoped(py_decrefp) PyObject *answer = PyObject_CallMethod(inspect, question, "O", object);
	const bool is_yes = answer && PyObject_IsTrue(answer) == 1;

	PyErr_Clear();
	return is_yes;
}

/* A plain function or object around one: it takes three arguments where WSGI takes two. */
static bool takes_three(PyObject *inspect, PyObject *app)
{
	scoped(py_decrefp) PyObject *signature = PyObject_CallMethod(inspect, "signature", "O", app);
	scoped(py_decrefp) PyObject *three = signature ? PyObject_CallMethod(signature, "bind", "iii", 1, 2, 3) : NULL;
	scoped(py_decrefp) PyObject *two = NULL;

	PyErr_Clear();
	if (!three)
		return false;
	two = PyObject_CallMethod(signature, "bind", "ii", 1, 2);
	PyErr_Clear();
	return !two;
}

static bool can_take(const PyCodeObject *code, int needed, int count)
{
	return count >= needed && (count <= code->co_argcount || (code->co_flags & CO_VARARGS) != 0);
}

/* What inspect says of a function with nothing attached to it. */
static bool is_function_mine(PyObject *function)
{
	const PyCodeObject *code = (const PyCodeObject *)PyFunction_GET_CODE(function);
	PyObject *const defaults = PyFunction_GET_DEFAULTS(function);
	PyObject *const named = PyFunction_GET_KW_DEFAULTS(function);
	const int needed = code->co_argcount - (defaults ? (int)PyTuple_GET_SIZE(defaults) : 0);

	if (code->co_flags & CO_COROUTINE)
		return true;
	if (code->co_kwonlyargcount > (named ? (int)PyDict_GET_SIZE(named) : 0))
		return false;
	return can_take(code, needed, 3) && !can_take(code, needed, 2);
}

static bool has_attributes(PyObject *function)
{
	PyObject *const attributes = ((PyFunctionObject *)function)->func_dict;

	return attributes && PyDict_GET_SIZE(attributes) > 0;
}

static bool ask_inspect(PyObject *app)
{
	scoped(py_decrefp) PyObject *inspect = PyImport_ImportModule("inspect");
	scoped(py_decrefp) PyObject *call = PyObject_GetAttrString(app, "__call__");
	bool is_mine;

	if (!inspect || !call) {
		PyErr_Clear();
		return false;
	}
	if (PyType_Check(app))
		is_mine = PyObject_HasAttrString(app, "__await__");
	else
		is_mine = says_yes(inspect, "iscoroutinefunction", app) ||
			  says_yes(inspect, "iscoroutinefunction", call) || takes_three(inspect, app);
	PyErr_Clear();
	return is_mine;
}

/* A WSGI application that is a plain function needs no inspect, which takes a third of its start to load. */
bool asgi_is_mine(PyObject *app)
{
	return PyFunction_Check(app) && !has_attributes(app) ? is_function_mine(app) : ask_inspect(app);
}
