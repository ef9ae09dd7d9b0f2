/* SPDX-License-Identifier: Apache-2.0 */
#include "base/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"

#define FIRST_FREE_FD 3
#define SAFE_FD_BASE 64 /* above every target, so that dup2 cannot overwrite a source */

/* Runs in the child: puts fd at number target, without CLOEXEC. */
static int place(int fd, int target)
{
	if (fd == SPAWN_INHERIT)
		return 0;
	if (fd < 0) {
		fd = open("/dev/null", O_RDWR | O_CLOEXEC);
		if (fd < 0)
			return -1;
	}
	if (fd == target)
		return fcntl(fd, F_SETFD, 0);
	return dup2(fd, target) < 0 ? -1 : 0;
}

/* Moves every descriptor to keep, and the report pipe, above SAFE_FD_BASE first, then to its target. */
static int place_all(const struct spawn_options *options, int *report_fd)
{
	int moved[SPAWN_KEEP_FDS_MAX];

	/* What we do not know of (a library's descriptor without CLOEXEC) does not reach the child. */
	(void)syscall(SYS_close_range, FIRST_FREE_FD, ~0U, 4U /* CLOSE_RANGE_CLOEXEC */);
	*report_fd = fcntl(*report_fd, F_DUPFD_CLOEXEC, SAFE_FD_BASE);
	if (*report_fd < 0)
		return -1;
	for (size_t i = 0; i < options->keep_count; i++) {
		moved[i] = fcntl(options->keep[i].fd, F_DUPFD_CLOEXEC, SAFE_FD_BASE);
		if (moved[i] < 0)
			return -1;
	}
	if (place(options->stdin_fd, STDIN_FILENO) < 0 || place(options->stdout_fd, STDOUT_FILENO) < 0 ||
	    place(options->stderr_fd, STDERR_FILENO) < 0)
		return -1;
	for (size_t i = 0; i < options->keep_count; i++) {
		if (dup2(moved[i], options->keep[i].target) < 0)
			return -1;
	}
	return 0;
}

static void reset_signals(void)
{
	sigset_t none;

	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	(void)signal(SIGPIPE, SIG_DFL);
	(void)signal(SIGINT, SIG_DFL);
	(void)signal(SIGTERM, SIG_DFL);
}

static int run_child(const struct spawn_options *options, int *report_fd, pid_t parent)
{
	reset_signals();
	if (options->new_session && setsid() < 0)
		return -1;
	if (options->die_with_parent && (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent))
		return -1;
	if (options->dir && chdir(options->dir) < 0)
		return -1;
	if (place_all(options, report_fd) < 0)
		return -1;
	if (options->env)
		return execvpe(options->argv[0], (char *const *)options->argv, (char *const *)options->env);
	return execvp(options->argv[0], (char *const *)options->argv);
}

_Noreturn static void child(const struct spawn_options *options, int report_fd, pid_t parent)
{
	ssize_t put;

	(void)run_child(options, &report_fd, parent);
	put = write(report_fd, &errno, sizeof(errno));
	_exit(put == sizeof(errno) ? 127 : 126);
}

static int read_report(int fd, const char *program, pid_t pid, struct err *err)
{
	int child_errno;
	ssize_t got;

	do
		got = read(fd, &child_errno, sizeof(child_errno));
	while (got < 0 && errno == EINTR);
	if (got == 0)
		return 0; /* closed by a successful exec */
	(void)waitpid(pid, NULL, 0);
	errno = got == sizeof(child_errno) ? child_errno : EIO;
	return err_set_errno(err, "cannot start '%s'", program);
}

int spawn_start(const struct spawn_options *options, pid_t *ret_pid, struct err *err)
{
	int pipe_fds[2];
	const pid_t parent = getpid();
	pid_t pid;

	if (pipe2(pipe_fds, O_CLOEXEC) < 0)
		return err_set_errno(err, "cannot start '%s'", options->argv[0]);
	scoped(fd_closep) int read_fd = pipe_fds[0];
	scoped(fd_closep) int write_fd = pipe_fds[1];
	pid = fork();
	if (pid < 0)
		return err_set_errno(err, "cannot start '%s'", options->argv[0]);
	if (pid == 0)
		child(options, write_fd, parent);
	fd_closep(&write_fd);
	if (read_report(read_fd, options->argv[0], pid, err) < 0)
		return -1;
	*ret_pid = pid;
	return 0;
}

static int status_of(int raw)
{
	return WIFEXITED(raw) ? WEXITSTATUS(raw) : 128 + WTERMSIG(raw);
}

int spawn_wait(pid_t pid, int timeout_ms, int *ret_status, struct err *err)
{
	const int64_t until = clock_monotonic_ns() + timeout_ms * NS_PER_MS;
	int raw;

	for (;;) {
		const pid_t got = waitpid(pid, &raw, timeout_ms < 0 ? 0 : WNOHANG);

		if (got == pid)
			break;
		if (got < 0 && errno != EINTR)
			return err_set_errno(err, "cannot wait for process %d", (int)pid);
		if (got == 0 && clock_monotonic_ns() >= until)
			return err_set(err, ERR_TIMEOUT, "process %d still runs after %d ms", (int)pid, timeout_ms);
		if (got == 0)
			(void)poll(NULL, 0, 2);
	}
	*ret_status = status_of(raw);
	return 0;
}

int spawn_capture(const char *const *argv, bool with_stderr, struct buf *ret, int *ret_status, struct err *err)
{
	struct spawn_options options = SPAWN_OPTIONS_INIT;
	int pipe_fds[2];
	pid_t pid;

	if (pipe2(pipe_fds, O_CLOEXEC) < 0)
		return err_set_errno(err, "cannot start '%s'", argv[0]);
	scoped(fd_closep) int read_fd = pipe_fds[0];
	scoped(fd_closep) int write_fd = pipe_fds[1];
	options.argv = argv;
	options.stdout_fd = write_fd;
	options.stderr_fd = with_stderr ? write_fd : SPAWN_INHERIT;
	if (spawn_start(&options, &pid, err) < 0)
		return -1;
	fd_closep(&write_fd);
	if (buf_read_fd(ret, read_fd, err) < 0) {
		int ignored;
		struct err ignored_err = ERR_INIT;

		(void)kill(pid, SIGKILL);
		IGNORE_RESULT(spawn_wait(pid, -1, &ignored, &ignored_err));
		return err_prefix(err, "output of '%s'", argv[0]);
	}
	return spawn_wait(pid, -1, ret_status, err);
}
