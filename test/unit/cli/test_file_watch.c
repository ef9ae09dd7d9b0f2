/* SPDX-License-Identifier: Apache-2.0 */
#include "temp_dir.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/file_watch.h"

static void write_file(const char *path, const char *text)
{
	struct err err = ERR_INIT;

	assert_ok(fs_write_replace(path, text, strlen(text), 0600, &err), &err);
}

static bool changed(struct file_watch *watch)
{
	struct err err = ERR_INIT;
	bool is_changed;

	assert_ok(file_watch_look(watch, &is_changed, &err), &err);
	return is_changed;
}

static void test_a_file_comes_changes_and_goes(void **state)
{
	scoped(freep) char *path = temp_dir_path(state, "policy.json");
	struct file_watch watch = {.count = 0};

	file_watch_add(&watch, NULL);
	file_watch_add(&watch, path);
	assert_int_equal(watch.count, 1);
	assert_true(changed(&watch));
	assert_false(changed(&watch));
	write_file(path, "one");
	assert_true(changed(&watch));
	assert_false(changed(&watch));
	write_file(path, "two");
	assert_true(changed(&watch));
	assert_int_equal(chmod(path, 0644), 0);
	assert_true(changed(&watch));
	assert_int_equal(unlink(path), 0);
	assert_true(changed(&watch));
	assert_false(changed(&watch));
}

static void test_a_folder_with_all_below_it(void **state)
{
	scoped(freep) char *deep = temp_dir_path(state, "a/b/c");
	scoped(freep) char *path = temp_dir_path(state, "a/b/c/app.py");
	struct file_watch watch = {.count = 0};
	struct err err = ERR_INIT;

	assert_ok(fs_make_dirs(deep, 0700, &err), &err);
	file_watch_add(&watch, *state);
	assert_true(changed(&watch));
	write_file(path, "x");
	assert_true(changed(&watch));
	assert_false(changed(&watch));
	write_file(path, "y");
	assert_true(changed(&watch));
}

/* A link in a folder that leads back up must not be followed. */
static void test_links_are_no_ring(void **state)
{
	scoped(freep) char *link = temp_dir_path(state, "up");
	struct file_watch watch = {.count = 0};

	assert_int_equal(symlink(*state, link), 0);
	file_watch_add(&watch, *state);
	assert_true(changed(&watch));
	assert_false(changed(&watch));
}

static void test_so_many_paths_and_no_more(void **state)
{
	struct file_watch watch = {.count = 0};

	(void)state;
	for (int i = 0; i <= FILE_WATCH_PATHS_MAX; i++)
		file_watch_add(&watch, "/nowhere");
	assert_int_equal(watch.count, FILE_WATCH_PATHS_MAX);
	assert_true(changed(&watch));
}

/* As in code packages. */
static void test_folders_with_a_dot_are_left_out(void **state)
{
	scoped(freep) char *hidden = temp_dir_path(state, ".git");
	scoped(freep) char *inside = temp_dir_path(state, ".git/index");
	scoped(freep) char *ignore = temp_dir_path(state, ".mseignore");
	struct file_watch watch = {.count = 0};
	struct err err = ERR_INIT;

	assert_ok(fs_make_dirs(hidden, 0700, &err), &err);
	file_watch_add(&watch, *state);
	assert_true(changed(&watch));
	write_file(inside, "x");
	assert_false(changed(&watch));
	write_file(ignore, "x");
	assert_true(changed(&watch));
	watch = (struct file_watch){.count = 0};
	file_watch_add(&watch, hidden);
	assert_true(changed(&watch));
	write_file(inside, "y");
	assert_true(changed(&watch));
}

/* What lies beyond a limit could change unseen. */
static void assert_too_many(struct file_watch *watch)
{
	struct err err = ERR_INIT;
	bool is_changed;

	assert_int_equal(file_watch_look(watch, &is_changed, &err), -1);
	assert_int_equal(err.code, ERR_LIMIT);
	assert_non_null(strstr(err.text, "too many to watch"));
}

static void test_too_deep_is_said(void **state)
{
	struct file_watch watch = {.count = 0};
	struct err err = ERR_INIT;
	char deep[4096];
	size_t size = (size_t)snprintf(deep, sizeof(deep), "%s", (const char *)*state);

	file_watch_add(&watch, *state);
	for (int i = 1; i < FILE_WATCH_DEPTH_MAX; i++)
		size += (size_t)snprintf(deep + size, sizeof(deep) - size, "/d");
	assert_ok(fs_make_dirs(deep, 0700, &err), &err);
	assert_true(changed(&watch));
	(void)snprintf(deep + size, sizeof(deep) - size, "/d");
	assert_ok(fs_make_dirs(deep, 0700, &err), &err);
	assert_too_many(&watch);
}

static void test_too_many_are_said(void **state)
{
	struct file_watch watch = {.entries_max = 3};
	static const char *const names[] = {"a", "b", "c", "d"};

	file_watch_add(&watch, *state);
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		scoped(freep) char *path = temp_dir_path(state, names[i]);

		write_file(path, "x");
		if (i < 3)
			assert_true(changed(&watch));
	}
	assert_too_many(&watch);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_a_file_comes_changes_and_goes, temp_dir_make, temp_dir_drop),
	    cmocka_unit_test_setup_teardown(test_a_folder_with_all_below_it, temp_dir_make, temp_dir_drop),
	    cmocka_unit_test_setup_teardown(test_links_are_no_ring, temp_dir_make, temp_dir_drop),
	    cmocka_unit_test(test_so_many_paths_and_no_more),
	    cmocka_unit_test_setup_teardown(test_folders_with_a_dot_are_left_out, temp_dir_make, temp_dir_drop),
	    cmocka_unit_test_setup_teardown(test_too_deep_is_said, temp_dir_make, temp_dir_drop),
	    cmocka_unit_test_setup_teardown(test_too_many_are_said, temp_dir_make, temp_dir_drop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
