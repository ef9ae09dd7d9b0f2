/* SPDX-License-Identifier: Apache-2.0 */
/* Header fields that an application gives, as iterables of pairs of bytes. */
#include <string.h>
#include <strings.h>

#include "enclave/asgi/asgi.h"

/* name and value of one pair as bytes; -1 with an exception. Borrowed from the pair. */
static int unpack(PyObject *pair, PyObject **ret_name, PyObject **ret_value)
{
	scoped(py_decrefp) PyObject *items = PySequence_Fast(pair, "a header is not a pair");

	if (!items)
		return -1;
	if (PySequence_Fast_GET_SIZE(items) != 2 || !PyBytes_Check(PySequence_Fast_GET_ITEM(items, 0)) ||
	    !PyBytes_Check(PySequence_Fast_GET_ITEM(items, 1))) {
		PyErr_SetString(PyExc_TypeError, "a header must be a pair of bytes");
		return -1;
	}
	*ret_name = Py_NewRef(PySequence_Fast_GET_ITEM(items, 0));
	*ret_value = Py_NewRef(PySequence_Fast_GET_ITEM(items, 1));
	return 0;
}

bool asgi_has_zero(PyObject *bytes)
{
	return strlen(PyBytes_AS_STRING(bytes)) != (size_t)PyBytes_GET_SIZE(bytes);
}

static int refuse_header(PyObject *name)
{
	PyErr_Format(PyExc_ValueError, "header %R cannot be sent", name);
	return -1;
}

static int add_field(PyObject *list, PyObject *pair)
{
	scoped(py_decrefp) PyObject *name = NULL;
	scoped(py_decrefp) PyObject *value = NULL;
	scoped(py_decrefp) PyObject *kept = NULL;

	if (unpack(pair, &name, &value) < 0)
		return -1;
	if (asgi_has_zero(name) || asgi_has_zero(value) ||
	    !http_header_is_valid(PyBytes_AS_STRING(name), PyBytes_AS_STRING(value)))
		return refuse_header(name);
	/* Nobody can change what is in it. */
	kept = PyTuple_CheckExact(pair) ? Py_NewRef(pair) : PyTuple_Pack(2, name, value);
	return kept ? PyList_Append(list, kept) : -1;
}

PyObject *asgi_fields_copy(PyObject *headers)
{
	scoped(py_decrefp) PyObject *iterator = headers ? PyObject_GetIter(headers) : NULL;
	PyObject *list = iterator || !headers ? PyList_New(0) : NULL;
	PyObject *pair;

	while (list && iterator && (pair = PyIter_Next(iterator)) != NULL) {
		if (PyList_GET_SIZE(list) >= HTTP_HEADERS_MAX) {
			PyErr_Format(PyExc_ValueError, "more than %d headers", HTTP_HEADERS_MAX);
			Py_CLEAR(list);
		} else if (add_field(list, pair) < 0) {
			Py_CLEAR(list);
		}
		Py_DECREF(pair);
	}
	if (PyErr_Occurred())
		Py_CLEAR(list);
	return list;
}

const char *asgi_fields_text(PyObject *list, Py_ssize_t i, Py_ssize_t part)
{
	return PyBytes_AS_STRING(PyTuple_GET_ITEM(PyList_GET_ITEM(list, i), part));
}

static bool is_ours(const char *name, bool keeps_upgrade)
{
	if (http_field_is_of_connection(name))
		return !keeps_upgrade || !http_name_is(name, "upgrade");
	return http_name_is(name, "content-length");
}

size_t asgi_fields_list(PyObject *list, bool keeps_upgrade, struct http_header ret[static HTTP_HEADERS_MAX])
{
	size_t count = 0;

	for (Py_ssize_t i = 0; list && i < PyList_GET_SIZE(list); i++) {
		const char *name = asgi_fields_text(list, i, 0);

		if (!is_ours(name, keeps_upgrade))
			ret[count++] = (struct http_header){name, asgi_fields_text(list, i, 1)};
	}
	return count;
}
