/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http.response.pathsend: the body is a whole file, which is read piece by piece as the client takes it, outside the
 * GIL. What goes out is as long as the file was at the start; or as the Content-Length of an application that looked a
 * moment earlier, if the file has grown since.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "enclave/asgi/asgi.h"

static int raise_errno(int number, PyObject *path)
{
	errno = number;
	(void)PyErr_SetFromErrnoWithFilenameObject(PyExc_OSError, path);
	return -1;
}

/* New reference: bytes, of an absolute path that Python's own open() would be let open. */
static PyObject *path_of(PyObject *message)
{
	scoped(py_decrefp) PyObject *given = asgi_message_item(message, "path");
	PyObject *path = NULL;

	if (!given) {
		PyErr_SetString(PyExc_ValueError, "http.response.pathsend without 'path'");
		return NULL;
	}
	if (!PyUnicode_FSConverter(given, &path))
		return NULL;
	if (PyBytes_AS_STRING(path)[0] == '/' && PySys_Audit("open", "OsI", path, "rb", (unsigned)O_RDONLY) == 0)
		return path;
	if (!PyErr_Occurred())
		PyErr_Format(PyExc_ValueError, "http.response.pathsend: the path %R is not absolute", given);
	Py_DECREF(path);
	return NULL;
}

/* What is no regular file may have no end, or none yet: it is not opened so that we wait, and then refused. */
static int open_file(PyObject *path, int *ret_fd, int64_t *ret_size)
{
	scoped(fd_closep) int fd = -1;
	struct stat st = {0};
	int number;

	Py_BEGIN_ALLOW_THREADS;
	fd = open(PyBytes_AS_STRING(path), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	number = fd < 0 || fstat(fd, &st) < 0 ? errno : 0;
	Py_END_ALLOW_THREADS;
	if (number == 0 && !S_ISREG(st.st_mode))
		number = S_ISDIR(st.st_mode) ? EISDIR : EINVAL;
	if (number != 0)
		return raise_errno(number, path);
	*ret_size = st.st_size;
	*ret_fd = TAKE_FD(fd);
	return 0;
}

static int choose_size(const struct asgi_request *request, PyObject *path, int64_t *size)
{
	if (request->length < 0 || request->length == *size)
		return 0;
	if (request->length > *size) {
		PyErr_Format(PyExc_OSError, "'%s' has %lld bytes, and its Content-Length says %lld",
			     PyBytes_AS_STRING(path), (long long)*size, (long long)request->length);
		return -1;
	}
	*size = request->length;
	return 0;
}

enum asgi_step asgi_send_path(struct asgi_request *request, PyObject *message, PyObject **ret)
{
	scoped(py_decrefp) PyObject *path = path_of(message);
	scoped(fd_closep) int fd = -1;
	int64_t size;

	if (!path || open_file(path, &fd, &size) < 0 || choose_size(request, path, &size) < 0)
		return ASGI_RAISED;
	/* Code of the application has run: of its path, and of other threads. */
	if (!request->exchange || request->phase != ASGI_STARTED)
		return asgi_send_misplaced(request, "http.response.pathsend");
	if (strcmp(http_method(request->exchange), "HEAD") != 0)
		asgi_output_take_file(request, TAKE_FD(fd), (uint64_t)size);
	return asgi_send_piece(request, (size_t)size, true, ret);
}
