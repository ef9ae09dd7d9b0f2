/* SPDX-License-Identifier: Apache-2.0 */
/* Without an mse-sim; test/e2e/test_sim_*.py and the cloud's tests talk to a real one. */
#include "unit.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fs.h"
#include "engine/engine_process.h"
#include "engine/sim_protocol.h"

#define UUID "00000000-0000-4000-8000-00000000000a"
#define PATH_SIZE 512

struct fixture {
	char *dir;
	struct engine *engine;
};

static int set_up(void **state)
{
	static struct fixture fixture;
	struct err err = ERR_INIT;
	char path[PATH_SIZE];

	fixture = (struct fixture){.dir = NULL};
	if (fs_make_temp_dir("/tmp", "sim-unit-", &fixture.dir, &err) < 0)
		return -1;
	(void)snprintf(path, sizeof(path), "%s/apps/" UUID, fixture.dir);
	*state = &fixture;
	return fs_make_dirs(path, 0700, &err) < 0 || engine_process_open(fixture.dir, &fixture.engine, &err) < 0 ? -1
														 : 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;
	struct err err = ERR_INIT;

	engine_free(fixture->engine);
	IGNORE_RESULT(fs_remove_tree(fixture->dir, &err));
	free(fixture->dir);
	return 0;
}

static void write_log(const struct fixture *fixture, const char *name, const char *text)
{
	struct err err = ERR_INIT;
	char path[PATH_SIZE];

	(void)snprintf(path, sizeof(path), "%s/apps/" UUID "/%s", fixture->dir, name);
	assert_ok(fs_write_atomic(path, text, strlen(text), 0600, &err), &err);
}

static void nothing_answers(void **state)
{
	const struct fixture *fixture = *state;
	struct err err = ERR_INIT;
	struct engine_status status;

	assert_fails(engine_inspect(fixture->engine, UUID, &status, &err), &err, ERR_UNAVAILABLE, "run/sim.sock");
	assert_fails(engine_stop(fixture->engine, UUID, 0, &err), &err, ERR_UNAVAILABLE, "mse-sim");
	assert_ok(engine_process_shutdown(fixture->engine, &err), &err);
}

static void a_program_that_does_not_start_is_told(void **state)
{
	const struct fixture *fixture = *state;
	struct err err = ERR_INIT;

	assert_fails(engine_process_ensure(fixture->engine, "/nonexistent/mse-sim", NULL, &err), &err, ERR_NOT_FOUND,
		     "/nonexistent/mse-sim");
	assert_fails(engine_process_ensure(fixture->engine, "/bin/false", NULL, &err), &err, ERR_UNAVAILABLE,
		     "exit status 1");
}

static void the_log_is_the_older_file_and_the_newer(void **state)
{
	const struct fixture *fixture = *state;
	struct err err = ERR_INIT;
	scoped(buf_done) struct buf all = BUF_INIT(1000);
	scoped(buf_done) struct buf some = BUF_INIT(1000);

	assert_fails(engine_logs(fixture->engine, UUID, 1000, &all, &err), &err, ERR_NOT_FOUND, "no log");
	write_log(fixture, "log", "lf\nthree\n");
	write_log(fixture, "log.1", "one\ntwo ha");
	assert_ok(engine_logs(fixture->engine, UUID, 1000, &all, &err), &err);
	assert_string_equal(buf_text(&all), "one\ntwo half\nthree\n");
	assert_ok(engine_logs(fixture->engine, UUID, 10, &some, &err), &err);
	assert_string_equal(buf_text(&some), "three\n");
	buf_clear(&some);
	assert_ok(engine_logs(fixture->engine, UUID, 15, &some, &err), &err);
	assert_string_equal(buf_text(&some), "two half\nthree\n");
	buf_clear(&some);
	assert_ok(engine_logs(fixture->engine, UUID, 3, &some, &err), &err);
	assert_string_equal(buf_text(&some), "ee\n");
}

static void a_data_directory_has_a_maximum(void **state)
{
	(void)state;
	char dir[SIM_SOCKET_PATH_MAX + 1];
	const size_t longest = SIM_SOCKET_PATH_MAX - strlen("/" SIM_SOCKET_NAME);
	struct err err = ERR_INIT;
	scoped(engine_freep) struct engine *engine = NULL;

	memset(dir, 'd', sizeof(dir));
	dir[longest] = '\0';
	assert_ok(engine_process_open(dir, &engine, &err), &err);
	engine_freep(&engine);
	dir[longest] = 'd';
	dir[longest + 1] = '\0';
	assert_fails(engine_process_open(dir, &engine, &err), &err, ERR_LIMIT, "too long");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(nothing_answers, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(a_program_that_does_not_start_is_told, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(the_log_is_the_older_file_and_the_newer, set_up, tear_down),
	    cmocka_unit_test(a_data_directory_has_a_maximum),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
