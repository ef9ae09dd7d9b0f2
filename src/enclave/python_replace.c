/* SPDX-License-Identifier: Apache-2.0 */
#include "enclave/python_replace.h"

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <string.h>
#include <unistd.h>

#include "base/scoped.h"

typedef PyObject *(*module_init)(void);

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

static PyObject *init_posix(void);
static PyObject *init_posixsubprocess(void);

/* Ours stands in the interpreter's table of built-in modules, and asks the real one for the definition. */
static struct {
	const char *module;
	module_init ours;
	const char *method;
	PyCFunctionWithKeywords function;
	module_init real; /* found by python_replace */
} rows[] = {
    {"posix", init_posix, "_exit", exit_now, NULL},
    {"_posixsubprocess", init_posixsubprocess, "fork_exec", refuse, NULL},
};

/* A definition is one for all interpreters and for every import of the module, again or anew. */
static PyObject *define(size_t row)
{
	PyObject *object = rows[row].real();
	PyMethodDef *method =
	    object && PyObject_TypeCheck(object, &PyModuleDef_Type) ? ((PyModuleDef *)(void *)object)->m_methods : NULL;

	while (method && method->ml_name && strcmp(method->ml_name, rows[row].method) != 0)
		method++;
	if (!method || !method->ml_name) {
		PyErr_Format(PyExc_ImportError, "%s has no %s to be replaced", rows[row].module, rows[row].method);
		return NULL;
	}
	method->ml_meth = (PyCFunction)(void (*)(void))rows[row].function;
	method->ml_flags = METH_VARARGS | METH_KEYWORDS;
	return object;
}

static PyObject *init_posix(void)
{
	return define(0);
}

static PyObject *init_posixsubprocess(void)
{
	return define(1);
}

int python_replace(void (*before)(void), struct err *err)
{
	before_exit = before;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct _inittab *entry = PyImport_Inittab;

		while (entry->name && strcmp(entry->name, rows[i].module) != 0)
			entry++;
		if (!entry->name)
			return err_set(err, ERR_INTERNAL, "python: %s is no built-in module", rows[i].module);
		rows[i].real = entry->initfunc;
		entry->initfunc = rows[i].ours;
	}
	return 0;
}
