/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <string.h>
#include <sys/stat.h>

#include "base/fs.h"
#include "crypto/secret.h"

static void a_copy_is_made_and_wiped(void **state)
{
	uint8_t source[] = {1, 2, 3};
	struct secret secret = SECRET_INIT;
	struct err err = ERR_INIT;

	(void)state;
	assert_ok(secret_init(&secret, source, sizeof(source), &err), &err);
	secret_wipe(source, sizeof(source));
	assert_memory_equal(source, ((uint8_t[]){0, 0, 0}), 3);
	assert_memory_equal(secret.data, ((uint8_t[]){1, 2, 3}), 3);
	secret_done(&secret);
	assert_null(secret.data);
	assert_int_equal(secret.size, 0);
	secret_done(&secret);
}

static void a_new_one_is_zero_even_when_empty(void **state)
{
	scoped(secret_done) struct secret secret = SECRET_INIT;
	scoped(secret_done) struct secret empty = SECRET_INIT;
	const uint8_t zeros[100] = {0};
	struct err err = ERR_INIT;

	(void)state;
	assert_ok(secret_new(&secret, sizeof(zeros), &err), &err);
	assert_memory_equal(secret.data, zeros, sizeof(zeros));
	assert_ok(secret_new(&empty, 0, &err), &err);
	assert_non_null(empty.data);
}

static void size_has_a_limit(void **state)
{
	scoped(secret_done) struct secret secret = SECRET_INIT;
	struct err err = ERR_INIT;

	(void)state;
	assert_fails(secret_new(&secret, SECRET_SIZE_MAX + 1, &err), &err, ERR_LIMIT, "the maximum is");
	assert_null(secret.data);
	assert_ok(secret_new(&secret, SECRET_SIZE_MAX, &err), &err);
}

static void equal_compares_all_bytes(void **state)
{
	(void)state;
	assert_true(secret_equal("abcd", "abcd", 4));
	assert_false(secret_equal("abcd", "abce", 4));
	assert_false(secret_equal("abcd", "bbcd", 4));
	assert_true(secret_equal("abcd", "abce", 3));
}

static void load_is_bounded(void **state)
{
	scoped(secret_done) struct secret secret = SECRET_INIT;
	scoped(freep) char *dir = NULL;
	scoped(freep) char *path = NULL;
	scoped(freep) char *fifo = NULL;
	struct err err = ERR_INIT;

	(void)state;
	assert_ok(fs_make_temp_dir("/tmp", "mse-test-secret-", &dir, &err), &err);
	assert_ok(fs_join(dir, "key", &path, &err), &err);
	assert_ok(fs_join(dir, "fifo", &fifo, &err), &err);
	assert_fails(secret_load(path, 4, &secret, &err), &err, ERR_NOT_FOUND, "key");
	assert_ok(fs_write_new(path, "abcd", 4, 0600, &err), &err);
	assert_fails(secret_load(path, 3, &secret, &err), &err, ERR_LIMIT, "4 bytes, the maximum is 3");
	assert_ok(secret_load(path, 4, &secret, &err), &err);
	assert_int_equal(secret.size, 4);
	assert_memory_equal(secret.data, "abcd", 4);
	secret_done(&secret);
	assert_int_equal(mkfifo(fifo, 0600), 0);
	assert_fails(secret_load(fifo, 4, &secret, &err), &err, ERR_INVALID, "not a regular file");
	assert_ok(fs_remove_tree(dir, &err), &err);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_copy_is_made_and_wiped), cmocka_unit_test(a_new_one_is_zero_even_when_empty),
	    cmocka_unit_test(size_has_a_limit),         cmocka_unit_test(equal_compares_all_bytes),
	    cmocka_unit_test(load_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
