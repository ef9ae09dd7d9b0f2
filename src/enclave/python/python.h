/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of the embedded interpreter, and the way threads get in and out of it.
 *
 * GIL rules. python_start, python_load and python_stop are for the main thread (Python's own main thread: signal and
 * asyncio want that). After python_load the main thread holds no GIL. Any other thread wraps its use of Python in
 * python_enter and python_leave; each such thread gets one thread state, made at its first entry. While it holds
 * the GIL, no C function of ours waits for a client, the TEE, or what another thread's handler does; it may take locks
 * that are held for a few instructions, and that of an HTTP/2 session, which is held while frames are read or written.
 *
 * In an enclave the interpreter is isolated: no environment variable, user site, .pth file, or current directory
 * decides what it imports. sys.path is MODULE_PATH, then Debian's standard library and its packages: all measured.
 *
 * A protocol is one row of struct python_protocol, found by inspection or by its name; takes_tunnels says whether it
 * speaks WebSocket.
 */
#ifndef MSE_ENCLAVE_PYTHON_H
#define MSE_ENCLAVE_PYTHON_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "base/err.h"
#include "base/scoped.h"
#include "enclave/process/settings.h"
#include "enclave/serve/websocket_options.h"

#define PYTHON_STDLIB "/usr/lib/python3.11"
#define PYTHON_BODY_MAX (2048ULL << 20) /* E4: of one request, in an enclave */
#define PYTHON_INTERFACE_AUTO "auto"
#define PYTHON_TARGET_SHOWN_MAX 512

/* Which application, in what interpreter. Borrowed, lives as long as the interpreter. */
struct python_options {
	const char *application; /* "module:variable" */
	const char *module;
	const char *variable;
	const char *module_path;      /* first entry of sys.path */
	const char *interface;        /* name of a protocol, or "auto" */
	bool is_factory;              /* variable gives the application when it is called; without guard only */
	const char *venv;             /* a virtual environment, absolute; NULL: none; without guard only */
	const struct settings *guard; /* an enclave: isolated, with the audit hook; NULL: as python3 itself would be */
	void (*before_exit)(void);    /* with guard: what os._exit does first */
	int report_fd;                /* with guard: where it is told why the application does not load */
};

/* What a protocol needs to describe a request. Borrowed, lives as long as the interpreter. */
struct python_site {
	const char *domain;    /* SERVER_NAME */
	const char *root_path; /* SCRIPT_NAME, root_path; NULL: "" */
	bool is_behind_proxy;  /* https for the client, whatever arrives here */
	bool is_multiprocess;
	unsigned threads;
	uint64_t body_max;
	struct websocket_options websocket;
	unsigned request_limit_ms; /* until an answer begins, then the request is cancelled: ASGI. 0: none */
};

struct python_protocol {
	const char *name;
	bool (*is_mine)(PyObject *app); /* GIL held, clears its own exceptions */
	int (*start)(PyObject *app, const struct python_site *site, struct err *err); /* GIL held; keeps a reference */
	http_handler serve; /* no GIL, pool threads; arg is not used */
	bool is_deferring;  /* serve never blocks: it defers */
	bool takes_tunnels; /* it knows WebSocket */
	/*
	 * Main thread, GIL held: does what the protocol has to do there until fd is readable (which is not read), at
	 * least once before stop. server: the one that calls serve, to be driven (http_server_drive), or NULL.
	 * cancel_ms >= 0: what still runs after so many is cancelled. NULL: there is nothing.
	 */
	void (*run)(struct http_server *server, int fd, int cancel_ms);
	void (*stop)(void);       /* GIL held */
	int64_t (*late_ns)(void); /* since when its loop should have run; 0: in time; NULL: it has none. Any thread */
};

/* Starts the interpreter, with the audit hook of python_audit.h in place before it runs any code. */
must_check int python_start(const struct python_options *options, struct err *err);

/*
 * Imports the application and starts its protocol. On failure the traceback has been written to
 * report_fd, or without a guard to the application's stderr, and err says only that it failed: nothing of the
 * application's is in it.
 */
must_check int python_load(const struct python_options *options, const struct python_site *site,
			   const struct python_protocol **ret_protocol, struct err *err);

/* Runs the protocol, if it has something to run, until fd is readable. Main thread. */
void python_run(const struct python_protocol *protocol, struct http_server *server, int fd, int cancel_ms);

void python_enter(void);
void python_leave(void);

/* Runs exit functions and ends the interpreter. No other thread is inside any more. */
void python_stop(const struct python_protocol *protocol);

/* Writes the current exception with traceback to sys.stderr and clears it; never ends the process. GIL held. */
void python_report_exception(void);

/* The same, behind a line with time, method and target (PYTHON_TARGET_SHOWN_MAX bytes of it): whose it was. */
void python_report_request(const struct http_exchange *exchange);
void python_report_named(const char *method, const char *target);

/* For scoped(py_decrefp). */
static inline void py_decrefp(PyObject **object)
{
	Py_CLEAR(*object);
}

extern const struct python_protocol asgi_protocol;
extern const struct python_protocol wsgi_protocol;

#endif
