/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/spawn.h"

static void output_and_status_come_back(void **state)
{
	static const char *const argv[] = {"sh", "-c", "echo out; echo err >&2; exit 3", NULL};
	scoped(buf_done) struct buf output = BUF_INIT(100);
	struct err err = ERR_INIT;
	int status;

	(void)state;
	assert_ok(spawn_capture(argv, true, &output, &status, &err), &err);
	assert_int_equal(status, 3);
	assert_string_equal(buf_text(&output), "out\nerr\n");
}

static void a_missing_program_is_an_error_here(void **state)
{
	static const char *const argv[] = {"/nonexistent/program", NULL};
	struct spawn_options options = SPAWN_OPTIONS_INIT;
	struct err err = ERR_INIT;
	pid_t pid;

	(void)state;
	options.argv = argv;
	assert_fails(spawn_start(&options, &pid, &err), &err, ERR_NOT_FOUND, "/nonexistent/program");
}

static void only_named_descriptors_reach_the_child(void **state)
{
	static const char *const argv[] = {"sh", "-c", "cat <&5; ls /proc/self/fd | wc -l", NULL};
	struct spawn_options options = SPAWN_OPTIONS_INIT;
	scoped(buf_done) struct buf output = BUF_INIT(100);
	struct err err = ERR_INIT;
	int in[2], out[2], leak[2];
	int status;
	pid_t pid;

	(void)state;
	assert_int_equal(pipe(in), 0);
	assert_int_equal(pipe(out), 0);
	assert_int_equal(pipe(leak), 0); /* no CLOEXEC: as a careless library leaves it */
	assert_ok(fd_write_all(in[1], "hello\n", 6, &err), &err);
	fd_closep(&in[1]);
	options.argv = argv;
	options.stdout_fd = out[1];
	options.keep[0] = (struct spawn_keep){.fd = in[0], .target = 5};
	options.keep_count = 1;
	assert_ok(spawn_start(&options, &pid, &err), &err);
	fd_closep(&out[1]);
	assert_ok(buf_read_fd(&output, out[0], &err), &err);
	assert_ok(spawn_wait(pid, -1, &status, &err), &err);
	/* ls sees 0, 1, 2, 5 and the directory it reads. */
	assert_string_equal(buf_text(&output), "hello\n5\n");
	fd_closep(&in[0]);
	fd_closep(&out[0]);
	fd_closep(&leak[0]);
	fd_closep(&leak[1]);
}

static void waiting_has_an_end(void **state)
{
	static const char *const argv[] = {"sleep", "60", NULL};
	struct spawn_options options = SPAWN_OPTIONS_INIT;
	struct err err = ERR_INIT;
	int status;
	pid_t pid;

	(void)state;
	options.argv = argv;
	assert_ok(spawn_start(&options, &pid, &err), &err);
	assert_fails(spawn_wait(pid, 20, &status, &err), &err, ERR_TIMEOUT, "still runs");
	assert_int_equal(kill(pid, SIGTERM), 0);
	assert_ok(spawn_wait(pid, -1, &status, &err), &err);
	assert_int_equal(status, 128 + SIGTERM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(output_and_status_come_back),
	    cmocka_unit_test(a_missing_program_is_an_error_here),
	    cmocka_unit_test(only_named_descriptors_reach_the_child),
	    cmocka_unit_test(waiting_has_an_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
