/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wsgi.file_wrapper (PEP 3333, "Optional Platform-Specific File Handling"): an iterator over blocks of any object with
 * read(). A file of the system behind it is sent without Python: see wsgi_response_send_file.
 */
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include "enclave/wsgi/wsgi.h"

#define BLOCK_SIZE 8192 /* PEP 3333's own example */

struct file_wrapper {
	PyObject_HEAD PyObject *filelike;
	Py_ssize_t block_size;
};

static PyTypeObject *wrapper_type;
/* Types whose read() gives what is in the file, from their position on. */
static PyObject *raw_type;
static PyObject *buffered_types[2];
static PyObject *text_name;

static PyObject *wrapper_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
	static char filelike_name[] = "filelike", block_size_name[] = "block_size";
	static char *names[] = {filelike_name, block_size_name, NULL};
	Py_ssize_t block_size = BLOCK_SIZE;
	struct file_wrapper *wrapper;
	PyObject *filelike;

	if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O|n:FileWrapper", names, &filelike, &block_size))
		return NULL;
	wrapper = PyObject_GC_New(struct file_wrapper, type);
	if (!wrapper)
		return NULL;
	wrapper->filelike = Py_NewRef(filelike);
	wrapper->block_size = block_size > 0 ? block_size : BLOCK_SIZE;
	PyObject_GC_Track((PyObject *)wrapper);
	return (PyObject *)wrapper;
}

static PyObject *wrapper_next(PyObject *self)
{
	const struct file_wrapper *wrapper = (struct file_wrapper *)self;
	PyObject *block = PyObject_CallMethod(wrapper->filelike, "read", "n", wrapper->block_size);
	const int has_more = block ? PyObject_IsTrue(block) : -1;

	if (has_more <= 0)
		Py_CLEAR(block);
	return block;
}

static PyObject *wrapper_close(PyObject *self, PyObject *ignored)
{
	PyObject *close = PyObject_GetAttrString(((struct file_wrapper *)self)->filelike, "close");
	PyObject *answer;

	(void)ignored;
	if (!close) {
		PyErr_Clear();
		Py_RETURN_NONE;
	}
	answer = PyObject_CallNoArgs(close);
	Py_DECREF(close);
	return answer;
}

static int wrapper_traverse(PyObject *self, visitproc visit, void *arg)
{
	Py_VISIT(Py_TYPE(self));
	Py_VISIT(((struct file_wrapper *)self)->filelike);
	return 0;
}

static int wrapper_clear(PyObject *self)
{
	Py_CLEAR(((struct file_wrapper *)self)->filelike);
	return 0;
}

static void wrapper_free(PyObject *self)
{
	PyTypeObject *type = Py_TYPE(self);

	PyObject_GC_UnTrack(self);
	(void)wrapper_clear(self);
	PyObject_GC_Del(self);
	Py_DECREF(type);
}

static PyMethodDef methods[] = {
    {"close", wrapper_close, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot slots[] = {
    {Py_tp_new, wrapper_new},           {Py_tp_dealloc, wrapper_free},
    {Py_tp_traverse, wrapper_traverse}, {Py_tp_clear, wrapper_clear},
    {Py_tp_iter, PyObject_SelfIter},    {Py_tp_iternext, wrapper_next},
    {Py_tp_methods, methods},           {0, NULL},
};

static PyType_Spec spec = {
    .name = "mse.FileWrapper",
    .basicsize = sizeof(struct file_wrapper),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = slots,
};

/* Not text files: what they read is not what is in them. */
static int find_types(void)
{
	scoped(py_decrefp) PyObject *io = PyImport_ImportModule("io");

	raw_type = io ? PyObject_GetAttrString(io, "FileIO") : NULL;
	buffered_types[0] = raw_type ? PyObject_GetAttrString(io, "BufferedReader") : NULL;
	buffered_types[1] = buffered_types[0] ? PyObject_GetAttrString(io, "BufferedRandom") : NULL;
	text_name = buffered_types[1] ? PyUnicode_InternFromString("name") : NULL;
	return text_name ? 0 : -1;
}

int wsgi_file_start(struct err *err)
{
	wrapper_type = (PyTypeObject *)PyType_FromSpec(&spec);
	return wrapper_type && find_types() == 0 ? 0 : err_set(err, ERR_INTERNAL, "python: cannot make a type");
}

PyObject *wsgi_file_type(void)
{
	return (PyObject *)wrapper_type;
}

static long long number_of(PyObject *object, const char *method)
{
	scoped(py_decrefp) PyObject *number = PyObject_CallMethod(object, method, NULL);
	const long long value = number ? PyLong_AsLongLong(number) : -1;

	return PyErr_Occurred() ? -1 : value;
}

/* No method of its own in place of its type's: nothing but the name that open() gave it. */
static bool is_as_made(PyObject *file)
{
	scoped(py_decrefp) PyObject *own = PyObject_GetAttrString(file, "__dict__");

	return own && PyDict_CheckExact(own) && PyDict_GET_SIZE(own) == (PyDict_Contains(own, text_name) == 1 ? 1 : 0);
}

/* A file of the system, or a buffer right before one; a subclass, or a buffer before gzip, may read other bytes. */
static bool is_system_file(PyObject *filelike)
{
	PyObject *type = (PyObject *)Py_TYPE(filelike);
	scoped(py_decrefp) PyObject *raw = NULL;

	if (type == raw_type)
		return is_as_made(filelike);
	if ((type != buffered_types[0] && type != buffered_types[1]) || !is_as_made(filelike))
		return false;
	raw = PyObject_GetAttrString(filelike, "raw");
	return raw && (PyObject *)Py_TYPE(raw) == raw_type && is_as_made(raw);
}

/* A descriptor of our own: the application may close its file while it is sent. */
static int descriptor_of(PyObject *filelike)
{
	const long long fd = number_of(filelike, "fileno");

	return fd < 0 || fd > INT_MAX ? -1 : fcntl((int)fd, F_DUPFD_CLOEXEC, 0);
}

bool wsgi_file_find(PyObject *result, struct wsgi_file *ret)
{
	PyObject *filelike;
	struct stat st;

	if (Py_TYPE(result) != wrapper_type)
		return false;
	filelike = ((struct file_wrapper *)result)->filelike;
	ret->offset = filelike && is_system_file(filelike) ? number_of(filelike, "tell") : -1;
	ret->fd = ret->offset < 0 ? -1 : descriptor_of(filelike);
	PyErr_Clear();
	if (ret->fd < 0)
		return false;
	/* A pipe or a device has no size, and its end comes when it comes: read by Python. */
	if (fstat(ret->fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		(void)close(ret->fd);
		return false;
	}
	ret->size = st.st_size > ret->offset ? st.st_size - ret->offset : 0;
	return true;
}
