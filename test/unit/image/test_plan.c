/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crypto/hash.h"
#include "image/plan.h"
#include "temp_dir.h"

static void same_files_are_one_and_others_a_conflict(void **state)
{
	scoped(plan_done) struct plan plan = {.count = 0};
	struct err err = ERR_INIT;

	(void)state;
	assert_ok(plan_add_file(&plan, "b", "/x", &err), &err);
	assert_ok(plan_add_data(&plan, "a", "1", 1, &err), &err);
	assert_ok(plan_add_file(&plan, "b", "/x", &err), &err);
	assert_ok(plan_sort(&plan, &err), &err);
	assert_int_equal(plan.count, 2);
	assert_string_equal(plan.items[0].path, "a");
	assert_ok(plan_add_file(&plan, "b", "/y", &err), &err);
	assert_fails(plan_sort(&plan, &err), &err, ERR_CONFLICT, "two files 'b'");
}

static mode_t mode_at(void **state, const char *name)
{
	scoped(freep) char *path = temp_dir_path(state, name);
	struct stat info;

	assert_int_equal(lstat(path, &info), 0);
	return info.st_mode;
}

static void a_realised_plan_has_bytes_hashes_and_modes(void **state)
{
	scoped(plan_done) struct plan plan = {.count = 0};
	scoped(freep) char *source = temp_dir_path(state, "source");
	scoped(freep) char *root = temp_dir_path(state, "root");
	scoped(freep) char *copy = temp_dir_path(state, "root/usr/lib/deep/x.so.1");
	scoped(buf_done) struct buf content = BUF_INIT(1u << 20);
	scoped(bill_freep) struct bill *bill = NULL;
	struct err err = ERR_INIT;
	uint8_t digest[32];
	static const uint8_t loader[32];

	assert_ok(fs_write_new(source, "library", 7, 0600, &err), &err);
	assert_int_equal(mkdir(root, 0755), 0);
	assert_ok(plan_add_file(&plan, "usr/lib/deep/x.so.1", source, &err), &err);
	assert_ok(plan_add_file(&plan, "usr/bin/program", source, &err), &err);
	assert_ok(plan_add_data(&plan, "etc/text", "", 0, &err), &err);
	assert_ok(plan_sort(&plan, &err), &err);
	assert_ok(plan_realise(&plan, root, NULL, &err), &err);
	assert_ok(fs_read(copy, &content, &err), &err);
	assert_string_equal(buf_text(&content), "library");
	assert_int_equal(mode_at(state, "root/usr/lib/deep/x.so.1"), S_IFREG | 0555);
	assert_int_equal(mode_at(state, "root/usr/bin/program"), S_IFREG | 0555);
	assert_int_equal(mode_at(state, "root/etc/text"), S_IFREG | 0444);
	assert_int_equal(mode_at(state, "root/lib64") & S_IFMT, S_IFLNK);
	assert_int_equal(mode_at(state, "root/run/mse") & S_IFMT, S_IFDIR);
	assert_ok(plan_bill(&plan, "mse-test:1", loader, &bill, &err), &err);
	sha256("library", 7, digest);
	assert_memory_equal(bill_find(bill, "usr/bin/program")->sha256, digest, 32);
	assert_int_equal(bill_find(bill, "usr/bin/program")->size, 7);
	assert_int_equal(bill_find(bill, "etc/text")->size, 0);
}

static void a_source_that_is_missing_is_named(void **state)
{
	scoped(plan_done) struct plan plan = {.count = 0};
	struct err err = ERR_INIT;
	char path[32];

	(void)state;
	for (int i = 0; i < 100; i++) {
		(void)snprintf(path, sizeof(path), "f%02d", i);
		assert_ok(plan_add_data(&plan, path, path, strlen(path), &err), &err);
	}
	assert_ok(plan_add_file(&plan, "g", "/nonexistent/file", &err), &err);
	assert_ok(plan_sort(&plan, &err), &err);
	assert_fails(plan_realise(&plan, NULL, NULL, &err), &err, ERR_NOT_FOUND, "/nonexistent/file");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(same_files_are_one_and_others_a_conflict),
	    cmocka_unit_test_setup_teardown(a_realised_plan_has_bytes_hashes_and_modes, temp_dir_make, temp_dir_drop),
	    cmocka_unit_test(a_source_that_is_missing_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
