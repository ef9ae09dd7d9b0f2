/* SPDX-License-Identifier: Apache-2.0 */
#include "net/tls_bio.h"

#include <errno.h>
#include <pthread.h>
#include <sys/socket.h>

#include "base/number.h"

static int bio_write(BIO *bio, const char *data, int size)
{
	const struct tls_bio *io = BIO_get_data(bio);
	ssize_t put;

	BIO_clear_retry_flags(bio);
	do
		put = send(io->fd, data, (size_t)size, MSG_NOSIGNAL | (io->has_more ? MSG_MORE : 0));
	while (put < 0 && errno == EINTR);
	if (put < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
		BIO_set_retry_write(bio);
	return (int)put;
}

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
