/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of the embedded interpreter, and the way threads get in and out of it.
 *
 * GIL rules. python_start, python_load and python_stop are for the main thread (Python's own main thread: signal and
 * asyncio want that). After python_load the main thread holds no GIL. Any other thread wraps its use of Python in
 * python_enter and python_leave; each such thread gets one thread state, made at its first entry. No C function of ours
 * blocks on a socket, a lock or the TEE while it holds the GIL.
 *
 * The interpreter is isolated: no environment variable, user site, .pth file, or current directory decides what it
 * imports. sys.path is MODULE_PATH, then Debian's standard library and its packages: all measured.
 *
 * A protocol (WSGI; ASGI has its own file when it comes) is one row of struct python_protocol, found by inspection.
 */
#ifndef MSE_ENCLAVE_PYTHON_H
#define MSE_ENCLAVE_PYTHON_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "base/err.h"
#include "base/scoped.h"
#include "enclave/settings.h"
#include "net/http_server.h"

#define PYTHON_STDLIB "/usr/lib/python3.11"

/* What a protocol needs of the enclave to describe a request. Borrowed, lives as long as the interpreter. */
struct python_site {
	const char *domain; /* SERVER_NAME */
	unsigned threads;
};

struct python_protocol {
	const char *name;
	bool (*is_mine)(PyObject *app); /* GIL held, clears its own exceptions */
	int (*start)(PyObject *app, const struct python_site *site, struct err *err); /* GIL held; keeps a reference */
	http_handler serve;                                                           /* no GIL, pool threads */
	void (*stop)(void);                                                           /* GIL held */
};

/* Starts the interpreter, with the audit hook of python_audit.h in place before it runs any code. */
must_check int python_start(const struct settings *settings, struct err *err);

/*
 * Imports the application and starts its protocol. On failure the traceback has been written to the application's
 * stderr, and err says only that it failed: nothing of the application's is in it.
 */
must_check int python_load(const struct settings *settings, const struct python_site *site,
			   const struct python_protocol **ret_protocol, struct err *err);

void python_enter(void);
void python_leave(void);

/* Runs exit functions and ends the interpreter. No other thread is inside any more. */
void python_stop(const struct python_protocol *protocol);

/* Writes the current exception with traceback to sys.stderr and clears it; never ends the process. GIL held. */
void python_report_exception(void);

/* For scoped(py_decrefp). */
static inline void py_decrefp(PyObject **object)
{
	Py_CLEAR(*object);
}

extern const struct python_protocol wsgi_protocol;

#endif
