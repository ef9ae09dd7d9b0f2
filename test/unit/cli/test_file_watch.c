/* SPDX-License-Identifier: Apache-2.0 */
#include "temp_dir.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/file_watch.h"

static void write_file(const char *path, const char *text)
{
	struct err err = ERR_INIT;

	assert_ok(fs_write_replace(path, text, strlen(text), 0600, &err), &err);
}

static void test_a_file_comes_changes_and_goes(void **state)
{
	scoped(freep) char *path = temp_dir_path(state, "policy.json");
	struct file_watch watch = {.count = 0};

	file_watch_add(&watch, NULL);
	file_watch_add(&watch, path);
	assert_int_equal(watch.count, 1);
	assert_true(file_watch_changed(&watch));
	assert_false(file_watch_changed(&watch));
	write_file(path, "one");
	assert_true(file_watch_changed(&watch));
	assert_false(file_watch_changed(&watch));
	write_file(path, "two");
	assert_true(file_watch_changed(&watch));
	assert_int_equal(chmod(path, 0644), 0);
	assert_true(file_watch_changed(&watch));
	assert_int_equal(unlink(path), 0);
	assert_true(file_watch_changed(&watch));
	assert_false(file_watch_changed(&watch));
}

static void test_a_folder_with_all_below_it(void **state)
{
	scoped(freep) char *deep = temp_dir_path(state, "a/b/c");
	scoped(freep) char *path = temp_dir_path(state, "a/b/c/app.py");
	struct file_watch watch = {.count = 0};
	struct err err = ERR_INIT;

	assert_ok(fs_make_dirs(deep, 0700, &err), &err);
	file_watch_add(&watch, *state);
	assert_true(file_watch_changed(&watch));
	write_file(path, "x");
	assert_true(file_watch_changed(&watch));
	assert_false(file_watch_changed(&watch));
	write_file(path, "y");
	assert_true(file_watch_changed(&watch));
}

/* A link in a folder that leads back up must not be followed. */
static void test_links_are_no_ring(void **state)
{
	scoped(freep) char *link = temp_dir_path(state, "up");
	struct file_watch watch = {.count = 0};

	assert_int_equal(symlink(*state, link), 0);
	file_watch_add(&watch, *state);
	assert_true(file_watch_changed(&watch));
	assert_false(file_watch_changed(&watch));
}

static void test_so_many_paths_and_no_more(void **state)
{
	struct file_watch watch = {.count = 0};

	(void)state;
	for (int i = 0; i <= FILE_WATCH_PATHS_MAX; i++)
		file_watch_add(&watch, "/nowhere");
	assert_int_equal(watch.count, FILE_WATCH_PATHS_MAX);
	assert_true(file_watch_changed(&watch));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_a_file_comes_changes_and_goes, temp_dir_make, temp_dir_drop),
	    cmocka_unit_test_setup_teardown(test_a_folder_with_all_below_it, temp_dir_make, temp_dir_drop),
	    cmocka_unit_test_setup_teardown(test_links_are_no_ring, temp_dir_make, temp_dir_drop),
	    cmocka_unit_test(test_so_many_paths_and_no_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
