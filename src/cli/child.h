/* SPDX-License-Identifier: Apache-2.0 */
/* Helpers around base/spawn.h for commands that run other programs in front of the user. */
#ifndef MSE_CLI_CHILD_H
#define MSE_CLI_CHILD_H

#include <stddef.h>
#include <sys/types.h>

#include "base/err.h"
#include "cli/settings.h"

#define CHILD_ENV_MAX 1024

struct child_env {
	char *items[CHILD_ENV_MAX + 1]; /* "NAME=VALUE", ended by NULL */
	size_t count;
};

/* Our own environment, or an empty one. */
must_check int child_env_inherit(struct child_env *env, struct err *err);
/* Replaces or adds; nothing for a NULL value. */
must_check int child_env_set(struct child_env *env, const char *name, const char *value, struct err *err);
void child_env_done(struct child_env *env);

/* The python3 that runs apps and tests on this machine: MSE_PYTHON, /usr/bin/python3 (which the built-in images are
 * made from), else that of PATH. */
const char *child_python(const struct settings *settings);

/* Waits for the end or Ctrl-C (then ERR_CANCELLED; the child still runs). */
must_check int child_wait(pid_t pid, int *ret_status, struct err *err);
/* SIGTERM, after two seconds SIGKILL; reaps. Nothing for pid <= 0. */
void child_end(pid_t pid);

#endif
