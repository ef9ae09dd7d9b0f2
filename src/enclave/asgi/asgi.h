/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ASGI 3 over net/http_server.h, split by subject:
 *   asgi.c            the protocol row, the event loop, how requests get there and how it ends
 *   asgi_detect.c     whether an application is one of ASGI
 *   asgi_scope.c      the scope of a request
 *   asgi_request.c    one request: its state, and what it waits for
 *   asgi_receive.c, asgi_send.c, asgi_pathsend.c, asgi_fields.c, asgi_output.c   the two callables of a request
 *   asgi_websocket.c, asgi_websocket_input.c, asgi_websocket_send.c   the same for a WebSocket (asgi_websocket.h)
 *   asgi_operation.c  what those callables return: an awaitable of ours
 *   asgi_task.c       the task of a request, whose first step is taken at once
 *   asgi_root.c       a task that is always there, for anyio
 *   asgi_lifespan.c   startup, shutdown, state
 *
 * The application runs on one asyncio loop (uvloop's if that is installed) on the main thread. The loop's own selector
 * watches a pipe and, while an exchange waits, its socket: no epoll watches an epoll, which Gramine would refuse. The
 * pipe becomes readable when the engine has something to do; then this thread drives the engine (http_server_drive) in
 * turns of the loop, until nothing is left, and requests begin within the engine's call. While the application keeps
 * the loop from coming back, threads of the engine go on, and hand requests over through a queue and the same pipe
 * (decision 0011). All else here is for the loop's thread with the GIL held, and never blocks: http_step_* of the
 * engine.
 *
 * A request begins as a task of asyncio does, in a context of its own with current_task() set, but its first step runs
 * in the same turn of the loop: an application that never suspends has answered when the turn ends.
 */
#ifndef MSE_ENCLAVE_ASGI_H
#define MSE_ENCLAVE_ASGI_H

#include "enclave/python/python.h"

#define ASGI_HTTP_VERSION "2.5" /* spec_version of the scopes: send() to a client that is gone raises OSError */
#define ASGI_LIFESPAN_VERSION "2.0"
#define ASGI_PIECE_SIZE (64u << 10) /* of a request's body, in one message */
/*
 * A client that always has something, or takes everything at once, makes nobody wait: after so many bytes without a
 * wait the loop has its turn. An operation counts as ASGI_TURN_STEP of them at least.
 */
#define ASGI_TURN_BYTES (2u << 20)
#define ASGI_TURN_STEP 4096

/*
 * Runs the loop to the future's end. Who stops the loop meanwhile changes nothing: uvloop's stop() is a callback, which
 * may be left over from a run before. -1 with an exception.
 */
must_check int asgi_complete(PyObject *future);

/* What all files share; filled by asgi.c at the start. */
struct asgi {
	const struct python_site *site;
	PyObject *app;
	PyObject *loop;
	PyObject *state; /* the lifespan's dict; NULL if it has none */
	PyObject *task_type;
	PyObject *enter_task;
	PyObject *leave_task;
	bool ends_with_last; /* the loop stops when the last request has ended */
};

extern struct asgi asgi;

/* ---- operations ---- */

enum asgi_step {
	ASGI_DONE,   /* *ret is what await gives */
	ASGI_WAIT,   /* *ret is a future: the step is taken again when it is done */
	ASGI_YIELD,  /* others have their turn: the step is taken again in the loop's next */
	ASGI_RAISED, /* an exception is set */
};

/* message: what was sent; NULL for receive(), and once the step has taken it (with Py_CLEAR). */
typedef enum asgi_step (*asgi_step_function)(PyObject *owner, PyObject **message, PyObject **ret);

must_check int asgi_operation_start(void);
/*
 * New reference: an awaitable that takes steps; it holds owner and message. Whoever steps it from within its own step
 * gets a ValueError, as with a generator.
 */
PyObject *asgi_operation_new(PyObject *owner, asgi_step_function step, PyObject *message);

/* What a generator's send() method gives for the result of a step; takes value. */
PyObject *asgi_result_of_send(PySendResult result, PyObject *value);
/* Sets the exception that throw(type[, value[, traceback]]) was called with, or what is wrong with it. */
void asgi_raise(PyObject *const *args, Py_ssize_t count);

/* ---- requests ---- */

enum asgi_phase { ASGI_HEAD, ASGI_STARTED, ASGI_BODY, ASGI_TRAILERS, ASGI_COMPLETE };

struct asgi_websocket;

/* Of a message, what is not written. */
struct asgi_output {
	const char *data;
	size_t left;
	Py_buffer view;  /* of bytes; or */
	PyObject *owner; /* a str; or */
	bool is_file;    /* what is left is in fd, from offset on */
	int fd;
	int64_t offset;
};

struct asgi_request {
	PyObject_HEAD struct http_exchange *exchange; /* NULL: given back to the engine */
	struct asgi_websocket *websocket;             /* NULL: a request as any other */
	PyObject *task;                               /* NULL: none yet */
	PyObject *waiters;                            /* list of futures; NULL: none */
	PyObject *timer;                              /* of what it waits for; or NULL */
	PyObject *wake;                               /* bound method, made when it is first wanted */
	int watched_fd;                               /* -1: none */
	bool watches_read;
	bool watches_write;
	bool is_body_read;    /* the last http.request was given out */
	bool is_disconnected; /* for the application */
	bool is_busy;         /* in receive() or send(): what these call must not come back */
	bool is_over;         /* the application has ended */
	bool has_trailers;
	int64_t began_ns;   /* 0: no limit, or it was cancelled for it */
	int failure_status; /* what to say instead of 500, if the body failed */
	uint64_t body_got;
	size_t turn_used; /* of ASGI_TURN_BYTES */
	enum asgi_phase phase;
	int status;     /* of http.response.start, until the first piece of the body */
	int64_t length; /* its Content-Length; -1: none */
	struct asgi_output output;
	bool is_last;      /* nothing more comes once that is written */
	PyObject *headers; /* list of (name, value), both bytes */
	PyObject *trailers;
	struct asgi_request *prev; /* in the list of all */
	struct asgi_request *next;
};

/* GIL held; clears its own exceptions. */
bool asgi_is_mine(PyObject *app);

must_check int asgi_request_start(void);
/* Begins one request: scope, task, first step. Owns the exchange from now on, whatever happens. */
void asgi_request_begin(struct http_exchange *exchange);
/* The application is through with it: value NULL, if an exception is set. */
void asgi_request_end(struct asgi_request *request, bool has_raised);
/* The exchange goes back to the engine; who waits is woken. */
void asgi_request_release(struct asgi_request *request);
/* Whoever waits takes its next step. */
void asgi_request_wake(struct asgi_request *request);
/* Its client is gone, or was given up: status (0: none) is for a reply that has not begun. */
void asgi_request_disconnect(struct asgi_request *request, int status);
/* A future for an operation that waits for step (WANT_READ, WANT_WRITE), or, for DONE, to look again in a while. */
enum asgi_step asgi_request_wait(struct asgi_request *request, enum http_step step, bool has_time_limit,
				 PyObject **ret_future);
/* When the client takes more, what the engine has is flushed: for a WebSocket's frames that nobody waits for. */
must_check int asgi_request_watch_output(struct asgi_request *request);
/* Is there one whose application has not ended? Its response may be complete. */
bool asgi_request_is_any(void);
/* There is no loop any more: all exchanges go back to the engine, cut. */
void asgi_request_abandon_all(void);
/*
 * Of requests that began before before_ns and have not begun to answer: cancels the tasks, once. true: there are
 * others, or were.
 */
bool asgi_request_cancel_overdue(int64_t before_ns);
/* The time of a request that begins now; 0: there is no limit. Main thread. */
int64_t asgi_limit_begin(void);
/* Since when the loop should have run; 0: it is in time. Any thread. */
int64_t asgi_limit_late_ns(void);
/* Cancels the tasks of all requests. */
void asgi_request_cancel_all(void);
/* No requests come any more: WebSockets are told. */
void asgi_request_stop_all(void);

enum asgi_step asgi_receive(PyObject *request, PyObject **message, PyObject **ret);
enum asgi_step asgi_send(PyObject *request, PyObject **message, PyObject **ret);
must_check int asgi_send_start_up(void);
must_check int asgi_receive_start_up(void);
/* A step of an operation of a request: unless it is spent, or the step is taken from within another (RuntimeError). */
typedef enum asgi_step (*asgi_request_step_function)(struct asgi_request *request, PyObject **message, PyObject **ret);
enum asgi_step asgi_request_step(PyObject *owner, asgi_request_step_function step, PyObject **message, PyObject **ret);
/* It was given so much that others have their turn: then ASGI_YIELD, before or within an operation. */
bool asgi_request_is_spent(const struct asgi_request *request);
enum asgi_step asgi_request_yield(struct asgi_request *request);

/* ---- parts of asgi_send.c that a WebSocket needs too ---- */

/* A whole reply of ours. */
void asgi_send_error(struct asgi_request *request, int status);
/* Its application has ended with the last piece under way: writes what can be now. To be called when more can be. */
void asgi_send_finish(struct asgi_request *request);
/* Waits until everything is written. */
enum asgi_step asgi_send_drain(struct asgi_request *request, PyObject **ret);
/* The type of a message; NULL with an exception. Borrowed from the message. */
const char *asgi_message_type(PyObject *message);
/* New reference to one of its members; NULL: there is none. */
PyObject *asgi_message_item(PyObject *message, const char *name);
/* {http,websocket.http}.response.{start,body} */
enum asgi_step asgi_send_start(struct asgi_request *request, PyObject *message, PyObject **ret);
enum asgi_step asgi_send_body(struct asgi_request *request, PyObject *message, PyObject **ret);
/* After http.response.start: of a body of size bytes what output holds (all; or, to HEAD, nothing). */
enum asgi_step asgi_send_piece(struct asgi_request *request, size_t size, bool is_last, PyObject **ret);
/* http.response.pathsend */
enum asgi_step asgi_send_path(struct asgi_request *request, PyObject *message, PyObject **ret);
enum asgi_step asgi_send_misplaced(const struct asgi_request *request, const char *type);
enum asgi_step asgi_send_unknown(const char *type);

/* ---- asgi_output.c ---- */

/* What is to be written, instead of what was; nothing of it is yet. Held until it is. -1 with an exception. */
must_check int asgi_output_take(struct asgi_request *request, PyObject *bytes);
must_check int asgi_output_take_text(struct asgi_request *request, PyObject *text);
/* The first size bytes of a regular file; takes fd. */
void asgi_output_take_file(struct asgi_request *request, int fd, uint64_t size);
void asgi_output_drop(struct asgi_output *output);
/*
 * Writes it behind what the engine has; DONE: the client has taken all, unless something is left: its turn is over.
 * FAILED with ERR_NOT_FOUND: the file does not hold it any more.
 */
enum http_step asgi_output_write(struct asgi_request *request, struct err *err);
/* The same, but first what the engine has. */
enum http_step asgi_output_flush(struct asgi_request *request, struct err *err);

/* ---- asgi_fields.c ---- */

/* A list of pairs of bytes, each of which can be sent. New reference. */
PyObject *asgi_fields_copy(PyObject *headers);
/* bytes that are no C string */
bool asgi_has_zero(PyObject *bytes);
/* Part (0: name, 1: value) of its i-th pair. */
const char *asgi_fields_text(PyObject *list, Py_ssize_t i, Py_ssize_t part);
/* Those that are the application's to send; the texts stay owned by the list. */
size_t asgi_fields_list(PyObject *list, bool keeps_upgrade, struct http_header ret[static HTTP_HEADERS_MAX]);

/* New reference. */
PyObject *asgi_scope_new(const struct http_exchange *exchange, bool is_websocket);
must_check int asgi_scope_start(void);

/* ---- tasks ---- */

must_check int asgi_task_start(void);
/* Calls the application and takes its first step. -1 with an exception if there is no task. */
must_check int asgi_task_begin(struct asgi_request *request, PyObject *scope);
/* What can be stepped of an awaitable: itself, or the iterator of its __await__. New reference. */
PyObject *asgi_steppable(PyObject *awaitable);

/* ---- asgi_root.c ---- */

must_check int asgi_root_start(void);
/* Is it that task? */
bool asgi_root_is(PyObject *task);
/* Runs the loop until it has ended; those that wait for its end have their turn with it. */
void asgi_root_stop(void);

/* ---- lifespan ---- */

/* ERR_INVALID if the application said that its startup failed; not to have a lifespan is fine. */
must_check int asgi_lifespan_start(struct err *err);
void asgi_lifespan_stop(void);

/* "Name: message" of the current exception and its traceback, to stderr. */
static inline void asgi_report(void)
{
	if (PyErr_Occurred())
		python_report_exception();
}

/* For a call whose answer means nothing: an exception is told. Takes answer, which may be NULL. */
static inline void asgi_drop(PyObject *answer)
{
	Py_XDECREF(answer);
	asgi_report();
}

/* future.set_result(None), unless it is done: it may have been cancelled. NULL is fine. */
void asgi_resolve(PyObject *future);

#endif
