/* SPDX-License-Identifier: Apache-2.0 */
#include "enclave/python/python_app.h"

#include <string.h>

#define CANDIDATES_MAX 6 /* named, of what the module has instead */
#define WSGI_ARGUMENTS 2
#define ASGI_ARGUMENTS 3

/* ---- finding it ---- */

/* The object that a dotted variable names; NULL with an exception set. New reference. */
static PyObject *find_variable(PyObject *module, const char *variable)
{
	PyObject *names = PyUnicode_FromString(variable);
	scoped(py_decrefp) PyObject *dot = PyUnicode_FromString(".");
	scoped(py_decrefp) PyObject *parts = names && dot ? PyUnicode_Split(names, dot, -1) : NULL;
	PyObject *object = Py_NewRef(module);

	Py_XDECREF(names);
	if (!parts)
		Py_CLEAR(object);
	for (Py_ssize_t i = 0; object && i < PyList_GET_SIZE(parts); i++)
		Py_SETREF(object, PyObject_GetAttr(object, PyList_GET_ITEM(parts, i)));
	return object;
}

/* Defined here, or made here: no class, and no function that was imported. */
static bool is_candidate(PyObject *name, PyObject *object, PyObject *module_name)
{
	scoped(py_decrefp) PyObject *home = NULL;

	if (!PyUnicode_Check(name) || PyUnicode_ReadChar(name, 0) == '_' || PyType_Check(object) ||
	    !PyCallable_Check(object))
		return false;
	if (!PyFunction_Check(object))
		return !PyCFunction_Check(object);
	home = PyObject_GetAttrString(object, "__module__");
	return home && module_name && PyObject_RichCompareBool(home, module_name, Py_EQ) == 1;
}

/* ": it has NAME, NAME", or nothing. New reference. */
static PyObject *candidates_of(PyObject *module)
{
	PyObject *const dict = PyModule_Check(module) ? PyModule_GetDict(module) : NULL; /* borrowed */
	PyObject *module_name = dict ? PyDict_GetItemString(dict, "__name__") : NULL;
	PyObject *text = PyUnicode_FromString("");
	PyObject *name, *object;
	Py_ssize_t at = 0;
	int count = 0;

	while (text && dict && count < CANDIDATES_MAX && PyDict_Next(dict, &at, &name, &object)) {
		if (PyUnicode_Check(name) && PyUnicode_GET_LENGTH(name) > 0 && is_candidate(name, object, module_name))
			Py_SETREF(text, PyUnicode_FromFormat(count++ ? "%U, %U" : "%U: it has %U", text, name));
	}
	return text;
}

/* In place of an AttributeError, which stays its cause if it was raised in the application's code. */
static void say_missing(const struct python_options *options, PyObject *module)
{
	PyObject *type, *value, *traceback, *new_type, *new_value, *new_traceback;
	scoped(py_decrefp) PyObject *candidates = NULL;

	PyErr_Fetch(&type, &value, &traceback);
	PyErr_NormalizeException(&type, &value, &traceback);
	candidates = candidates_of(module);
	PyErr_Clear();
	if (candidates)
		PyErr_Format(PyExc_AttributeError, "module '%s' has no variable '%s'%U", options->module,
			     options->variable, candidates);
	if (traceback && PyErr_Occurred()) {
		(void)PyException_SetTraceback(value, traceback);
		PyErr_Fetch(&new_type, &new_value, &new_traceback);
		PyErr_NormalizeException(&new_type, &new_value, &new_traceback);
		PyException_SetCause(new_value, Py_NewRef(value));
		PyErr_Restore(new_type, new_value, new_traceback);
	}
	Py_XDECREF(type);
	Py_XDECREF(value);
	Py_XDECREF(traceback);
}

static PyObject *check_callable(const char *what, const struct python_options *options, PyObject *object)
{
	if (!object || PyCallable_Check(object))
		return object;
	PyErr_Format(PyExc_TypeError, "%s'%s' is of type '%.100s', which cannot be called", what, options->application,
		     Py_TYPE(object)->tp_name);
	Py_DECREF(object);
	return NULL;
}

PyObject *python_app_import(const struct python_options *options)
{
	scoped(py_decrefp) PyObject *module = PyImport_ImportModule(options->module);
	PyObject *app = module ? find_variable(module, options->variable) : NULL;

	if (module && !app && PyErr_ExceptionMatches(PyExc_AttributeError))
		say_missing(options, module);
	app = check_callable("", options, app);
	if (!app || !options->is_factory)
		return app;
	Py_SETREF(app, PyObject_CallNoArgs(app));
	return check_callable("what is made by ", options, app);
}

/* ---- whether it fits ---- */

/* The Python function that a call leads to, and how many of its arguments are given already; NULL: none is known. */
static PyObject *function_of(PyObject *app, int *ret_given)
{
	*ret_given = 0;
	if (PyFunction_Check(app))
		return Py_NewRef(app);
	*ret_given = 1;
	if (PyMethod_Check(app))
		return PyFunction_Check(PyMethod_GET_FUNCTION(app)) ? Py_NewRef(PyMethod_GET_FUNCTION(app)) : NULL;
	PyObject *call = PyType_Check(app) ? PyObject_GetAttrString(app, "__init__")
					   : PyObject_GetAttrString((PyObject *)Py_TYPE(app), "__call__");

	if (!call)
		PyErr_Clear();
	else if (!PyFunction_Check(call))
		Py_CLEAR(call);
	return call;
}

/* Keyword arguments that must be given. */
static bool has_needs(PyObject *function, const PyCodeObject *code)
{
	PyObject *defaults = PyFunction_GetKwDefaults(function); /* borrowed */

	return code->co_kwonlyargcount > (defaults && PyDict_Check(defaults) ? (int)PyDict_GET_SIZE(defaults) : 0);
}

static bool takes(PyObject *app, int count)
{
	int given;
	scoped(py_decrefp) PyObject *function = function_of(app, &given);

	if (!function)
		return true;
	const PyCodeObject *code = (const PyCodeObject *)PyFunction_GetCode(function);
	PyObject *defaults = PyFunction_GetDefaults(function); /* borrowed */
	const int most = code->co_argcount - given;
	const int least = most - (defaults && PyTuple_Check(defaults) ? (int)PyTuple_GET_SIZE(defaults) : 0);

	return !has_needs(function, code) && count >= least && (count <= most || (code->co_flags & CO_VARARGS) != 0);
}

bool python_app_fits(const char *name, PyObject *app, const char *protocol)
{
	const bool is_asgi = strcmp(protocol, "asgi") == 0;

	if (takes(app, is_asgi ? ASGI_ARGUMENTS : WSGI_ARGUMENTS))
		return true;
	if (takes(app, 0))
		PyErr_Format(PyExc_TypeError, "'%s' takes no arguments: is it a factory? Then say --factory", name);
	else if (takes(app, is_asgi ? WSGI_ARGUMENTS : ASGI_ARGUMENTS))
		PyErr_Format(PyExc_TypeError, "'%s' takes the arguments of %s, and is to be served as %s (--interface)",
			     name, is_asgi ? "WSGI" : "ASGI", is_asgi ? "ASGI" : "WSGI");
	else if (takes(app, 1))
		PyErr_Format(PyExc_TypeError,
			     "'%s' takes one argument: an application of ASGI 2 is not served, "
			     "asgiref.compatibility.guarantee_single_callable makes one of ASGI 3 of it",
			     name);
	else
		PyErr_Format(PyExc_TypeError,
			     "'%s' takes neither (environ, start_response) of WSGI nor (scope, receive, send) of ASGI",
			     name);
	return false;
}
