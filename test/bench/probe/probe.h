/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bound that the application server is measured against: one thread, epoll, OpenSSL, keep-alive GET, and one call
 * of a Python application for each request. It is no server: it trusts its input, has no limits, no time-outs, no
 * bodies and no errors worth the name, and takes a request that came in two pieces for a broken one.
 */
#ifndef MSE_BENCH_PROBE_H
#define MSE_BENCH_PROBE_H

#include <Python.h>

#define PROBE_FIELDS_MAX 32
#define PROBE_REPLY_MAX 4096

struct probe_text {
	const char *at;
	size_t size;
};

struct probe_request {
	struct probe_text method;
	struct probe_text path;
	struct probe_text query;
	struct probe_text names[PROBE_FIELDS_MAX];
	struct probe_text values[PROBE_FIELDS_MAX];
	size_t count;
};

/* The reply that is being written. */
void probe_put(const char *data, size_t size);
void probe_put_head(long status);

/* -1: the connection is to be closed. */
int probe_wsgi_start(PyObject *app);
int probe_wsgi_call(const struct probe_request *request);
int probe_asgi_start(PyObject *app);
int probe_asgi_call(const struct probe_request *request);

static inline PyObject *probe_latin1(struct probe_text text)
{
	return PyUnicode_DecodeLatin1(text.at, (Py_ssize_t)text.size, NULL);
}

/* Takes value. */
static inline int probe_set(PyObject *dict, PyObject *key, PyObject *value)
{
	const int status = value ? PyDict_SetItem(dict, key, value) : -1;

	Py_XDECREF(value);
	return status;
}

#endif
