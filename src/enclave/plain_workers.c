/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parent of worker processes, which all accept on its socket. One that ends by itself is started again; what fails
 * to load the application is not, unless --reload waits for its files to change. Nobody accepts meanwhile, so clients
 * wait in the backlog, and no request that was sent before a reload is lost: only connections that wait between two
 * requests, or before their first, are closed.
 */
#include <dirent.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/program.h"
#include "base/spawn.h"
#include "enclave/operator_log.h"
#include "enclave/plain.h"
#include "enclave/plain_notify.h"
#include "enclave/wake.h"

#define WORKER_FD 3
#define LOOK_MS 250 /* between two looks at the files, for --reload */
#define NS_PER_MS 1000000LL
#define RESTART_PAUSE_NS 1000000000LL /* between two starts of one worker */
#define END_MS 2000                   /* behind its own time limits, a worker is killed */
#define ARGUMENTS_MAX 128
#define TREE_FILES_MAX 20000
#define TREE_DEPTH_MAX 16
#define FNV_PRIME 0x100000001b3ULL

struct workers {
	const struct plain_options *options;
	const char *argv[ARGUMENTS_MAX + 6];
	char count_text[4]; /* of its sockets */
	char *program;
	const struct plain_sockets *listening;
	unsigned count;
	pid_t pids[PLAIN_WORKERS_MAX]; /* 0: it does not run */
	int64_t started_ns[PLAIN_WORKERS_MAX];
	uint64_t tree; /* what the files looked like, for --reload */
	bool waits_for_change;
};

/* ---- the application's files ---- */

struct tree {
	const char *dir;
	unsigned depth;
	size_t files;
	uint64_t sum;
};

static uint64_t hash(uint64_t sum, const void *data, size_t size)
{
	const uint8_t *bytes = data;

	for (size_t i = 0; i < size; i++)
		sum = (sum ^ bytes[i]) * FNV_PRIME;
	return sum;
}

static int look_at_entry(const char *name, void *arg, struct err *err);

static int look_at_dir(const char *dir, unsigned depth, struct tree *tree, struct err *err)
{
	struct tree below = {.dir = dir, .depth = depth, .files = tree->files};

	if (fs_each_entry(dir, look_at_entry, &below, err) < 0)
		return -1;
	tree->files = below.files;
	tree->sum += below.sum; /* a sum, since directories come in any order */
	return 0;
}

static bool is_source(const char *name)
{
	const char *dot = strrchr(name, '.');

	return dot && strcmp(dot, ".py") == 0;
}

static int look_at_entry(const char *name, void *arg, struct err *err)
{
	struct tree *tree = arg;
	scoped(freep) char *path = NULL;
	struct stat st;
	uint64_t sum = 0;

	if (name[0] == '.' || strcmp(name, "__pycache__") == 0 || tree->files >= TREE_FILES_MAX)
		return 0;
	if (fs_join(tree->dir, name, &path, err) < 0)
		return -1;
	if (lstat(path, &st) < 0)
		return 0; /* gone meanwhile: the next look sees it */
	if (S_ISDIR(st.st_mode))
		return tree->depth < TREE_DEPTH_MAX ? look_at_dir(path, tree->depth + 1, tree, err) : 0;
	if (!is_source(name))
		return 0;
	tree->files++;
	sum = hash(sum + 1, path, strlen(path));
	sum = hash(sum, &st.st_mtim, sizeof(st.st_mtim));
	tree->sum += hash(sum, &st.st_size, sizeof(st.st_size));
	return 0;
}

static uint64_t look_at_tree(const struct plain_options *options)
{
	struct tree tree = {0};
	struct err ignored = ERR_INIT;

	IGNORE_RESULT(look_at_dir(options->app_dir, 0, &tree, &ignored));
	return tree.sum;
}

/* ---- processes ---- */

static int start_one(struct workers *workers, unsigned i, struct err *err)
{
	struct spawn_options spawn = SPAWN_OPTIONS_INIT;

	spawn.argv = workers->argv;
	/* A debugger is for one. */
	spawn.stdin_fd = workers->count == 1 ? SPAWN_INHERIT : -1;
	spawn.stdout_fd = spawn.stderr_fd = SPAWN_INHERIT;
	for (size_t k = 0; k < workers->listening->count; k++)
		spawn.keep[spawn.keep_count++] =
		    (struct spawn_keep){.fd = workers->listening->items[k].fd, .target = WORKER_FD + (int)k};
	spawn.die_with_parent = true;
	workers->started_ns[i] = clock_monotonic_ns();
	return spawn_start(&spawn, &workers->pids[i], err);
}

static int start_missing(struct workers *workers, struct err *err)
{
	for (unsigned i = 0; i < workers->count; i++) {
		if (workers->pids[i] != 0 || workers->waits_for_change ||
		    clock_monotonic_ns() - workers->started_ns[i] < RESTART_PAUSE_NS)
			continue;
		if (start_one(workers, i, err) < 0)
			return -1;
	}
	return 0;
}

static void end_all(struct workers *workers)
{
	for (unsigned i = 0; i < workers->count; i++) {
		if (workers->pids[i] != 0)
			(void)kill(workers->pids[i], SIGTERM);
	}
	for (unsigned i = 0; i < workers->count; i++) {
		struct err ignored = ERR_INIT;
		int status;

		if (workers->pids[i] == 0)
			continue;
		if (spawn_wait(workers->pids[i], END_MS + (int)(workers->options->drain_ms + workers->options->exit_ms),
			       &status, &ignored) < 0) {
			(void)kill(workers->pids[i], SIGKILL);
			IGNORE_RESULT(spawn_wait(workers->pids[i], -1, &status, &ignored));
		}
		workers->pids[i] = 0;
		workers->started_ns[i] = -RESTART_PAUSE_NS;
	}
}

/* A bad setting or application stays bad: true, with its code. */
static bool reap(struct workers *workers, enum exit_code *ret_code)
{
	for (unsigned i = 0; i < workers->count; i++) {
		struct err ignored = ERR_INIT;
		int status;

		if (workers->pids[i] == 0 || spawn_wait(workers->pids[i], 0, &status, &ignored) < 0)
			continue;
		workers->pids[i] = 0;
		if (status == EXIT_CODE_APPLICATION && workers->options->wants_reload) {
			workers->waits_for_change = true;
			operator_log("waiting for a change of the application's files");
			continue;
		}
		*ret_code = (enum exit_code)status;
		if (status == EXIT_CODE_APPLICATION || status == EXIT_CODE_SETTINGS || status == EXIT_CODE_LISTEN)
			return true;
		operator_log("a worker ended with status %d: it is started again", status);
	}
	return false;
}

static void start_anew(struct workers *workers, const char *why)
{
	workers->waits_for_change = false;
	operator_log("the application is started anew: %s", why);
	end_all(workers);
}

static void reload_if_changed(struct workers *workers)
{
	uint64_t tree;

	if (!workers->options->wants_reload)
		return;
	tree = look_at_tree(workers->options);
	if (tree == workers->tree)
		return;
	workers->tree = tree;
	start_anew(workers, "its files changed");
}

/* poll's time-out until something is to be done that no signal tells; -1: none. */
static int round_ms(const struct workers *workers)
{
	int64_t ms = workers->options->wants_reload ? LOOK_MS : -1;

	for (unsigned i = 0; i < workers->count && !workers->waits_for_change; i++) {
		const int64_t left_ms =
		    (workers->started_ns[i] + RESTART_PAUSE_NS - clock_monotonic_ns()) / NS_PER_MS + 1;

		if (workers->pids[i] == 0 && (ms < 0 || left_ms < ms))
			ms = left_ms > 0 ? left_ms : 0;
	}
	return (int)ms;
}

/* false: it shall stop. */
static bool wait_round(struct workers *workers)
{
	struct pollfd ready = {.fd = wake_fd(), .events = POLLIN};

	if (poll(&ready, 1, round_ms(workers)) <= 0)
		return true;
	switch (wake_wait(0)) {
	case WAKE_STOP:
	case WAKE_QUIT:
		return false;
	case WAKE_RELOAD:
		start_anew(workers, "asked to (SIGHUP)");
		break;
	case WAKE_ACCEPTED:
	case WAKE_TIMEOUT:
	case WAKE_FAILED:
	case WAKE_CHILD:
	case WAKE_REOPEN:
		break;
	case WAKE_UNUSED:
		operator_log("%s is not used here", wake_unused_name());
		break;
	}
	return true;
}

static enum exit_code supervise(struct workers *workers)
{
	enum exit_code code = EXIT_CODE_STOPPED;
	struct err err = ERR_INIT;

	if (wake_set_role(WAKE_PARENT, false, &err) < 0)
		return plain_fail(EXIT_CODE_INTERNAL, &err);
	do {
		reload_if_changed(workers);
		if (start_missing(workers, &err) < 0)
			return plain_fail(EXIT_CODE_INTERNAL, &err);
		if (reap(workers, &code))
			return code;
	} while (wait_round(workers));
	return EXIT_CODE_STOPPED;
}

/* The same command line, and the socket. */
static int make_argv(struct workers *workers, char *const *argv, struct err *err)
{
	size_t count = 0;

	if (program_own_path(&workers->program, err) < 0)
		return -1;
	workers->argv[count++] = workers->program;
	workers->argv[count++] = "--plain";
	workers->argv[count++] = "--worker-fd";
	workers->argv[count++] = "3";
	workers->argv[count++] = "--worker-fds";
	workers->argv[count++] = workers->count_text;
	(void)snprintf(workers->count_text, sizeof(workers->count_text), "%zu", workers->listening->count);
	for (; *argv; argv++) {
		if (count >= ARGUMENTS_MAX)
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

	workers = (struct workers){.options = options, .listening = listening, .count = options->workers};
	for (unsigned i = 0; i < workers.count; i++)
		workers.started_ns[i] = -RESTART_PAUSE_NS;
	workers.tree = options->wants_reload ? look_at_tree(options) : 0;
	if (make_argv(&workers, argv, &err) < 0)
		return plain_fail(EXIT_CODE_INTERNAL, &err);
	code = supervise(&workers);
	plain_notify(PLAIN_NOTIFY_STOPPING);
	plain_sockets_leave(listening);
	end_all(&workers);
	free(workers.program);
	operator_log("%s", exit_code_label(code));
	return code;
}
