/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parent of worker processes, which all accept on its sockets. One that ends by itself is started again. SIGHUP
 * replaces them one after the other: the new one is served before the old one is asked to stop, and if it does not load
 * the application the old ones go on. With --reload the old one ends first, so that nobody gets an answer of before the
 * change: clients wait in the backlog meanwhile. No request that was sent before is lost: only connections that wait
 * between two requests, or before their first, are closed.
 */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/program.h"
#include "base/spawn.h"
#include "enclave/plain/plain.h"
#include "enclave/plain/plain_notify.h"
#include "enclave/plain/plain_tree.h"
#include "enclave/process/operator_log.h"
#include "enclave/process/wake.h"

#define WORKER_FD 3
#define READY_FD 20 /* a worker says there that it serves, and later that it leaves by itself */
#define TEXT_OF(number) TEXT_OF_VALUE(number)
#define TEXT_OF_VALUE(number) #number
#define LOOK_MS 250  /* between two looks at the files, for --reload */
#define SETTLE_MS 50 /* a change is over when two looks find the same */
#define SETTLE_LOOKS 20
#define RESTART_PAUSE_NS NS_PER_SECOND       /* between two starts of one worker */
#define FAILED_PAUSE_NS (10 * NS_PER_SECOND) /* of one that failed to load, while others serve */
#define AGAIN_NS NS_PER_SECOND               /* a worker that loads may not hear a signal: it is told again */
#define END_MS 2000                          /* behind its own time limits, a worker is killed */
#define ARGUMENTS_MAX 128
#define OWN_ARGUMENTS_MAX 12 /* the program, what its parent tells a worker, and the end */

_Static_assert(WORKER_FD + PLAIN_BINDS_MAX <= READY_FD, "sockets and the pipe have numbers of their own");

struct worker {
	pid_t pid;    /* 0: it does not run */
	int ready_fd; /* -1: it has ended */
	bool is_served;
	bool is_leaving;  /* it stops by itself: another takes its place at once */
	int64_t start_ns; /* not before, if it does not run */
};

#define NO_WORKER ((struct worker){.ready_fd = -1})

/* One that is to end. */
struct leaver {
	pid_t pid;
	int signal;
	int64_t told_ns;
	int64_t kill_ns;
};

struct workers {
	const struct plain_options *options;
	const char *argv[ARGUMENTS_MAX + OWN_ARGUMENTS_MAX];
	char name[OPERATOR_NAME_MAX + 1]; /* what messages begin with */
	char count_text[4];               /* of its sockets */
	char *program;
	const struct plain_sockets *listening;
	unsigned count;
	struct worker all[PLAIN_WORKERS_MAX];
	bool is_rolling;
	unsigned rolled; /* of all: the one whose place fresh takes */
	struct worker fresh;
	struct leaver leavers[2 * PLAIN_WORKERS_MAX];
	unsigned leaver_count;
	uint64_t tree; /* what the files looked like, for --reload */
	bool waits_for_change;
	bool is_told; /* systemd, that all are served */
};

/* ---- one worker ---- */

static int start_worker(struct workers *workers, struct worker *worker, struct err *err)
{
	struct spawn_options spawn = SPAWN_OPTIONS_INIT;
	int pipe_fds[2];

	*worker = NO_WORKER;
	worker->start_ns = clock_monotonic_ns() + RESTART_PAUSE_NS;
	if (pipe2(pipe_fds, O_CLOEXEC) < 0)
		return err_set_errno(err, "cannot make a pipe");
	scoped(fd_closep) int ready_fd = pipe_fds[0];
	scoped(fd_closep) int theirs = pipe_fds[1];
	/* What the application forks has the other end too: the end of the worker is not the pipe's. */
	if (fcntl(ready_fd, F_SETFL, O_NONBLOCK) < 0)
		return err_set_errno(err, "cannot prepare a pipe");
	spawn.argv = workers->argv;
	/* A debugger is for one. */
	spawn.stdin_fd = workers->count == 1 ? SPAWN_INHERIT : -1;
	spawn.stdout_fd = spawn.stderr_fd = SPAWN_INHERIT;
	for (size_t k = 0; k < workers->listening->count; k++)
		spawn.keep[spawn.keep_count++] =
		    (struct spawn_keep){.fd = workers->listening->items[k].fd, .target = WORKER_FD + (int)k};
	spawn.keep[spawn.keep_count++] = (struct spawn_keep){.fd = theirs, .target = READY_FD};
	spawn.die_with_parent = true;
	if (spawn_start(&spawn, &worker->pid, err) < 0)
		return -1;
	worker->ready_fd = TAKE_FD(ready_fd);
	return 0;
}

static int64_t end_ms(const struct workers *workers, int signal)
{
	return END_MS + (signal == SIGTERM ? workers->options->drain_ms : 0) + workers->options->exit_ms;
}

/* Its place is free at once. Without room for one more leaver it goes without grace. */
static void leave(struct workers *workers, struct worker *worker, int signal)
{
	const int64_t now_ns = clock_monotonic_ns();
	const pid_t pid = worker->pid;

	fd_close(worker->ready_fd);
	*worker = NO_WORKER;
	if (pid == 0)
		return;
	if (workers->leaver_count == COUNT_OF(workers->leavers)) {
		struct err ignored = ERR_INIT;
		int status;

		(void)kill(pid, SIGKILL);
		IGNORE_RESULT(spawn_wait(pid, -1, &status, &ignored));
		return;
	}
	(void)kill(pid, signal);
	workers->leavers[workers->leaver_count++] = (struct leaver){
	    .pid = pid, .signal = signal, .told_ns = now_ns, .kill_ns = now_ns + end_ms(workers, signal) * NS_PER_MS};
}

static void leave_all(struct workers *workers, int signal)
{
	for (unsigned i = 0; i < workers->count; i++)
		leave(workers, &workers->all[i], signal);
	leave(workers, &workers->fresh, signal);
	workers->is_rolling = false;
}

/* true: it has ended, with status. */
static bool has_ended(pid_t pid, int *ret_status)
{
	struct err ignored = ERR_INIT;

	return pid != 0 && spawn_wait(pid, 0, ret_status, &ignored) == 0;
}

static void look_after_leavers(struct workers *workers)
{
	const int64_t now_ns = clock_monotonic_ns();
	int status;

	for (unsigned i = 0; i < workers->leaver_count;) {
		struct leaver *leaver = &workers->leavers[i];

		if (has_ended(leaver->pid, &status)) {
			*leaver = workers->leavers[--workers->leaver_count];
			continue;
		}
		i++;
		if (now_ns >= leaver->kill_ns)
			leaver->signal = SIGKILL;
		if (now_ns - leaver->told_ns < AGAIN_NS && leaver->signal != SIGKILL)
			continue;
		leaver->told_ns = now_ns;
		/* SIGQUIT twice would be impatience. */
		(void)kill(leaver->pid, leaver->signal == SIGQUIT ? SIGTERM : leaver->signal);
	}
}

/* ---- all of them ---- */

static bool is_any_served(const struct workers *workers)
{
	for (unsigned i = 0; i < workers->count; i++)
		if (workers->all[i].is_served)
			return true;
	return false;
}

static bool are_all_served(const struct workers *workers)
{
	for (unsigned i = 0; i < workers->count; i++)
		if (!workers->all[i].is_served)
			return false;
	return true;
}

/* systemd is told at the end of a start, and of a reload. */
static void tell_ready(struct workers *workers)
{
	if (workers->is_told || workers->is_rolling || !are_all_served(workers))
		return;
	workers->is_told = true;
	plain_notify(PLAIN_NOTIFY_READY);
}

static void begin_anew(struct workers *workers, const char *why)
{
	operator_log("the application is started anew: %s", why);
	plain_notify(PLAIN_NOTIFY_RELOADING);
	workers->is_told = false;
}

/* What the system lacks for a moment is no reason to end those that serve. */
static int forgive(const struct workers *workers, struct err *err)
{
	if (!is_any_served(workers))
		return -1;
	operator_log("a worker cannot be started: %s", err->text);
	*err = (struct err)ERR_INIT;
	return 0;
}

static int start_missing(struct workers *workers, struct err *err)
{
	if (workers->waits_for_change || (workers->options->wants_reload && workers->leaver_count > 0))
		return 0;
	for (unsigned i = 0; i < workers->count; i++) {
		if (workers->all[i].pid == 0 && clock_monotonic_ns() >= workers->all[i].start_ns &&
		    start_worker(workers, &workers->all[i], err) < 0 && forgive(workers, err) < 0)
			return -1;
	}
	return 0;
}

static void listen_to(struct worker *worker)
{
	char byte = 0;
	ssize_t got;

	while (worker->ready_fd >= 0 && (got = read(worker->ready_fd, &byte, 1)) >= 0) {
		worker->is_served = worker->is_served || byte == PLAIN_WORKER_SERVES;
		worker->is_leaving = worker->is_leaving || byte == PLAIN_WORKER_LEAVES;
		if (got == 0)
			fd_closep(&worker->ready_fd);
	}
}

static void end_rolling(struct workers *workers)
{
	workers->is_rolling = false;
	operator_log("all workers are new");
}

/* SIGHUP's next step: a new worker takes the place of an old one when it is served. One that has ended is new soon. */
static int roll(struct workers *workers, struct err *err)
{
	while (workers->is_rolling) {
		if (workers->fresh.pid != 0 && !workers->fresh.is_served)
			return 0;
		if (workers->fresh.pid != 0) {
			leave(workers, &workers->all[workers->rolled], SIGTERM);
			workers->all[workers->rolled++] = workers->fresh;
			workers->fresh = NO_WORKER;
		}
		while (workers->rolled < workers->count && workers->all[workers->rolled].pid == 0)
			workers->rolled++;
		if (workers->rolled == workers->count)
			end_rolling(workers);
		else if (start_worker(workers, &workers->fresh, err) < 0) {
			workers->is_rolling = false;
			return forgive(workers, err);
		}
	}
	return 0;
}

static void reap_fresh(struct workers *workers)
{
	int status;

	if (!has_ended(workers->fresh.pid, &status))
		return;
	fd_close(workers->fresh.ready_fd);
	workers->fresh = NO_WORKER;
	workers->is_rolling = false;
	operator_log("a new worker ended with status %d before it served: the others stay as they are", status);
}

/* One that ended by itself. true: that is the end of all, since a bad setting or application stays bad. */
static bool is_fatal(struct workers *workers, struct worker *worker, int status)
{
	const int64_t now_ns = clock_monotonic_ns();
	const bool is_bad = !worker->is_served && (status == EXIT_CODE_APPLICATION || status == EXIT_CODE_SETTINGS ||
						   status == EXIT_CODE_LISTEN);
	const int64_t start_ns = is_bad ? now_ns + FAILED_PAUSE_NS : worker->start_ns;

	fd_close(worker->ready_fd);
	*worker = NO_WORKER;
	worker->start_ns = start_ns;
	if (status == EXIT_CODE_APPLICATION && workers->options->wants_reload) {
		workers->waits_for_change = true;
		operator_log("waiting for a change of the application's files");
		return false;
	}
	if (is_bad && !is_any_served(workers))
		return true;
	operator_log("a worker ended with status %d: it is started again%s", status, is_bad ? " in 10 s" : "");
	return false;
}

static bool reap(struct workers *workers, enum exit_code *ret_code)
{
	int status;

	reap_fresh(workers);
	for (unsigned i = 0; i < workers->count; i++) {
		if (!has_ended(workers->all[i].pid, &status))
			continue;
		/* What it said before its end. */
		listen_to(&workers->all[i]);
		*ret_code = (enum exit_code)status;
		if (is_fatal(workers, &workers->all[i], status))
			return true;
	}
	return false;
}

/* Of --max-requests and the like: it lets its last requests finish while another serves already. */
static void replace_leaving(struct workers *workers)
{
	for (unsigned i = 0; i < workers->count; i++) {
		struct worker *worker = &workers->all[i];
		const int64_t start_ns = worker->start_ns;

		if (worker->pid == 0 || !worker->is_leaving)
			continue;
		operator_log("a worker leaves: another takes its place");
		leave(workers, worker, SIGTERM);
		worker->start_ns = start_ns;
	}
}

/* ---- what happens ---- */

static void start_anew(struct workers *workers, const char *why)
{
	workers->waits_for_change = false;
	begin_anew(workers, why);
	leave_all(workers, SIGTERM);
}

/* A file that is written may be seen empty first. */
static void reload_if_changed(struct workers *workers)
{
	const char *const *patterns = workers->options->reload_include;
	const char *dir = workers->options->app_dir;
	uint64_t tree;
	uint64_t next;

	if (!workers->options->wants_reload)
		return;
	tree = plain_tree_look(dir, patterns);
	if (tree == workers->tree)
		return;
	for (int i = 0; i < SETTLE_LOOKS; i++, tree = next) {
		(void)poll(NULL, 0, SETTLE_MS);
		next = plain_tree_look(dir, patterns);
		if (next == tree)
			break;
	}
	workers->tree = tree;
	start_anew(workers, "its files changed");
}

/* Again while it goes on: from the beginning, with what the files are now. */
static void begin_rolling(struct workers *workers)
{
	if (workers->options->wants_reload) {
		start_anew(workers, "asked to (SIGHUP)");
		return;
	}
	begin_anew(workers, "asked to (SIGHUP)");
	leave(workers, &workers->fresh, SIGTERM);
	workers->is_rolling = true;
	workers->rolled = 0;
}

static void reopen_logs(const struct workers *workers)
{
	for (unsigned i = 0; i < workers->count; i++)
		if (workers->all[i].is_served)
			(void)kill(workers->all[i].pid, SIGUSR1);
	for (unsigned i = 0; i < workers->leaver_count; i++)
		(void)kill(workers->leavers[i].pid, SIGUSR1);
}

static int64_t least_ms(int64_t a, int64_t b)
{
	return a < 0 || b < a ? b : a;
}

/* poll's time-out until something is to be done that nothing tells; -1: none. */
static int round_ms(const struct workers *workers)
{
	int64_t ms = workers->options->wants_reload ? LOOK_MS : -1;

	if (workers->leaver_count > 0)
		ms = least_ms(ms, LOOK_MS);
	for (unsigned i = 0; i < workers->count && !workers->waits_for_change; i++) {
		const int64_t left_ms = (workers->all[i].start_ns - clock_monotonic_ns()) / NS_PER_MS + 1;

		if (workers->all[i].pid == 0)
			ms = least_ms(ms, left_ms > 0 ? left_ms : 0);
	}
	return (int)ms;
}

/* Waits until there is news, and hears whose workers are served. true: of a signal. */
static bool wait_news(struct workers *workers)
{
	struct pollfd fds[PLAIN_WORKERS_MAX + 2];
	bool has_signal;

	fds[0] = (struct pollfd){.fd = wake_fd(), .events = POLLIN};
	fds[1] = (struct pollfd){.fd = workers->fresh.ready_fd, .events = POLLIN};
	for (unsigned i = 0; i < workers->count; i++)
		fds[i + 2] = (struct pollfd){.fd = workers->all[i].ready_fd, .events = POLLIN};
	if (poll(fds, workers->count + 2, round_ms(workers)) <= 0)
		return false;
	has_signal = fds[0].revents != 0;
	if (fds[1].revents)
		listen_to(&workers->fresh);
	for (unsigned i = 0; i < workers->count; i++)
		if (fds[i + 2].revents)
			listen_to(&workers->all[i]);
	return has_signal;
}

/* 0, or the signal that workers shall end by. */
static int wait_round(struct workers *workers)
{
	if (!wait_news(workers))
		return 0;
	switch (wake_wait(0)) {
	case WAKE_STOP:
		return SIGTERM;
	case WAKE_QUIT:
		return SIGQUIT;
	case WAKE_RELOAD:
		begin_rolling(workers);
		break;
	case WAKE_REOPEN:
		reopen_logs(workers);
		break;
	case WAKE_ACCEPTED:
	case WAKE_TIMEOUT:
	case WAKE_FAILED:
	case WAKE_CHILD:
		break;
	case WAKE_UNUSED:
		operator_log("%s is not used here", wake_unused_name());
		break;
	}
	return 0;
}

/* *ret_signal: what ends those that are left. */
static enum exit_code supervise(struct workers *workers, int *ret_signal)
{
	enum exit_code code = EXIT_CODE_STOPPED;
	struct err err = ERR_INIT;
	int signal;

	*ret_signal = SIGTERM;
	if (wake_set_role(WAKE_PARENT, workers->options->access_log_file != NULL, &err) < 0)
		return plain_fail(EXIT_CODE_INTERNAL, &err);
	do {
		reload_if_changed(workers);
		look_after_leavers(workers);
		if (start_missing(workers, &err) < 0 || roll(workers, &err) < 0)
			return plain_fail(EXIT_CODE_INTERNAL, &err);
		if (reap(workers, &code))
			return code;
		replace_leaving(workers);
		tell_ready(workers);
		signal = wait_round(workers);
	} while (!signal);
	*ret_signal = signal;
	return EXIT_CODE_STOPPED;
}

static void end_all(struct workers *workers, int signal)
{
	leave_all(workers, signal);
	while (workers->leaver_count > 0) {
		struct pollfd ready = {.fd = wake_fd(), .events = POLLIN};

		if (poll(&ready, 1, LOOK_MS) > 0)
			(void)wake_wait(0);
		look_after_leavers(workers);
	}
}

/* The same command line, and the socket. */
static int make_argv(struct workers *workers, char *const *argv, struct err *err)
{
	size_t count = 0;
	size_t given = 0;

	if (program_own_path(&workers->program, err) < 0)
		return -1;
	workers->argv[count++] = workers->program;
	workers->argv[count++] = "--plain";
	workers->argv[count++] = "--worker-fd";
	workers->argv[count++] = TEXT_OF(WORKER_FD);
	workers->argv[count++] = "--worker-ready-fd";
	workers->argv[count++] = TEXT_OF(READY_FD);
	workers->argv[count++] = "--worker-name";
	workers->argv[count++] = workers->name;
	workers->argv[count++] = "--worker-fds";
	workers->argv[count++] = workers->count_text;
	(void)snprintf(workers->name, sizeof(workers->name), "%.*s", (int)strcspn(operator_log_prefix(), ":"),
		       operator_log_prefix());
	(void)snprintf(workers->count_text, sizeof(workers->count_text), "%zu", workers->listening->count);
	for (; *argv; argv++) {
		if (given++ == ARGUMENTS_MAX)
			return err_set(err, ERR_LIMIT, "more than %d arguments", ARGUMENTS_MAX);
		workers->argv[count++] = *argv;
	}
	workers->argv[count] = NULL;
	return 0;
}

enum exit_code plain_workers_run(const struct plain_options *options, char *const *argv,
				 struct plain_sockets *listening)
{
	static struct workers workers;
	struct err err = ERR_INIT;
	enum exit_code code;
	int signal;

	workers =
	    (struct workers){.options = options, .listening = listening, .count = options->workers, .fresh = NO_WORKER};
	for (unsigned i = 0; i < workers.count; i++)
		workers.all[i] = NO_WORKER;
	workers.tree = options->wants_reload ? plain_tree_look(options->app_dir, options->reload_include) : 0;
	if (make_argv(&workers, argv, &err) < 0)
		return plain_fail(EXIT_CODE_INTERNAL, &err);
	code = supervise(&workers, &signal);
	plain_notify(PLAIN_NOTIFY_STOPPING);
	plain_sockets_leave(listening);
	end_all(&workers, signal);
	free(workers.program);
	if (code == EXIT_CODE_STOPPED)
		operator_log("%s", exit_code_label(code));
	else
		operator_log("ends with %d: no worker can serve", (int)code);
	return code;
}
