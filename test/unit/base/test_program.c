/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <string.h>

#include "base/fs.h"
#include "base/program.h"

static void test_own_path(void **state)
{
	scoped(freep) char *path = NULL;
	struct err err = ERR_INIT;

	(void)state;
	assert_ok(program_own_path(&path, &err), &err);
	assert_int_equal(path[0], '/');
	assert_true(fs_exists(path));
}

static void test_finds_what_lies_beside(void **state)
{
	scoped(freep) char *own = NULL;
	scoped(freep) char *found = NULL;
	struct err err = ERR_INIT;

	(void)state;
	assert_ok(program_own_path(&own, &err), &err);
	assert_ok(program_find(strrchr(own, '/') + 1, &found, &err), &err);
	assert_string_equal(found, own);
}

static void test_missing_is_named(void **state)
{
	scoped(freep) char *found = NULL;
	struct err err = ERR_INIT;

	(void)state;
	assert_fails(program_find("no-such-program", &found, &err), &err, ERR_NOT_FOUND, "'no-such-program' beside '/");
	assert_null(found);
}

/* A folder of that name is no program. */
static void test_folder_is_no_program(void **state)
{
	scoped(freep) char *found = NULL;
	struct err err = ERR_INIT;

	(void)state;
	assert_fails(program_find(".", &found, &err), &err, ERR_NOT_FOUND, "'.'");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_own_path),
	    cmocka_unit_test(test_finds_what_lies_beside),
	    cmocka_unit_test(test_missing_is_named),
	    cmocka_unit_test(test_folder_is_no_program),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
