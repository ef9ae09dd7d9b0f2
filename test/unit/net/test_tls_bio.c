/* SPDX-License-Identifier: Apache-2.0 */
/* Records that are collected: they arrive whole and in order, however little the other side takes. */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "net/tls_bio.h"

#define RECORD_MAX 16406
#define ROUNDS 4000

static int fds[2];
static struct tls_bio io;
static BIO *bio;
static uint8_t next_in;  /* the byte that is written next: they count up */
static uint8_t next_out; /* and read */
static uint64_t written;
static uint64_t received;

static int setup(void **state)
{
	const int small = 4096;

	(void)state;
	written = received = 0;
	next_in = next_out = 0;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) < 0 ||
	    setsockopt(fds[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof(small)) < 0)
		return -1;
	io = (struct tls_bio){.fd = fds[0], .left = SIZE_MAX};
	bio = tls_bio_new(&io);
	return bio ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	(void)BIO_free(bio);
	tls_bio_done(&io);
	fd_close(fds[0]);
	fd_close(fds[1]);
	return 0;
}

static size_t drain(size_t most)
{
	uint8_t data[RECORD_MAX];
	const ssize_t got = recv(fds[1], data, most < sizeof(data) ? most : sizeof(data), 0);

	for (ssize_t i = 0; i < got; i++)
		assert_int_equal(data[i], next_out++);
	received += got > 0 ? (uint64_t)got : 0;
	return got > 0 ? (size_t)got : 0;
}

/* As OpenSSL does it: what was not taken is written again. */
static void write_record(size_t size, bool has_more, size_t drained)
{
	char data[RECORD_MAX];
	size_t done = 0;

	for (size_t i = 0; i < size; i++)
		data[i] = (char)next_in++;
	io.more = has_more ? RECORD_MAX : 0;
	while (done < size) {
		const int put = BIO_write(bio, data + done, (int)(size - done));

		assert_true(put > 0 || BIO_should_write(bio));
		done += put > 0 ? (size_t)put : 0;
		if (put <= 0)
			assert_true(drain(drained) > 0);
	}
	written += size;
}

static void what_others_follow_waits(void **state)
{
	(void)state;
	write_record(100, true, 1);
	write_record(200, true, 1);
	assert_int_equal(drain(1000), 0);
	write_record(300, false, 1);
	assert_int_equal(drain(1000), 600);
	assert_null(io.stage);
}

static void nothing_waits_behind_the_last(void **state)
{
	unsigned seed = 7;

	(void)state;
	for (int i = 0; i < ROUNDS; i++) {
		const size_t size = 1 + (size_t)rand_r(&seed) % RECORD_MAX;
		const bool has_more = rand_r(&seed) % 8 > 0 && i < ROUNDS - 1;

		write_record(size, has_more, 1 + (size_t)rand_r(&seed) % RECORD_MAX);
		if (has_more)
			continue;
		while (drain(RECORD_MAX) > 0) {
		}
		assert_int_equal(received, written);
		assert_null(io.stage);
	}
}

static void a_client_that_is_gone_is_noticed(void **state)
{
	char data[RECORD_MAX] = {0};

	(void)state;
	write_record(100, true, 1);
	fd_close(fds[1]);
	fds[1] = -1;
	io.more = 0;
	assert_true(BIO_write(bio, data, sizeof(data)) < 0);
	assert_false(BIO_should_retry(bio));
	assert_int_equal(errno, EPIPE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(what_others_follow_waits, setup, teardown),
	    cmocka_unit_test_setup_teardown(nothing_waits_behind_the_last, setup, teardown),
	    cmocka_unit_test_setup_teardown(a_client_that_is_gone_is_noticed, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
