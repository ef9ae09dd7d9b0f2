/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/app_tests.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/spawn.h"
#include "cli/child.h"
#include "cli/template.h"
#include "cli/words.h"

#define OUTPUT_MAX (64u << 10)
#define ARGV_MAX (WORDS_MAX + 8)
#define EXIT_NOT_A_REQUIREMENT 2

/* Names of programs that mean our python3, and what they become. */
static size_t begin_argv(const char *python, const char *program, const char **argv)
{
	if (strcmp(program, "python3") == 0 || strcmp(program, "python") == 0) {
		argv[0] = python;
		return 1;
	}
	if (strcmp(program, "pytest") == 0) {
		argv[0] = python;
		argv[1] = "-m";
		argv[2] = "pytest";
		return 3;
	}
	argv[0] = program;
	return 1;
}

static int run_program(const char *const *argv, const char *dir, const struct child_env *env, int *ret_status,
		       struct err *err)
{
	struct spawn_options options = SPAWN_OPTIONS_INIT;
	pid_t pid;

	options.argv = argv;
	options.env = (const char *const *)env->items;
	options.dir = dir;
	options.stdout_fd = options.stderr_fd = SPAWN_INHERIT;
	options.die_with_parent = true;
	(void)fflush(stdout);
	if (spawn_start(&options, &pid, err) < 0)
		return -1;
	if (child_wait(pid, ret_status, err) < 0) {
		child_end(pid);
		return -1;
	}
	return 0;
}

/* Adds the lines of what is not met to *ret_missing. */
static int find_missing(const char *python, const struct config_texts *requirements, struct buf *ret_missing,
			struct err *err)
{
	const char *argv[ARGV_MAX];
	size_t count = 0;
	int status;

	argv[count++] = python;
	argv[count++] = "-c";
	argv[count++] = template_requirements;
	for (size_t i = 0; i < requirements->count; i++)
		argv[count++] = requirements->items[i];
	argv[count] = NULL;
	if (spawn_capture(argv, false, ret_missing, &status, err) < 0)
		return err_prefix(err, "cannot check tests_requirements");
	if (status == EXIT_NOT_A_REQUIREMENT)
		return err_set(err, ERR_INVALID, "'%.*s' in tests_requirements is no requirement (PEP 508)",
			       (int)strcspn(buf_text(ret_missing), "\n"), buf_text(ret_missing));
	if (status != 0)
		return err_set(err, ERR_INTERNAL, "cannot check tests_requirements: '%s' ended with status %d", python,
			       status);
	return 0;
}

static int install(const char *python, const char *target, char *missing, struct err *err)
{
	scoped(buf_done) struct buf output = BUF_INIT(1u << 20);
	const char *argv[ARGV_MAX];
	size_t count = 0;
	char *line;
	int status;

	argv[count++] = python;
	argv[count++] = "-m";
	argv[count++] = "pip";
	argv[count++] = "install";
	argv[count++] = "--quiet";
	argv[count++] = "--disable-pip-version-check";
	argv[count++] = "--target";
	argv[count++] = target;
	argv[count++] = "--";
	while ((line = strsep(&missing, "\n"))) {
		if (*line)
			argv[count++] = line;
	}
	argv[count] = NULL;
	if (spawn_capture(argv, true, &output, &status, err) < 0)
		return -1;
	if (status != 0) {
		const char *text = buf_text(&output);
		const char *last = strstr(text, "ERROR:");

		return err_set(err, ERR_UNAVAILABLE, "pip: %.*s", (int)strcspn(last ? last : text, "\n"),
			       last ? last : text);
	}
	return 0;
}

static int meet_requirements(const char *python, struct out *out, const struct app_tests *tests, struct child_env *env,
			     struct err *err)
{
	scoped(buf_done) struct buf missing = BUF_INIT(OUTPUT_MAX);
	scoped(freep) char *target = NULL;
	scoped(freep) char *list = NULL;
	scoped(freep) char *path = NULL;
	const char *before = getenv("PYTHONPATH");

	if (tests->requirements->count == 0)
		return 0;
	if (find_missing(python, tests->requirements, &missing, err) < 0)
		return -1;
	if (missing.size == 0)
		return 0;
	list = buf_take_text(&missing);
	if (!list)
		return err_no_memory(err);
	out_step(out, "Installing what the tests require: %.*s", (int)strcspn(list, "\n"), list);
	if (fs_join(tests->workspace, "packages", &target, err) < 0)
		return -1;
	if (install(python, target, list, err) < 0)
		return err_prefix(err, "tests_requirements are neither installed nor can pip install them");
	out_step_done(out);
	if (asprintf(&path, "%s%s%s", target, before ? ":" : "", before ? before : "") < 0)
		return err_no_memory(err);
	return child_env_set(env, "PYTHONPATH", path, err);
}

static int run_tests(const char *python, struct out *out, const struct app_tests *tests, const struct child_env *env,
		     struct err *err)
{
	scoped(words_done) struct words words = {0};
	const char *argv[ARGV_MAX];
	size_t count;
	int status;

	if (words_split(tests->command, &words, err) < 0)
		return err_prefix(err, "tests_cmd '%s'", tests->command);
	count = begin_argv(python, words.items[0], argv);
	for (size_t i = 1; i < words.count; i++)
		argv[count++] = words.items[i];
	argv[count] = NULL;
	out_info(out, "Running the tests: %s", tests->command);
	if (run_program(argv, tests->dir, env, &status, err) < 0)
		return err_prefix(err, "tests_cmd");
	if (status != 0)
		return err_set(err, ERR_CONFLICT, "the tests failed: '%s' ended with status %d", tests->command,
			       status);
	out_success(out, "Tests successful");
	return 0;
}

int app_tests_run(const struct settings *settings, struct out *out, const struct app_tests *tests, struct err *err)
{
	const char *python = child_python(settings);
	scoped(child_env_done) struct child_env env = {0};

	if (!fs_is_dir(tests->dir))
		return err_set(err, ERR_NOT_FOUND, "the folder of the tests '%s' does not exist", tests->dir);
	if (child_env_inherit(&env, err) < 0 || child_env_set(&env, "TEST_REMOTE_URL", tests->url, err) < 0 ||
	    child_env_set(&env, "TEST_CERTIFICATE", tests->certificate, err) < 0 ||
	    child_env_set(&env, "TEST_SECRET_JSON", tests->secrets, err) < 0 ||
	    child_env_set(&env, "TEST_SEALED_SECRET_JSON", tests->sealed, err) < 0 ||
	    child_env_set(&env, "PYTHONDONTWRITEBYTECODE", "1", err) < 0 ||
	    meet_requirements(python, out, tests, &env, err) < 0)
		return -1;
	return run_tests(python, out, tests, &env, err);
}
