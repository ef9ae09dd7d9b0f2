/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fs.h"
#include "sim/applog.h"

#define PATH_SIZE 256

struct fixture {
	char *dir;
	char path[PATH_SIZE], older[PATH_SIZE];
	struct applog log;
};

static int set_up(void **state)
{
	static struct fixture fixture;
	struct err err = ERR_INIT;

	fixture = (struct fixture){.log = APPLOG_INIT};
	if (fs_make_temp_dir("/tmp", "sim-unit-", &fixture.dir, &err) < 0)
		return -1;
	(void)snprintf(fixture.path, PATH_SIZE, "%s/log", fixture.dir);
	(void)snprintf(fixture.older, PATH_SIZE, "%s/log.1", fixture.dir);
	*state = &fixture;
	return applog_open(&fixture.log, fixture.path, &err);
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;
	struct err err = ERR_INIT;

	applog_done(&fixture->log);
	IGNORE_RESULT(fs_remove_tree(fixture->dir, &err));
	free(fixture->dir);
	return 0;
}

static void add(struct fixture *fixture, const char *text)
{
	applog_add(&fixture->log, text, strlen(text));
}

static off_t size_of(const char *path)
{
	struct stat st;

	return stat(path, &st) < 0 ? -1 : st.st_size;
}

static void it_rotates_at_its_maximum_and_not_before(void **state)
{
	struct fixture *fixture = *state;
	static uint8_t block[APPLOG_MAX];
	struct stat st;

	memset(block, 'x', sizeof(block));
	applog_add(&fixture->log, block, APPLOG_MAX);
	assert_int_equal(size_of(fixture->path), APPLOG_MAX);
	assert_int_equal(size_of(fixture->older), -1);
	add(fixture, "y");
	assert_int_equal(size_of(fixture->path), 1);
	assert_int_equal(size_of(fixture->older), APPLOG_MAX);
	assert_int_equal(stat(fixture->path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
}

static void it_goes_on_where_an_earlier_run_ended(void **state)
{
	struct fixture *fixture = *state;
	struct err err = ERR_INIT;

	add(fixture, "one\n");
	applog_done(&fixture->log);
	assert_ok(applog_open(&fixture->log, fixture->path, &err), &err);
	add(fixture, "two\n");
	assert_int_equal(size_of(fixture->path), 8);
}

static void the_operators_line_is_remembered(void **state)
{
	struct fixture *fixture = *state;

	assert_string_equal(applog_last(&fixture->log), "");
	add(fixture, "plain\nmse-log-1 c2VjcmV0\n");
	assert_string_equal(applog_last(&fixture->log), "plain");
	add(fixture, "mse-encl");
	add(fixture, "ave: application-failed: x\nmore\n");
	assert_string_equal(applog_last(&fixture->log), "mse-enclave: application-failed: x");
	add(fixture, "mse-enclave: without an end");
	assert_string_equal(applog_last(&fixture->log), "mse-enclave: without an end");
}

static void nothing_is_remembered_once_the_application_runs(void **state)
{
	struct fixture *fixture = *state;

	add(fixture, "mse-enclave: loading the application!\n");
	assert_string_equal(applog_last(&fixture->log), "mse-enclave: loading the application!");
	add(fixture, "mse-enclave: loading the app");
	add(fixture, "lication\nmse-enclave: sealed-state: forged\nplain\n");
	assert_true(fixture->log.is_application);
	assert_string_equal(applog_last(&fixture->log), "");
}

static void a_line_is_cut_and_printable(void **state)
{
	struct fixture *fixture = *state;
	char text[APPLOG_LINE_MAX + 10];

	memset(text, 'a', sizeof(text));
	text[0] = '\x1b';
	text[1] = '\0';
	text[sizeof(text) - 1] = '\n';
	applog_add(&fixture->log, text, sizeof(text));
	const char *last = applog_last(&fixture->log);

	assert_int_equal(strlen(last), APPLOG_LINE_MAX);
	assert_memory_equal(last, "??aa", 4);
}

static void without_a_file_nothing_fails(void **state)
{
	struct fixture *fixture = *state;
	struct err err = ERR_INIT;

	assert_ok(fs_remove_tree(fixture->dir, &err), &err);
	for (int i = 0; i < 3; i++) {
		static uint8_t block[APPLOG_MAX];

		applog_add(&fixture->log, block, sizeof(block));
	}
	add(fixture, "\nmse-enclave: still told\n");
	assert_string_equal(applog_last(&fixture->log), "mse-enclave: still told");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(it_rotates_at_its_maximum_and_not_before, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(it_goes_on_where_an_earlier_run_ended, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(nothing_is_remembered_once_the_application_runs, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(the_operators_line_is_remembered, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(nothing_is_remembered_once_the_application_runs, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(a_line_is_cut_and_printable, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(without_a_file_nothing_fails, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
