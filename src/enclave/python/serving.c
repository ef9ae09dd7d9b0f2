/* SPDX-License-Identifier: Apache-2.0 */
#include "enclave/python/serving.h"

#include <fcntl.h>
#include <pthread.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "enclave/python/stop_limit.h"

#define FAREWELL_PAUSE_MS 10

struct stopping {
	struct http_server *server;
	unsigned drain_ms;
	int done_fd; /* its end is closed when the server is gone */
};

enum wake serving_run(struct http_server *server, const struct python_protocol *protocol,
		      void (*on_wake)(enum wake wake, void *arg), void *arg)
{
	for (;;) {
		enum wake wake;

		python_run(protocol, server, wake_fd(), -1);
		wake = wake_wait(0);
		if (wake == WAKE_STOP || wake == WAKE_QUIT || wake == WAKE_FAILED)
			return wake;
		if (on_wake)
			on_wake(wake, arg);
	}
}

struct farewell {
	struct http_server *server;
	unsigned limit_ms;
	int done_fd; /* its end is closed when the time is over */
};

static void *run_farewell(void *arg)
{
	static const struct timespec pause = {.tv_nsec = FAREWELL_PAUSE_MS * 1000000};
	struct farewell *farewell = arg;
	struct http_server_counts counts;

	for (unsigned waited = 0; waited < farewell->limit_ms; waited += FAREWELL_PAUSE_MS) {
		http_server_counts(farewell->server, &counts);
		if (counts.connections_open == 0)
			break;
		(void)nanosleep(&pause, NULL);
	}
	fd_close(farewell->done_fd);
	return NULL;
}

void serving_farewell(struct http_server *server, const struct python_protocol *protocol, unsigned limit_ms,
		      bool leaves_listeners)
{
	struct farewell farewell = {.server = server, .limit_ms = limit_ms};
	pthread_t thread;
	int fds[2];

	http_server_say_farewell(server, leaves_listeners);
	if (pipe2(fds, O_CLOEXEC) < 0)
		return;
	farewell.done_fd = fds[1];
	if (pthread_create(&thread, NULL, run_farewell, &farewell) == 0) {
		python_run(protocol, server, fds[0], -1);
		(void)pthread_join(thread, NULL);
	} else {
		fd_close(fds[1]);
	}
	fd_close(fds[0]);
}

static void *run_stop(void *arg)
{
	struct stopping *stopping = arg;

	http_server_stop(stopping->server, stopping->drain_ms);
	fd_close(stopping->done_fd);
	return NULL;
}

/* Requests that still run need the main thread: another one waits for them. */
static bool stop_beside(struct stopping *stopping, const struct python_protocol *protocol)
{
	pthread_t thread;
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) < 0)
		return false;
	stopping->done_fd = fds[1];
	if (pthread_create(&thread, NULL, run_stop, stopping) != 0) {
		fd_close(fds[0]);
		fd_close(fds[1]);
		return false;
	}
	python_run(protocol, NULL, fds[0], (int)stopping->drain_ms);
	(void)pthread_join(thread, NULL);
	fd_close(fds[0]);
	return true;
}

void serving_stop(struct http_server *server, const struct python_protocol *protocol, unsigned drain_ms)
{
	struct stopping stopping = {.server = server, .drain_ms = drain_ms};

	if (!protocol || !protocol->run || !stop_beside(&stopping, protocol))
		http_server_stop(server, drain_ms);
	stop_limit_requests_ended();
	if (Py_IsInitialized())
		python_stop(protocol);
}
