/* SPDX-License-Identifier: Apache-2.0 */
#include "enclave/asgi/asgi_websocket.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "enclave/process/wake.h"
#include "enclave/python/python_memory.h"

#define CANCELLED_SECONDS 1.0 /* for what a request does about being cancelled */
#define DIRECT_MAX 64         /* requests in one turn: those of a client that sends them in a row are one event */
#define LOST_NS 1000000000LL  /* a loop that does not run for so long never will */
#define LOST_PAUSE_MS 10      /* between two tries */
#define STOPPED_PAUSE_MS 1    /* before a stopped loop runs again: a thread may close it */
#define QUIET_MAX 1           /* turns in which nothing was found: then the loop sleeps */

struct asgi asgi;

/* What pool threads hand to the loop's. */
struct waiting {
	struct http_exchange *exchange;
	struct waiting *next;
};

static pthread_mutex_t queue_lock = PTHREAD_MUTEX_INITIALIZER; /* guards the three below */
static struct waiting *queue_first;
static struct waiting **queue_end = &queue_first;
static bool is_lost;                 /* there is no loop: set by its thread, once */
static int queue_pipe[2] = {-1, -1}; /* readable when the queue became filled, or the engine rings */
static PyMethodDef queue_method;
static PyMethodDef turn_method;
static PyMethodDef cancel_method;
static PyMethodDef give_up_method;
static bool is_given_up; /* what was cancelled had its time */

/* The loop's thread as the engine's driver (net/http_server.h). */
static struct http_server *driven; /* NULL: the pool does everything */
static PyObject *turn;
static PyObject *call_soon;
static bool has_turn;                      /* one is to come in the loop */
static unsigned quiet_turns;               /* one after the other */
static _Thread_local unsigned direct_left; /* requests that may still begin in this turn, within the engine's call */

/* ---- from the engine to the loop ---- */

/* A WebSocket that no application could accept. */
static bool refuse_handshake(struct http_exchange *exchange)
{
	/* RFC 9110 15.5.22; HTTP/2 has no Upgrade (RFC 9113 8.2.2). */
	const struct http_header fields[] = {{"Sec-WebSocket-Version", WEBSOCKET_VERSION}, {"Upgrade", "websocket"}};
	const size_t count = *http_version(exchange) == '1' ? 2 : 1;
	const int status = websocket_check(exchange);
	struct err err = ERR_INIT;

	if (status != 0)
		IGNORE_RESULT(http_reply(exchange, status, fields, status == 426 ? count : 0, "", 0, &err));
	return status != 0;
}

/* Wakes the loop's thread, from any. */
static void ring(void *arg)
{
	const ssize_t put = write(queue_pipe[1], "", 1);

	(void)arg;
	(void)put; /* a full pipe is readable too */
}

static enum http_result enqueue(struct http_exchange *exchange)
{
	struct waiting *waiting = malloc(sizeof(*waiting));
	struct err err = ERR_INIT;
	bool is_taken = false;
	bool was_empty;

	(void)pthread_mutex_lock(&queue_lock);
	was_empty = !queue_first;
	if (waiting && !is_lost) {
		*waiting = (struct waiting){.exchange = exchange};
		*queue_end = waiting;
		queue_end = &waiting->next;
		is_taken = true;
	}
	(void)pthread_mutex_unlock(&queue_lock);
	if (!is_taken) {
		free(waiting);
		IGNORE_RESULT(http_reply(exchange, 503, NULL, 0, "", 0, &err));
		return HTTP_HANDLED;
	}
	if (was_empty)
		ring(NULL);
	return HTTP_DEFERRED;
}

static enum http_result asgi_serve(struct http_exchange *exchange, void *arg)
{
	(void)arg;
	if (http_upgrade(exchange) && refuse_handshake(exchange))
		return HTTP_HANDLED;
	http_set_body_max(exchange, asgi.site->body_max);
	if (direct_left == 0)
		return enqueue(exchange);
	direct_left--;
	asgi_request_begin(exchange);
	return HTTP_DEFERRED;
}

static struct waiting *take_queue(void)
{
	struct waiting *first;

	(void)pthread_mutex_lock(&queue_lock);
	first = TAKE_PTR(queue_first);
	queue_end = &queue_first;
	(void)pthread_mutex_unlock(&queue_lock);
	return first;
}

/*
 * The engine's work, as long as there is some; what else the loop has to do comes in between. Applications run within:
 * what they raise is reported there.
 */
static void take_turn(void)
{
	enum http_drive drive = HTTP_DRIVE_LOST;
	PyObject *answer;

	direct_left = DIRECT_MAX;
	if (driven)
		drive = http_server_drive(driven);
	direct_left = 0;
	quiet_turns = drive == HTTP_DRIVE_NOTHING ? quiet_turns + 1 : 0;
	if (drive == HTTP_DRIVE_LOST)
		return;
	answer = quiet_turns <= QUIET_MAX ? PyObject_CallOneArg(call_soon, turn) : NULL;
	has_turn = answer != NULL;
	if (!has_turn)
		http_server_rest(driven);
	asgi_drop(answer);
}

/* The loop's callback for the pipe. */
static PyObject *on_queue(PyObject *self, PyObject *ignored)
{
	struct waiting *next;
	char bytes[64];

	(void)self;
	(void)ignored;
	/* The pipe before the queue: what comes in between makes it readable again. */
	while (read(queue_pipe[0], bytes, sizeof(bytes)) == (ssize_t)sizeof(bytes)) {
	}
	for (struct waiting *waiting = take_queue(); waiting; waiting = next) {
		next = waiting->next;
		asgi_request_begin(waiting->exchange);
		free(waiting);
	}
	if (!has_turn)
		take_turn();
	Py_RETURN_NONE;
}

static PyObject *on_turn(PyObject *self, PyObject *ignored)
{
	(void)self;
	(void)ignored;
	has_turn = false;
	take_turn();
	Py_RETURN_NONE;
}

/* ---- start ---- */

/* uvloop's, if it is there and works here (it wants an eventfd, which Gramine may refuse); else asyncio's own. */
static PyObject *make_loop(PyObject *asyncio)
{
	scoped(py_decrefp) PyObject *uvloop = PyImport_ImportModule("uvloop");
	PyObject *loop = uvloop ? PyObject_CallMethod(uvloop, "new_event_loop", NULL) : NULL;

	PyErr_Clear();
	return loop ? loop : PyObject_CallMethod(asyncio, "new_event_loop", NULL);
}

static int setup_loop(PyObject *asyncio)
{
	scoped(py_decrefp) PyObject *tasks = PyImport_ImportModule("asyncio.tasks");
	scoped(py_decrefp) PyObject *answer = NULL;

	asgi.loop = make_loop(asyncio);
	answer = asgi.loop ? PyObject_CallMethod(asyncio, "set_event_loop", "O", asgi.loop) : NULL;
	if (!answer || !tasks)
		return -1;
	asgi.task_type = PyObject_GetAttrString(tasks, "Task");
	asgi.enter_task = PyObject_GetAttrString(tasks, "_enter_task");
	asgi.leave_task = PyObject_GetAttrString(tasks, "_leave_task");
	return asgi.task_type && asgi.enter_task && asgi.leave_task ? 0 : -1;
}

static int setup_queue(struct err *err)
{
	scoped(py_decrefp) PyObject *callback = NULL;
	scoped(py_decrefp) PyObject *answer = NULL;

	if (pipe2(queue_pipe, O_CLOEXEC | O_NONBLOCK) < 0)
		return err_set_errno(err, "cannot make a pipe");
	queue_method = (PyMethodDef){"requests", on_queue, METH_NOARGS, NULL};
	turn_method = (PyMethodDef){"turn", on_turn, METH_NOARGS, NULL};
	callback = PyCFunction_New(&queue_method, NULL);
	turn = PyCFunction_New(&turn_method, NULL);
	call_soon = PyObject_GetAttrString(asgi.loop, "call_soon");
	answer = callback && turn && call_soon
		     ? PyObject_CallMethod(asgi.loop, "add_reader", "iO", queue_pipe[0], callback)
		     : NULL;
	return answer ? 0 : err_set(err, ERR_INTERNAL, "python: the event loop takes no pipe");
}

/* Loads asyncio and uvloop. */
static int start_loop(struct err *err)
{
	scoped(py_decrefp) PyObject *asyncio = PyImport_ImportModule("asyncio");

	if (!asyncio || setup_loop(asyncio) < 0 || asgi_operation_start() < 0 || asgi_request_start() < 0 ||
	    asgi_task_start() < 0 || asgi_scope_start() < 0 || asgi_receive_start_up() < 0 ||
	    asgi_send_start_up() < 0 || asgi_root_start() < 0)
		return err_set(err, ERR_INTERNAL, "python: no event loop");
	return setup_queue(err);
}

static int asgi_start(PyObject *app, const struct python_site *site, struct err *err)
{
	const bool was_on = python_memory_pause_collector();
	int status;

	asgi.site = site;
	asgi.app = Py_NewRef(app);
	status = start_loop(err);
	python_memory_resume_collector(was_on);
	if (status == 0)
		status = asgi_lifespan_start(err);
	asgi_report();
	return status;
}

/* ---- running ---- */

static bool is_loop_closed(void)
{
	scoped(py_decrefp) PyObject *is_closed = PyObject_CallMethod(asgi.loop, "is_closed", NULL);

	asgi_report();
	return is_closed != Py_False;
}

static bool is_done(PyObject *future)
{
	scoped(py_decrefp) PyObject *answer = PyObject_CallMethod(future, "done", NULL);

	asgi_report();
	return answer != Py_False;
}

/* With the exception of a vain run_until_complete. Was it only a stop of the loop? Then the exception is cleared. */
static bool was_stopped(PyObject *future)
{
	PyObject *type;
	PyObject *value;
	PyObject *traceback;

	if (!PyErr_ExceptionMatches(PyExc_RuntimeError))
		return false;
	PyErr_Fetch(&type, &value, &traceback);
	if (is_done(future) || is_loop_closed()) {
		PyErr_Restore(type, value, traceback);
		return false;
	}
	Py_XDECREF(type);
	Py_XDECREF(value);
	Py_XDECREF(traceback);
	return true;
}

int asgi_complete(PyObject *future)
{
	PyObject *answer;

	do
		answer = PyObject_CallMethod(asgi.loop, "run_until_complete", "O", future);
	while (!answer && was_stopped(future));
	Py_XDECREF(answer);
	return answer ? 0 : -1;
}

/* A method of the loop; what goes wrong is told and changes nothing. */
static void call(const char *method)
{
	asgi_drop(PyObject_CallMethod(asgi.loop, method, NULL));
}

static PyObject *call_later(double seconds, PyMethodDef *method)
{
	scoped(py_decrefp) PyObject *callback = PyCFunction_New(method, NULL);

	return callback ? PyObject_CallMethod(asgi.loop, "call_later", "dO", seconds, callback) : NULL;
}

static PyObject *on_give_up(PyObject *self, PyObject *ignored)
{
	(void)self;
	(void)ignored;
	is_given_up = true;
	call("stop");
	Py_RETURN_NONE;
}

static PyObject *on_cancel(PyObject *self, PyObject *ignored)
{
	(void)self;
	(void)ignored;
	asgi_request_cancel_all();
	asgi_drop(call_later(CANCELLED_SECONDS, &give_up_method));
	Py_RETURN_NONE;
}

static PyObject *cancel_later(int cancel_ms)
{
	if (cancel_ms < 0)
		return NULL;
	cancel_method = (PyMethodDef){"cancel", on_cancel, METH_NOARGS, NULL};
	give_up_method = (PyMethodDef){"give_up", on_give_up, METH_NOARGS, NULL};
	return call_later(cancel_ms / 1000.0, &cancel_method);
}

/*
 * Does the loop run at all? What comes out of it is told: SystemExit and KeyboardInterrupt of a background task. Any
 * other exception says that it cannot run; of several in a row one is told.
 */
static bool run_loop(bool is_told)
{
	PyObject *answer = PyObject_CallMethod(asgi.loop, "run_forever", NULL);
	const bool has_run = answer || !PyErr_ExceptionMatches(PyExc_Exception);

	if (!has_run && !is_told)
		PyErr_Clear();
	asgi_drop(answer);
	return has_run;
}

static bool is_readable(int fd, int ms)
{
	struct pollfd wanted = {.fd = fd, .events = POLLIN};
	bool is_ready;

	Py_BEGIN_ALLOW_THREADS;
	is_ready = poll(&wanted, 1, ms) > 0;
	Py_END_ALLOW_THREADS;
	return is_ready;
}

/* Until fd is readable: true; or there is no loop that runs: false. Who stops it ends no server. */
static bool run_until(int fd)
{
	int64_t failed_ns = 0; /* since when it does not run */

	for (;;) {
		if (run_loop(failed_ns == 0))
			failed_ns = 0;
		else if (failed_ns == 0)
			failed_ns = clock_monotonic_ns();
		if (is_readable(fd, failed_ns == 0 ? STOPPED_PAUSE_MS : LOST_PAUSE_MS))
			return true;
		if (is_loop_closed() || (failed_ns != 0 && clock_monotonic_ns() - failed_ns > LOST_NS))
			return false;
	}
}

/* Whatever waits is cut, and nothing is taken any more. */
static void lose_loop(void)
{
	struct err ignored = ERR_INIT;
	struct waiting *next;

	PySys_WriteStderr("ASGI: the application has ended the event loop: the server stops\n");
	(void)pthread_mutex_lock(&queue_lock);
	is_lost = true;
	(void)pthread_mutex_unlock(&queue_lock);
	asgi_request_abandon_all();
	for (struct waiting *waiting = take_queue(); waiting; waiting = next) {
		next = waiting->next;
		IGNORE_RESULT(http_reply(waiting->exchange, 503, NULL, 0, "", 0, &ignored));
		http_release(waiting->exchange);
		free(waiting);
	}
	wake_send(WAKE_FAILED);
}

/* Work goes on behind whole responses, which the engine knows nothing of. */
static void await_requests(void)
{
	asgi.ends_with_last = true;
	while (asgi_request_is_any() && !is_given_up && !is_loop_closed())
		call("run_forever");
	asgi.ends_with_last = false;
}

static void drive(struct http_server *server)
{
	driven = server;
	if (server)
		http_server_set_driver(server, ring, NULL);
}

static void stop_driving(void)
{
	if (driven)
		http_server_set_driver(driven, NULL, NULL);
	driven = NULL;
}

/* Until fd is readable, which stops the loop; or there is no loop any more. */
static void serve_until(struct http_server *server, int fd, int cancel_ms)
{
	scoped(py_decrefp) PyObject *timer = cancel_later(cancel_ms);
	bool is_there;

	if (cancel_ms >= 0)
		asgi_request_stop_all();
	drive(server);
	is_there = run_until(fd);
	stop_driving();
	if (!is_there)
		return;
	asgi_drop(PyObject_CallMethod(asgi.loop, "remove_reader", "i", fd));
	if (!timer)
		return;
	await_requests();
	asgi_drop(PyObject_CallMethod(timer, "cancel", NULL));
}

static void asgi_run(struct http_server *server, int fd, int cancel_ms)
{
	scoped(py_decrefp) PyObject *stop = PyObject_GetAttrString(asgi.loop, "stop");
	scoped(py_decrefp) PyObject *added = NULL;

	if (is_lost)
		return;
	added = stop ? PyObject_CallMethod(asgi.loop, "add_reader", "iO", fd, stop) : NULL;
	if (added)
		serve_until(server, fd, cancel_ms);
	asgi_report();
	if (!is_readable(fd, 0))
		lose_loop();
}

/* ---- the end ---- */

static void run_task(PyObject *coroutine)
{
	scoped(py_decrefp) PyObject *task =
	    coroutine ? PyObject_CallMethod(asgi.loop, "create_task", "O", coroutine) : NULL;

	if (task)
		IGNORE_RESULT(asgi_complete(task));
	asgi_report();
}

/* Runs one coroutine of the loop's own to its end. */
static void run_to_end(const char *method)
{
	scoped(py_decrefp) PyObject *coroutine = PyObject_CallMethod(asgi.loop, method, NULL);

	run_task(coroutine);
}

/* Background tasks of the application: cancelled, and waited for. */
static void end_tasks(PyObject *asyncio)
{
	scoped(py_decrefp) PyObject *set = PyObject_CallMethod(asyncio, "all_tasks", "O", asgi.loop);
	scoped(py_decrefp) PyObject *tasks = set ? PySequence_List(set) : NULL;
	scoped(py_decrefp) PyObject *wait = NULL;

	for (Py_ssize_t i = tasks ? PyList_GET_SIZE(tasks) : 0; i-- > 0;) {
		if (asgi_root_is(PyList_GET_ITEM(tasks, i)))
			IGNORE_RESULT(PyList_SetSlice(tasks, i, i + 1, NULL));
		else
			asgi_drop(PyObject_CallMethod(PyList_GET_ITEM(tasks, i), "cancel", NULL));
	}
	if (tasks && PyList_GET_SIZE(tasks) > 0)
		wait = PyObject_CallMethod(asyncio, "wait", "O", tasks);
	if (wait)
		run_task(wait);
	asgi_report();
}

static void asgi_stop(void)
{
	scoped(py_decrefp) PyObject *asyncio = PyImport_ImportModule("asyncio");

	if (!asgi.loop || !asyncio || is_lost)
		return;
	asgi_lifespan_stop();
	end_tasks(asyncio);
	asgi_root_stop();
	run_to_end("shutdown_asyncgens");
	run_to_end("shutdown_default_executor");
	asgi_drop(PyObject_CallMethod(asyncio, "set_event_loop", "O", Py_None));
	call("close");
	Py_CLEAR(turn);
	Py_CLEAR(call_soon);
	Py_CLEAR(asgi.app);
	Py_CLEAR(asgi.state);
	Py_CLEAR(asgi.loop);
	for (int i = 0; i < 2; i++)
		fd_closep(&queue_pipe[i]);
}

const struct python_protocol asgi_protocol = {
    .name = "asgi",
    .is_mine = asgi_is_mine,
    .start = asgi_start,
    .serve = asgi_serve,
    .is_deferring = true,
    .takes_tunnels = true,
    .run = asgi_run,
    .stop = asgi_stop,
    .late_ns = asgi_limit_late_ns,
};
