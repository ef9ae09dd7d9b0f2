/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What of a message a client has not taken yet. It stays in the application's own object, which is held meanwhile: a
 * message that goes to a thousand slow clients is there once. The engine copies no more than one piece for each.
 */
#include <errno.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/number.h"
#include "enclave/asgi/asgi.h"

void asgi_output_drop(struct asgi_output *output)
{
	output->left = 0;
	Py_CLEAR(output->owner);
	if (output->is_file)
		fd_close(output->fd);
	output->is_file = false;
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

void asgi_output_take_file(struct asgi_request *request, int fd, uint64_t size)
{
	struct asgi_output *output = &request->output;

	asgi_output_drop(output);
	output->is_file = true;
	output->fd = fd;
	output->offset = 0;
	output->left = size;
}

/* The next size bytes, into piece: the engine copies what the client does not take. */
static int read_file(struct asgi_output *output, char *piece, size_t size, struct err *err)
{
	size_t used = 0;
	ssize_t got = 1;

	Py_BEGIN_ALLOW_THREADS;
	while (used < size && (got > 0 || (got < 0 && errno == EINTR))) {
		got = pread(output->fd, piece + used, size - used, output->offset + (off_t)used);
		used += got > 0 ? (size_t)got : 0;
	}
	Py_END_ALLOW_THREADS;
	if (used < size)
		return err_set(err, ERR_NOT_FOUND, "the file became shorter, or unreadable, while it was sent");
	output->data = piece;
	output->offset += (int64_t)size;
	return 0;
}

static size_t piece_size(const struct asgi_request *request)
{
	const size_t left = request->output.left;

	const size_t most = request->output.is_file ? HTTP_STEP_ROOM_MAX : left;

	return left <= HTTP_STEP_ROOM_MIN ? left : size_min(size_min(left, most), http_step_room(request->exchange));
}

enum http_step asgi_output_write(struct asgi_request *request, struct err *err)
{
	struct asgi_output *output = &request->output;
	enum http_step step = HTTP_STEP_DONE;
	scoped(freep) char *piece = NULL; /* of a file: others run while it is read */

	if (output->is_file && output->left > 0) {
		piece = malloc(size_min(output->left, HTTP_STEP_ROOM_MAX));
		if (!piece) {
			(void)err_no_memory(err);
			step = HTTP_STEP_FAILED;
		}
	}
	while (step == HTTP_STEP_DONE && output->left > 0 && !asgi_request_is_spent(request)) {
		const size_t size = piece_size(request);

		if (piece && read_file(output, piece, size, err) < 0) {
			step = HTTP_STEP_FAILED;
			break;
		}
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
