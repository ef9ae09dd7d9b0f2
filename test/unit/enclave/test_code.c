/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fs.h"
#include "crypto/hash.h"
#include "crypto/secretbox.h"
#include "enclave/attested/code.h"

static const uint8_t key[CODE_KEY_SIZE] = {1, 2, 3};
static char *dir;  /* of one test */
static char *code; /* in it */
static char *target;

static int setup(void **state)
{
	struct err err = ERR_INIT;

	(void)state;
	assert_ok(fs_make_temp_dir("/tmp", "mse-test-code-", &dir, &err), &err);
	assert_ok(fs_join(dir, "code", &code, &err), &err);
	assert_ok(fs_join(dir, "app", &target, &err), &err);
	assert_ok(fs_make_dirs(code, 0755, &err), &err);
	return 0;
}

static int teardown(void **state)
{
	struct err err = ERR_INIT;

	(void)state;
	assert_ok(fs_remove_tree(dir, &err), &err);
	free(dir);
	free(code);
	free(target);
	return 0;
}

static void put(const char *name, const void *data, size_t size)
{
	scoped(freep) char *path = NULL;
	scoped(freep) char *parent = NULL;
	struct err err = ERR_INIT;

	assert_ok(fs_join(code, name, &path, &err), &err);
	parent = strdup(path);
	*strrchr(parent, '/') = 0;
	assert_ok(fs_make_dirs(parent, 0755, &err), &err);
	assert_ok(fs_write_atomic(path, data, size, 0644, &err), &err);
}

static void put_encrypted(const char *name, const char *text)
{
	const uint8_t nonce[SECRETBOX_NONCE_SIZE] = {9};
	scoped(buf_done) struct buf box = BUF_INIT(1 << 20);
	struct err err = ERR_INIT;

	assert_ok(secretbox_seal(key, nonce, text, strlen(text), &box, &err), &err);
	put(name, box.data, box.size);
}

static void assert_installed(const char *name, const char *text)
{
	scoped(freep) char *path = NULL;
	scoped(buf_done) struct buf content = BUF_INIT(1 << 20);
	struct err err = ERR_INIT;

	assert_ok(fs_join(target, name, &path, &err), &err);
	assert_ok(fs_read(path, &content, &err), &err);
	assert_string_equal(buf_text(&content), text);
}

static void key_id_is_the_labelled_hash(void **state)
{
	uint8_t text[14 + CODE_KEY_SIZE] = "mse-code-key-1";
	uint8_t wanted[32];
	uint8_t id[32];

	(void)state;
	memcpy(text + 14, key, CODE_KEY_SIZE);
	sha256(text, sizeof(text), wanted);
	code_key_id(key, id);
	assert_memory_equal(id, wanted, sizeof(id));
}

static void a_tree_is_installed(void **state)
{
	struct err err = ERR_INIT;

	(void)state;
	put_encrypted("app.py.enc", "x = 1");
	put_encrypted("a/b/c.txt.enc", "deep");
	put_encrypted("empty.enc", "");
	put("requirements.txt", "flask\n", 6);
	assert_ok(code_check(code, key, &err), &err);
	assert_false(fs_exists(target));
	assert_ok(code_install(code, key, target, &err), &err);
	assert_installed("app.py", "x = 1");
	assert_installed("a/b/c.txt", "deep");
	assert_installed("empty", "");
	assert_installed("requirements.txt", "flask\n");
	/* Again: what was there before is gone. */
	scoped(freep) char *stale = NULL;
	assert_ok(fs_join(target, "stale.py", &stale, &err), &err);
	assert_ok(fs_write_new(stale, "old", 3, 0644, &err), &err);
	assert_ok(code_install(code, key, target, &err), &err);
	assert_false(fs_exists(stale));
	assert_installed("app.py", "x = 1");
}

/* The host could make as many as it likes, and Python would import them. */
static void a_directory_without_files_is_left_out(void **state)
{
	scoped(freep) char *path = NULL;
	struct err err = ERR_INIT;

	(void)state;
	put_encrypted("app.py.enc", "x");
	put_encrypted("package/inner/m.py.enc", "y");
	assert_ok(fs_join(code, "package/added/deep", &path, &err), &err);
	assert_ok(fs_make_dirs(path, 0755, &err), &err);
	free(path);
	assert_ok(code_install(code, key, target, &err), &err);
	assert_installed("package/inner/m.py", "y");
	assert_ok(fs_join(target, "package/added", &path, &err), &err);
	assert_false(fs_exists(path));
}

static void plain_code_is_copied(void **state)
{
	struct err err = ERR_INIT;

	(void)state;
	put("app.py", "x = 1", 5);
	put("data.enc", "kept as it is", 13);
	assert_ok(code_install(code, NULL, target, &err), &err);
	assert_installed("app.py", "x = 1");
	assert_installed("data.enc", "kept as it is");
}

static void another_key_opens_nothing(void **state)
{
	const uint8_t other[CODE_KEY_SIZE] = {4};
	struct err err = ERR_INIT;

	(void)state;
	put_encrypted("app.py.enc", "x = 1");
	assert_fails(code_check(code, other, &err), &err, ERR_UNTRUSTED, "app.py.enc");
}

static void what_is_not_encrypted_is_refused(void **state)
{
	struct err err = ERR_INIT;

	(void)state;
	put_encrypted("app.py.enc", "x = 1");
	put("sub/requirements.txt", "only at the top", 15);
	assert_fails(code_check(code, key, &err), &err, ERR_UNTRUSTED, "sub/requirements.txt' is not encrypted");
}

static void a_tree_without_code_is_refused(void **state)
{
	struct err err = ERR_INIT;

	(void)state;
	assert_fails(code_check(code, key, &err), &err, ERR_UNTRUSTED, "no encrypted code");
	put("requirements.txt", "flask\n", 6);
	assert_fails(code_check(code, key, &err), &err, ERR_UNTRUSTED, "no encrypted code");
}

static void a_short_file_is_refused(void **state)
{
	struct err err = ERR_INIT;
	uint8_t bytes[SECRETBOX_OVERHEAD] = {0};

	(void)state;
	put("app.py.enc", bytes, sizeof(bytes) - 1);
	assert_fails(code_check(code, key, &err), &err, ERR_UNTRUSTED, "app.py.enc");
}

static void links_are_refused(void **state)
{
	struct err err = ERR_INIT;
	scoped(freep) char *link = NULL;

	(void)state;
	put_encrypted("app.py.enc", "x = 1");
	assert_ok(fs_join(code, "link.enc", &link, &err), &err);
	assert_int_equal(symlink("app.py.enc", link), 0);
	assert_fails(code_check(code, key, &err), &err, ERR_UNTRUSTED, "not a regular file");
	assert_fails(code_install(code, NULL, target, &err), &err, ERR_UNTRUSTED, "not a regular file");
}

static void depth_is_bounded(void **state)
{
	char name[4 * CODE_DEPTH_MAX] = "";
	struct err err = ERR_INIT;

	(void)state;
	for (int i = 0; i < CODE_DEPTH_MAX; i++)
		strncat(name, "d/", sizeof(name) - strlen(name) - 1);
	strncat(name, "f.enc", sizeof(name) - strlen(name) - 1);
	put_encrypted(name, "x");
	assert_ok(code_check(code, key, &err), &err);
	(void)snprintf(name, sizeof(name), "%s", "e/");
	for (int i = 0; i < CODE_DEPTH_MAX; i++)
		strncat(name, "d/", sizeof(name) - strlen(name) - 1);
	strncat(name, "f.enc", sizeof(name) - strlen(name) - 1);
	put_encrypted(name, "x");
	assert_fails(code_check(code, key, &err), &err, ERR_LIMIT, "nested deeper");
}

static void path_size_is_bounded(void **state)
{
	char name[CODE_PATH_SIZE_MAX + 2];
	struct err err = ERR_INIT;

	(void)state;
	memset(name, 'n', sizeof(name));
	name[120] = '/';
	memcpy(name + CODE_PATH_SIZE_MAX - 4, ".enc", 5);
	put_encrypted(name, "x");
	assert_ok(code_check(code, key, &err), &err);
	memcpy(name + CODE_PATH_SIZE_MAX - 4, "n.enc", 6);
	put_encrypted(name, "x");
	assert_fails(code_check(code, key, &err), &err, ERR_LIMIT, "longer than 255");
}

static void file_count_is_bounded(void **state)
{
	struct err err = ERR_INIT;
	char name[32];

	(void)state;
	put_encrypted("a.enc", "x");
	for (int i = 1; i < CODE_FILES_MAX; i++) {
		scoped(freep) char *path = NULL;
		scoped(freep) char *first = NULL;

		(void)snprintf(name, sizeof(name), "%d.enc", i);
		assert_ok(fs_join(code, name, &path, &err), &err);
		assert_ok(fs_join(code, "a.enc", &first, &err), &err);
		assert_int_equal(link(first, path), 0);
	}
	assert_ok(code_check(code, key, &err), &err);
	put_encrypted("z.enc", "x");
	assert_fails(code_check(code, key, &err), &err, ERR_LIMIT, "more than 10000");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(key_id_is_the_labelled_hash),
	    cmocka_unit_test_setup_teardown(a_tree_is_installed, setup, teardown),
	    cmocka_unit_test_setup_teardown(a_directory_without_files_is_left_out, setup, teardown),
	    cmocka_unit_test_setup_teardown(plain_code_is_copied, setup, teardown),
	    cmocka_unit_test_setup_teardown(another_key_opens_nothing, setup, teardown),
	    cmocka_unit_test_setup_teardown(what_is_not_encrypted_is_refused, setup, teardown),
	    cmocka_unit_test_setup_teardown(a_tree_without_code_is_refused, setup, teardown),
	    cmocka_unit_test_setup_teardown(a_short_file_is_refused, setup, teardown),
	    cmocka_unit_test_setup_teardown(links_are_refused, setup, teardown),
	    cmocka_unit_test_setup_teardown(depth_is_bounded, setup, teardown),
	    cmocka_unit_test_setup_teardown(path_size_is_bounded, setup, teardown),
	    cmocka_unit_test_setup_teardown(file_count_is_bounded, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
