/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/clock.h"
#include "base/number.h"
#include "enclave/asgi/asgi_websocket.h"

size_t asgi_websocket_read(void *arg, uint8_t *ret_data, size_t size)
{
	struct asgi_request *request = arg;
	struct asgi_websocket *websocket = request->websocket;
	const size_t part = size_min(size, websocket->turn_left);
	struct err ignored = ERR_INIT;
	size_t got = 0;

	if (part == 0 || websocket->is_input_over || !request->exchange)
		return 0;
	switch (http_step_read(request->exchange, ret_data, part, &got, &ignored)) {
	case HTTP_STEP_DONE:
		websocket->is_input_over = got == 0;
		websocket->turn_left -= got;
		return got;
	case HTTP_STEP_FAILED:
		websocket->is_input_over = true;
		break;
	case HTTP_STEP_WANT_READ:
	case HTTP_STEP_WANT_WRITE:
		break;
	}
	return 0;
}

static bool has_room(const struct asgi_websocket *websocket)
{
	if (websocket->is_answered)
		return false;
	return websocket->phase == ASGI_WEBSOCKET_CLOSING ||
	       (PyList_GET_SIZE(websocket->queue) < websocket->queue_messages_max &&
		websocket->queue_bytes < websocket->queue_bytes_max);
}

/* ---- what the loop watches ---- */

static void run_input(struct asgi_request *request);

static PyObject *on_input(PyObject *self, PyObject *ignored)
{
	struct asgi_request *request = (struct asgi_request *)self;

	(void)ignored;
	if (request->exchange && !request->is_busy && !request->websocket->is_reading &&
	    asgi_websocket_is_open(request->websocket))
		run_input(request);
	Py_RETURN_NONE;
}

static PyMethodDef input_method = {"input", on_input, METH_NOARGS, NULL};

static int watch(struct asgi_request *request)
{
	struct asgi_websocket *websocket = request->websocket;
	PyObject *answer;

	if (websocket->is_watched)
		return 0;
	answer =
	    PyObject_CallMethod(asgi.loop, "add_reader", "iO", http_descriptor(request->exchange), websocket->on_input);
	websocket->is_watched = answer != NULL;
	Py_XDECREF(answer);
	return websocket->is_watched ? 0 : -1;
}

void asgi_websocket_unwatch(struct asgi_websocket *websocket, int fd)
{
	if (websocket->is_watched)
		asgi_drop(PyObject_CallMethod(asgi.loop, "remove_reader", "i", fd));
	websocket->is_watched = false;
}

/* In the loop's next turn: what is here already makes no descriptor readable. */
static int read_soon(struct asgi_request *request)
{
	PyObject *answer = PyObject_CallMethod(asgi.loop, "call_soon", "O", request->websocket->on_input);

	Py_XDECREF(answer);
	return answer ? 0 : -1;
}

int asgi_websocket_start_input(struct asgi_request *request)
{
	request->websocket->on_input = PyCFunction_New(&input_method, (PyObject *)request);
	if (!request->websocket->on_input)
		return -1;
	return watch(request) < 0 ? -1 : read_soon(request);
}

void asgi_websocket_resume_input(struct asgi_request *request)
{
	struct asgi_websocket *websocket = request->websocket;

	if (!request->exchange || websocket->is_watched || !has_room(websocket))
		return;
	websocket->heard_ns = clock_monotonic_ns();
	if (watch(request) < 0 || read_soon(request) < 0)
		asgi_report();
}

/* ---- what comes ---- */

static PyObject *message_of(enum websocket_event event, const struct websocket_message *message)
{
	const char *data = (const char *)message->data;
	const bool is_text = event == WEBSOCKET_TEXT;
	PyObject *value = is_text ? PyUnicode_DecodeUTF8(data, (Py_ssize_t)message->size, NULL)
				  : PyBytes_FromStringAndSize(data, (Py_ssize_t)message->size);

	if (!value)
		return NULL;
	return Py_BuildValue("{s:s, s:N}", "type", "websocket.receive", is_text ? "text" : "bytes", value);
}

static void keep_message(struct asgi_request *request, enum websocket_event event,
			 const struct websocket_message *message)
{
	struct asgi_websocket *websocket = request->websocket;
	scoped(py_decrefp) PyObject *item = NULL;

	if (websocket->phase != ASGI_WEBSOCKET_OPEN)
		return;
	item = message_of(event, message);
	if (!item || PyList_Append(websocket->queue, item) < 0) {
		asgi_report();
		asgi_websocket_lose(request);
		return;
	}
	websocket->queue_bytes += message->size;
}

static void keep_ping(struct asgi_websocket *websocket, const struct websocket_message *message)
{
	websocket->owes_pong = websocket->phase == ASGI_WEBSOCKET_OPEN;
	websocket->pong_size = message->size;
	memcpy(websocket->pong, message->data, message->size);
}

static void take_event(struct asgi_request *request, enum websocket_event event,
		       const struct websocket_message *message)
{
	switch (event) {
	case WEBSOCKET_TEXT:
	case WEBSOCKET_BYTES:
		keep_message(request, event, message);
		break;
	case WEBSOCKET_PING:
		keep_ping(request->websocket, message);
		break;
	case WEBSOCKET_CLOSE:
		asgi_websocket_answer_close(request, message);
		break;
	case WEBSOCKET_FAILED:
		asgi_websocket_fail(request, message);
		break;
	case WEBSOCKET_PONG:
	case WEBSOCKET_NOTHING:
		break;
	}
}

/* If the client takes nothing now, the pong waits, and is that of a later ping: it need not have one for each. */
void asgi_websocket_send_pong(struct asgi_request *request)
{
	struct asgi_websocket *websocket = request->websocket;
	uint8_t frame[WEBSOCKET_HEAD_SIZE_MAX + WEBSOCKET_CONTROL_SIZE_MAX];
	const size_t head = websocket_head(WEBSOCKET_PONG, websocket->pong_size, frame);
	struct err ignored = ERR_INIT;
	enum http_step step;

	if (request->output.left > 0)
		return;
	step = http_step_flush(request->exchange, &ignored);
	if (step == HTTP_STEP_DONE) {
		websocket->owes_pong = false;
		memcpy(frame + head, websocket->pong, websocket->pong_size);
		step = http_step_write(request->exchange, frame, head + websocket->pong_size, &ignored);
	}
	asgi_websocket_note_write(request, step);
}

/* The exchange is still there. */
static void end_turn(struct asgi_request *request)
{
	struct asgi_websocket *websocket = request->websocket;

	if (websocket->owes_flush)
		asgi_websocket_flush(request);
	else if (websocket->owes_pong)
		asgi_websocket_send_pong(request);
	if (!request->exchange)
		return;
	if (websocket->is_input_over && websocket->phase == ASGI_WEBSOCKET_OPEN)
		asgi_websocket_lose(request);
	else if (websocket->is_input_over && websocket->close_size > 0)
		asgi_websocket_lose(request);
	else if (websocket->is_input_over)
		asgi_websocket_end_tunnel(request);
	else if (!has_room(websocket))
		asgi_websocket_unwatch(websocket, http_descriptor(request->exchange));
	else if (websocket->turn_left == 0 && read_soon(request) < 0)
		asgi_report();
}

static void run_input(struct asgi_request *request)
{
	struct asgi_websocket *websocket = request->websocket;
	const int64_t now_ns = clock_monotonic_ns();
	const Py_ssize_t before = PyList_GET_SIZE(websocket->queue);
	enum websocket_event event = WEBSOCKET_PONG;

	Py_INCREF((PyObject *)request);
	websocket->turn_left = ASGI_WEBSOCKET_TURN_BYTES;
	websocket->is_reading = true;
	while (event != WEBSOCKET_NOTHING && request->exchange && has_room(websocket)) {
		struct websocket_message message;

		event = websocket_next(websocket->frames, now_ns, &message);
		take_event(request, event, &message);
	}
	websocket->is_reading = false;
	if (!request->exchange)
		asgi_websocket_drop_frames(websocket);
	if (websocket->turn_left < ASGI_WEBSOCKET_TURN_BYTES) {
		websocket->heard_ns = now_ns;
		websocket->is_asked = false;
	}
	if (request->exchange)
		end_turn(request);
	if (PyList_GET_SIZE(websocket->queue) > before || websocket->wakes_on_input)
		asgi_request_wake(request);
	Py_DECREF((PyObject *)request);
}
