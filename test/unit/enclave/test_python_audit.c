/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "enclave/python/protected_path.h"
#include "enclave/python/python_audit.h"

static char *dir;
static char state_path[200];
static char listen_path[] = "/run/mse/app.sock";
static char instance_path[] = "/instance";
static char code_path[] = "/code";
static struct settings settings = {
    .state_path = state_path,
    .instance_path = instance_path,
    .code_path = code_path,
    .listen_path = listen_path,
};

static int setup(void **state)
{
	struct err err = ERR_INIT;

	(void)state;
	assert_ok(fs_make_temp_dir("/tmp", "mse-test-audit-", &dir, &err), &err);
	(void)snprintf(state_path, sizeof(state_path), "%s/state", dir);
	assert_ok(fs_make_dirs(state_path, 0700, &err), &err);
	return 0;
}

static int teardown(void **state)
{
	struct err err = ERR_INIT;

	(void)state;
	assert_ok(fs_remove_tree(dir, &err), &err);
	free(dir);
	return 0;
}

static bool refuses_in_dir(const char *rest)
{
	char path[300];

	(void)snprintf(path, sizeof(path), "%s%s", dir, rest);
	return python_audit_refuses(&settings, path);
}

static void the_runtimes_own_files(void **state)
{
	(void)state;
	assert_true(refuses_in_dir("/state"));
	assert_true(refuses_in_dir("/state/"));
	assert_true(refuses_in_dir("/state/sealed.bin"));
	assert_true(refuses_in_dir("/state/not/there"));
	assert_true(refuses_in_dir("/./state/x"));
	assert_false(refuses_in_dir("/statement"));
	assert_false(refuses_in_dir("/other"));
	assert_true(python_audit_refuses(&settings, "/run/mse/app.sock"));
	assert_true(python_audit_refuses(&settings, "/instance/instance.json"));
	assert_true(python_audit_refuses(&settings, "/code/app.py.enc"));
	assert_false(python_audit_refuses(&settings, "/codes"));
}

static void links_are_followed(void **state)
{
	char link[300];

	(void)state;
	(void)snprintf(link, sizeof(link), "%s/link", dir);
	assert_int_equal(symlink(state_path, link), 0);
	assert_true(refuses_in_dir("/link/sealed.bin"));
	assert_true(refuses_in_dir("/link/new"));
}

static void devices_and_processes(void **state)
{
	(void)state;
	assert_true(python_audit_refuses(&settings, "/dev/attestation"));
	assert_true(python_audit_refuses(&settings, "/dev/attestation/quote"));
	assert_true(python_audit_refuses(&settings, "/dev/attestation/keys/_sgx_mrenclave"));
	assert_true(python_audit_refuses(&settings, "/sys/kernel/config/tsm/report"));
	assert_true(python_audit_refuses(&settings, "/proc/self/mem"));
	assert_true(python_audit_refuses(&settings, "/proc/1/mem"));
	assert_true(python_audit_refuses(&settings, "/proc/thread-self/maps"));
	assert_true(python_audit_refuses(&settings, "/proc/self"));
	assert_true(python_audit_refuses(&settings, "/proc/self/fd/3"));
	assert_true(python_audit_refuses(&settings, "/dev/fd/3"));
	assert_false(python_audit_refuses(&settings, "/proc/self/status"));
	assert_true(python_audit_refuses(&settings, "/proc/self/stat"));
	assert_false(python_audit_refuses(&settings, "/proc/meminfo"));
	assert_false(python_audit_refuses(&settings, "/proc/cpuinfo"));
	assert_false(python_audit_refuses(&settings, "/dev/urandom"));
	assert_false(python_audit_refuses(&settings, "/tmp/file"));
	assert_false(python_audit_refuses(&settings, ""));
}

static void names_that_only_look_like_it(void **state)
{
	static const char *const innocent[] = {
	    "sealed.bin", "attestation/quote", "data/attestation/x", "proc/self/mem",
	    "mem",        "dev/attestation/q", "memory.txt",         "data/app.json"};
	char home[200];

	(void)state;
	(void)snprintf(home, sizeof(home), "%s/home", dir);
	assert_int_equal(mkdir(home, 0700), 0);
	assert_int_equal(chdir(home), 0);
	for (size_t i = 0; i < COUNT_OF(innocent); i++)
		assert_false(python_audit_refuses(&settings, innocent[i]));
	assert_true(python_audit_refuses(&settings, "../state/sealed.bin"));
	assert_int_equal(chdir(dir), 0);
	assert_true(python_audit_refuses(&settings, "state/new"));
	assert_int_equal(chdir("/"), 0);
	assert_true(python_audit_refuses(&settings, "proc/self/mem"));
}

static void relative_to_a_directory(void **state)
{
	const int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	(void)state;
	assert_true(protected_path_refuses(&settings, fd, "state/sealed.bin", false));
	assert_false(protected_path_refuses(&settings, fd, "./x/../state", false)); /* x is not there */
	assert_false(protected_path_refuses(&settings, PROTECTED_PATH_HERE, "state/sealed.bin", false));
	assert_true(protected_path_refuses_anywhere(&settings, "state/sealed.bin"));
	assert_false(protected_path_refuses(&settings, fd, "other", false));
	assert_int_equal(close(fd), 0);
}

static void parents_are_not_moved(void **state)
{
	char parent[200];

	(void)state;
	assert_true(protected_path_refuses(&settings, PROTECTED_PATH_HERE, dir, true));
	assert_false(protected_path_refuses(&settings, PROTECTED_PATH_HERE, dir, false));
	assert_true(protected_path_refuses(&settings, PROTECTED_PATH_HERE, "/run", true));
	(void)snprintf(parent, sizeof(parent), "%s/other", dir);
	assert_false(protected_path_refuses(&settings, PROTECTED_PATH_HERE, parent, true));
}

static void links_to_what_is_not_there_yet(void **state)
{
	char from[3][300], to[300];

	(void)state;
	for (int i = 0; i < 3; i++)
		(void)snprintf(from[i], sizeof(from[i]), "%s/link%d", dir, i);
	(void)snprintf(to, sizeof(to), "%s/new", state_path);
	assert_int_equal(symlink(to, from[0]), 0);
	assert_int_equal(symlink("link0", from[1]), 0);
	assert_int_equal(symlink("link2", from[2]), 0);
	assert_true(refuses_in_dir("/link0"));
	assert_true(refuses_in_dir("/link1"));
	assert_false(refuses_in_dir("/link2"));
	(void)snprintf(to, sizeof(to), "%s/way", dir);
	assert_int_equal(symlink(state_path, to), 0);
	assert_true(refuses_in_dir("/way/new/"));
	assert_true(refuses_in_dir("/way/new///"));
}

/* Names that the system would follow and realpath cannot. */
static void what_cannot_be_known_is_refused(void **state)
{
	char name[NAME_MAX + 1];
	char gone[200];

	(void)state;
	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = 0;
	assert_int_equal(chdir(dir), 0);
	for (size_t size = 0; size < PATH_MAX; size += sizeof(name)) {
		assert_int_equal(mkdir(name, 0700), 0);
		assert_int_equal(chdir(name), 0);
	}
	assert_int_equal(symlink(state_path, "way"), 0);
	assert_int_equal(access("way", X_OK), 0);
	assert_true(python_audit_refuses(&settings, "way/sealed.bin"));
	assert_int_equal(unlink("way"), 0);
	for (size_t size = 0; size < PATH_MAX; size += sizeof(name)) {
		assert_int_equal(chdir(".."), 0);
		assert_int_equal(rmdir(name), 0);
	}
	(void)snprintf(gone, sizeof(gone), "%s/gone", dir);
	assert_int_equal(mkdir(gone, 0700), 0);
	assert_int_equal(chdir(gone), 0);
	assert_int_equal(rmdir(gone), 0);
	assert_true(python_audit_refuses(&settings, "../state/sealed.bin"));
	assert_false(python_audit_refuses(&settings, "new"));
	assert_int_equal(chdir("/"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(the_runtimes_own_files, setup, teardown),
	    cmocka_unit_test_setup_teardown(links_are_followed, setup, teardown),
	    cmocka_unit_test_setup_teardown(devices_and_processes, setup, teardown),
	    cmocka_unit_test_setup_teardown(names_that_only_look_like_it, setup, teardown),
	    cmocka_unit_test_setup_teardown(relative_to_a_directory, setup, teardown),
	    cmocka_unit_test_setup_teardown(parents_are_not_moved, setup, teardown),
	    cmocka_unit_test_setup_teardown(links_to_what_is_not_there_yet, setup, teardown),
	    cmocka_unit_test_setup_teardown(what_cannot_be_known_is_refused, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
