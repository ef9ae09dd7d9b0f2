/* SPDX-License-Identifier: Apache-2.0 */
/*
 * News for whoever waits in steps. An event loop wants a descriptor that is readable when there is input and writable
 * when there is room; a stream has none. Ours is one end of a pair of sockets: a byte from the other end makes it
 * readable, bytes that nobody takes make it unwritable. It is made when somebody waits for the first time.
 */
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "net/http2_priv.h"

#define FILL_SIZE 4096

static void drain(int fd)
{
	uint8_t bytes[FILL_SIZE];

	while (recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT) > 0) {
	}
}

static void fill(struct http2_stream *stream)
{
	static const uint8_t bytes[FILL_SIZE];

	if (stream->pair[0] < 0 || stream->is_filled)
		return;
	while (send(stream->pair[0], bytes, sizeof(bytes), MSG_DONTWAIT | MSG_NOSIGNAL) > 0) {
	}
	stream->is_filled = true;
}

static void put_byte(struct http2_stream *stream)
{
	if (stream->pair[1] >= 0)
		(void)send(stream->pair[1], "", 1, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void wake_handlers(struct http2_session *session)
{
	if (session->waiters > 0)
		(void)pthread_cond_broadcast(&session->changed);
}

void http2_tell_input(struct http2_stream *stream)
{
	wake_handlers(stream->session);
	if (!stream->wants_input || stream->has_news)
		return;
	stream->has_news = true;
	put_byte(stream);
}

void http2_tell_room(struct http2_stream *stream)
{
	wake_handlers(stream->session);
	if (!stream->wants_room || (http2_bytes_size(&stream->out) > 0 && !stream->is_closed))
		return;
	stream->wants_room = false;
	if (stream->is_filled)
		drain(stream->pair[1]);
	stream->is_filled = false;
}

/* The news stay wanted: more than one may wait for them. */
void http2_hear_input(struct http2_stream *stream)
{
	if (stream->has_news && stream->pair[0] >= 0)
		drain(stream->pair[0]);
	stream->has_news = false;
}

enum http_step http2_want_input(struct http2_stream *stream)
{
	stream->wants_input = true;
	return HTTP_STEP_WANT_READ;
}

enum http_step http2_want_room(struct http2_stream *stream)
{
	stream->wants_room = true;
	fill(stream);
	return HTTP_STEP_WANT_WRITE;
}

/* Descriptors are for connections first: only so many streams have some of their own. */
static bool open_pair(struct http2_stream *stream)
{
	struct http_server *server = stream->session->conn->server;

	if (atomic_fetch_add(&server->stream_waits, 1) < server->stream_waits_max &&
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, stream->pair) == 0)
		return true;
	(void)atomic_fetch_sub(&server->stream_waits, 1);
	stream->pair[0] = stream->pair[1] = -1;
	return false;
}

static void close_pair(struct http2_stream *stream)
{
	if (stream->pair[0] < 0)
		return;
	fd_close(stream->pair[0]);
	fd_close(stream->pair[1]);
	(void)atomic_fetch_sub(&stream->session->conn->server->stream_waits, 1);
}

static void make_pair(struct http2_stream *stream)
{
	const int least = 1; /* the system makes it its own minimum */

	if (!open_pair(stream))
		return;
	(void)setsockopt(stream->pair[0], SOL_SOCKET, SO_SNDBUF, &least, sizeof(least));
	if (stream->has_news)
		put_byte(stream);
	if (stream->wants_room)
		fill(stream);
}

int http2_descriptor(const struct http_exchange *exchange)
{
	struct http2_stream *stream = exchange->stream;

	http2_lock(stream->session);
	if (stream->pair[0] < 0)
		make_pair(stream);
	http2_unlock(stream->session);
	return stream->pair[0];
}

void http2_stream_free(struct http2_stream *stream)
{
	(void)atomic_fetch_sub(&stream->session->conn->server->http2_held, stream->held);
	http_exchange_free(stream->exchange);
	http2_bytes_done(&stream->in);
	http2_bytes_done(&stream->out);
	buf_done(&stream->trailers);
	buf_done(&stream->crumbs);
	close_pair(stream);
	free(stream);
}
