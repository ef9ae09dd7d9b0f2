/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A client of HTTP/2 that sends faster than it can be read: its socket is never found empty. The C library's recv is
 * replaced here, so that this does not depend on who runs when.
 */
#include "unit.h"

#include <arpa/inet.h>
#include <poll.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"
#include "net/http_server.h"

#define SENDERS 3
#define FD_MAX 1024
#define FRAME_SIZE 16384
#define FRAME_NS 20000 /* each costs so much time: no flood of them */
#define MARK_TYPE 0x63
#define WAIT_MS 5000

static const uint8_t preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0\0\0\0\x63\0\0\0\0\0";

static atomic_bool is_endless[FD_MAX]; /* sockets of the server's */
static atomic_uint senders;
static atomic_bool is_over;

/* A whole frame of no known type, as often as asked. */
static ssize_t give_frame(uint8_t *ret)
{
	const int64_t until_ns = clock_monotonic_ns() + FRAME_NS;
	const uint32_t size = FRAME_SIZE - 9;

	memset(ret, 0, FRAME_SIZE);
	ret[0] = (uint8_t)(size >> 16);
	ret[1] = (uint8_t)(size >> 8);
	ret[2] = (uint8_t)size;
	ret[3] = MARK_TYPE;
	while (clock_monotonic_ns() < until_ns) {
	}
	return FRAME_SIZE;
}

ssize_t recv(int fd, void *data, size_t size, int flags)
{
	ssize_t got;

	if (fd < FD_MAX && atomic_load(&is_endless[fd]) && !atomic_load(&is_over) && size == FRAME_SIZE)
		return give_frame(data);
	got = syscall(SYS_recvfrom, fd, data, size, flags, NULL, NULL);
	if (got == sizeof(preface) - 1 && memcmp(data, preface, sizeof(preface) - 1) == 0 && fd < FD_MAX) {
		atomic_store(&is_endless[fd], true);
		(void)atomic_fetch_add(&senders, 1);
	}
	return got;
}

static enum http_result hello(struct http_exchange *exchange, void *arg)
{
	struct err ignored = ERR_INIT;

	(void)arg;
	IGNORE_RESULT(http_reply(exchange, 200, NULL, 0, "hello", 5, &ignored));
	return HTTP_HANDLED;
}

static int dial(uint16_t port, const void *data, size_t size)
{
	const struct sockaddr_in address = {
	    .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	const struct timeval patience = {.tv_sec = 5};
	const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)), 0);
	assert_int_equal(connect(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(send(fd, data, size, 0), size);
	return fd;
}

static void is_answered(uint16_t port)
{
	static const char request[] = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
	const int fd = dial(port, request, sizeof(request) - 1);
	char answer[16];

	assert_true(read(fd, answer, sizeof(answer)) > 9);
	assert_memory_equal(answer, "HTTP/1.1 200", 12);
	(void)close(fd);
}

static void others_are_served(bool is_led)
{
	const struct http_listener listener = {.address = "127.0.0.1", .is_http2_plain = true};
	const struct http_server_options options = {.listeners = &listener,
						    .listener_count = 1,
						    .handler = hello,
						    .threads = SENDERS - 1,
						    .is_led = is_led,
						    .http2 = {.others = HTTP2_RATE_MAX}};
	struct http_server *server;
	struct err err = ERR_INIT;
	int fds[SENDERS];

	atomic_store(&senders, 0);
	atomic_store(&is_over, false);
	assert_int_equal(http_server_start(&options, &server, &err), 0);
	for (unsigned i = 0; i < SENDERS; i++)
		fds[i] = dial(http_server_port(server, 0), preface, sizeof(preface) - 1);
	for (unsigned i = 0; i < WAIT_MS && atomic_load(&senders) < SENDERS; i++)
		(void)poll(NULL, 0, 1);
	assert_int_equal(atomic_load(&senders), SENDERS);
	/* Now there is something to read, and no end of it. */
	for (unsigned i = 0; i < SENDERS; i++)
		assert_int_equal(send(fds[i], preface + sizeof(preface) - 10, 9, 0), 9);
	for (unsigned i = 0; i < 3; i++)
		is_answered(http_server_port(server, 0));
	atomic_store(&is_over, true);
	for (unsigned i = 0; i < SENDERS; i++)
		(void)close(fds[i]);
	http_server_stop(server, 0);
	for (unsigned i = 0; i < FD_MAX; i++)
		atomic_store(&is_endless[i], false);
}

static void test_a_pool_serves_others(void **state)
{
	(void)state;
	others_are_served(false);
}

static void test_a_led_pool_serves_others(void **state)
{
	(void)state;
	others_are_served(true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_a_pool_serves_others),
	    cmocka_unit_test(test_a_led_pool_serves_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
