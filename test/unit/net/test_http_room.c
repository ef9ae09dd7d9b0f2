/* SPDX-License-Identifier: Apache-2.0 */
/* How much of a reply is taken at once: less when many clients are waited for, and again more when they are not. */
#include "unit.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fd.h"
#include "net/http_server.h"

#define CLIENTS_MAX 64 /* MUCH_HELD_MAX */
#define SIZE (2 * HTTP_STEP_ROOM_WHOLE)

static struct http_server *server;
static char path[64];
static char body[HTTP_STEP_ROOM_WHOLE];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static struct http_exchange *last; /* [lock] what came, and nobody took */

static enum http_result handle(struct http_exchange *exchange, void *arg)
{
	(void)arg;
	(void)pthread_mutex_lock(&lock);
	last = exchange;
	(void)pthread_cond_signal(&changed);
	(void)pthread_mutex_unlock(&lock);
	return HTTP_DEFERRED;
}

static struct http_exchange *await_exchange(void)
{
	struct http_exchange *exchange;

	(void)pthread_mutex_lock(&lock);
	while (!last)
		(void)pthread_cond_wait(&changed, &lock);
	exchange = last;
	last = NULL;
	(void)pthread_mutex_unlock(&lock);
	return exchange;
}

static int setup(void **state)
{
	const struct http_listener listener = {.unix_path = path};
	const struct http_server_options options = {.listeners = &listener, .listener_count = 1, .handler = handle};
	struct err err = ERR_INIT;

	(void)state;
	(void)snprintf(path, sizeof(path), "/tmp/mse-room-%d", (int)getpid());
	return http_server_start(&options, &server, &err);
}

static int teardown(void **state)
{
	(void)state;
	http_server_stop(server, 1000);
	return 0;
}

/* A client that reads nothing, and its exchange. */
static struct http_exchange *ask(int *ret_fd)
{
	static const char request[] = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	*ret_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	assert_int_equal(connect(*ret_fd, (const struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(send(*ret_fd, request, sizeof(request) - 1, 0), sizeof(request) - 1);
	return await_exchange();
}

static void begin(struct http_exchange *exchange)
{
	struct err err = ERR_INIT;

	assert_int_equal(http_reply_start(exchange, 200, NULL, 0, SIZE, &err), 0);
	assert_int_equal(http_step_write(exchange, body, sizeof(body), &err), HTTP_STEP_WANT_WRITE);
}

static void read_all(struct http_exchange *exchange, int fd)
{
	static char data[65536];
	struct err err = ERR_INIT;

	while (http_step_flush(exchange, &err) == HTTP_STEP_WANT_WRITE)
		assert_true(recv(fd, data, sizeof(data), 0) > 0);
}

static void the_room_of_many_clients_is_bounded(void **state)
{
	struct http_exchange *exchanges[CLIENTS_MAX + 1];
	int fds[CLIENTS_MAX + 1];

	(void)state;
	for (size_t i = 0; i < CLIENTS_MAX; i++) {
		exchanges[i] = ask(&fds[i]);
		assert_int_equal(http_step_room(exchanges[i]), HTTP_STEP_ROOM_WHOLE);
		begin(exchanges[i]);
	}
	exchanges[CLIENTS_MAX] = ask(&fds[CLIENTS_MAX]);
	assert_int_equal(http_step_room(exchanges[CLIENTS_MAX]), HTTP_STEP_ROOM_MAX);
	/* Who has read it all makes room, and so does who is given up. */
	read_all(exchanges[0], fds[0]);
	assert_int_equal(http_step_room(exchanges[CLIENTS_MAX]), HTTP_STEP_ROOM_WHOLE);
	begin(exchanges[CLIENTS_MAX]);
	assert_int_equal(http_step_room(exchanges[0]), HTTP_STEP_ROOM_MAX);
	for (size_t i = 1; i <= CLIENTS_MAX; i++) {
		http_abort(exchanges[i]);
		http_release(exchanges[i]);
		fd_close(fds[i]);
	}
	for (int i = 0; i < 20000 && http_step_room(exchanges[0]) != HTTP_STEP_ROOM_WHOLE; i++)
		(void)usleep(1000);
	assert_int_equal(http_step_room(exchanges[0]), HTTP_STEP_ROOM_WHOLE);
	http_release(exchanges[0]);
	fd_close(fds[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(the_room_of_many_clients_is_bounded, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
