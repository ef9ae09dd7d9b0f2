/* SPDX-License-Identifier: Apache-2.0 */
#include "enclave/process/wake.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "enclave/process/app_log.h"
#include "enclave/process/operator_log.h"

#define AGAIN_TEXT "stopped at once: asked to again\n"

#define IN(role) (1u << WAKE_##role)
#define IN_SERVERS (IN(ALONE) | IN(PARENT) | IN(WORKER))
#define IN_ALL (IN(ENCLAVE) | IN_SERVERS)

static const struct row {
	int number;
	const char *name;
	unsigned roles;
	bool is_kept;        /* whatever an application sets */
	bool is_job_control; /* a terminal's, where there is one */
} rows[] = {
    {SIGTERM, "SIGTERM", IN_ALL, true, false},     {SIGINT, "SIGINT", IN_ALL, true, false},
    {SIGHUP, "SIGHUP", IN_ALL, true, false},       {SIGQUIT, "SIGQUIT", IN_ALL, true, false},
    {SIGCHLD, "SIGCHLD", IN(PARENT), true, false}, {SIGUSR1, "SIGUSR1", IN_ALL, false, false},
    {SIGUSR2, "SIGUSR2", IN_ALL, false, false},    {SIGTTIN, "SIGTTIN", IN_SERVERS, false, true},
    {SIGTTOU, "SIGTTOU", IN_SERVERS, false, true},
};

static int g_write_fd = -1;
static int g_read_fd = -1;
static pid_t g_pid;
static enum wake_role g_role;
static bool g_has_log_file;
static bool g_has_terminal;
static bool g_ignores_hangup; /* nohup */
static sem_t g_asked;
static _Atomic(int64_t) g_asked_ns;
static char g_again[sizeof(AGAIN_TEXT) + OPERATOR_NAME_MAX + 2]; /* for a handler */
static volatile sig_atomic_t g_unwritten;                        /* a reason that the pipe had no room for; 0: none */
static volatile sig_atomic_t g_is_quick;
static volatile sig_atomic_t g_unused; /* a signal's number */
static volatile sig_atomic_t g_is_loading;
static volatile sig_atomic_t g_exit_code; /* of a stop that is cut short */

void wake_send(enum wake reason)
{
	const char byte = (char)reason;
	const int saved = errno;

	while (write(g_write_fd, &byte, 1) < 0) {
		if (errno == EINTR)
			continue;
		/* A full pipe wakes too. */
		if (reason == WAKE_STOP || reason == WAKE_QUIT || reason == WAKE_FAILED)
			g_unwritten = (int)reason;
		break;
	}
	errno = saved;
}

/* ---- handlers ---- */

_Noreturn static void end_now(void)
{
	const ssize_t put = g_role == WAKE_ENCLAVE || g_is_loading ? 0 : write(STDERR_FILENO, g_again, strlen(g_again));

	(void)put;
	app_log_drain();
	_exit((int)g_exit_code);
}

/* What the kernel itself sends: the terminal is gone. 0: nothing is to be done. */
static int hangup(bool is_kernels)
{
	switch (g_role) {
	case WAKE_ENCLAVE:
		return WAKE_STOP;
	case WAKE_WORKER:
		return 0;
	case WAKE_PARENT:
		if (!is_kernels)
			return WAKE_RELOAD;
		break;
	case WAKE_ALONE:
		if (!is_kernels && !g_has_terminal)
			return WAKE_RELOAD;
		break;
	}
	return g_ignores_hangup ? 0 : WAKE_STOP;
}

static int meaning(int number, bool is_kernels)
{
	switch (number) {
	case SIGTERM:
	case SIGINT:
		return WAKE_STOP;
	case SIGQUIT:
		return WAKE_QUIT;
	case SIGHUP:
		return hangup(is_kernels);
	case SIGCHLD:
		return WAKE_CHILD;
	case SIGUSR1:
		return g_has_log_file ? WAKE_REOPEN : WAKE_UNUSED;
	default:
		return WAKE_UNUSED;
	}
}

/* The first stop that is asked for counts. 0: it is this one; else when that was. */
static int64_t note_stop(int number, int64_t now_ns)
{
	int64_t asked_ns = 0;

	if (atomic_compare_exchange_strong(&g_asked_ns, &asked_ns, now_ns)) {
		g_is_quick = number == SIGQUIT;
		(void)sem_post(&g_asked);
	}
	return asked_ns;
}

/* The stop was asked for at asked_ns, and is asked for again. */
static bool is_impatient(int number, int64_t asked_ns, int64_t now_ns)
{
	if (asked_ns == 0 || number == SIGHUP || (g_role == WAKE_WORKER && number != SIGQUIT))
		return false;
	return now_ns - asked_ns >= WAKE_AGAIN_MS * NS_PER_MS;
}

void wake_ask_stop(void)
{
	(void)note_stop(SIGTERM, clock_monotonic_ns());
	wake_send(WAKE_STOP);
}

/* Of an application's child before it runs another program; the signal is taken when this returns. */
static void act_as_ever(int number)
{
	const struct sigaction action = {.sa_handler = SIG_DFL};

	(void)sigaction(number, &action, NULL);
	(void)raise(number);
}

static void on_signal(int number, siginfo_t *info, void *context)
{
	const int saved = errno;
	int64_t now_ns;
	int reason;

	(void)context;
	if (getpid() != g_pid) {
		act_as_ever(number);
		return;
	}
	reason = meaning(number, info->si_code == SI_KERNEL);
	if (reason == WAKE_STOP || reason == WAKE_QUIT) {
		now_ns = clock_monotonic_ns();
		if (is_impatient(number, note_stop(number, now_ns), now_ns) || g_is_loading)
			end_now();
	}
	if (reason == WAKE_UNUSED)
		g_unused = number;
	if (reason)
		wake_send((enum wake)reason);
	errno = saved;
}

static void on_alarm(int number)
{
	(void)number;
	app_log_drain();
	_exit((int)g_exit_code);
}

/* ---- setting up ---- */

static bool is_ours(const struct row *row)
{
	return (row->roles & 1u << g_role) && !(row->is_job_control && g_has_terminal);
}

static int take_over(const struct row *row)
{
	const struct sigaction action = {.sa_sigaction = on_signal,
					 .sa_flags =
					     SA_RESTART | SA_SIGINFO | (row->number == SIGCHLD ? SA_NOCLDSTOP : 0)};

	return sigaction(row->number, &action, NULL);
}

/* A parent may have left them blocked. */
static int take_all(struct err *err)
{
	const struct sigaction ignore = {.sa_handler = SIG_IGN};
	sigset_t taken;

	(void)sigemptyset(&taken);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		if (!is_ours(&rows[i]))
			continue;
		if (take_over(&rows[i]) < 0)
			return err_set_errno(err, "cannot handle %s", rows[i].name);
		(void)sigaddset(&taken, rows[i].number);
	}
	if (sigaction(SIGPIPE, &ignore, NULL) < 0)
		return err_set_errno(err, "cannot ignore SIGPIPE");
	(void)pthread_sigmask(SIG_UNBLOCK, &taken, NULL);
	return 0;
}

int wake_setup(struct err *err)
{
	struct sigaction hangup_action;
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) < 0 || sem_init(&g_asked, 0, 0) < 0)
		return err_set_errno(err, "cannot make a pipe");
	g_read_fd = fds[0];
	g_write_fd = fds[1];
	/* Who has the main thread handle a signal is not to wait for the main thread. */
	if (fcntl(g_write_fd, F_SETFL, O_NONBLOCK) < 0)
		return err_set_errno(err, "cannot prepare a pipe");
	g_pid = getpid();
	g_ignores_hangup = sigaction(SIGHUP, NULL, &hangup_action) == 0 && hangup_action.sa_handler == SIG_IGN;
	return take_all(err);
}

int wake_set_role(enum wake_role role, bool has_log_file, struct err *err)
{
	g_role = role;
	g_has_log_file = has_log_file;
	g_has_terminal = isatty(STDIN_FILENO) == 1;
	(void)snprintf(g_again, sizeof(g_again), "%s%s", operator_log_prefix(), AGAIN_TEXT);
	return take_all(err);
}

static bool is_kept(const struct row *row)
{
	return row->is_kept || (row->number == SIGUSR1 && g_has_log_file);
}

void wake_keep(void (*tell)(const char *name))
{
	const struct sigaction ignore = {.sa_handler = SIG_IGN};

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct sigaction found;

		if (!is_ours(&rows[i]) || !is_kept(&rows[i]) || sigaction(rows[i].number, NULL, &found) < 0 ||
		    found.sa_sigaction == on_signal)
			continue;
		(void)take_over(&rows[i]);
		tell(rows[i].name);
	}
	(void)sigaction(SIGPIPE, &ignore, NULL);
}

/* ---- the main thread ---- */

int wake_fd(void)
{
	return g_read_fd;
}

static enum wake read_one(void)
{
	const int unwritten = g_unwritten;
	char byte;
	ssize_t got;

	if (unwritten) {
		g_unwritten = 0;
		return (enum wake)unwritten;
	}
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

const char *wake_unused_name(void)
{
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		if (rows[i].number == g_unused)
			return rows[i].name;
	return "";
}

void wake_set_loading(bool is_loading)
{
	g_is_loading = is_loading;
}

enum wake wake_await_stop(void)
{
	while (sem_wait(&g_asked) < 0 && errno == EINTR) {
	}
	return g_is_quick ? WAKE_QUIT : WAKE_STOP;
}

void wake_limit_stop(unsigned seconds, int code)
{
	const struct sigaction end = {.sa_handler = on_alarm};

	g_exit_code = code;
	(void)sigaction(SIGALRM, &end, NULL);
	(void)alarm(seconds);
}
