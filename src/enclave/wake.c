/* SPDX-License-Identifier: Apache-2.0 */
#include "enclave/wake.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include "base/clock.h"
#include "enclave/app_log.h"

#define NS_PER_MS 1000000LL
#define NS_PER_SECOND (1000 * NS_PER_MS)

static int g_write_fd = -1;
static int g_read_fd = -1;
static volatile sig_atomic_t g_is_loading;
static volatile sig_atomic_t g_exit_code; /* of a stop that is cut short */

void wake_send(enum wake reason)
{
	const char byte = (char)reason;
	const int saved = errno;

	while (write(g_write_fd, &byte, 1) < 0 && errno == EINTR) {
	}
	errno = saved;
}

static void on_signal(int number)
{
	(void)number;
	if (g_is_loading) {
		app_log_drain();
		_exit(0);
	}
	wake_send(WAKE_STOP);
}

/* What the kernel itself sends when the terminal goes away is no wish to start anew. */
static void on_parent_signal(int number, siginfo_t *info, void *context)
{
	(void)context;
	if (number == SIGCHLD)
		wake_send(WAKE_CHILD);
	else
		wake_send(info->si_code == SI_KERNEL ? WAKE_STOP : WAKE_RELOAD);
}

static void on_impatience(int number)
{
	(void)number;
	app_log_drain();
	_exit((int)g_exit_code);
}

int wake_setup(struct err *err)
{
	const struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) < 0)
		return err_set_errno(err, "cannot make a pipe");
	g_read_fd = fds[0];
	g_write_fd = fds[1];
	if (sigaction(SIGTERM, &action, NULL) < 0 || sigaction(SIGINT, &action, NULL) < 0 ||
	    sigaction(SIGHUP, &action, NULL) < 0)
		return err_set_errno(err, "cannot handle signals");
	return 0;
}

int wake_setup_parent(struct err *err)
{
	const struct sigaction action = {.sa_sigaction = on_parent_signal,
					 .sa_flags = SA_RESTART | SA_NOCLDSTOP | SA_SIGINFO};

	if (sigaction(SIGCHLD, &action, NULL) < 0 || sigaction(SIGHUP, &action, NULL) < 0)
		return err_set_errno(err, "cannot handle signals");
	return 0;
}

int wake_fd(void)
{
	return g_read_fd;
}

static enum wake read_one(void)
{
	char byte;
	ssize_t got;

	do {
		got = read(g_read_fd, &byte, 1);
	} while (got < 0 && errno == EINTR);
	return got == 1 ? (enum wake)byte : WAKE_STOP;
}

enum wake wake_wait(unsigned seconds)
{
	const int64_t until_ns = clock_monotonic_ns() + seconds * NS_PER_SECOND;
	struct pollfd ready = {.fd = g_read_fd, .events = POLLIN};

	while (seconds > 0) {
		const int64_t left_ms = (until_ns - clock_monotonic_ns()) / NS_PER_MS;

		if (left_ms <= 0)
			return WAKE_TIMEOUT;
		if (poll(&ready, 1, left_ms < INT_MAX ? (int)left_ms + 1 : INT_MAX) > 0)
			break;
	}
	return read_one();
}

void wake_set_loading(bool is_loading)
{
	g_is_loading = is_loading;
}

void wake_limit_stop(unsigned seconds, int code)
{
	const struct sigaction end = {.sa_handler = on_impatience};

	g_exit_code = code;
	(void)sigaction(SIGALRM, &end, NULL);
	(void)sigaction(SIGTERM, &end, NULL);
	(void)alarm(seconds);
}
