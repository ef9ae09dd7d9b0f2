/* SPDX-License-Identifier: Apache-2.0 */
/* A driver beside the pool of a real server: who runs the handlers, and who goes on when the driver does not. */
#include "unit.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "net/http_server.h"

#define WAIT_MS 20000

static struct http_server *server;
static int rings[2];
static pthread_t driver;
static atomic_int by_driver;
static atomic_int by_pool;
static atomic_bool is_answered; /* another request, while the driver is in its handler */
static int held_fd = -1;        /* a client whose answer may be held back */
static bool is_held;            /* the driver has answered it */
static bool is_early;           /* it had its answer before the turn was over */
static bool is_sent_by_pool;    /* the answer, while the driver stayed in its handler */

static void ring(void *arg)
{
	assert_ptr_equal(arg, rings);
	assert_int_equal(write(rings[1], "", 1), 1);
}

/* As an event loop answers: in steps, from within its turn. */
static enum http_result answer_in_steps(struct http_exchange *exchange)
{
	struct pollfd wanted = {.fd = held_fd, .events = POLLIN};
	struct err err = ERR_INIT;

	assert_int_equal(http_reply_start(exchange, 200, NULL, 0, 4, &err), 0);
	http_step_announce_end(exchange);
	assert_int_equal(http_step_write(exchange, "done", 4, &err), HTTP_STEP_DONE);
	assert_int_equal(http_step_end(exchange, NULL, 0, &err), HTTP_STEP_DONE);
	is_early = is_early || poll(&wanted, 1, 0) > 0;
	is_held = true;
	http_release(exchange);
	return HTTP_DEFERRED;
}

static enum http_result handle(struct http_exchange *exchange, void *arg)
{
	struct err err = ERR_INIT;
	const bool is_driver = pthread_equal(pthread_self(), driver);
	struct pollfd wanted = {.fd = held_fd, .events = POLLIN};

	(void)arg;
	(void)atomic_fetch_add(is_driver ? &by_driver : &by_pool, 1);
	if (strcmp(http_path(exchange), "/held") == 0 && is_driver)
		return answer_in_steps(exchange);
	if (strcmp(http_path(exchange), "/stays") == 0 && is_driver && is_held)
		is_sent_by_pool = poll(&wanted, 1, WAIT_MS) > 0;
	for (int i = 0; is_driver && strcmp(http_path(exchange), "/slow") == 0 && i < WAIT_MS; i++) {
		if (atomic_load(&is_answered))
			break;
		(void)poll(NULL, 0, 1);
	}
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
	driver = pthread_self();
	atomic_store(&by_driver, 0);
	atomic_store(&by_pool, 0);
	atomic_store(&is_answered, false);
	if (pipe2(rings, O_CLOEXEC | O_NONBLOCK) < 0 || http_server_start(&options, &server, &err) < 0)
		return -1;
	http_server_set_driver(server, ring, rings);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	http_server_set_driver(server, NULL, NULL);
	http_server_stop(server, 1000);
	fd_close(rings[0]);
	fd_close(rings[1]);
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

static void ask(int fd, const char *path)
{
	char text[128];
	const int size = snprintf(text, sizeof(text), "GET %s HTTP/1.1\r\nHost: a\r\n\r\n", path);

	assert_int_equal(send(fd, text, (size_t)size, MSG_NOSIGNAL), size);
}

static bool is_readable(int fd, int timeout_ms)
{
	struct pollfd wanted = {.fd = fd, .events = POLLIN};

	return poll(&wanted, 1, timeout_ms) > 0;
}

static void assert_answered(int fd)
{
	char text[1024];

	assert_true(is_readable(fd, WAIT_MS));
	assert_true(recv(fd, text, sizeof(text), 0) > 12);
	assert_memory_equal(text, "HTTP/1.1 200", 12);
}

static void await_ring(void)
{
	char bytes[16];

	assert_true(is_readable(rings[0], WAIT_MS));
	assert_true(read(rings[0], bytes, sizeof(bytes)) > 0);
}

/* As an event loop does it, until there is nothing left. */
static enum http_drive drive_all(void)
{
	enum http_drive drive;

	do
		drive = http_server_drive(server);
	while (drive == HTTP_DRIVE_SOME);
	return drive;
}

/* On a busy machine the driver itself may be too slow: then it was the pool's, and it is tried again. */
static void the_driver_answers_itself(void **state)
{
	const int fd = dial();

	(void)state;
	for (int i = 0; i < 100 && atomic_load(&by_driver) < 3; i++) {
		ask(fd, "/");
		while (!is_readable(fd, 0)) {
			if (is_readable(rings[0], 1))
				await_ring();
			if (drive_all() == HTTP_DRIVE_NOTHING)
				http_server_rest(server);
		}
		assert_answered(fd);
	}
	assert_true(atomic_load(&by_driver) >= 3);
	fd_close(fd);
}

static void who_does_not_come_has_lost(void **state)
{
	const int fd = dial();

	(void)state;
	ask(fd, "/");
	assert_answered(fd);
	assert_int_equal(atomic_load(&by_driver), 0);
	/* Told once; until it has come back it is not asked any more. */
	await_ring();
	for (int i = 0; i < 10; i++) {
		ask(fd, "/");
		assert_answered(fd);
	}
	assert_false(is_readable(rings[0], 0));
	assert_int_equal(atomic_load(&by_pool), 11);
	assert_int_equal(http_server_drive(server), HTTP_DRIVE_LOST);
	/* Then it is, after a moment. */
	for (int i = 0; i < WAIT_MS && !is_readable(rings[0], 1); i++) {
		ask(fd, "/");
		assert_answered(fd);
	}
	await_ring();
	fd_close(fd);
}

static void *ask_beside(void *arg)
{
	const int fd = dial();

	(void)arg;
	while (atomic_load(&by_driver) == 0)
		(void)poll(NULL, 0, 1);
	ask(fd, "/");
	assert_answered(fd);
	atomic_store(&is_answered, true);
	fd_close(fd);
	return NULL;
}

static void a_slow_handler_of_the_driver_stops_nobody(void **state)
{
	const int fd = dial();
	pthread_t thread;

	(void)state;
	assert_int_equal(pthread_create(&thread, NULL, ask_beside, NULL), 0);
	/* Until it is the driver that has it. */
	for (int i = 0; i < WAIT_MS && atomic_load(&by_driver) == 0; i++) {
		ask(fd, "/slow");
		while (!is_readable(fd, 0)) {
			if (is_readable(rings[0], 1))
				await_ring();
			(void)http_server_drive(server);
		}
		assert_answered(fd);
	}
	(void)pthread_join(thread, NULL);
	assert_true(atomic_load(&is_answered));
	fd_close(fd);
}

/* Asks from both before anybody drives, and drives one turn. false: the driver was too slow, both are answered. */
static bool turn_of_two(int fd, const char *path, int other_fd, const char *other_path)
{
	const int before = atomic_load(&by_driver);

	is_held = false;
	(void)http_server_drive(server); /* who was deposed has come back */
	http_server_rest(server);
	ask(fd, path);
	ask(other_fd, other_path);
	while (!is_readable(fd, 0) || !is_readable(other_fd, 0)) {
		if (is_readable(rings[0], 1))
			await_ring();
		(void)http_server_drive(server);
	}
	http_server_rest(server);
	assert_answered(fd);
	assert_answered(other_fd);
	return atomic_load(&by_driver) == before + 2;
}

static void short_answers_leave_at_the_end_of_a_turn(void **state)
{
	const int fd = dial();
	int count = 0;

	(void)state;
	held_fd = dial();
	is_early = false;
	for (int i = 0; i < 200 && count < 3; i++)
		count += turn_of_two(held_fd, "/held", fd, "/held");
	assert_true(count >= 3);
	assert_false(is_early);
	fd_close(held_fd);
	fd_close(fd);
}

static void answers_of_a_driver_that_stays_away_leave(void **state)
{
	const int fd = dial();

	(void)state;
	held_fd = dial();
	is_sent_by_pool = false;
	for (int i = 0; i < 200 && !is_sent_by_pool; i++)
		(void)turn_of_two(held_fd, "/held", fd, "/stays");
	assert_true(is_sent_by_pool);
	fd_close(held_fd);
	fd_close(fd);
}

static void nobody_drives_any_more(void **state)
{
	const int fd = dial();

	(void)state;
	ask(fd, "/");
	await_ring();
	http_server_set_driver(server, NULL, NULL);
	assert_answered(fd);
	ask(fd, "/");
	assert_answered(fd);
	assert_int_equal(atomic_load(&by_driver), 0);
	assert_int_equal(http_server_drive(server), HTTP_DRIVE_LOST);
	fd_close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(the_driver_answers_itself, setup, teardown),
	    cmocka_unit_test_setup_teardown(who_does_not_come_has_lost, setup, teardown),
	    cmocka_unit_test_setup_teardown(a_slow_handler_of_the_driver_stops_nobody, setup, teardown),
	    cmocka_unit_test_setup_teardown(short_answers_leave_at_the_end_of_a_turn, setup, teardown),
	    cmocka_unit_test_setup_teardown(answers_of_a_driver_that_stays_away_leave, setup, teardown),
	    cmocka_unit_test_setup_teardown(nobody_drives_any_more, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
