/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/fs.h"
#include "base/number.h"
#include "base/spawn.h"
#include "net/dial.h"
#include "proxy/proxy_priv.h"

#define COMMAND_TIMEOUT_MS 5000
#define MESSAGES_MAX 16384
#define PAUSE_MS 5
#define STAT_MAX 4096

/* ---- haproxy's sockets: one command, one connection ---- */

static int send_command(int fd, const char *command, struct err *err)
{
	scoped(buf_done) struct buf line = BUF_INIT(PROXY_CONFIG_MAX);
	ssize_t put;

	if (buf_addf(&line, err, "%s\n", command) < 0)
		return -1;
	put = send(fd, line.data, line.size, MSG_NOSIGNAL);
	if (put != (ssize_t)line.size)
		return err_set(err, ERR_UNAVAILABLE, "haproxy does not take commands");
	/* The master answers for ever unless told that nothing follows. */
	(void)shutdown(fd, SHUT_WR);
	return 0;
}

static int read_answer(int fd, int64_t deadline_ns, struct buf *ret, struct err *err)
{
	for (;;) {
		uint8_t chunk[16384];
		ssize_t got;

		if (dial_wait(fd, POLLIN, deadline_ns, err) < 0)
			return -1;
		got = recv(fd, chunk, sizeof(chunk), 0);
		if (got == 0)
			return 0;
		if (got < 0 && (errno == EAGAIN || errno == EINTR))
			continue;
		if (got < 0)
			return err_set_errno(err, "cannot read haproxy's answer");
		if (buf_add(ret, chunk, (size_t)got, err) < 0)
			return -1;
	}
}

int proxy_command(const char *socket_path, const char *command, struct buf *ret, struct err *err)
{
	const int64_t deadline_ns = clock_monotonic_ns() + COMMAND_TIMEOUT_MS * NS_PER_MS;
	scoped(fd_closep) int fd = -1;

	buf_clear(ret);
	if (dial_unix(socket_path, deadline_ns, &fd, err) < 0 || send_command(fd, command, err) < 0)
		return -1;
	return read_answer(fd, deadline_ns, ret, err);
}

/* The number behind "\nNAME: " in the worker's "show info"; 0 if it does not answer. */
static uint64_t worker_pid(const struct proxy *proxy)
{
	static const char name[] = "\nPid: ";
	scoped(buf_done) struct buf info = BUF_INIT(PROXY_ANSWER_MAX);
	struct err ignored = ERR_INIT;
	uint64_t pid = 0;
	char *at;

	if (proxy_command(proxy->socket, "show info", &info, &ignored) < 0)
		return 0;
	at = strstr((char *)(uintptr_t)buf_text(&info), name);
	if (!at)
		return 0;
	at += sizeof(name) - 1;
	at[strcspn(at, "\n")] = 0;
	return number_parse_u64(at, 1, INT32_MAX, &pid, &ignored) < 0 ? 0 : pid;
}

bool proxy_is_running(const struct proxy *proxy)
{
	return worker_pid(proxy) != 0;
}

/* Waits until a worker other than old answers. */
static int wait_for_worker(const struct proxy *proxy, uint64_t old, struct err *err)
{
	const int64_t until_ns = clock_monotonic_ns() + PROXY_START_TIMEOUT_MS * NS_PER_MS;

	for (;;) {
		const uint64_t pid = worker_pid(proxy);

		if (pid != 0 && pid != old)
			return 0;
		if (clock_monotonic_ns() > until_ns)
			return err_set(err, ERR_TIMEOUT, "haproxy does not answer after %d ms", PROXY_START_TIMEOUT_MS);
		(void)poll(NULL, 0, PAUSE_MS);
	}
}

/* ---- the program ---- */

/* Runs haproxy with its messages in a file (a daemon may keep a pipe open for ever) until it exits. */
static int run_haproxy(const struct proxy *proxy, const char *const *argv, int *ret_status, struct buf *ret_messages,
		       struct err *err)
{
	struct spawn_options options = SPAWN_OPTIONS_INIT;
	scoped(freep) char *log_path = NULL;
	scoped(fd_closep) int log_fd = -1;
	pid_t pid;

	if (fs_join(proxy->dir, "messages", &log_path, err) < 0)
		return -1;
	log_fd = open(log_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (log_fd < 0)
		return err_set_errno(err, "cannot write '%s'", log_path);
	options.argv = argv;
	options.dir = "/";
	options.stdout_fd = log_fd;
	options.stderr_fd = log_fd;
	options.new_session = true;
	if (spawn_start(&options, &pid, err) < 0 || spawn_wait(pid, PROXY_START_TIMEOUT_MS, ret_status, err) < 0)
		return -1;
	return fs_read(log_path, ret_messages, err);
}

/* The first alert of haproxy's messages, without its decoration. */
static const char *first_alert(struct buf *messages)
{
	char *text = (char *)(uintptr_t)buf_text(messages);
	char *alert = strstr(text, "[ALERT]");
	char *colon = alert ? strstr(alert, " : ") : NULL;

	text = colon ? colon + 3 : text;
	text[strcspn(text, "\n")] = 0;
	return text;
}

static int check_config(const struct proxy *proxy, struct err *err)
{
	const char *const argv[] = {proxy->program, "-c", "-q", "-f", proxy->config_path, NULL};
	scoped(buf_done) struct buf messages = BUF_INIT(MESSAGES_MAX);
	int status;

	if (run_haproxy(proxy, argv, &status, &messages, err) < 0)
		return -1;
	return status == 0 ? 0
			   : err_set(err, ERR_INVALID, "haproxy refuses its configuration: %s", first_alert(&messages));
}

static int launch(struct proxy *proxy, struct err *err)
{
	scoped(freep) char *master = NULL;
	scoped(freep) char *pid_path = NULL;
	scoped(buf_done) struct buf messages = BUF_INIT(MESSAGES_MAX);
	int status;

	if (asprintf(&master, "%s,mode,600", proxy->master_socket) < 0) {
		master = NULL;
		return err_no_memory(err);
	}
	if (fs_join(proxy->dir, "haproxy.pid", &pid_path, err) < 0)
		return -1;
	const char *const argv[] = {proxy->program, "-W",     "-D", "-f",   proxy->config_path,
				    "-p",           pid_path, "-S", master, NULL};
	if (run_haproxy(proxy, argv, &status, &messages, err) < 0)
		return -1;
	if (status == 0)
		return 0;
	if (strstr(buf_text(&messages), "cannot bind socket"))
		return err_set(err, ERR_CONFLICT, "the public port %u is in use by somebody else", proxy->port);
	return err_set(err, ERR_INTERNAL, "haproxy does not start: %s", first_alert(&messages));
}

int proxy_start(struct proxy *proxy, struct err *err)
{
	if (check_config(proxy, err) < 0 || launch(proxy, err) < 0)
		return -1;
	return wait_for_worker(proxy, 0, err);
}

int proxy_reload_now(struct proxy *proxy, struct err *err)
{
	scoped(buf_done) struct buf answer = BUF_INIT(PROXY_ANSWER_MAX);
	const uint64_t old = worker_pid(proxy);
	struct err ignored = ERR_INIT;

	/* A master that has failed to reload once has no worker any more: look before. */
	if (check_config(proxy, err) < 0)
		return -1;
	/* The master replaces itself and drops this connection: no answer is an answer. */
	IGNORE_RESULT(proxy_command(proxy->master_socket, "reload", &answer, &ignored));
	return wait_for_worker(proxy, old, err);
}

/* ---- the end ---- */

/* The row "PID master …" of the master's "show proc"; 0 if it does not answer. */
static pid_t master_pid(const char *master_socket)
{
	scoped(buf_done) struct buf answer = BUF_INIT(PROXY_ANSWER_MAX);
	struct err ignored = ERR_INIT;
	uint64_t pid = 0;
	char *line;
	char *saved;

	if (proxy_command(master_socket, "show proc", &answer, &ignored) < 0)
		return 0;
	for (line = strtok_r((char *)(uintptr_t)buf_text(&answer), "\n", &saved); line;
	     line = strtok_r(NULL, "\n", &saved)) {
		const size_t size = strspn(line, "0123456789");
		const char *type = line + size + strspn(line + size, " ");

		if (size == 0 || strncmp(type, "master", 6) != 0)
			continue;
		line[size] = 0;
		return number_parse_u64(line, 2, INT32_MAX, &pid, &ignored) < 0 ? 0 : (pid_t)pid;
	}
	return 0;
}

/* A zombie counts as gone: where nobody reaps orphans it stays. The state stands behind the ')' of /proc/PID/stat. */
static bool is_gone(pid_t pid)
{
	scoped(buf_done) struct buf stat = BUF_INIT(STAT_MAX);
	struct err ignored = ERR_INIT;
	char path[32];
	const char *behind;

	(void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	if (fs_read(path, &stat, &ignored) < 0)
		return true;
	behind = strrchr(buf_text(&stat), ')');
	return !behind || strchr("ZX", behind[1] ? behind[2] : 'X');
}

int proxy_shutdown(const char *run_dir, struct err *err)
{
	const int64_t until_ns = clock_monotonic_ns() + PROXY_START_TIMEOUT_MS * NS_PER_MS;
	scoped(freep) char *master_socket = NULL;
	pid_t pid;

	if (fs_join(run_dir, "haproxy-master.sock", &master_socket, err) < 0)
		return -1;
	pid = master_pid(master_socket);
	if (pid == 0)
		return 0;
	if (kill(pid, SIGTERM) < 0 && errno != ESRCH)
		return err_set_errno(err, "cannot end haproxy (process %d)", (int)pid);
	/* The master ends behind its workers. */
	while (!is_gone(pid)) {
		if (clock_monotonic_ns() > until_ns)
			return err_set(err, ERR_TIMEOUT, "haproxy (process %d) does not end", (int)pid);
		(void)poll(NULL, 0, PAUSE_MS);
	}
	return 0;
}
