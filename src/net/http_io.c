/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <malloc.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/number.h"
#include "net/http_priv.h"

#define IN_SIZE_MIN 4096
#define IN_KEPT_MAX 16384
#define TLS_PIECE 16384

/* ---- one try ---- */

enum tls_io http_conn_read_plain(struct http_conn *conn, void *ret_data, size_t size, size_t *ret_got, struct err *err)
{
	ssize_t got;

	do
		got = recv(conn->fd, ret_data, size, 0);
	while (got < 0 && errno == EINTR);
	conn->is_drained = got < (ssize_t)size;
	if (got > 0) {
		*ret_got = (size_t)got;
		return TLS_IO_DONE;
	}
	if (got == 0)
		return TLS_IO_CLOSED;
	if (errno == EAGAIN || errno == EWOULDBLOCK)
		return TLS_IO_WANT_READ;
	(void)err_set_errno(err, "cannot read");
	return TLS_IO_FAILED;
}

enum tls_io http_conn_read(struct http_conn *conn, void *ret_data, size_t size, size_t *ret_got, struct err *err)
{
	if (conn->tls) {
		const enum tls_io io = tls_conn_read(conn->tls, ret_data, size, ret_got, err);

		conn->is_drained = tls_conn_is_drained(conn->tls);
		return io;
	}
	return http_conn_read_plain(conn, ret_data, size, ret_got, err);
}

static enum tls_io plain_write(struct http_conn *conn, struct iovec *pieces, size_t count, size_t *ret_put,
			       struct err *err)
{
	const struct msghdr message = {.msg_iov = pieces, .msg_iovlen = count};
	ssize_t put;

	do
		put = sendmsg(conn->fd, &message, MSG_NOSIGNAL);
	while (put < 0 && errno == EINTR);
	if (put >= 0) {
		*ret_put = (size_t)put;
		return TLS_IO_DONE;
	}
	if (errno == EAGAIN || errno == EWOULDBLOCK)
		return TLS_IO_WANT_WRITE;
	(void)err_set_errno(err, "cannot write");
	return TLS_IO_FAILED;
}

/* ---- waiting ---- */

static int poll_one(struct pollfd *poll_fd, int timeout_ms)
{
	int got;

	do
		got = poll(poll_fd, 1, timeout_ms);
	while (got < 0 && errno == EINTR);
	return got;
}

static int wait_for(struct http_conn *conn, enum tls_io wanted, int timeout_ms, struct err *err)
{
	struct pollfd poll_fd = {.fd = conn->fd, .events = wanted == TLS_IO_WANT_WRITE ? POLLOUT : POLLIN};
	const bool leads = http_lead_is_mine() && timeout_ms > HTTP_LEAD_WAIT_MS;
	int got = poll_one(&poll_fd, leads ? HTTP_LEAD_WAIT_MS : timeout_ms);

	if (leads && got == 0) {
		http_lead_step_down(&conn->server->lead);
		got = poll_one(&poll_fd, timeout_ms - HTTP_LEAD_WAIT_MS);
	}
	if (got < 0)
		return err_set_errno(err, "cannot wait for the client");
	return got > 0 ? 0 : err_set(err, ERR_TIMEOUT, "nothing from the client for %d ms", timeout_ms);
}

int http_conn_read_wait(struct http_conn *conn, void *ret_data, size_t size, int timeout_ms, size_t *ret_got,
			struct err *err)
{
	for (;;) {
		const enum tls_io io = http_conn_read(conn, ret_data, size, ret_got, err);

		switch (io) {
		case TLS_IO_DONE:
			return 0;
		case TLS_IO_CLOSED:
			return err_set(err, ERR_IO, "the client has closed the connection");
		case TLS_IO_FAILED:
			return -1;
		case TLS_IO_WANT_READ:
		case TLS_IO_WANT_WRITE:
			if (wait_for(conn, io, timeout_ms, err) < 0)
				return -1;
		}
	}
}

/* Takes size bytes off the front of the pieces. */
static void advance(struct iovec **pieces, size_t *count, size_t size)
{
	while (*count > 0 && size >= (*pieces)->iov_len) {
		size -= (*pieces)->iov_len;
		(*pieces)++;
		(*count)--;
	}
	if (*count > 0 && size > 0) {
		(*pieces)->iov_base = (uint8_t *)(*pieces)->iov_base + size;
		(*pieces)->iov_len -= size;
	}
}

/* The pieces' first bytes, joined: a head and a short body are one record and one segment. */
static size_t join(const struct iovec *pieces, size_t count, uint8_t joined[static TLS_PIECE])
{
	size_t size = 0;

	for (size_t i = 0; i < count && size < TLS_PIECE; i++) {
		const size_t part = size_min(pieces[i].iov_len, TLS_PIECE - size);

		if (part > 0)
			memcpy(joined + size, pieces[i].iov_base, part);
		size += part;
	}
	return size;
}

/* What the pieces have behind their first size bytes. */
static size_t over(const struct iovec *pieces, size_t count, size_t size)
{
	size_t total = 0;

	for (size_t i = 0; i < count; i++)
		total += pieces[i].iov_len;
	return total - size;
}

/* A function of its own: others are spared the room on the stack, which the compiler touches page by page. */
__attribute__((noinline)) static enum tls_io write_joined(struct http_conn *conn, const struct iovec *pieces,
							  size_t count, size_t *ret_put, struct err *err)
{
	uint8_t joined[TLS_PIECE];
	const size_t size = join(pieces, count, joined);

	return tls_conn_write_more(conn->tls, joined, size, over(pieces, count, size), ret_put, err);
}

/*
 * One record. OpenSSL wants a write that could not be finished again with the same bytes: what is left of the pieces
 * begins with them.
 */
static enum tls_io tls_write(struct http_conn *conn, const struct iovec *pieces, size_t count, size_t *ret_put,
			     struct err *err)
{
	const size_t size = size_min(pieces->iov_len, TLS_PIECE);

	const size_t more = over(pieces, count, size);

	if (size < TLS_PIECE && more > 0)
		return write_joined(conn, pieces, count, ret_put, err);
	return tls_conn_write_more(conn->tls, pieces->iov_base, size, more, ret_put, err);
}

/* What was waited for is over. Bytes that went into empty buffers before are no sign of a client that reads. */
static void end_wait(struct http_conn *conn)
{
	struct http_pace *pace = &conn->write_pace;

	if (pace->since_ns == 0)
		return;
	pace->waited_ns += clock_monotonic_ns() - pace->since_ns;
	pace->since_ns = 0;
}

static enum tls_io begin_wait(struct http_conn *conn, enum tls_io io, struct err *err)
{
	const int64_t grace_ns = conn->server->write_timeout_ms * NS_PER_MS;
	struct http_pace *pace = &conn->write_pace;

	if (pace->waited_ns == 0)
		pace->bytes = 0;
	pace->since_ns = clock_monotonic_ns();
	if (pace->waited_ns <= grace_ns ||
	    pace->bytes / conn->server->limits.rate_min >= (uint64_t)((pace->waited_ns - grace_ns) / NS_PER_SECOND))
		return io;
	(void)err_set(err, ERR_TIMEOUT, "the client takes the response too slowly");
	return TLS_IO_FAILED;
}

enum tls_io http_conn_try_write(struct http_conn *conn, struct iovec **pieces, size_t *count, struct err *err)
{
	end_wait(conn);
	advance(pieces, count, 0);
	while (*count > 0) {
		size_t put = 0;
		const enum tls_io io = conn->tls ? tls_write(conn, *pieces, *count, &put, err)
						 : plain_write(conn, *pieces, *count, &put, err);

		if (io == TLS_IO_CLOSED) {
			(void)err_set(err, ERR_IO, "the client has closed the connection");
			return TLS_IO_FAILED;
		}
		if (io == TLS_IO_WANT_READ || io == TLS_IO_WANT_WRITE)
			return begin_wait(conn, io, err);
		if (io != TLS_IO_DONE)
			return io;
		conn->write_pace.bytes += put;
		advance(pieces, count, put);
	}
	return TLS_IO_DONE;
}

int http_conn_write(struct http_conn *conn, struct iovec *pieces, size_t count, struct err *err)
{
	for (;;) {
		const enum tls_io io = http_conn_try_write(conn, &pieces, &count, err);

		if (io == TLS_IO_DONE)
			return 0;
		if (io == TLS_IO_FAILED || wait_for(conn, io, (int)conn->server->write_timeout_ms, err) < 0)
			return -1;
	}
}

/* ---- the input buffer ---- */

void http_wipe_free(void *ptr)
{
	if (ptr)
		explicit_bzero(ptr, malloc_usable_size(ptr));
	free(ptr);
}

static void note_used(struct http_conn *conn)
{
	if (conn->in_end > conn->in_used)
		conn->in_used = conn->in_end;
}

int http_conn_reserve(struct http_conn *conn, size_t size, struct err *err)
{
	size_t wanted = conn->in_end + size;
	uint8_t *in;

	note_used(conn);
	if (conn->in_start == conn->in_end)
		conn->in_start = conn->in_end = 0;
	if (conn->in_capacity - conn->in_end >= size && conn->in)
		return 0;
	if (conn->in_start > 0) {
		memmove(conn->in, conn->in + conn->in_start, conn->in_end - conn->in_start);
		conn->in_end -= conn->in_start;
		conn->in_start = 0;
	}
	wanted = conn->in_end + size;
	if (wanted <= conn->in_capacity)
		return 0;
	if (wanted < conn->in_capacity * 2)
		wanted = conn->in_capacity * 2;
	in = malloc(wanted < IN_SIZE_MIN ? IN_SIZE_MIN : wanted);
	if (!in)
		return err_no_memory(err);
	if (conn->in_end > 0)
		memcpy(in, conn->in, conn->in_end);
	http_wipe_free(conn->in);
	conn->in = in;
	conn->in_capacity = wanted < IN_SIZE_MIN ? IN_SIZE_MIN : wanted;
	return 0;
}

/* A connection that waits for its next request keeps nothing of the last one. */
void http_conn_release_input(struct http_conn *conn)
{
	if (conn->in_start < conn->in_end)
		return;
	note_used(conn);
	conn->in_start = conn->in_end = 0;
	if (conn->cool_ns == 0) {
		http_wipe_free(TAKE_PTR(conn->in));
		conn->in_capacity = 0;
	} else if (conn->in) {
		explicit_bzero(conn->in, conn->in_used);
	}
	conn->in_used = 0;
}

void http_conn_take_back(struct http_conn *conn, uint8_t *memory, size_t used, size_t capacity)
{
	/* The capacity first: streams of HTTP/2 have none, and their connection may be armed. */
	if (capacity == 0 || capacity > IN_KEPT_MAX || conn->cool_ns == 0 || conn->in) {
		http_wipe_free(memory);
		return;
	}
	explicit_bzero(memory, used);
	conn->in = memory;
	conn->in_capacity = capacity;
	conn->in_start = conn->in_end = conn->in_used = 0;
}
