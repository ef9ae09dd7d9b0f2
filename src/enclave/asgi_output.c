/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What of a message a client has not taken yet. It stays in the application's own object, which is held meanwhile: a
 * message that goes to a thousand slow clients is there once. The engine copies no more than one piece for each.
 */
#include "base/number.h"
#include "enclave/asgi.h"

void asgi_output_drop(struct asgi_output *output)
{
	output->left = 0;
	Py_CLEAR(output->owner);
	if (output->view.obj)
		PyBuffer_Release(&output->view);
}

int asgi_output_take(struct asgi_request *request, PyObject *bytes)
{
	struct asgi_output *output = &request->output;

	asgi_output_drop(output);
	if (PyObject_GetBuffer(bytes, &output->view, PyBUF_SIMPLE) < 0)
		return -1;
	output->data = output->view.buf;
	output->left = (size_t)output->view.len;
	return 0;
}

int asgi_output_take_text(struct asgi_request *request, PyObject *text)
{
	struct asgi_output *output = &request->output;
	Py_ssize_t size;
	const char *data = PyUnicode_AsUTF8AndSize(text, &size);

	asgi_output_drop(output);
	if (!data)
		return -1;
	output->owner = Py_NewRef(text);
	output->data = data;
	output->left = (size_t)size;
	return 0;
}

static size_t piece_size(const struct asgi_request *request)
{
	const size_t left = request->output.left;

	return left <= HTTP_STEP_ROOM_MIN ? left : size_min(left, http_step_room(request->exchange));
}

enum http_step asgi_output_write(struct asgi_request *request, struct err *err)
{
	struct asgi_output *output = &request->output;
	enum http_step step = HTTP_STEP_DONE;

	while (step == HTTP_STEP_DONE && output->left > 0 && !asgi_request_is_spent(request)) {
		const size_t size = piece_size(request);

		request->turn_used += size;
		step = http_step_write(request->exchange, output->data, size, err);
		output->data += size;
		output->left -= size;
	}
	if (output->left == 0 || step == HTTP_STEP_FAILED)
		asgi_output_drop(output);
	return step;
}

enum http_step asgi_output_flush(struct asgi_request *request, struct err *err)
{
	enum http_step step = http_step_flush(request->exchange, err);

	/* The last piece may be with the engine: that is flushed too. */
	if (step == HTTP_STEP_DONE && request->output.left > 0)
		step = asgi_output_write(request, err);
	if (step == HTTP_STEP_FAILED)
		asgi_output_drop(&request->output);
	return step;
}
