/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "cli/package.h"
#include "crypto/hash.h"
#include "crypto/secretbox.h"
#include "format/hex.h"
#include "format/tar.h"

#define TAR_MAX (1u << 20)

static int make_dir(void **state)
{
	struct err err = ERR_INIT;
	char *dir;

	if (fs_make_temp_dir("/tmp", "mse-test-package-", &dir, &err) < 0)
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

static void put(const char *dir, const char *name, const char *text)
{
	scoped(freep) char *path = NULL;
	struct err err = ERR_INIT;
	char *slash;

	assert_ok(fs_join(dir, name, &path, &err), &err);
	slash = strrchr(path, '/');
	*slash = '\0';
	assert_ok(fs_make_dirs(path, 0700, &err), &err);
	*slash = '/';
	assert_ok(fs_write_atomic(path, text, strlen(text), 0600, &err), &err);
}

static void fill(const char *dir)
{
	put(dir, "code/app.py", "print('hi')\n");
	put(dir, "code/lib/a.py", "");
	put(dir, "code/requirements.txt", "flask\n");
	put(dir, "code/.hidden", "x");
	put(dir, "code/.git/config", "x");
	put(dir, "code/notes.md", "x");
	put(dir, "code/lib/deep/b.pyc", "x");
	put(dir, "code/.mseignore", "# comment\n*.pyc\n/notes.md\n\n");
}

static void load(const char *dir, struct code_tree *tree)
{
	scoped(freep) char *root = NULL;
	struct err err = ERR_INIT;

	assert_ok(fs_join(dir, "code", &root, &err), &err);
	assert_ok(code_tree_load(root, tree, &err), &err);
}

static void project_key(struct secret *ret)
{
	struct err err = ERR_INIT;
	uint8_t key[32];

	for (size_t i = 0; i < sizeof(key); i++)
		key[i] = (uint8_t)i;
	assert_ok(secret_init(ret, key, sizeof(key), &err), &err);
}

static void assert_hex(const uint8_t *data, size_t size, const char *wanted)
{
	char text[200];

	hex_encode(data, size, text);
	assert_string_equal(text, wanted);
}

/* Computed with Python's hashlib from the words of package.h. */
static void keys_and_nonces_are_those_of_the_format(void **state)
{
	scoped(code_tree_done) struct code_tree tree = {0};
	scoped(secret_done) struct secret key = SECRET_INIT;
	scoped(package_done) struct package package = {.code_key = SECRET_INIT};
	struct err err = ERR_INIT;

	fill(*state);
	load(*state, &tree);
	project_key(&key);
	assert_ok(package_plan(&tree, &key, &package, &err), &err);
	assert_int_equal(package.count, 3);
	assert_string_equal(package.files[0].tar_path, "app.py.enc");
	assert_string_equal(package.files[1].tar_path, "lib/a.py.enc");
	assert_string_equal(package.files[2].tar_path, "requirements.txt");
	assert_true(package.files[2].plain);
	assert_hex(package.code_key.data, 32, "ab038720367129af81b7aa32e1e24118148beb7189e6086e6186be6a1483db36");
	assert_hex(package.code_key_id, 32, "9a83ce3e3925a922e5b96a25e68a44f671c12cd6801c42f5f00af404fbfd86f5");
	assert_hex(package.files[0].nonce, PACKAGE_NONCE_SIZE, "1a2c1b2e415a64de4b98163f40cd10fd356b8d30a6af65eb");
	assert_hex(package.files[1].nonce, PACKAGE_NONCE_SIZE, "773077a6f58bdd069a1b4eba761573e53a344ffcef972e9f");
}

static void read_tar(const char *path, struct buf *ret)
{
	struct err err = ERR_INIT;

	*ret = BUF_INIT(TAR_MAX);
	assert_ok(fs_read(path, ret, &err), &err);
}

static void the_tar_opens_with_the_key_and_is_the_same_twice(void **state)
{
	scoped(code_tree_done) struct code_tree tree = {0};
	scoped(secret_done) struct secret key = SECRET_INIT;
	scoped(package_done) struct package package = {.code_key = SECRET_INIT};
	scoped(buf_done) struct buf first = BUF_INIT(TAR_MAX);
	scoped(buf_done) struct buf second = BUF_INIT(TAR_MAX);
	scoped(buf_done) struct buf text = BUF_INIT(TAR_MAX);
	scoped(freep) char *path = NULL;
	scoped(tar_reader_freep) struct tar_reader *reader = NULL;
	struct tar_memory memory;
	struct tar_entry entry;
	struct err err = ERR_INIT;
	uint8_t content[1000], hash[32];
	size_t size;

	fill(*state);
	load(*state, &tree);
	project_key(&key);
	assert_ok(fs_join(*state, "app.tar", &path, &err), &err);
	assert_ok(package_plan(&tree, &key, &package, &err), &err);
	assert_ok(package_write(&tree, &package, path, &err), &err);
	read_tar(path, &first);
	assert_ok(package_write(&tree, &package, path, &err), &err);
	read_tar(path, &second);
	assert_int_equal(first.size, second.size);
	assert_memory_equal(first.data, second.data, first.size);

	memory = (struct tar_memory){first.data, first.size};
	assert_ok(tar_reader_new(tar_source_memory(&memory), &reader, &err), &err);
	assert_int_equal(tar_next(reader, &entry, &err), 1);
	assert_string_equal(entry.path, "app.py.enc");
	assert_ok(tar_read(reader, content, sizeof(content), &size, &err), &err);
	assert_int_equal(size, entry.size);
	sha256(content, size, hash);
	assert_memory_equal(hash, package.files[0].sha256, sizeof(hash));
	assert_ok(secretbox_open(package.code_key.data, content, size, &text, &err), &err);
	assert_string_equal(buf_text(&text), "print('hi')\n");
}

static void another_tree_has_another_key(void **state)
{
	scoped(secret_done) struct secret key = SECRET_INIT;
	struct err err = ERR_INIT;
	uint8_t keys[2][32], nonces[2][PACKAGE_NONCE_SIZE];

	fill(*state);
	project_key(&key);
	for (size_t i = 0; i < 2; i++) {
		scoped(code_tree_done) struct code_tree tree = {0};
		scoped(package_done) struct package package = {.code_key = SECRET_INIT};

		put(*state, "code/lib/a.py", i ? "pass\n" : "");
		load(*state, &tree);
		assert_ok(package_plan(&tree, &key, &package, &err), &err);
		memcpy(keys[i], package.code_key.data, 32);
		memcpy(nonces[i], package.files[0].nonce, PACKAGE_NONCE_SIZE);
	}
	assert_memory_not_equal(keys[0], keys[1], 32);
	/* the same file has the same nonce, under another key */
	assert_memory_equal(nonces[0], nonces[1], PACKAGE_NONCE_SIZE);
}

static void a_file_that_changes_meanwhile_is_told(void **state)
{
	scoped(code_tree_done) struct code_tree tree = {0};
	scoped(secret_done) struct secret key = SECRET_INIT;
	scoped(package_done) struct package package = {.code_key = SECRET_INIT};
	struct err err = ERR_INIT;

	fill(*state);
	load(*state, &tree);
	project_key(&key);
	assert_ok(package_plan(&tree, &key, &package, &err), &err);
	put(*state, "code/app.py", "print('ho')\n");
	assert_fails(package_write(&tree, &package, NULL, &err), &err, ERR_CONFLICT, "'app.py' changed");
}

static void a_context_gives_the_same_files(void **state)
{
	scoped(code_tree_done) struct code_tree tree = {0};
	scoped(secret_done) struct secret key = SECRET_INIT;
	scoped(package_done) struct package package = {.code_key = SECRET_INIT};
	scoped(package_done) struct package again = {.code_key = SECRET_INIT};
	char app[49], lib[49], code_key[65];
	struct context_nonce nonces[] = {{(char *)(uintptr_t) "app.py", app}, {(char *)(uintptr_t) "lib/a.py", lib}};
	struct context context = {.code_secret_key = code_key, .nonces = nonces, .nonce_count = 2};
	struct err err = ERR_INIT;

	fill(*state);
	load(*state, &tree);
	project_key(&key);
	assert_ok(package_plan(&tree, &key, &package, &err), &err);
	assert_ok(package_write(&tree, &package, NULL, &err), &err);
	hex_encode(package.files[0].nonce, PACKAGE_NONCE_SIZE, app);
	hex_encode(package.files[1].nonce, PACKAGE_NONCE_SIZE, lib);
	hex_encode(package.code_key.data, 32, code_key);
	assert_ok(package_plan_from_context(&tree, &context, &again, &err), &err);
	assert_ok(package_write(&tree, &again, NULL, &err), &err);
	for (size_t i = 0; i < package.count; i++)
		assert_memory_equal(again.files[i].sha256, package.files[i].sha256, 32);

	context.nonce_count = 1;
	package_done(&again);
	assert_fails(package_plan_from_context(&tree, &context, &again, &err), &err, ERR_NOT_FOUND, "'lib/a.py' is in");
	nonces[1].path = (char *)(uintptr_t) "lib/gone.py";
	context.nonce_count = 2;
	assert_fails(package_plan_from_context(&tree, &context, &again, &err), &err, ERR_NOT_FOUND,
		     "not in the deployed code");
}

static void links_and_missing_modules_are_refused(void **state)
{
	scoped(code_tree_done) struct code_tree tree = {0};
	scoped(freep) char *root = NULL;
	scoped(freep) char *link_path = NULL;
	struct err err = ERR_INIT;

	fill(*state);
	load(*state, &tree);
	assert_ok(code_tree_check_module(&tree, "app", &err), &err);
	assert_ok(code_tree_check_module(&tree, "lib.a", &err), &err);
	assert_fails(code_tree_check_module(&tree, "ap", &err), &err, ERR_NOT_FOUND,
		     "Flask module 'ap' not found in directory");
	code_tree_done(&tree);
	assert_ok(fs_join(*state, "code", &root, &err), &err);
	assert_ok(fs_join(root, "link.py", &link_path, &err), &err);
	assert_int_equal(symlink("/etc/passwd", link_path), 0);
	assert_fails(code_tree_load(root, &tree, &err), &err, ERR_INVALID, "link.py' is a link");
	put(*state, "code/.mseignore", "link.py\n");
	assert_ok(code_tree_load(root, &tree, &err), &err);
}

static void paths_have_a_longest_length(void **state)
{
	scoped(code_tree_done) struct code_tree tree = {0};
	scoped(freep) char *root = NULL;
	struct err err = ERR_INIT;
	char name[300] = "code/";
	const size_t first = strlen(name);

	/* a folder of 125 bytes, a slash, a file: 251 together */
	memset(name + first, 'd', 125);
	name[first + 125] = '/';
	memset(name + first + 126, 'f', 125);
	put(*state, name, "x");
	load(*state, &tree);
	assert_int_equal(strlen(tree.files[0].path), CODE_TREE_PATH_MAX);
	code_tree_done(&tree);
	name[first + 126 + 125] = 'f';
	put(*state, name, "x");
	assert_ok(fs_join(*state, "code", &root, &err), &err);
	assert_fails(code_tree_load(root, &tree, &err), &err, ERR_LIMIT, "longer than 251");
}

static void ignore_patterns_are_those_of_git(void **state)
{
	scoped(code_tree_done) struct code_tree tree = {0};

	put(*state, "code/app.py", "x");
	put(*state, "code/build/x.py", "x");
	put(*state, "code/src/build", "x");
	put(*state, "code/data/a.bin", "x");
	put(*state, "code/data/keep.bin", "x");
	put(*state, "code/docs/a/b.txt", "x");
	put(*state, "code/.mseignore", "build/\n*.bin\n!keep.bin\ndocs/**\n");
	load(*state, &tree);
	assert_int_equal(tree.count, 3);
	assert_string_equal(tree.files[0].path, "app.py");
	assert_string_equal(tree.files[1].path, "data/keep.bin");
	assert_string_equal(tree.files[2].path, "src/build");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(keys_and_nonces_are_those_of_the_format, make_dir, drop_dir),
	    cmocka_unit_test_setup_teardown(the_tar_opens_with_the_key_and_is_the_same_twice, make_dir, drop_dir),
	    cmocka_unit_test_setup_teardown(another_tree_has_another_key, make_dir, drop_dir),
	    cmocka_unit_test_setup_teardown(a_file_that_changes_meanwhile_is_told, make_dir, drop_dir),
	    cmocka_unit_test_setup_teardown(a_context_gives_the_same_files, make_dir, drop_dir),
	    cmocka_unit_test_setup_teardown(links_and_missing_modules_are_refused, make_dir, drop_dir),
	    cmocka_unit_test_setup_teardown(paths_have_a_longest_length, make_dir, drop_dir),
	    cmocka_unit_test_setup_teardown(ignore_patterns_are_those_of_git, make_dir, drop_dir),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
