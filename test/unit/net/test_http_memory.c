/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Without memory for its path a request is refused. The handler decides by the path what is whose: a request without
 * one would reach the application, though it was meant for the enclave. The C library's strdup is replaced here.
 */
#include "unit.h"

#include <arpa/inet.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/http_server.h"

#define NO_MEMORY_FOR "/no-memory"
#define ANSWER_SIZE 4096

static atomic_uint refused;
static atomic_uint handled;

char *strdup(const char *text)
{
	const size_t size = strlen(text) + 1;
	char *copy;

	if (strcmp(text, NO_MEMORY_FOR) == 0) {
		(void)atomic_fetch_add(&refused, 1);
		return NULL;
	}
	copy = malloc(size);
	return copy ? memcpy(copy, text, size) : NULL;
}

static enum http_result count(struct http_exchange *exchange, void *arg)
{
	struct err ignored = ERR_INIT;

	(void)arg;
	(void)atomic_fetch_add(&handled, 1);
	IGNORE_RESULT(http_reply(exchange, 200, NULL, 0, "handled", 7, &ignored));
	return HTTP_HANDLED;
}

static struct http_server *start(void)
{
	const struct http_listener listener = {.address = "127.0.0.1", .is_http2_plain = true};
	const struct http_server_options options = {
	    .listeners = &listener, .listener_count = 1, .handler = count, .threads = 1};
	struct http_server *server;
	struct err err = ERR_INIT;

	atomic_store(&refused, 0);
	atomic_store(&handled, 0);
	assert_int_equal(http_server_start(&options, &server, &err), 0);
	return server;
}

static int dial(const struct http_server *server, const void *data, size_t size)
{
	const struct sockaddr_in address = {.sin_family = AF_INET,
					    .sin_port = htons(http_server_port(server, 0)),
					    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	const struct timeval patience = {.tv_sec = 5};
	const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)), 0);
	assert_int_equal(connect(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(send(fd, data, size, 0), size);
	return fd;
}

static void test_http1(void **state)
{
	static const char request[] = "GET " NO_MEMORY_FOR " HTTP/1.1\r\nHost: a\r\n\r\n";
	struct http_server *server = start();
	const int fd = dial(server, request, sizeof(request) - 1);
	char answer[ANSWER_SIZE];

	(void)state;
	assert_true(recv(fd, answer, 12, MSG_WAITALL) == 12);
	assert_memory_equal(answer, "HTTP/1.1 503", 12);
	assert_int_equal(atomic_load(&refused), 1);
	assert_int_equal(atomic_load(&handled), 0);
	(void)close(fd);
	http_server_stop(server, 0);
}

/* Stream 1 asks for what there is no memory for, stream 3 for "/" (RFC 9113 4.1, 6.2; RFC 7541 6.1, 6.2.2). */
static const uint8_t streams[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0"
				 "\0\0\x11\1\5\0\0\0\1\x82\x86\x04\x0a/no-memory\x01\x01"
				 "a"
				 "\0\0\6\1\5\0\0\0\3\x82\x86\x84\x01\x01"
				 "a";

/* Reads frames up to the HEADERS of stream 3; how many HEADERS came for stream 1. */
static unsigned count_heads(int fd)
{
	unsigned count = 0;
	uint8_t head[9];
	uint8_t payload[ANSWER_SIZE];

	for (;;) {
		size_t size;

		assert_int_equal(recv(fd, head, sizeof(head), MSG_WAITALL), sizeof(head));
		size = (size_t)head[1] << 8 | head[2];
		assert_true(size <= sizeof(payload));
		assert_int_equal(size ? recv(fd, payload, size, MSG_WAITALL) : 0, size);
		if (head[3] == 1 && head[8] == 3)
			return count;
		count += head[3] == 1 && head[8] == 1;
	}
}

static void test_http2(void **state)
{
	struct http_server *server = start();
	const int fd = dial(server, streams, sizeof(streams) - 1);

	(void)state;
	assert_int_equal(count_heads(fd), 1);
	assert_int_equal(atomic_load(&refused), 1);
	assert_int_equal(atomic_load(&handled), 1);
	(void)close(fd);
	http_server_stop(server, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_http1),
	    cmocka_unit_test(test_http2),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
