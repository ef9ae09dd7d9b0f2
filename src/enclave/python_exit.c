/* SPDX-License-Identifier: Apache-2.0 */
#include "enclave/python_exit.h"

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <unistd.h>

static void (*before_exit)(void);

static PyObject *exit_now(PyObject *self, PyObject *const *arguments, Py_ssize_t count, PyObject *names)
{
	const PyObject *const name = names && PyTuple_GET_SIZE(names) == 1 ? PyTuple_GET_ITEM(names, 0) : NULL;
	long status;

	(void)self;
	if (count + (name ? 1 : 0) != 1 ||
	    (name && PyUnicode_CompareWithASCIIString((PyObject *)name, "status") != 0)) {
		PyErr_SetString(PyExc_TypeError, "_exit() takes one argument: status");
		return NULL;
	}
	status = PyLong_AsLong(arguments[0]);
	if (status == -1 && PyErr_Occurred())
		return NULL;
	before_exit();
	_exit((int)status);
}

static PyMethodDef method = {"_exit", (PyCFunction)(void (*)(void))exit_now, METH_FASTCALL | METH_KEYWORDS,
			     "_exit($module, /, status)\n--\n\nExit to the system with specified status, "
			     "without normal exit processing."};

int python_exit_install(void (*before)(void), struct err *err)
{
	static const char *const modules[] = {"posix", "os"};
	PyObject *function = PyCFunction_New(&method, NULL);
	int status = function ? 0 : -1;

	before_exit = before;
	for (size_t i = 0; i < COUNT_OF(modules) && status == 0; i++) {
		PyObject *module = PyImport_ImportModule(modules[i]);

		status = module ? PyObject_SetAttrString(module, "_exit", function) : -1;
		Py_XDECREF(module);
	}
	Py_XDECREF(function);
	if (status == 0)
		return 0;
	PyErr_Clear();
	return err_set(err, ERR_INTERNAL, "python: cannot replace os._exit");
}
