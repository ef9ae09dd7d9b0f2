/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The only place that starts other programs: an argv array, never a shell; every descriptor not named is closed.
 * A secret never goes on argv or into env: hand it over in a descriptor.
 */
#ifndef MSE_BASE_SPAWN_H
#define MSE_BASE_SPAWN_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/buf.h"

#define SPAWN_KEEP_FDS_MAX 16

struct spawn_keep {
	int fd;     /* ours */
	int target; /* its number in the child, >= 3 */
};

struct spawn_options {
	const char *const *argv; /* argv[0] is looked up in PATH unless it has a slash; NULL ends it */
	const char *const *env;  /* NULL: ours is inherited */
	const char *dir;         /* NULL: ours */
	int stdin_fd;            /* -1: /dev/null */
	int stdout_fd;           /* -1: /dev/null; SPAWN_INHERIT: ours */
	int stderr_fd;
	struct spawn_keep keep[SPAWN_KEEP_FDS_MAX]; /* further descriptors, ended by fd -1 or keep_count */
	size_t keep_count;
	bool new_session;     /* setsid: the child survives our terminal and our death */
	bool die_with_parent; /* PR_SET_PDEATHSIG SIGKILL; not with new_session */
};

#define SPAWN_INHERIT (-2)
#define SPAWN_OPTIONS_INIT ((struct spawn_options){.stdin_fd = -1, .stdout_fd = -1, .stderr_fd = -1})

/* Starts it; exec failures are reported here, not by an exit status. The caller reaps the child. */
must_check int spawn_start(const struct spawn_options *options, pid_t *ret_pid, struct err *err);

/* Waits. *ret_status is the exit code, or 128 + signal. timeout_ms < 0: no limit; ERR_TIMEOUT leaves it running. */
must_check int spawn_wait(pid_t pid, int timeout_ms, int *ret_status, struct err *err);

/* Runs argv to its end with its stdout (and stderr, if with_stderr) read into ret; ERR_LIMIT kills it. */
must_check int spawn_capture(const char *const *argv, bool with_stderr, struct buf *ret, int *ret_status,
			     struct err *err);

#endif
