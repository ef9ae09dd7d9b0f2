/* SPDX-License-Identifier: Apache-2.0 */
#include "enclave/python_replace.h"

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <unistd.h>

#include "base/scoped.h"

static void (*before_exit)(void);

/* os._exit(status), by place or by name. */
static PyObject *exit_now(PyObject *self, PyObject *arguments, PyObject *names)
{
	static char status_name[] = "status";
	static char *keywords[] = {status_name, NULL};
	int status;

	(void)self;
	if (!PyArg_ParseTupleAndKeywords(arguments, names, "i:_exit", keywords, &status))
		return NULL;
	before_exit();
	_exit(status);
}

static PyObject *refuse(PyObject *self, PyObject *arguments, PyObject *names)
{
	(void)self;
	(void)arguments;
	(void)names;
	PyErr_SetString(PyExc_PermissionError, "not available in an enclave: fork_exec (no other processes)");
	return NULL;
}

#define METHOD(name, function, doc) \
	{ \
		name, (PyCFunction)(void (*)(void))(function), METH_VARARGS | METH_KEYWORDS, doc \
	}

static struct {
	const char *module;
	PyMethodDef method;
} rows[] = {
    {"posix", METHOD("_exit", exit_now, "Exit to the system with specified status.")},
    {"os", METHOD("_exit", exit_now, "Exit to the system with specified status.")},
    {"_posixsubprocess", METHOD("fork_exec", refuse, "Not available in an enclave.")},
};

static int replace(const char *module_name, PyMethodDef *method)
{
	PyObject *module = PyImport_ImportModule(module_name);
	PyObject *function = module ? PyCFunction_New(method, NULL) : NULL;
	const int status = function ? PyObject_SetAttrString(module, method->ml_name, function) : -1;

	Py_XDECREF(function);
	Py_XDECREF(module);
	return status;
}

int python_replace(void (*before)(void), struct err *err)
{
	before_exit = before;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		if (replace(rows[i].module, &rows[i].method) == 0)
			continue;
		PyErr_Clear();
		return err_set(err, ERR_INTERNAL, "python: cannot replace %s.%s", rows[i].module,
			       rows[i].method.ml_name);
	}
	return 0;
}
