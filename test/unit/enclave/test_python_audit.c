/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "enclave/python_audit.h"

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
	assert_false(python_audit_refuses(&settings, "/proc/meminfo"));
	assert_false(python_audit_refuses(&settings, "/proc/cpuinfo"));
	assert_false(python_audit_refuses(&settings, "/dev/urandom"));
	assert_false(python_audit_refuses(&settings, "/tmp/file"));
	assert_false(python_audit_refuses(&settings, ""));
}

static void relative_names_behind_a_descriptor(void **state)
{
	(void)state;
	assert_true(python_audit_refuses(&settings, "sealed.bin"));
	assert_true(python_audit_refuses(&settings, "state/sealed.bin"));
	assert_true(python_audit_refuses(&settings, "attestation/quote"));
	assert_true(python_audit_refuses(&settings, "dev/attestation/quote"));
	assert_true(python_audit_refuses(&settings, "proc/self/mem"));
	assert_true(python_audit_refuses(&settings, "mem"));
	assert_false(python_audit_refuses(&settings, "memory.txt"));
	assert_false(python_audit_refuses(&settings, "data/app.json"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(the_runtimes_own_files, setup, teardown),
	    cmocka_unit_test_setup_teardown(links_are_followed, setup, teardown),
	    cmocka_unit_test_setup_teardown(devices_and_processes, setup, teardown),
	    cmocka_unit_test_setup_teardown(relative_names_behind_a_descriptor, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
