/* SPDX-License-Identifier: Apache-2.0 */
#include <poll.h>
#include <string.h>

#include "enclave/asgi/asgi_websocket.h"
#include "enclave/process/operator_log.h"

#define DONE_WAITERS_KEPT 8 /* cancelled futures that may lie about before they are swept */
#define MS_PER_SECOND 1000.0
#define LOOK_SECONDS 0.5 /* between two looks at a client whose socket cannot be watched */

static struct asgi_request *all; /* those whose application has not ended */

/* ---- waiting ---- */

void asgi_resolve(PyObject *future)
{
	scoped(py_decrefp) PyObject *is_done = future ? PyObject_CallMethod(future, "done", NULL) : NULL;

	if (is_done == Py_False)
		asgi_drop(PyObject_CallMethod(future, "set_result", "O", Py_None));
	asgi_report();
}

/* asyncio's loops take a function by its name; a failure shows when the loop is asked the next time. */
static void call_loop(const char *method, int fd)
{
	asgi_drop(PyObject_CallMethod(asgi.loop, method, "i", fd));
}

static int watch(struct asgi_request *request, bool is_write);

static void unwatch(struct asgi_request *request)
{
	if (request->watches_read)
		call_loop("remove_reader", request->watched_fd);
	if (request->watches_write)
		call_loop("remove_writer", request->watched_fd);
	request->watches_read = request->watches_write = false;
	if (request->timer) {
		scoped(py_decrefp) PyObject *timer = TAKE_PTR(request->timer);

		asgi_drop(PyObject_CallMethod(timer, "cancel", NULL));
	}
}

void asgi_request_wake(struct asgi_request *request)
{
	scoped(py_decrefp) PyObject *waiters = TAKE_PTR(request->waiters);

	unwatch(request);
	for (Py_ssize_t i = 0; waiters && i < PyList_GET_SIZE(waiters); i++)
		asgi_resolve(PyList_GET_ITEM(waiters, i));
	/* A frame that none of them waited for still waits. */
	if (request->exchange && request->websocket && request->websocket->awaits_room)
		IGNORE_RESULT(asgi_request_watch_output(request));
	asgi_report();
}

/* What it watches is ready. */
static void go_on(struct asgi_request *request)
{
	if (request->exchange && request->watches_read)
		http_step_ready(request->exchange);
	if (request->websocket && !request->is_busy)
		request->websocket->awaits_room = false;
	asgi_request_wake(request);
	if (request->websocket && !request->is_busy)
		asgi_websocket_flush(request);
	if (request->is_over && request->is_last && request->exchange && !request->is_busy)
		asgi_send_finish(request);
}

static PyObject *on_wake(PyObject *self, PyObject *ignored)
{
	(void)ignored;
	Py_INCREF(self);
	go_on((struct asgi_request *)self);
	Py_DECREF(self);
	Py_RETURN_NONE;
}

/* Does anybody still wait? Who was cancelled does not. */
static bool is_awaited(const struct asgi_request *request)
{
	scoped(py_decrefp) PyObject *waiters = Py_XNewRef(request->waiters);
	bool is_awaited = false;

	for (Py_ssize_t i = 0; waiters && !is_awaited && i < PyList_GET_SIZE(waiters); i++) {
		scoped(py_decrefp) PyObject *is_done = PyObject_CallMethod(PyList_GET_ITEM(waiters, i), "done", NULL);

		is_awaited = is_done == Py_False;
	}
	asgi_report();
	return is_awaited;
}

/* Nothing more comes of its exchange; status: what to say if nothing was said yet. */
static void lose(struct asgi_request *request, int status)
{
	if (request->websocket && asgi_websocket_is_open(request->websocket)) {
		asgi_websocket_lose(request);
		return;
	}
	asgi_request_disconnect(request, status);
	if (request->phase != ASGI_HEAD)
		http_abort(request->exchange);
	if (request->is_over)
		asgi_request_release(request);
	else
		asgi_request_wake(request);
}

static bool is_ready(const struct asgi_request *request)
{
	const int events = (request->watches_read ? POLLIN : 0) | (request->watches_write ? POLLOUT : 0);
	struct pollfd watched = {.fd = request->watched_fd, .events = (short)events};

	return events != 0 && poll(&watched, 1, 0) > 0;
}

static void expire(struct asgi_request *request)
{
	Py_CLEAR(request->timer);
	/* A message whose send() was given up still has to be taken in time. */
	if (request->is_busy || !request->exchange || (request->output.left == 0 && !is_awaited(request)))
		return;
	/* The loop may have been blocked: its timers come before what is ready meanwhile. */
	if (is_ready(request)) {
		go_on(request);
		return;
	}
	lose(request, request->is_body_read ? 0 : 408);
}

static PyObject *on_time(PyObject *self, PyObject *ignored)
{
	(void)ignored;
	Py_INCREF(self);
	expire((struct asgi_request *)self);
	Py_DECREF(self);
	Py_RETURN_NONE;
}

static PyMethodDef wake_method = {"wake", on_wake, METH_NOARGS, NULL};
static PyMethodDef time_method = {"expire", on_time, METH_NOARGS, NULL};

/*
 * Here and below: a call of the loop, or an object that is made, may run code of the application, which may have the
 * exchange given back. asgi_request_wait looks at the end; meanwhile nothing may touch it.
 * A stream for which no descriptor is left (-1) is not watched.
 */
static int watch(struct asgi_request *request, bool is_write)
{
	bool *watches = is_write ? &request->watches_write : &request->watches_read;
	scoped(py_decrefp) PyObject *answer = NULL;

	if (*watches)
		return 0;
	if (!request->wake)
		request->wake = PyCFunction_New(&wake_method, (PyObject *)request);
	if (!request->wake || !request->exchange)
		return request->wake ? 0 : -1;
	request->watched_fd = http_descriptor(request->exchange);
	if (request->watched_fd < 0)
		return 0;
	answer = PyObject_CallMethod(asgi.loop, is_write ? "add_writer" : "add_reader", "iO", request->watched_fd,
				     request->wake);
	*watches = answer != NULL;
	return answer ? 0 : -1;
}

static int limit_time(struct asgi_request *request, bool is_write)
{
	scoped(py_decrefp) PyObject *expire = NULL;
	double seconds;

	if (!request->exchange)
		return 0;
	seconds = http_step_timeout_ms(request->exchange, is_write) / MS_PER_SECOND;
	/* Time counts while somebody waits: what was left by a wait that was cancelled begins anew. */
	if (request->timer && is_awaited(request))
		return 0;
	if (request->timer) {
		scoped(py_decrefp) PyObject *timer = TAKE_PTR(request->timer);

		asgi_drop(PyObject_CallMethod(timer, "cancel", NULL));
	}
	expire = PyCFunction_New(&time_method, (PyObject *)request);
	request->timer = expire ? PyObject_CallMethod(asgi.loop, "call_later", "dO", seconds, expire) : NULL;
	return request->timer ? 0 : -1;
}

/*
 * The socket is readable all the time, with bytes that are not for us yet: whether its client has left is looked at.
 * A WebSocket's input is watched all the same.
 */
static int look_again(struct asgi_request *request)
{
	if (request->timer || (request->websocket && asgi_websocket_is_open(request->websocket)))
		return 0;
	if (!request->wake)
		request->wake = PyCFunction_New(&wake_method, (PyObject *)request);
	request->timer =
	    request->wake ? PyObject_CallMethod(asgi.loop, "call_later", "dO", LOOK_SECONDS, request->wake) : NULL;
	return request->timer ? 0 : -1;
}

/* An application that waits again and again with a time-out of its own leaves cancelled futures behind. */
static int sweep(struct asgi_request *request)
{
	PyObject *kept;

	if (!request->waiters)
		request->waiters = PyList_New(0);
	if (!request->waiters || PyList_GET_SIZE(request->waiters) < DONE_WAITERS_KEPT)
		return request->waiters ? 0 : -1;
	kept = PyList_New(0);
	for (Py_ssize_t i = 0; kept && request->waiters && i < PyList_GET_SIZE(request->waiters); i++) {
		scoped(py_decrefp) PyObject *future = Py_NewRef(PyList_GET_ITEM(request->waiters, i));
		scoped(py_decrefp) PyObject *is_done = PyObject_CallMethod(future, "done", NULL);

		if (!is_done || (is_done == Py_False && PyList_Append(kept, future) < 0))
			Py_CLEAR(kept);
	}
	if (kept)
		Py_XSETREF(request->waiters, kept);
	return kept ? 0 : -1;
}

/* Nothing of the loop's is left; the next step of whoever waits finds that the exchange is gone. */
static void forget_exchange(struct asgi_request *request)
{
	asgi_request_wake(request);
	/* It holds its request. */
	Py_CLEAR(request->wake);
}

int asgi_request_watch_output(struct asgi_request *request)
{
	int status = watch(request, true);

	if (status == 0 && request->output.left > 0)
		status = limit_time(request, true);
	if (!request->exchange)
		forget_exchange(request);
	return status;
}

enum asgi_step asgi_request_wait(struct asgi_request *request, enum http_step step, bool has_time_limit,
				 PyObject **ret_future)
{
	const bool is_write = step == HTTP_STEP_WANT_WRITE;
	bool is_deaf;
	PyObject *future;

	request->turn_used = 0;
	if ((step == HTTP_STEP_DONE ? look_again(request) : watch(request, is_write)) < 0)
		return ASGI_RAISED;
	is_deaf = step != HTTP_STEP_DONE && request->watched_fd < 0;
	/* Whether a client leaves can be looked at now and then; what is to be read or written would be held up. */
	if (is_deaf && !has_time_limit && look_again(request) < 0)
		return ASGI_RAISED;
	if (!is_deaf && has_time_limit && limit_time(request, is_write) < 0)
		return ASGI_RAISED;
	future = PyObject_CallMethod(asgi.loop, "create_future", NULL);
	if (!future || sweep(request) < 0 || PyList_Append(request->waiters, future) < 0) {
		Py_XDECREF(future);
		return ASGI_RAISED;
	}
	if (!request->exchange)
		forget_exchange(request);
	else if (is_deaf && has_time_limit)
		lose(request, 503);
	*ret_future = future;
	return ASGI_WAIT;
}

/* ---- life ---- */

void asgi_request_disconnect(struct asgi_request *request, int status)
{
	request->is_disconnected = true;
	if (request->failure_status == 0)
		request->failure_status = status;
}

static void enlist(struct asgi_request *request)
{
	request->prev = NULL;
	request->next = all;
	if (all)
		all->prev = request;
	all = request;
	Py_INCREF((PyObject *)request);
}

static void delist(struct asgi_request *request)
{
	if (request->prev)
		request->prev->next = request->next;
	else
		all = request->next;
	if (request->next)
		request->next->prev = request->prev;
	request->prev = request->next = NULL;
	Py_DECREF((PyObject *)request);
	if (!all && asgi.ends_with_last)
		asgi_drop(PyObject_CallMethod(asgi.loop, "stop", NULL));
}

bool asgi_request_is_any(void)
{
	return all != NULL;
}

bool asgi_request_is_spent(const struct asgi_request *request)
{
	return request->turn_used >= ASGI_TURN_BYTES;
}

enum asgi_step asgi_request_yield(struct asgi_request *request)
{
	request->turn_used = 0;
	return ASGI_YIELD;
}

enum asgi_step asgi_request_step(PyObject *owner, asgi_request_step_function step, PyObject **message, PyObject **ret)
{
	struct asgi_request *request = (struct asgi_request *)owner;
	enum asgi_step result;

	if (asgi_request_is_spent(request))
		return asgi_request_yield(request);
	if (request->is_busy) {
		PyErr_SetString(PyExc_RuntimeError, "receive() or send() called from within each other");
		return ASGI_RAISED;
	}
	request->is_busy = true;
	request->turn_used += ASGI_TURN_STEP;
	result = step(request, message, ret);
	request->is_busy = false;
	return result;
}

void asgi_request_release(struct asgi_request *request)
{
	struct http_exchange *exchange = TAKE_PTR(request->exchange);

	if (!exchange)
		return;
	unwatch(request);
	if (request->websocket)
		asgi_websocket_detach(request->websocket, exchange);
	Py_CLEAR(request->headers);
	Py_CLEAR(request->trailers);
	asgi_output_drop(&request->output);
	request->is_last = false;
	request->phase = ASGI_COMPLETE;
	http_release(exchange);
	forget_exchange(request);
	if (request->is_over)
		delist(request);
}

/* Nobody wants an answer; or without memory for a request, or a loop, there is none. */
static void give_up(struct http_exchange *exchange)
{
	http_abort(exchange);
	http_release(exchange);
}

/* All whose application has not ended, or whose exchange is not given back; new references. */
static PyObject *list_all(void)
{
	PyObject *list = PyList_New(0);

	for (struct asgi_request *request = all; list && request; request = request->next) {
		if (PyList_Append(list, (PyObject *)request) < 0)
			Py_CLEAR(list);
	}
	return list;
}

void asgi_request_stop_all(void)
{
	scoped(py_decrefp) PyObject *requests = list_all();

	for (Py_ssize_t i = 0; requests && i < PyList_GET_SIZE(requests); i++) {
		struct asgi_request *request = (struct asgi_request *)PyList_GET_ITEM(requests, i);

		if (request->websocket)
			asgi_websocket_stop(request);
	}
	asgi_report();
}

void asgi_request_abandon_all(void)
{
	for (struct asgi_request *request = all; request; request = request->next) {
		struct http_exchange *exchange = TAKE_PTR(request->exchange);

		if (exchange)
			give_up(exchange);
	}
}

/* To be looked at again, as long as it may be late. */
static bool is_limited(const struct asgi_request *request)
{
	return request->began_ns && !request->is_over && !request->websocket && request->phase == ASGI_HEAD;
}

static void cancel_overdue(struct asgi_request *request)
{
	scoped(py_decrefp) PyObject *task = Py_XNewRef(request->task);

	request->began_ns = 0;
	request->failure_status = 503;
	if (request->exchange)
		operator_log("%s %.200s: no answer has begun within %u s: it is cancelled",
			     http_method(request->exchange), http_target(request->exchange),
			     asgi.site->request_limit_ms / 1000);
	if (task)
		asgi_drop(PyObject_CallMethod(task, "cancel", NULL));
}

bool asgi_request_cancel_overdue(int64_t before_ns)
{
	scoped(py_decrefp) PyObject *requests = list_all();
	bool is_any = false;

	for (Py_ssize_t i = 0; requests && i < PyList_GET_SIZE(requests); i++) {
		struct asgi_request *request = (struct asgi_request *)PyList_GET_ITEM(requests, i);

		if (!is_limited(request))
			continue;
		is_any = true;
		if (request->began_ns <= before_ns)
			cancel_overdue(request);
	}
	asgi_report();
	return is_any;
}

void asgi_request_cancel_all(void)
{
	scoped(py_decrefp) PyObject *requests = list_all();

	for (Py_ssize_t i = 0; requests && i < PyList_GET_SIZE(requests); i++) {
		const struct asgi_request *request = (struct asgi_request *)PyList_GET_ITEM(requests, i);
		scoped(py_decrefp) PyObject *task = Py_XNewRef(request->task);

		if (task)
			asgi_drop(PyObject_CallMethod(task, "cancel", NULL));
	}
	asgi_report();
}

/* What is no news: the task was cancelled, or the client left while something was being sent to it. */
static bool is_quiet(const struct asgi_request *request, PyObject *type)
{
	scoped(py_decrefp) PyObject *asyncio = PyImport_ImportModule("asyncio");
	scoped(py_decrefp) PyObject *cancelled = asyncio ? PyObject_GetAttrString(asyncio, "CancelledError") : NULL;

	PyErr_Clear();
	if (cancelled && PyErr_GivenExceptionMatches(type, cancelled))
		return true;
	return request->is_disconnected &&
	       (PyErr_GivenExceptionMatches(type, PyExc_OSError) || request->failure_status);
}

static void report(const struct asgi_request *request)
{
	PyObject *type;
	PyObject *value;
	PyObject *traceback;

	PyErr_Fetch(&type, &value, &traceback);
	if (type && !is_quiet(request, type)) {
		PyErr_Restore(type, value, traceback);
		if (request->exchange)
			python_report_request(request->exchange);
		else
			python_report_exception();
		return;
	}
	Py_XDECREF(type);
	Py_XDECREF(value);
	Py_XDECREF(traceback);
}

static void complain(const char *text)
{
	PySys_WriteStderr("ASGI: %s\n", text);
}

/* An exchange whose application has ended without a whole reply. */
static void end_reply(struct asgi_request *request, bool has_raised)
{
	const bool has_begun = request->phase == ASGI_BODY || request->phase == ASGI_TRAILERS;

	/* All of it was handed over: only the wait for the client was given up. */
	if (request->phase == ASGI_BODY && request->is_last && !request->has_trailers && !request->is_disconnected) {
		asgi_send_finish(request);
		return;
	}
	if (!has_raised && !request->is_disconnected)
		complain(has_begun ? "the application returned before its response was complete"
				   : "the application returned without a response");
	if (!has_begun && (request->failure_status || !request->is_disconnected))
		asgi_send_error(request, request->failure_status ? request->failure_status : 500);
	asgi_request_release(request);
}

void asgi_request_end(struct asgi_request *request, bool has_raised)
{
	if (has_raised)
		report(request);
	Py_CLEAR(request->task);
	request->is_over = true;
	if (request->websocket)
		asgi_websocket_drop_queue(request->websocket);
	if (!request->exchange)
		delist(request);
	else if (request->websocket && asgi_websocket_is_open(request->websocket))
		asgi_websocket_end(request, has_raised);
	else
		end_reply(request, has_raised);
}

static int request_traverse(PyObject *self, visitproc visit, void *arg)
{
	struct asgi_request *request = (struct asgi_request *)self;

	Py_VISIT(Py_TYPE(self));
	Py_VISIT(request->task);
	Py_VISIT(request->waiters);
	Py_VISIT(request->timer);
	Py_VISIT(request->wake);
	Py_VISIT(request->headers);
	Py_VISIT(request->trailers);
	Py_VISIT(request->output.owner);
	Py_VISIT(request->output.view.obj);
	return 0;
}

static int request_clear(PyObject *self)
{
	struct asgi_request *request = (struct asgi_request *)self;

	Py_CLEAR(request->task);
	Py_CLEAR(request->waiters);
	Py_CLEAR(request->timer);
	Py_CLEAR(request->wake);
	Py_CLEAR(request->headers);
	Py_CLEAR(request->trailers);
	asgi_output_drop(&request->output);
	return 0;
}

static void request_free(PyObject *self)
{
	PyTypeObject *type = Py_TYPE(self);

	PyObject_GC_UnTrack(self);
	(void)request_clear(self);
	asgi_websocket_free(((struct asgi_request *)self)->websocket);
	PyObject_GC_Del(self);
	Py_DECREF(type);
}

static PyType_Slot slots[] = {
    {Py_tp_dealloc, request_free},
    {Py_tp_traverse, request_traverse},
    {Py_tp_clear, request_clear},
    {0, NULL},
};

static PyType_Spec spec = {
    .name = "mse.Exchange",
    .basicsize = sizeof(struct asgi_request),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = slots,
};

static PyTypeObject *request_type;

int asgi_request_start(void)
{
	request_type = (PyTypeObject *)PyType_FromSpec(&spec);
	return request_type ? 0 : -1;
}

static struct asgi_request *request_new(struct http_exchange *exchange)
{
	struct asgi_request *request = PyObject_GC_New(struct asgi_request, request_type);
	const size_t head = offsetof(struct asgi_request, exchange);

	if (!request)
		return NULL;
	memset((char *)request + head, 0, sizeof(*request) - head);
	request->exchange = exchange;
	request->watched_fd = -1;
	request->length = -1;
	PyObject_GC_Track((PyObject *)request);
	return request;
}

/* What the client asks for: another protocol, or a reply. */
static struct asgi_request *request_of(struct http_exchange *exchange)
{
	struct asgi_request *request = request_new(exchange);

	if (request && http_upgrade(exchange) && asgi_websocket_new(request, &request->websocket) < 0)
		Py_CLEAR(request);
	return request;
}

void asgi_request_begin(struct http_exchange *exchange)
{
	struct asgi_request *request = http_is_gone(exchange) ? NULL : request_of(exchange);
	PyObject *scope = request ? asgi_scope_new(exchange, request->websocket != NULL) : NULL;

	if (!request) {
		PyErr_Clear();
		give_up(exchange);
		return;
	}
	enlist(request);
	request->began_ns = asgi_limit_begin();
	if (!scope || asgi_task_begin(request, scope) < 0) {
		if (!request->is_over)
			asgi_request_end(request, true);
		asgi_report();
	}
	Py_XDECREF(scope);
	Py_DECREF((PyObject *)request);
}
