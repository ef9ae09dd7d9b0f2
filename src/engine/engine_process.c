/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/engine_process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/fs.h"
#include "base/number.h"
#include "base/spawn.h"
#include "engine/sim_protocol.h"
#include "format/json.h"

#define TIMEOUT_SECONDS 5          /* of a request that mse-sim answers from memory */
#define LAUNCH_TIMEOUT_SECONDS 150 /* it gives up by itself after 120 */
#define START_TIMEOUT_MS 20000
#define LOG_PATH_SIZE 1200
#define OPTIONS_MAX 16

struct process_engine {
	struct engine engine;
	char *data_dir;
	struct sockaddr_un address;
};

static struct process_engine *process_of(struct engine *engine)
{
	return (struct process_engine *)engine;
}

static int set_timeout(int fd, int seconds, struct err *err)
{
	const struct timeval limit = {.tv_sec = seconds};

	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)) < 0)
		return err_set_errno(err, "cannot set the time limit of a request to mse-sim");
	return 0;
}

static int connect_to_sim(const struct process_engine *process, int seconds, int *ret_fd, struct err *err)
{
	scoped(fd_closep) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return err_set_errno(err, "cannot open a socket to mse-sim");
	if (set_timeout(fd, seconds, err) < 0)
		return -1;
	if (connect(fd, (const struct sockaddr *)&process->address, sizeof(process->address)) < 0)
		return err_set(err, ERR_UNAVAILABLE, "mse-sim does not answer at '%s': %s", process->address.sun_path,
			       strerror(errno));
	*ret_fd = TAKE_FD(fd);
	return 0;
}

/* Reads up to the newline, or the end. */
static int read_line(int fd, struct buf *line, struct err *err)
{
	uint8_t piece[4096];

	for (;;) {
		const ssize_t got = read(fd, piece, sizeof(piece));

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return err_set(err, ERR_UNAVAILABLE, "no answer from mse-sim: %s", strerror(errno));
		if (got == 0)
			return err_set(err, ERR_UNAVAILABLE, "mse-sim closed the connection without an answer");
		if (buf_add(line, piece, (size_t)got, err) < 0)
			return err_prefix(err, "answer of mse-sim");
		if (piece[got - 1] == '\n')
			return 0;
	}
}

static int send_line(int fd, const json_t *request, struct err *err)
{
	scoped(buf_done) struct buf line = BUF_INIT(SIM_REQUEST_MAX);

	if (json_format(request, &line, err) < 0 || buf_add_byte(&line, '\n', err) < 0)
		return err_prefix(err, "request to mse-sim");
	for (size_t sent = 0; sent < line.size;) {
		const ssize_t put = send(fd, line.data + sent, line.size - sent, MSG_NOSIGNAL);

		if (put < 0 && errno != EINTR)
			return err_set(err, ERR_UNAVAILABLE, "mse-sim takes no request: %s", strerror(errno));
		sent += put > 0 ? (size_t)put : 0;
	}
	return 0;
}

/* Takes over request. One request, one answer, one connection. */
static int ask(struct engine *engine, json_t *request, int seconds, json_t **ret_reply, struct err *err)
{
	scoped(json_decrefp) json_t *owned = request;
	scoped(json_decrefp) json_t *reply = NULL;
	scoped(fd_closep) int fd = -1;
	scoped(buf_done) struct buf line = BUF_INIT(SIM_REPLY_MAX);

	if (connect_to_sim(process_of(engine), seconds, &fd, err) < 0 || send_line(fd, owned, err) < 0 ||
	    read_line(fd, &line, err) < 0)
		return -1;
	if (json_parse_strict(line.data, line.size, SIM_DEPTH_MAX, &reply, err) < 0)
		return err_prefix(err, "answer of mse-sim");
	if (sim_reply_check(reply, err) < 0)
		return -1;
	*ret_reply = TAKE_PTR(reply);
	return 0;
}

static int ask_simple(struct engine *engine, enum sim_op op, const char *uuid, int grace_ms, json_t **ret_reply,
		      struct err *err)
{
	const int seconds = TIMEOUT_SECONDS + (op == SIM_OP_SHUTDOWN ? SIM_GRACE_MS_MAX : grace_ms) / 1000;
	json_t *request = NULL;

	if (sim_request_simple(op, uuid, grace_ms, &request, err) < 0)
		return -1;
	return ask(engine, request, seconds, ret_reply, err);
}

static int process_start(struct engine *engine, const struct engine_launch *launch, struct engine_status *ret,
			 struct err *err)
{
	scoped(json_decrefp) json_t *reply = NULL;
	json_t *request = NULL;
	json_t *status;

	if (sim_request_launch(launch, &request, err) < 0 ||
	    ask(engine, request, LAUNCH_TIMEOUT_SECONDS, &reply, err) < 0 ||
	    json_get_object(reply, "status", &status, err) < 0)
		return -1;
	return sim_status_parse(status, ret, err);
}

static int process_stop(struct engine *engine, const char *uuid, int grace_ms, struct err *err)
{
	scoped(json_decrefp) json_t *reply = NULL;

	return ask_simple(engine, SIM_OP_STOP, uuid, grace_ms, &reply, err);
}

static int process_inspect(struct engine *engine, const char *uuid, struct engine_status *ret, struct err *err)
{
	scoped(json_decrefp) json_t *reply = NULL;
	json_t *status;
	int found;

	if (ask_simple(engine, SIM_OP_INSPECT, uuid, 0, &reply, err) < 0)
		return -1;
	found = json_find_object(reply, "status", &status, err);
	if (found <= 0)
		return found;
	return sim_status_parse(status, ret, err) < 0 ? -1 : 1;
}

static int process_list(struct engine *engine, struct engine_status **ret, size_t *ret_count, struct err *err)
{
	scoped(json_decrefp) json_t *reply = NULL;
	scoped(freep) struct engine_status *all = NULL;
	json_t *apps;
	size_t count;

	if (ask_simple(engine, SIM_OP_LIST, NULL, 0, &reply, err) < 0 ||
	    json_get_array(reply, "apps", ENGINE_LIST_MAX, &apps, err) < 0)
		return -1;
	count = json_array_size(apps);
	all = calloc(count + 1, sizeof(*all));
	if (!all)
		return err_no_memory(err);
	for (size_t i = 0; i < count; i++) {
		if (sim_status_parse(json_array_get(apps, i), &all[i], err) < 0)
			return err_prefix(err, "app %zu of mse-sim's list", i);
	}
	*ret = TAKE_PTR(all);
	*ret_count = count;
	return 0;
}

static int process_usage(struct engine *engine, const char *uuid, struct engine_usage *ret, struct err *err)
{
	scoped(json_decrefp) json_t *reply = NULL;
	json_t *usage;

	if (ask_simple(engine, SIM_OP_USAGE, uuid, 0, &reply, err) < 0 ||
	    json_get_object(reply, "usage", &usage, err) < 0)
		return -1;
	return sim_usage_parse(usage, ret, err);
}

/* Adds the last max bytes of a file. 1, or 0 when there is no such file. */
static int add_tail(const char *path, size_t max, struct buf *ret, struct err *err)
{
	scoped(fd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	struct stat st;

	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_set_errno(err, "cannot open log '%s'", path);
	const size_t want = size_min(max, (size_t)st.st_size);
	uint8_t *room;

	if (buf_reserve(ret, want, &room, err) < 0)
		return -1;
	const ssize_t got = pread(fd, room, want, st.st_size - (off_t)want);

	if (got < 0)
		return err_set_errno(err, "cannot read log '%s'", path);
	ret->size += (size_t)got;
	ret->data[ret->size] = '\0';
	return 1;
}

/* The older file first; what is left of its last line is whole again with the newer one behind. */
static int process_logs(struct engine *engine, const char *uuid, size_t max, struct buf *ret, struct err *err)
{
	scoped(buf_done) struct buf text = BUF_INIT(ENGINE_LOG_MAX + 1);
	char path[LOG_PATH_SIZE], older[LOG_PATH_SIZE];
	int found_older, found;
	size_t skip;

	(void)snprintf(path, sizeof(path), "%s/apps/%s/log", process_of(engine)->data_dir, uuid);
	(void)snprintf(older, sizeof(older), "%s/apps/%s/log.1", process_of(engine)->data_dir, uuid);
	found_older = add_tail(older, ENGINE_LOG_MAX / 2, &text, err);
	found = found_older < 0 ? -1 : add_tail(path, ENGINE_LOG_MAX / 2, &text, err);
	if (found < 0)
		return -1;
	if (!found && !found_older)
		return err_set(err, ERR_NOT_FOUND, "no log '%s'", path);
	if (text.size == 0)
		return 0;
	skip = text.size - size_min(text.size, max);
	if (skip > 0 && text.data[skip - 1] != '\n') {
		const uint8_t *newline = memchr(text.data + skip, '\n', text.size - skip);

		const size_t next = newline ? (size_t)(newline - text.data) + 1 : text.size;

		skip = next < text.size ? next : skip; /* rather a part of the last line than nothing */
	}
	return buf_add(ret, text.data + skip, text.size - skip, err);
}

static void process_free(struct engine *engine)
{
	struct process_engine *process = process_of(engine);

	free(process->data_dir);
	free(process);
}

static const struct engine_ops process_ops = {.kind = "process",
					      .start = process_start,
					      .stop = process_stop,
					      .inspect = process_inspect,
					      .list = process_list,
					      .logs = process_logs,
					      .usage = process_usage,
					      .free = process_free};

int engine_process_open(const char *data_dir, struct engine **ret, struct err *err)
{
	scoped(freep) struct process_engine *process = calloc(1, sizeof(*process));
	int length;

	if (!process)
		return err_no_memory(err);
	process->engine.ops = &process_ops;
	process->address.sun_family = AF_UNIX;
	length = snprintf(process->address.sun_path, SIM_SOCKET_PATH_MAX + 1, "%s/%s", data_dir, SIM_SOCKET_NAME);
	if (length > SIM_SOCKET_PATH_MAX)
		return err_set(err, ERR_LIMIT, "data directory '%s' is too long: socket paths have at most %d bytes",
			       data_dir, SIM_SOCKET_PATH_MAX);
	process->data_dir = strdup(data_dir);
	if (!process->data_dir)
		return err_no_memory(err);
	*ret = &TAKE_PTR(process)->engine;
	return 0;
}

static int is_serving(struct engine *engine, struct err *err)
{
	scoped(json_decrefp) json_t *reply = NULL;

	if (ask_simple(engine, SIM_OP_PING, NULL, 0, &reply, err) == 0)
		return 1;
	return err->code == ERR_UNAVAILABLE ? 0 : -1;
}

static int start_sim(const struct process_engine *process, const char *program, const char *const *options,
		     struct err *err)
{
	struct spawn_options spawn = SPAWN_OPTIONS_INIT;
	const char *argv[OPTIONS_MAX + 5] = {program, "--data-dir", process->data_dir, "--detach"};
	size_t count = 4;
	int status;
	pid_t pid;

	for (size_t i = 0; options && options[i]; i++) {
		if (i == OPTIONS_MAX)
			return err_set(err, ERR_LIMIT, "more than %d options for mse-sim", OPTIONS_MAX);
		argv[count++] = options[i];
	}
	spawn.argv = argv;
	spawn.stderr_fd = SPAWN_INHERIT;
	if (spawn_start(&spawn, &pid, err) < 0 || spawn_wait(pid, START_TIMEOUT_MS, &status, err) < 0)
		return -1;
	if (status != 0)
		return err_set(err, ERR_UNAVAILABLE, "mse-sim did not start (exit status %d): see '%s/%s'", status,
			       process->data_dir, SIM_LOG_NAME);
	return 0;
}

int engine_process_ensure(struct engine *engine, const char *program, const char *const *options, struct err *err)
{
	struct err ping_err = ERR_INIT;
	const int serving = is_serving(engine, &ping_err);

	if (serving > 0)
		return 0;
	if (serving < 0)
		return err_set(err, ping_err.code, "%s", ping_err.text);
	if (start_sim(process_of(engine), program, options, err) < 0)
		return -1;
	return is_serving(engine, err) > 0 ? 0 : -1;
}

int engine_process_shutdown(struct engine *engine, struct err *err)
{
	scoped(json_decrefp) json_t *reply = NULL;
	struct err ask_err = ERR_INIT;

	if (ask_simple(engine, SIM_OP_SHUTDOWN, NULL, 0, &reply, &ask_err) == 0)
		return 0;
	if (ask_err.code == ERR_UNAVAILABLE && is_serving(engine, err) == 0)
		return 0;
	return err_set(err, ask_err.code, "%s", ask_err.text);
}
