/* SPDX-License-Identifier: Apache-2.0 */
#include "net/tls_bio.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "base/number.h"
#include "base/scoped.h"

/*
 * Fifteen records, with one more all of a piece of 256 KiB (HTTP_STEP_ROOM_MAX), to sixty-four: a MiB and its head
 * (HTTP_STEP_ROOM_WHOLE). While a call of the kernel copies, what the client's acknowledgements let go is sent by the
 * server; between two calls the client's processor does it, which has enough to do. For a client that does not take
 * them records stand in place of the copy of what they encrypt.
 */
#define STAGE_MIN (241u << 10)
#define STAGE_MAX (1026u << 10)
#define OVERHEAD 64 /* of a record, and more */
#define RECORD_SIZE (16u << 10)

/* ---- writing ---- */

static ssize_t put_pieces(const struct tls_bio *io, struct iovec *pieces, size_t count)
{
	const struct msghdr message = {.msg_iov = pieces, .msg_iovlen = count};
	ssize_t put;

	do
		put = sendmsg(io->fd, &message, MSG_NOSIGNAL | (io->more > 0 ? MSG_MORE : 0));
	while (put < 0 && errno == EINTR);
	return put;
}

/* What waits, and data behind it. Bytes of data that were taken; -1 with errno. */
static ssize_t put(struct tls_bio *io, const char *data, size_t size)
{
	const size_t waiting = io->stage_end - io->stage_start;
	struct iovec pieces[] = {{.iov_base = io->stage + io->stage_start, .iov_len = waiting},
				 {.iov_base = (void *)(uintptr_t)data, .iov_len = size}};
	ssize_t taken;

	if (waiting == 0)
		return put_pieces(io, &pieces[1], 1);
	taken = put_pieces(io, pieces, COUNT_OF(pieces));
	if (taken < 0)
		return -1;
	if ((size_t)taken >= waiting)
		io->stage_start = io->stage_end = 0;
	else
		io->stage_start += (size_t)taken;
	if ((size_t)taken > waiting)
		return taken - (ssize_t)waiting;
	errno = EAGAIN;
	return -1;
}

/* For what is written now and next. */
static void open_stage(struct tls_bio *io, size_t size)
{
	const size_t wanted = size_min(size + io->more + io->more / RECORD_SIZE * OVERHEAD + OVERHEAD, STAGE_MAX);

	io->stage_size = wanted < STAGE_MIN ? STAGE_MIN : wanted;
	io->stage = malloc(io->stage_size);
}

/* false: it cannot wait. Behind a write that found the socket full nothing is added: the owner waits already. */
static bool stage(struct tls_bio *io, const char *data, size_t size)
{
	if (io->more == 0 || io->stage_start > 0)
		return false;
	if (!io->stage)
		open_stage(io, size);
	if (!io->stage || size > io->stage_size - io->stage_end)
		return false;
	memcpy(io->stage + io->stage_end, data, size);
	io->stage_end += size;
	return true;
}

static int bio_write(BIO *bio, const char *data, int size)
{
	struct tls_bio *io = BIO_get_data(bio);
	ssize_t taken;

	BIO_clear_retry_flags(bio);
	if (stage(io, data, (size_t)size))
		return size;
	taken = put(io, data, (size_t)size);
	if (taken < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
		BIO_set_retry_write(bio);
	if (io->more == 0 && io->stage_end == 0)
		tls_bio_done(io);
	return (int)taken;
}

void tls_bio_done(struct tls_bio *io)
{
	free(TAKE_PTR(io->stage));
	io->stage_start = io->stage_end = 0;
}

/* ---- reading ---- */

static ssize_t receive(struct tls_bio *io, char *data, size_t size)
{
	ssize_t got;

	io->is_drained = false;
	if (io->is_refused || io->left == 0) {
		errno = io->is_refused ? EPROTO : EAGAIN;
		return -1;
	}
	do
		got = recv(io->fd, data, size_min(size, io->left), 0);
	while (got < 0 && errno == EINTR);
	/* What is asked for is what OpenSSL's buffer holds; less than that was everything. */
	io->is_drained = got < (ssize_t)size_min(size, io->left);
	if (got > 0)
		io->left -= (size_t)got;
	return got;
}

static int bio_read(BIO *bio, char *data, int size)
{
	const ssize_t got = receive(BIO_get_data(bio), data, (size_t)size);

	BIO_clear_retry_flags(bio);
	if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
		BIO_set_retry_read(bio);
	if (got == 0)
		BIO_set_flags(bio, BIO_FLAGS_IN_EOF);
	return (int)got;
}

static long bio_ctrl(BIO *bio, int command, long number, void *pointer)
{
	(void)number;
	(void)pointer;
	if (command == BIO_CTRL_FLUSH)
		return 1;
	if (command == BIO_CTRL_EOF)
		return BIO_test_flags(bio, BIO_FLAGS_IN_EOF) != 0;
	return 0;
}

static int bio_create(BIO *bio)
{
	BIO_set_init(bio, 1);
	return 1;
}

static BIO_METHOD *bio_method;
static pthread_once_t bio_once = PTHREAD_ONCE_INIT;

static void make_bio_method(void)
{
	BIO_METHOD *method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "mse socket");

	if (method && BIO_meth_set_write(method, bio_write) && BIO_meth_set_read(method, bio_read) &&
	    BIO_meth_set_ctrl(method, bio_ctrl) && BIO_meth_set_create(method, bio_create))
		bio_method = method;
}

BIO *tls_bio_new(struct tls_bio *io)
{
	BIO *bio;

	(void)pthread_once(&bio_once, make_bio_method);
	bio = bio_method ? BIO_new(bio_method) : NULL;
	if (bio)
		BIO_set_data(bio, io);
	return bio;
}
