/* SPDX-License-Identifier: Apache-2.0 */
/* Finding the application in its module, and whether it can be called as its interface does it. GIL held. */
#ifndef MSE_ENCLAVE_PYTHON_APP_H
#define MSE_ENCLAVE_PYTHON_APP_H

#include "enclave/python/python.h"

/* Imports it, and calls it if it is a factory. New reference; NULL with an exception set. */
PyObject *python_app_import(const struct python_options *options);

/*
 * Can it be called with what "wsgi" or "asgi" gives? False with an exception set that says what it may be instead: each
 * request would fail. What cannot be looked into (native code) can. name: what the user calls it.
 */
must_check bool python_app_fits(const char *name, PyObject *app, const char *protocol);

#endif
