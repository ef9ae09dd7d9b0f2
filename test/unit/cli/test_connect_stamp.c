/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "cli/connect_stamp.h"

struct tree {
	char *folder, *file;
};

static uint64_t stamp_of(const char *path)
{
	const char *const paths[] = {NULL, path, "/no/such/file"};
	struct err err = ERR_INIT;
	uint64_t stamp = 0;

	assert_ok(connect_stamp(paths, COUNT_OF(paths), &stamp, &err), &err);
	assert_int_not_equal(stamp, 0);
	return stamp;
}

static void write_file(const char *path, const char *text)
{
	struct err err = ERR_INIT;

	assert_ok(fs_write_replace(path, text, strlen(text), 0600, &err), &err);
}

static struct tree make_tree(void)
{
	struct tree tree = {0};
	scoped(freep) char *inner = NULL;
	struct err err = ERR_INIT;

	assert_ok(fs_make_temp_dir("/tmp", "mse-stamp-", &tree.folder, &err), &err);
	assert_ok(fs_join(tree.folder, "inner", &inner, &err), &err);
	assert_int_equal(mkdir(inner, 0700), 0);
	assert_ok(fs_join(inner, "file", &tree.file, &err), &err);
	write_file(tree.file, "one");
	return tree;
}

static void remove_tree(struct tree *tree)
{
	struct err err = ERR_INIT;

	assert_ok(fs_remove_tree(tree->folder, &err), &err);
	free(tree->folder);
	free(tree->file);
}

/* Deep below, replaced, with the same size and time, gone: each is seen. */
static void every_change_shows(void **state)
{
	struct tree tree = make_tree();
	const uint64_t first = stamp_of(tree.folder), of_file = stamp_of(tree.file);
	struct timespec times[2];
	struct stat before;
	uint64_t second;

	(void)state;
	assert_true(first == stamp_of(tree.folder) && of_file != first);
	assert_int_equal(stat(tree.file, &before), 0);
	write_file(tree.file, "two");
	times[0] = before.st_atim;
	times[1] = before.st_mtim;
	assert_int_equal(utimensat(AT_FDCWD, tree.file, times, 0), 0);
	second = stamp_of(tree.folder);
	assert_true(second != first && stamp_of(tree.file) != of_file);
	assert_int_equal(chmod(tree.file, 0400), 0);
	assert_true(stamp_of(tree.folder) != second);
	second = stamp_of(tree.folder);
	assert_int_equal(unlink(tree.file), 0);
	assert_true(stamp_of(tree.folder) != second);
	remove_tree(&tree);
}

static void hidden_folders_are_left_out(void **state)
{
	struct tree tree = make_tree();
	scoped(freep) char *hidden = NULL, *file = NULL;
	struct err err = ERR_INIT;
	uint64_t before;

	(void)state;
	assert_ok(fs_join(tree.folder, ".git", &hidden, &err), &err);
	assert_int_equal(mkdir(hidden, 0700), 0);
	assert_ok(fs_join(hidden, "file", &file, &err), &err);
	before = stamp_of(tree.folder);
	write_file(file, "x");
	assert_true(stamp_of(tree.folder) == before);
	remove_tree(&tree);
}

static void folders_have_a_depth(void **state)
{
	struct tree tree = make_tree();
	const char *const paths[] = {tree.folder};
	struct err err = ERR_INIT;
	char *deep = strdup(tree.folder);
	uint64_t stamp;

	(void)state;
	for (size_t i = 0; i <= CONNECT_STAMP_DEPTH_MAX; i++) {
		char *next = NULL;

		assert_ok(fs_join(deep, "d", &next, &err), &err);
		assert_int_equal(mkdir(next, 0700), 0);
		free(deep);
		deep = next;
		if (i < CONNECT_STAMP_DEPTH_MAX)
			assert_ok(connect_stamp(paths, 1, &stamp, &err), &err);
	}
	assert_int_equal(connect_stamp(paths, 1, &stamp, &err), -1);
	assert_int_equal(err.code, ERR_LIMIT);
	free(deep);
	remove_tree(&tree);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_change_shows),
	    cmocka_unit_test(hidden_folders_are_left_out),
	    cmocka_unit_test(folders_have_a_depth),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
