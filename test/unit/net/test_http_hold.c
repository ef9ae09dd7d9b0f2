/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Replies that the leader of a pool holds back: when they leave, and what is not held. A gate keeps the leader busy
 * while requests come, so that it finds them together; where a busy machine separates them, that is tried again.
 */
#include "unit.h"

#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "net/http_hold.h"
#include "net/http_server.h"

#define WAIT_MS 20000
#define GATE_NS 3000000
#define SPIN_NS (2 * HTTP_HOLD_NS)
#define TRIES 500
#define ENOUGH 3

static struct http_server *server;
static atomic_bool is_gate_closed, is_gate_reached;
static int quick_fd;            /* the client of "/quick" */
static atomic_uint_fast64_t by; /* the thread that ran "/quick" */
static atomic_bool is_parted;   /* its reply */
static atomic_bool was_held;    /* when "/look" or "/spin" began on that thread it was not there */
static atomic_bool is_there;    /* when "/look" ended, or "/stays" did */
static char body[HTTP_HOLD_MAX + 1];

static bool is_readable(int fd, int timeout_ms)
{
	struct pollfd wanted = {.fd = fd, .events = POLLIN};

	return poll(&wanted, 1, timeout_ms) > 0;
}

static void spin(int64_t ns)
{
	const int64_t until_ns = clock_monotonic_ns() + ns;

	while (clock_monotonic_ns() < until_ns) {
	}
}

static void hold_the_gate(void)
{
	const int64_t until_ns = clock_monotonic_ns() + GATE_NS;

	atomic_store(&is_gate_reached, true);
	while (atomic_load(&is_gate_closed) && clock_monotonic_ns() < until_ns) {
	}
}

static void look(void)
{
	if (atomic_load(&by) == (uint_fast64_t)pthread_self() && atomic_load(&is_parted) && !is_readable(quick_fd, 0))
		atomic_store(&was_held, true);
}

static enum http_result part(struct http_exchange *exchange, size_t size)
{
	struct err err = ERR_INIT;
	bool parted = false;

	atomic_store(&by, (uint_fast64_t)pthread_self());
	/* The client may have left. */
	IGNORE_RESULT(http_reply_part(exchange, 200, NULL, 0, body, size, &parted, &err));
	atomic_store(&is_parted, parted);
	return parted ? HTTP_PARTED : HTTP_HANDLED;
}

static enum http_result handle(struct http_exchange *exchange, void *arg)
{
	const char *path = http_path(exchange);
	struct err err = ERR_INIT;
	enum http_result result;
	unsigned size;

	(void)arg;
	if (strcmp(path, "/quick") == 0)
		return part(exchange, 4);
	if (sscanf(path, "/sized/%u", &size) == 1)
		return part(exchange, size);
	if (strcmp(path, "/parts-and-stays") == 0) {
		result = part(exchange, 4);
		atomic_store(&is_there, is_readable(quick_fd, WAIT_MS));
		return result;
	}
	if (strcmp(path, "/gate") == 0)
		hold_the_gate();
	if (strcmp(path, "/look") == 0 || strcmp(path, "/spin") == 0 || strcmp(path, "/stays") == 0)
		look();
	if (strcmp(path, "/spin") == 0)
		spin(SPIN_NS);
	if (strcmp(path, "/stays") == 0 || strcmp(path, "/end") == 0)
		atomic_store(&is_there, is_readable(quick_fd, *(path + 1) == 's' ? WAIT_MS : 0));
	assert_int_equal(http_reply(exchange, 200, NULL, 0, "done", 4, &err), 0);
	return HTTP_HANDLED;
}

static int setup(void **state)
{
	const struct http_listener listener = {.address = "127.0.0.1"};
	const struct http_server_options options = {
	    .listeners = &listener, .listener_count = 1, .handler = handle, .threads = 3, .is_led = true};
	struct err err = ERR_INIT;

	(void)state;
	memset(body, 'b', sizeof(body));
	return http_server_start(&options, &server, &err);
}

static int teardown(void **state)
{
	(void)state;
	http_server_stop(server, 1000);
	return 0;
}

static int dial(void)
{
	const struct sockaddr_in address = {.sin_family = AF_INET,
					    .sin_port = htons(http_server_port(server, 0)),
					    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(connect(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

static void say(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

static void ask(int fd, const char *path)
{
	char text[128];

	(void)snprintf(text, sizeof(text), "GET %s HTTP/1.1\r\nHost: a\r\n\r\n", path);
	say(fd, text);
}

/* The size of a reply, which comes in one piece. */
static size_t await_answer(int fd)
{
	static char text[2 * HTTP_HOLD_MAX];
	ssize_t got;

	assert_true(is_readable(fd, WAIT_MS));
	got = recv(fd, text, sizeof(text), 0);
	assert_true(got > 12);
	assert_memory_equal(text, "HTTP/1.1 200", 12);
	return (size_t)got;
}

/* The leader is in the gate until open_gate. */
static int close_gate(void)
{
	const int fd = dial();

	atomic_store(&is_gate_reached, false);
	atomic_store(&is_gate_closed, true);
	atomic_store(&was_held, false);
	atomic_store(&is_there, false);
	atomic_store(&is_parted, false);
	ask(fd, "/gate");
	while (!atomic_load(&is_gate_reached)) {
	}
	return fd;
}

static void open_gate(int fd)
{
	atomic_store(&is_gate_closed, false);
	(void)await_answer(fd);
	fd_close(fd);
}

static void replies_of_a_turn_leave_together(void **state)
{
	const int other_fd = dial();
	int count = 0;

	(void)state;
	quick_fd = dial();
	for (int i = 0; i < TRIES && count < ENOUGH; i++) {
		const int gate_fd = close_gate();

		ask(quick_fd, "/quick");
		ask(other_fd, "/look");
		open_gate(gate_fd);
		(void)await_answer(quick_fd);
		(void)await_answer(other_fd);
		count += atomic_load(&was_held);
	}
	assert_int_equal(count, ENOUGH);
	fd_close(quick_fd);
	fd_close(other_fd);
}

/* Another thread leads then, and sends it. */
static void a_slow_handler_delays_no_other_reply(void **state)
{
	const int other_fd = dial();
	bool is_held = false;

	(void)state;
	quick_fd = dial();
	for (int i = 0; i < TRIES && !is_held; i++) {
		const int gate_fd = close_gate();

		ask(quick_fd, "/quick");
		ask(other_fd, "/stays");
		open_gate(gate_fd);
		(void)await_answer(other_fd);
		(void)await_answer(quick_fd);
		assert_true(atomic_load(&is_there));
		is_held = atomic_load(&was_held);
	}
	assert_true(is_held);
	fd_close(quick_fd);
	fd_close(other_fd);
}

static void what_a_handler_does_behind_its_reply_does_not_delay_it(void **state)
{
	const int other_fd = dial();
	int count = 0;

	(void)state;
	quick_fd = dial();
	for (int i = 0; i < TRIES && count < ENOUGH; i++) {
		const int gate_fd = close_gate();

		ask(quick_fd, "/parts-and-stays");
		ask(other_fd, "/");
		open_gate(gate_fd);
		(void)await_answer(other_fd);
		for (int k = 0; k < WAIT_MS && !atomic_load(&is_there); k++)
			(void)poll(NULL, 0, 1);
		assert_true(atomic_load(&is_there));
		(void)await_answer(quick_fd);
		count += atomic_load(&is_parted);
	}
	assert_int_equal(count, ENOUGH);
	fd_close(quick_fd);
	fd_close(other_fd);
}

static void a_long_turn_sends_before_it_is_over(void **state)
{
	const int spin_fd = dial();
	const int end_fd = dial();
	int count = 0;

	(void)state;
	quick_fd = dial();
	for (int i = 0; i < TRIES && count < ENOUGH; i++) {
		const int gate_fd = close_gate();

		ask(quick_fd, "/quick");
		ask(spin_fd, "/spin");
		ask(end_fd, "/end");
		open_gate(gate_fd);
		(void)await_answer(spin_fd);
		(void)await_answer(end_fd);
		if (atomic_load(&was_held)) {
			assert_true(atomic_load(&is_there));
			count++;
		}
		(void)await_answer(quick_fd);
	}
	assert_int_equal(count, ENOUGH);
	fd_close(quick_fd);
	fd_close(spin_fd);
	fd_close(end_fd);
}

/* What came on fd and another's request were found together; true if the first of them has parted. */
static bool parts(int fd, const char *request, size_t *ret_size)
{
	const int other_fd = dial();
	const int gate_fd = close_gate();

	say(fd, request);
	ask(other_fd, "/");
	open_gate(gate_fd);
	*ret_size = await_answer(fd);
	(void)await_answer(other_fd);
	fd_close(other_fd);
	return atomic_load(&is_parted);
}

static bool parts_ever(int fd, const char *request, size_t *ret_size, int tries)
{
	for (int i = 0; i < tries; i++) {
		if (parts(fd, request, ret_size))
			return true;
	}
	return false;
}

static bool size_is_held(int fd, size_t size, size_t *ret_size)
{
	char request[128];

	(void)snprintf(request, sizeof(request), "GET /sized/%zu HTTP/1.1\r\nHost: a\r\n\r\n", size);
	return parts_ever(fd, request, ret_size, size > 12345 ? 20 : TRIES);
}

static void what_is_held_has_a_size(void **state)
{
	const int fd = dial();
	size_t size, most;

	(void)state;
	assert_true(size_is_held(fd, 12345, &size));
	most = HTTP_HOLD_MAX - (size - 12345);
	for (int i = 0; i < TRIES && !size_is_held(fd, most, &size); i++) {
	}
	assert_true(atomic_load(&is_parted));
	assert_int_equal(size, HTTP_HOLD_MAX);
	assert_false(size_is_held(fd, most + 1, &size));
	assert_int_equal(size, HTTP_HOLD_MAX + 1);
	fd_close(fd);
}

static void what_is_not_over_is_not_held(void **state)
{
	static const char *const requests[] = {
	    /* A body that the handler has not read, and a next request. */
	    "POST /quick HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody",
	    "GET /quick HTTP/1.1\r\nHost: a\r\n\r\nGET",
	};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		for (int k = 0; k < 20; k++) {
			const int fd = dial();
			size_t size;

			assert_false(parts(fd, requests[i], &size));
			fd_close(fd);
		}
	}
}

static void the_last_reply_of_a_connection_is_held_too(void **state)
{
	bool is_held = false;

	(void)state;
	for (int i = 0; i < TRIES && !is_held; i++) {
		const int fd = dial();
		size_t size;
		char byte;

		is_held = parts(fd, "HEAD /quick HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", &size);
		assert_true(is_readable(fd, WAIT_MS));
		assert_int_equal(recv(fd, &byte, 1, 0), 0);
		fd_close(fd);
	}
	assert_true(is_held);
}

static void who_has_left_is_let_go(void **state)
{
	struct http_server_counts counts;

	(void)state;
	for (int i = 0; i < 50; i++) {
		const struct linger at_once = {.l_onoff = 1};
		const int fd = dial();
		const int other_fd = dial();
		const int gate_fd = close_gate();

		ask(fd, "/quick");
		ask(other_fd, "/");
		assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once)), 0);
		fd_close(fd);
		open_gate(gate_fd);
		(void)await_answer(other_fd);
		fd_close(other_fd);
	}
	for (int i = 0; i < WAIT_MS; i++) {
		http_server_counts(server, &counts);
		if (counts.connections_open == 0)
			return;
		(void)poll(NULL, 0, 1);
	}
	assert_int_equal(counts.connections_open, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(replies_of_a_turn_leave_together, setup, teardown),
	    cmocka_unit_test_setup_teardown(a_slow_handler_delays_no_other_reply, setup, teardown),
	    cmocka_unit_test_setup_teardown(what_a_handler_does_behind_its_reply_does_not_delay_it, setup, teardown),
	    cmocka_unit_test_setup_teardown(a_long_turn_sends_before_it_is_over, setup, teardown),
	    cmocka_unit_test_setup_teardown(what_is_held_has_a_size, setup, teardown),
	    cmocka_unit_test_setup_teardown(what_is_not_over_is_not_held, setup, teardown),
	    cmocka_unit_test_setup_teardown(the_last_reply_of_a_connection_is_held_too, setup, teardown),
	    cmocka_unit_test_setup_teardown(who_has_left_is_let_go, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
