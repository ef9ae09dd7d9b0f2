/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wsgi.input: read, readline, readlines, iteration, as PEP 3333 wants them. Bytes come from the connection as they are
 * asked for; what is held here is one buffer, and what the application itself asked to have at once.
 */
#include <stddef.h>
#include <string.h>

#include "base/number.h"
#include "enclave/wsgi/wsgi.h"

#define BUFFER_SIZE (16u << 10)
#define FIRST_SIZE (64u << 10) /* of a result whose size is not known */
#define FIRST_MAX (1u << 20)   /* of any: what is declared has not come yet */

struct input {
	PyObject_HEAD struct http_exchange *exchange; /* NULL: detached, or parted */
	unsigned long thread;                         /* the handler's: the exchange is for it alone */
	size_t start;                                 /* buffer[start..end) was read and not given out */
	size_t end;
	bool is_ended;
	bool is_parted; /* the exchange has gone, nothing of the body was left in it */
	int failure_status;
	char *buffer; /* NULL until a line is read */
};

static int check_usable(const struct input *input)
{
	const bool is_there = input->exchange || input->is_parted;

	if (is_there && input->thread == PyThread_get_thread_ident())
		return 0;
	PyErr_SetString(PyExc_ValueError, is_there ? "wsgi.input is for the thread of its request"
						   : "wsgi.input of a request that has ended");
	return -1;
}

/* One piece of the body to the given place. -1 with OSError. */
static Py_ssize_t read_piece(struct input *input, void *to, size_t size)
{
	struct err err = ERR_INIT;
	size_t got = 0;
	int status;

	if (input->is_ended || size == 0)
		return 0;
	Py_BEGIN_ALLOW_THREADS;
	status = http_read_body(input->exchange, to, size, &got, &err);
	Py_END_ALLOW_THREADS;
	if (status < 0) {
		input->failure_status = http_body_status(&err);
		PyErr_Format(PyExc_OSError, "request body: %s", err.text);
		return -1;
	}
	input->is_ended = got == 0;
	return (Py_ssize_t)got;
}

static size_t take_buffered(struct input *input, char *to, size_t size)
{
	const size_t taken = size_min(size, input->end - input->start);

	if (taken == 0)
		return 0;
	memcpy(to, input->buffer + input->start, taken);
	input->start += taken;
	return taken;
}

/* -1: nobody knows. */
static int64_t most_left(const struct input *input)
{
	return input->exchange ? http_body_size(input->exchange) : (int64_t)(input->end - input->start);
}

/* Up to limit bytes: fewer only at the end. Room is made as bytes come, and never more than the body can have. */
static PyObject *read_bytes(struct input *input, size_t limit)
{
	const int64_t declared = most_left(input);
	const size_t room_max = declared >= 0 ? size_min(limit, (size_t)declared) : limit;
	size_t room = size_min(room_max, declared >= 0 ? FIRST_MAX : FIRST_SIZE);
	PyObject *bytes = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)room);
	size_t used = bytes ? take_buffered(input, PyBytes_AS_STRING(bytes), room) : 0;

	while (bytes && used < limit) {
		Py_ssize_t got;

		if (used == room) {
			/* A declared body that was read whole needs no more room: ask before growing. */
			if (input->is_ended || room == room_max)
				break;
			room = size_min(room_max, 2 * room);
			if (_PyBytes_Resize(&bytes, (Py_ssize_t)room) < 0)
				return NULL;
		}
		got = read_piece(input, PyBytes_AS_STRING(bytes) + used, room - used);
		if (got < 0)
			Py_CLEAR(bytes);
		if (got <= 0)
			break;
		used += (size_t)got;
	}
	if (bytes && used < room)
		(void)_PyBytes_Resize(&bytes, (Py_ssize_t)used);
	return bytes;
}

/* None and negative numbers mean "no limit". */
static int parse_limit(PyObject *const *args, Py_ssize_t count, size_t *ret)
{
	Py_ssize_t limit;

	if (count > 1) {
		PyErr_SetString(PyExc_TypeError, "at most one argument is allowed");
		return -1;
	}
	*ret = SIZE_MAX / 4;
	if (count == 0 || args[0] == Py_None)
		return 0;
	limit = PyNumber_AsSsize_t(args[0], PyExc_OverflowError);
	if (limit == -1 && PyErr_Occurred())
		return -1;
	if (limit >= 0)
		*ret = (size_t)limit;
	return 0;
}

static PyObject *input_read(PyObject *self, PyObject *const *args, Py_ssize_t count)
{
	struct input *input = (struct input *)self;
	size_t limit;

	if (check_usable(input) < 0 || parse_limit(args, count, &limit) < 0)
		return NULL;
	return read_bytes(input, limit);
}

/* The buffer has something, or the body is at its end (0). */
static Py_ssize_t fill(struct input *input)
{
	if (!input->buffer && !(input->buffer = PyMem_RawMalloc(BUFFER_SIZE))) {
		(void)PyErr_NoMemory();
		return -1;
	}
	if (input->start == input->end) {
		const Py_ssize_t got = read_piece(input, input->buffer, BUFFER_SIZE);

		if (got < 0)
			return -1;
		input->start = 0;
		input->end = (size_t)got;
	}
	return (Py_ssize_t)(input->end - input->start);
}

static PyObject *read_line(struct input *input, size_t limit)
{
	PyObject *line = PyBytes_FromStringAndSize(NULL, 0);

	while (line && (size_t)PyBytes_GET_SIZE(line) < limit) {
		const Py_ssize_t there = fill(input);
		const char *data;
		const char *end;
		size_t size;

		if (there < 0)
			Py_CLEAR(line);
		if (there <= 0)
			break;
		data = input->buffer + input->start;
		size = size_min((size_t)there, limit - (size_t)PyBytes_GET_SIZE(line));
		end = memchr(data, '\n', size);
		if (end)
			size = (size_t)(end - data) + 1;
		/* Grows in place, since nobody else has the line; NULL with an exception on failure. */
		PyBytes_ConcatAndDel(&line, PyBytes_FromStringAndSize(data, (Py_ssize_t)size));
		input->start += size;
		if (end)
			break;
	}
	return line;
}

static PyObject *input_readline(PyObject *self, PyObject *const *args, Py_ssize_t count)
{
	struct input *input = (struct input *)self;
	size_t limit;

	if (check_usable(input) < 0 || parse_limit(args, count, &limit) < 0)
		return NULL;
	return read_line(input, limit);
}

static PyObject *input_next(PyObject *self)
{
	struct input *input = (struct input *)self;
	PyObject *line;

	if (check_usable(input) < 0)
		return NULL;
	line = read_line(input, SIZE_MAX / 4);
	if (line && PyBytes_GET_SIZE(line) == 0)
		Py_CLEAR(line);
	return line;
}

static PyObject *input_readlines(PyObject *self, PyObject *const *args, Py_ssize_t count)
{
	PyObject *lines = PyList_New(0);
	PyObject *line = NULL;
	size_t total = 0;
	size_t hint;

	if (!lines || parse_limit(args, count, &hint) < 0) {
		Py_XDECREF(lines);
		return NULL;
	}
	while (total < (hint ? hint : SIZE_MAX) && (line = input_next(self)) != NULL) {
		total += (size_t)PyBytes_GET_SIZE(line);
		if (PyList_Append(lines, line) < 0)
			Py_CLEAR(lines);
		Py_DECREF(line);
		if (!lines)
			return NULL;
	}
	if (PyErr_Occurred())
		Py_CLEAR(lines);
	return lines;
}

static void input_free(PyObject *self)
{
	PyTypeObject *type = Py_TYPE(self);

	PyMem_RawFree(((struct input *)self)->buffer);
	PyObject_Free(self);
	Py_DECREF(type);
}

static PyMethodDef methods[] = {
    {"read", (PyCFunction)(void (*)(void))input_read, METH_FASTCALL, NULL},
    {"readline", (PyCFunction)(void (*)(void))input_readline, METH_FASTCALL, NULL},
    {"readlines", (PyCFunction)(void (*)(void))input_readlines, METH_FASTCALL, NULL},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot slots[] = {
    {Py_tp_dealloc, input_free},
    {Py_tp_iter, PyObject_SelfIter},
    {Py_tp_iternext, input_next},
    {Py_tp_methods, methods},
    {0, NULL},
};

static PyType_Spec spec = {
    .name = "mse.Input",
    .basicsize = sizeof(struct input),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = slots,
};

static PyTypeObject *input_type;

int wsgi_input_start(struct err *err)
{
	input_type = (PyTypeObject *)PyType_FromSpec(&spec);
	return input_type ? 0 : err_set(err, ERR_INTERNAL, "python: cannot make a type");
}

PyObject *wsgi_input_new(struct http_exchange *exchange)
{
	struct input *input = PyObject_New(struct input, input_type);

	if (!input)
		return NULL;
	input->exchange = exchange;
	input->thread = PyThread_get_thread_ident();
	input->start = 0;
	input->end = 0;
	input->is_ended = false;
	input->is_parted = false;
	input->failure_status = 0;
	input->buffer = NULL;
	return (PyObject *)input;
}

bool wsgi_input_explains(PyObject *self)
{
	return ((struct input *)self)->failure_status != 0 && PyErr_ExceptionMatches(PyExc_OSError);
}

int wsgi_input_detach(PyObject *self)
{
	struct input *input = (struct input *)self;

	input->exchange = NULL;
	input->is_parted = false;
	return input->failure_status;
}

void wsgi_input_part(PyObject *self)
{
	struct input *input = (struct input *)self;

	input->exchange = NULL;
	input->is_ended = input->is_parted = true;
}
