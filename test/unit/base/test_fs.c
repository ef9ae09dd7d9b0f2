/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"

static int make_dir(void **state)
{
	struct err err = ERR_INIT;
	char *dir;

	if (fs_make_temp_dir("/tmp", "mse-test-fs-", &dir, &err) < 0)
		return -1;
	*state = dir;
	return 0;
}

static int drop_dir(void **state)
{
	struct err err = ERR_INIT;
	const int status = fs_remove_tree(*state, &err);

	free(*state);
	return status;
}

static void atomic_write_replaces_whole_files(void **state)
{
	scoped(buf_done) struct buf content = BUF_INIT(100);
	scoped(freep) char *path = NULL;
	struct err err = ERR_INIT;

	assert_ok(fs_join(*state, "file", &path, &err), &err);
	assert_ok(fs_write_atomic(path, "one", 3, 0600, &err), &err);
	assert_ok(fs_write_atomic(path, "two", 3, 0600, &err), &err);
	assert_ok(fs_read(path, &content, &err), &err);
	assert_string_equal(buf_text(&content), "two");
	assert_fails(fs_write_new(path, "three", 5, 0600, &err), &err, ERR_CONFLICT, "exists");
}

static void read_refuses_more_than_the_maximum(void **state)
{
	scoped(buf_done) struct buf content = BUF_INIT(2);
	scoped(freep) char *path = NULL;
	struct err err = ERR_INIT;

	assert_ok(fs_join(*state, "big", &path, &err), &err);
	assert_ok(fs_write_new(path, "abc", 3, 0600, &err), &err);
	assert_fails(fs_read(path, &content, &err), &err, ERR_LIMIT, "big");
	assert_fails(fs_read(*state, &content, &err), &err, ERR_INVALID, "not a regular file");
}

static void remove_tree_does_not_follow_links(void **state)
{
	scoped(freep) char *kept = NULL;
	scoped(freep) char *tree = NULL;
	scoped(freep) char *link_path = NULL;
	struct err err = ERR_INIT;

	assert_ok(fs_join(*state, "kept", &kept, &err), &err);
	assert_ok(fs_join(*state, "tree/deep", &tree, &err), &err);
	assert_ok(fs_make_dirs(kept, 0700, &err), &err);
	assert_ok(fs_make_dirs(tree, 0700, &err), &err);
	assert_ok(fs_join(tree, "link", &link_path, &err), &err);
	assert_int_equal(symlink(kept, link_path), 0);
	assert_ok(fs_remove_tree(tree, &err), &err);
	assert_false(fs_exists(tree));
	assert_true(fs_is_dir(kept));
	assert_ok(fs_remove_tree(tree, &err), &err);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(atomic_write_replaces_whole_files, make_dir, drop_dir),
	    cmocka_unit_test_setup_teardown(read_refuses_more_than_the_maximum, make_dir, drop_dir),
	    cmocka_unit_test_setup_teardown(remove_tree_does_not_follow_links, make_dir, drop_dir),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
