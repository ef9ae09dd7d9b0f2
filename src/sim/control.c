/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/control.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/fs.h"
#include "base/log.h"
#include "format/json.h"

#define CONNECTIONS_MAX 64
#define BACKLOG 128
#define IO_TIMEOUT_SECONDS 10
#define LOCK_NAME "run/sim.lock"

struct control {
	struct node *node;
	int shutdown_fd; /* eventfd: a shutdown was asked for */
	int done_fd;     /* eventfd: all apps have ended */
	atomic_uint connections;
};

struct connection {
	struct control *control;
	int fd;
};

/* ---- one connection ---- */

static bool is_allowed(int fd)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && (peer.uid == 0 || peer.uid == geteuid());
}

static int read_request(int fd, struct buf *line, struct err *err)
{
	uint8_t piece[4096];

	for (;;) {
		const ssize_t got = read(fd, piece, sizeof(piece));

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return err_set(err, ERR_INVALID, "the request has no end of line");
		if (buf_add(line, piece, (size_t)got, err) < 0)
			return err_prefix(err, "request");
		if (piece[got - 1] == '\n')
			return 0;
	}
}

static int answer_status(const struct engine_status *status, json_t **ret, struct err *err)
{
	json_t *object;

	if (sim_status_format(status, &object, err) < 0)
		return -1;
	return sim_reply_ok("status", object, ret, err);
}

static int answer_list(struct node *node, json_t **ret, struct err *err)
{
	scoped(freep) struct engine_status *all = NULL;
	scoped(json_decrefp) json_t *array = json_array();
	size_t count;

	if (!array)
		return err_no_memory(err);
	if (node_list(node, &all, &count, err) < 0)
		return -1;
	for (size_t i = 0; i < count; i++) {
		json_t *object;

		if (sim_status_format(&all[i], &object, err) < 0)
			return -1;
		if (json_array_append_new(array, object) < 0)
			return err_no_memory(err);
	}
	return sim_reply_ok("apps", TAKE_PTR(array), ret, err);
}

static int answer_usage(struct node *node, const char *uuid, json_t **ret, struct err *err)
{
	struct engine_usage usage;
	json_t *object;

	if (node_usage(node, uuid, &usage, err) < 0 || sim_usage_format(&usage, &object, err) < 0)
		return -1;
	return sim_reply_ok("usage", object, ret, err);
}

static int answer_launch(struct node *node, json_t *request, json_t **ret, struct err *err)
{
	struct engine_status status;

	return node_launch(node, request, &status, err) < 0 ? -1 : answer_status(&status, ret, err);
}

static int answer_inspect(struct node *node, const char *uuid, json_t **ret, struct err *err)
{
	struct engine_status status;

	return node_inspect(node, uuid, &status) ? answer_status(&status, ret, err)
						 : sim_reply_ok(NULL, NULL, ret, err);
}

static void raise_event(int fd)
{
	const uint64_t one = 1;

	IGNORE_RESULT(write(fd, &one, sizeof(one)) < 0);
}

/* The answer goes out when everything has ended. */
static int answer_shutdown(struct control *control, json_t **ret, struct err *err)
{
	struct pollfd done = {.fd = control->done_fd, .events = POLLIN};

	raise_event(control->shutdown_fd);
	while (poll(&done, 1, -1) < 0 && errno == EINTR)
		;
	return sim_reply_ok(NULL, NULL, ret, err);
}

static int answer(struct control *control, json_t *request, json_t **ret, struct err *err)
{
	struct sim_request parsed;

	if (sim_request_parse(request, &parsed, err) < 0)
		return -1;
	switch (parsed.op) {
	case SIM_OP_PING:
		return sim_reply_ok("version", json_string(MSE_VERSION), ret, err);
	case SIM_OP_LAUNCH:
		return answer_launch(control->node, request, ret, err);
	case SIM_OP_STOP:
		if (node_stop(control->node, parsed.uuid, parsed.grace_ms, err) < 0)
			return -1;
		return sim_reply_ok(NULL, NULL, ret, err);
	case SIM_OP_INSPECT:
		return answer_inspect(control->node, parsed.uuid, ret, err);
	case SIM_OP_LIST:
		return answer_list(control->node, ret, err);
	case SIM_OP_USAGE:
		return answer_usage(control->node, parsed.uuid, ret, err);
	case SIM_OP_SHUTDOWN:
		return answer_shutdown(control, ret, err);
	}
	return err_set(err, ERR_INTERNAL, "an operation without an answer");
}

static void send_reply(int fd, const json_t *reply)
{
	scoped(buf_done) struct buf line = BUF_INIT(SIM_REPLY_MAX);
	struct err err = ERR_INIT;

	if (json_format(reply, &line, &err) < 0 || buf_add_byte(&line, '\n', &err) < 0) {
		log_event(LOG_ERROR, "answer_lost", "error", err.text, NULL);
		return;
	}
	for (size_t sent = 0; sent < line.size;) {
		const ssize_t put = send(fd, line.data + sent, line.size - sent, MSG_NOSIGNAL);

		if (put < 0 && errno != EINTR)
			return; /* nobody waits for it any more */
		sent += put > 0 ? (size_t)put : 0;
	}
}

static int handle(struct control *control, int fd, json_t **ret_reply, struct err *err)
{
	scoped(buf_done) struct buf line = BUF_INIT(SIM_REQUEST_MAX);
	scoped(json_decrefp) json_t *request = NULL;

	/* Read first: closing with unread bytes would take the answer away again. */
	if (read_request(fd, &line, err) < 0)
		return -1;
	if (!is_allowed(fd))
		return err_set(err, ERR_DENIED, "only the user who runs mse-sim, and root, may ask");
	if (json_parse_strict(line.data, line.size, SIM_DEPTH_MAX, &request, err) < 0)
		return -1;
	return answer(control, request, ret_reply, err);
}

static void serve_connection(struct control *control, int fd)
{
	const struct timeval limit = {.tv_sec = IO_TIMEOUT_SECONDS};
	scoped(json_decrefp) json_t *reply = NULL;
	struct err err = ERR_INIT, reply_err = ERR_INIT;

	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	if (handle(control, fd, &reply, &err) < 0 && sim_reply_error(&err, &reply, &reply_err) < 0)
		return;
	send_reply(fd, reply);
}

static void *connection_thread(void *arg)
{
	struct connection *connection = arg;
	struct control *control = connection->control;

	serve_connection(control, connection->fd);
	fd_close(connection->fd);
	free(connection);
	atomic_fetch_sub(&control->connections, 1);
	return NULL;
}

static int start_connection(struct control *control, int fd)
{
	struct connection *connection = malloc(sizeof(*connection));
	pthread_attr_t attr;
	pthread_t thread;
	int failed;

	if (!connection)
		return -1;
	*connection = (struct connection){.control = control, .fd = fd};
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	atomic_fetch_add(&control->connections, 1);
	failed = pthread_create(&thread, &attr, connection_thread, connection);
	pthread_attr_destroy(&attr);
	if (failed == 0)
		return 0;
	atomic_fetch_sub(&control->connections, 1);
	free(connection);
	return -1;
}

/* More connections than threads wait in the backlog. */
static void accept_one(struct control *control, int listen_fd)
{
	int fd;

	if (atomic_load(&control->connections) >= CONNECTIONS_MAX) {
		(void)poll(NULL, 0, 10);
		return;
	}
	fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC);
	if (fd >= 0 && start_connection(control, fd) < 0)
		fd_close(fd);
}

/* ---- the socket ---- */

static int take_lock(const char *data_dir, int *ret_fd, struct err *err)
{
	scoped(freep) char *path = NULL;
	scoped(fd_closep) int fd = -1;

	if (fs_join(data_dir, LOCK_NAME, &path, err) < 0)
		return -1;
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_set_errno(err, "cannot open '%s'", path);
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return err_set(err, ERR_CONFLICT, "another mse-sim serves '%s'", data_dir);
	*ret_fd = TAKE_FD(fd);
	return 0;
}

static int listen_at(const char *data_dir, int *ret_fd, struct err *err)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	scoped(fd_closep) int fd = -1;

	if (snprintf(address.sun_path, SIM_SOCKET_PATH_MAX + 1, "%s/" SIM_SOCKET_NAME, data_dir) > SIM_SOCKET_PATH_MAX)
		return err_set(err, ERR_LIMIT, "data directory '%s' is too long: socket paths have at most %d bytes",
			       data_dir, SIM_SOCKET_PATH_MAX);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return err_set_errno(err, "cannot open the control socket");
	(void)unlink(address.sun_path); /* the lock says that nobody serves it */
	if (bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 || chmod(address.sun_path, 0600) < 0 ||
	    listen(fd, BACKLOG) < 0)
		return err_set_errno(err, "cannot listen at '%s'", address.sun_path);
	*ret_fd = TAKE_FD(fd);
	return 0;
}

int control_open(const char *data_dir, int *ret_lock_fd, int *ret_listen_fd, struct err *err)
{
	scoped(freep) char *run_dir = NULL;
	scoped(fd_closep) int lock = -1;

	if (fs_join(data_dir, "run", &run_dir, err) < 0 || fs_make_dirs(run_dir, 0700, err) < 0 ||
	    take_lock(data_dir, &lock, err) < 0 || listen_at(data_dir, ret_listen_fd, err) < 0)
		return -1;
	*ret_lock_fd = TAKE_FD(lock);
	return 0;
}

static int open_signals(int *ret_fd, struct err *err)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	*ret_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return *ret_fd < 0 ? err_set_errno(err, "cannot wait for signals") : 0;
}

/* Lets those who asked for the end hear of it. */
static void drain_connections(struct control *control)
{
	raise_event(control->done_fd);
	for (int i = 0; i < IO_TIMEOUT_SECONDS * 100 && atomic_load(&control->connections) > 0; i++)
		(void)poll(NULL, 0, 10);
}

int control_serve(int listen_fd, struct node *node, struct err *err)
{
	static struct control control; /* threads may outlive this call when they hang: never freed */
	scoped(fd_closep) int signals = -1;

	control.node = node;
	control.shutdown_fd = eventfd(0, EFD_CLOEXEC);
	control.done_fd = eventfd(0, EFD_CLOEXEC);
	if (control.shutdown_fd < 0 || control.done_fd < 0)
		return err_set_errno(err, "cannot make an event");
	if (open_signals(&signals, err) < 0)
		return -1;
	struct pollfd polls[] = {{.fd = listen_fd, .events = POLLIN},
				 {.fd = signals, .events = POLLIN},
				 {.fd = control.shutdown_fd, .events = POLLIN}};

	while (polls[1].revents == 0 && polls[2].revents == 0) {
		if (poll(polls, COUNT_OF(polls), -1) < 0)
			continue;
		if (polls[0].revents != 0)
			accept_one(&control, listen_fd);
	}
	node_stop_all(node);
	drain_connections(&control);
	return 0;
}
