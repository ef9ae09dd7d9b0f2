/* SPDX-License-Identifier: Apache-2.0 */
/* Builds the Flask image with Python embedded in a test program in the place of mse-enclave, and runs it in the root.
 */
#include "unit.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/spawn.h"
#include "image/image.h"
#include "temp_dir.h"

#define IMAGE "mse-flask:20261122"
#define STATEMENT \
	"import flask, ssl, sqlite3, ctypes, lzma, bz2, zoneinfo, uuid, decimal, asyncio, hashlib, urllib.request\n" \
	"assert flask.__file__ == '/usr/lib/python3/dist-packages/flask/__init__.py', flask.__file__\n" \
	"assert flask.__spec__.cached.endswith('/__pycache__/__init__.cpython-311.pyc')\n" \
	"assert len(ssl.create_default_context().get_ca_certs()) > 50\n" \
	"zoneinfo.ZoneInfo('Europe/Paris')\n" \
	"import os, sys\n" \
	"assert not os.path.exists('/usr/bin/sh') and os.listdir('/root') == []\n" \
	"print('root has', sys.version.split()[0])\n"

static char *program_path(void)
{
	const char *build = getenv("MSE_TEST_BUILD_DIR");
	struct err err = ERR_INIT;
	char *path;

	assert_ok(fs_join(build ? build : "build", "test/support/image_python", &path, &err), &err);
	return path;
}

static int build(void **state)
{
	scoped(freep) char *program = program_path();
	scoped(freep) char *root = NULL;
	scoped(freep) char *bill_path = NULL;
	scoped(bill_freep) struct bill *bill = NULL;
	struct err err = ERR_INIT;
	uint8_t digest[32];

	if (temp_dir_make(state) < 0)
		return -1;
	root = temp_dir_path(state, "root");
	bill_path = temp_dir_path(state, "bill.json");
	assert_ok(image_build(IMAGE, program, root, NULL, &bill, &err), &err);
	assert_ok(image_bill_save(bill, bill_path, digest, &err), &err);
	return 0;
}

static struct bill *load(void **state)
{
	scoped(freep) char *path = temp_dir_path(state, "bill.json");
	struct err err = ERR_INIT;
	struct bill *bill;
	uint8_t digest[32];

	assert_ok(image_bill_load(path, &bill, digest, &err), &err);
	return bill;
}

/* What a client computes, with no root: the same bytes. */
static void a_bill_alone_is_the_same(void **state)
{
	scoped(freep) char *program = program_path();
	scoped(bill_freep) struct bill *first = load(state);
	scoped(bill_freep) struct bill *second = NULL;
	scoped(buf_done) struct buf first_text = BUF_INIT(BILL_TEXT_MAX);
	scoped(buf_done) struct buf second_text = BUF_INIT(BILL_TEXT_MAX);
	struct err err = ERR_INIT;

	assert_ok(image_build(IMAGE, program, NULL, NULL, &second, &err), &err);
	assert_ok(bill_format(first, &first_text, &err), &err);
	assert_ok(bill_format(second, &second_text, &err), &err);
	assert_int_equal(first_text.size, second_text.size);
	assert_memory_equal(first_text.data, second_text.data, first_text.size);
}

static void the_bill_is_minimal_and_whole(void **state)
{
	scoped(bill_freep) struct bill *bill = load(state);
	char version[IMAGE_VERSION_MAX];

	assert_true(bill->count > 1000 && bill->count < 2500);
	assert_non_null(bill_find(bill, "usr/bin/mse-enclave"));
	assert_non_null(bill_find(bill, "usr/lib64/ld-linux-x86-64.so.2"));
	assert_non_null(bill_find(bill, "usr/lib/x86_64-linux-gnu/libc.so.6"));
	assert_non_null(bill_find(bill, "usr/lib/python3.11/__pycache__/os.cpython-311.pyc"));
	assert_null(bill_find(bill, "usr/bin/python3.11"));
	assert_int_equal(image_distribution(bill, "flask", version), 1);
}

static void the_root_is_what_the_bill_says(void **state)
{
	scoped(bill_freep) struct bill *bill = load(state);
	scoped(freep) char *root = temp_dir_path(state, "root");
	struct err err = ERR_INIT;

	assert_ok(image_copy(bill, root, NULL, NULL, &err), &err);
}

static void a_changed_root_is_not_copied(void **state)
{
	scoped(bill_freep) struct bill *bill = load(state);
	scoped(freep) char *root = temp_dir_path(state, "root");
	scoped(freep) char *copy = temp_dir_path(state, "copy");
	scoped(freep) char *victim = temp_dir_path(state, "root/etc/hosts");
	scoped(buf_done) struct buf text = BUF_INIT(1000);
	struct err err = ERR_INIT;

	assert_ok(image_copy(bill, root, copy, NULL, &err), &err);
	assert_fails(image_copy(bill, root, copy, NULL, &err), &err, ERR_CONFLICT, "exists");
	assert_ok(fs_remove_tree(copy, &err), &err);
	assert_ok(fs_read(victim, &text, &err), &err);
	text.data[0] ^= 1;
	assert_ok(fs_write_atomic(victim, text.data, text.size, 0444, &err), &err);
	assert_fails(image_copy(bill, root, copy, NULL, &err), &err, ERR_UNTRUSTED, "'etc/hosts' is not as the bill");
	assert_false(fs_exists(copy));
	text.data[0] ^= 1;
	assert_ok(fs_write_atomic(victim, text.data, text.size, 0444, &err), &err);
}

/* Nothing of the host is visible but the kernel. */
static void run_alone(const char *root, const char *statement)
{
	scoped(buf_done) struct buf output = BUF_INIT(1u << 20);
	const char *const argv[] = {"bwrap",
				    "--unshare-all",
				    "--clearenv",
				    "--ro-bind",
				    root,
				    "/",
				    "--dev",
				    "/dev",
				    "--proc",
				    "/proc",
				    "--tmpfs",
				    "/tmp",
				    "--chdir",
				    "/",
				    "/usr/bin/mse-enclave",
				    statement,
				    NULL};
	struct err err = ERR_INIT;
	int status;

	assert_ok(spawn_capture(argv, true, &output, &status, &err), &err);
	if (status != 0 || !strstr(buf_text(&output), "root has 3.11"))
		fail_msg("status %d: %s", status, buf_text(&output));
}

static void python_runs_with_the_root_alone(void **state)
{
	scoped(freep) char *root = temp_dir_path(state, "root");

	run_alone(root, STATEMENT);
}

static void the_fastapi_image_imports_fastapi(void **state)
{
	scoped(freep) char *program = program_path();
	scoped(freep) char *root = temp_dir_path(state, "fastapi");
	scoped(bill_freep) struct bill *bill = NULL;
	struct err err = ERR_INIT;

	assert_ok(image_build("mse-fastapi:20261122", program, root, NULL, &bill, &err), &err);
	run_alone(root, "import fastapi, starlette.applications, anyio, pydantic, sys\n"
			"print('root has', sys.version.split()[0])\n");
}

static void what_cannot_be_built_is_named(void **state)
{
	scoped(freep) char *program = program_path();
	scoped(freep) char *root = temp_dir_path(state, "root");
	scoped(freep) char *other = temp_dir_path(state, "other");
	struct bill *bill = NULL;
	struct err err = ERR_INIT;

	assert_fails(image_build("mse-cobol:1", program, other, NULL, &bill, &err), &err, ERR_NOT_FOUND,
		     "no built-in image 'mse-cobol:1'");
	assert_fails(image_build(IMAGE, "/nonexistent/mse-enclave", other, NULL, &bill, &err), &err, ERR_NOT_FOUND,
		     "/nonexistent/mse-enclave");
	assert_false(fs_exists(other));
	assert_fails(image_build(IMAGE, program, root, NULL, &bill, &err), &err, ERR_CONFLICT, "exists");
	assert_null(bill);
}

static void missing_packages_are_named(void **state)
{
	static const char *const packages[] = {"libc6", "mse-no-such-package", "mse-nor-this", NULL};
	const struct image_spec spec = {"mse-x:1", "", packages, ""};
	struct err err = ERR_INIT;

	(void)state;
	assert_fails(image_is_buildable(&spec, &err), &err, ERR_NOT_FOUND,
		     "image 'mse-x:1': not installed: try 'apt-get install mse-no-such-package mse-nor-this'");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_bill_alone_is_the_same),        cmocka_unit_test(the_bill_is_minimal_and_whole),
	    cmocka_unit_test(the_root_is_what_the_bill_says),  cmocka_unit_test(a_changed_root_is_not_copied),
	    cmocka_unit_test(python_runs_with_the_root_alone), cmocka_unit_test(the_fastapi_image_imports_fastapi),
	    cmocka_unit_test(what_cannot_be_built_is_named),   cmocka_unit_test(missing_packages_are_named),
	};

	return cmocka_run_group_tests(tests, build, temp_dir_drop);
}
