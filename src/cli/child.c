/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/child.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/spawn.h"
#include "cli/interrupt.h"

#define PYTHON "/usr/bin/python3"
#define WAIT_PIECE_MS 50
#define END_GRACE_MS 2000

static int append(struct child_env *env, char *item, struct err *err)
{
	if (!item)
		return err_no_memory(err);
	if (env->count == CHILD_ENV_MAX) {
		free(item);
		return err_set(err, ERR_LIMIT, "more than %d environment variables", CHILD_ENV_MAX);
	}
	env->items[env->count++] = item;
	return 0;
}

int child_env_inherit(struct child_env *env, struct err *err)
{
	for (char **item = environ; *item; item++) {
		if (append(env, strdup(*item), err) < 0)
			return -1;
	}
	return 0;
}

int child_env_set(struct child_env *env, const char *name, const char *value, struct err *err)
{
	const size_t size = strlen(name);
	char *item = NULL;

	if (!value)
		return 0;
	if (asprintf(&item, "%s=%s", name, value) < 0)
		return err_no_memory(err);
	for (size_t i = 0; i < env->count; i++) {
		if (strncmp(env->items[i], name, size) == 0 && env->items[i][size] == '=') {
			free(env->items[i]);
			env->items[i] = item;
			return 0;
		}
	}
	return append(env, item, err);
}

void child_env_done(struct child_env *env)
{
	for (size_t i = 0; i < env->count; i++)
		free(env->items[i]);
	*env = (struct child_env){0};
}

const char *child_python(const struct settings *settings)
{
	if (settings->test_python)
		return settings->test_python;
	return fs_exists(PYTHON) ? PYTHON : "python3";
}

int child_wait(pid_t pid, int *ret_status, struct err *err)
{
	for (;;) {
		struct err waiting = ERR_INIT;

		if (interrupt_check(err) < 0)
			return -1;
		if (spawn_wait(pid, WAIT_PIECE_MS, ret_status, &waiting) == 0)
			return 0;
		if (waiting.code != ERR_TIMEOUT) {
			*err = waiting;
			return -1;
		}
	}
}

void child_end(pid_t pid)
{
	struct err ignored = ERR_INIT;
	int status;

	if (pid <= 0)
		return;
	(void)kill(pid, SIGTERM);
	if (spawn_wait(pid, END_GRACE_MS, &status, &ignored) == 0)
		return;
	(void)kill(pid, SIGKILL);
	IGNORE_RESULT(spawn_wait(pid, -1, &status, &ignored));
}
