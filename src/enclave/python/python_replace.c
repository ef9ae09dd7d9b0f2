/* SPDX-License-Identifier: Apache-2.0 */
#include "enclave/python/python_replace.h"

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "base/scoped.h"
#include "enclave/python/python.h"

#define NODE_ARGUMENTS_MAX 8

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

/* mkfifo(path, …, dir_fd=…) and mknod: the event that is missing comes first, with the very path that is then used. */
typedef PyObject *(*fast)(PyObject *self, PyObject *const *arguments, Py_ssize_t count, PyObject *names);

static PyObject *find_argument(PyObject *const *arguments, Py_ssize_t count, PyObject *names, const char *name,
			       Py_ssize_t *ret_at)
{
	for (Py_ssize_t i = 0; names && i < PyTuple_GET_SIZE(names); i++) {
		if (PyUnicode_CompareWithASCIIString(PyTuple_GET_ITEM(names, i), name) == 0) {
			*ret_at = count + i;
			return arguments[count + i];
		}
	}
	return NULL;
}

/* The number that an argument stands for: asked once, so that what the hook saw is what is used. New reference. */
static PyObject *as_number(PyObject *given)
{
	return !given || given == Py_None || PyLong_Check(given) ? Py_XNewRef(given) : PyNumber_Index(given);
}

static PyObject *make_node(const char *event, fast real, PyObject *self, PyObject *const *arguments, Py_ssize_t count,
			   PyObject *names)
{
	PyObject *copy[NODE_ARGUMENTS_MAX];
	const Py_ssize_t size = count + (names ? PyTuple_GET_SIZE(names) : 0);
	Py_ssize_t path_at = 0, dir_fd_at = 0;
	PyObject *const given = count > 0 ? arguments[0] : find_argument(arguments, count, names, "path", &path_at);
	PyObject *const given_fd = find_argument(arguments, count, names, "dir_fd", &dir_fd_at);
	scoped(py_decrefp) PyObject *path = NULL;
	scoped(py_decrefp) PyObject *dir_fd = NULL;

	if (!given || size > NODE_ARGUMENTS_MAX)
		return real(self, arguments, count, names);
	path = PyOS_FSPath(given);
	dir_fd = path ? as_number(given_fd) : NULL;
	if (!path || (given_fd && !dir_fd))
		return NULL;
	memcpy(copy, arguments, (size_t)size * sizeof(*copy));
	copy[path_at] = path;
	if (dir_fd)
		copy[dir_fd_at] = dir_fd;
	return PySys_Audit(event, "OO", path, dir_fd ? dir_fd : Py_None) < 0 ? NULL : real(self, copy, count, names);
}

static fast real_mkfifo, real_mknod;

static PyObject *mkfifo_audited(PyObject *self, PyObject *const *arguments, Py_ssize_t count, PyObject *names)
{
	return make_node("os.mkfifo", real_mkfifo, self, arguments, count, names);
}

static PyObject *mknod_audited(PyObject *self, PyObject *const *arguments, Py_ssize_t count, PyObject *names)
{
	return make_node("os.mknod", real_mknod, self, arguments, count, names);
}

static PyObject *init_posix(void);
static PyObject *init_posixsubprocess(void);

/* Ours stand in the interpreter's table of built-in modules, and ask the real ones for the definition. */
static struct {
	const char *name;
	module_init ours;
	module_init real; /* found by python_replace */
} modules[] = {
    {"posix", init_posix, NULL},
    {"_posixsubprocess", init_posixsubprocess, NULL},
};

#define OLD_CALL (METH_VARARGS | METH_KEYWORDS)
#define FAST_CALL (METH_FASTCALL | METH_KEYWORDS)

static const struct {
	size_t module;
	const char *method;
	PyCFunction function;
	int flags;
	fast *ret_real; /* which has the same flags; NULL: it is not called any more */
} rows[] = {
    {0, "_exit", (PyCFunction)(void (*)(void))exit_now, OLD_CALL, NULL},
    {0, "mkfifo", (PyCFunction)(void (*)(void))mkfifo_audited, FAST_CALL, &real_mkfifo},
    {0, "mknod", (PyCFunction)(void (*)(void))mknod_audited, FAST_CALL, &real_mknod},
    {1, "fork_exec", (PyCFunction)(void (*)(void))refuse, OLD_CALL, NULL},
};

static bool replace(PyMethodDef *method, size_t row)
{
	while (method && method->ml_name && strcmp(method->ml_name, rows[row].method) != 0)
		method++;
	if (!method || !method->ml_name || (rows[row].ret_real && method->ml_flags != rows[row].flags))
		return false;
	/* A second interpreter asks for the same definition: ours is in it already. */
	if (method->ml_meth != rows[row].function && rows[row].ret_real)
		*rows[row].ret_real = (fast)(void (*)(void))method->ml_meth;
	method->ml_meth = rows[row].function;
	method->ml_flags = rows[row].flags;
	return true;
}

/* A definition is one for all interpreters and for every import of the module, again or anew. */
static PyObject *define(size_t module)
{
	PyObject *object = modules[module].real();

	for (size_t i = 0; object && i < COUNT_OF(rows); i++) {
		if (rows[i].module != module)
			continue;
		if (PyObject_TypeCheck(object, &PyModuleDef_Type) &&
		    replace(((PyModuleDef *)(void *)object)->m_methods, i))
			continue;
		PyErr_Format(PyExc_ImportError, "%s has no %s to be replaced", modules[module].name, rows[i].method);
		return NULL;
	}
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
	for (size_t i = 0; i < COUNT_OF(modules); i++) {
		struct _inittab *entry = PyImport_Inittab;

		while (entry->name && strcmp(entry->name, modules[i].name) != 0)
			entry++;
		if (!entry->name)
			return err_set(err, ERR_INTERNAL, "python: %s is no built-in module", modules[i].name);
		modules[i].real = entry->initfunc;
		entry->initfunc = modules[i].ours;
	}
	return 0;
}
