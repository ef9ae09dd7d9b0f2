/* SPDX-License-Identifier: Apache-2.0 */
/* A directory of its own for each test that wants one: setup and teardown for cmocka. *state is its path. */
#ifndef MSE_TEST_TEMP_DIR_H
#define MSE_TEST_TEMP_DIR_H

#include "base/fs.h"
#include "unit.h"

static inline int temp_dir_make(void **state)
{
	struct err err = ERR_INIT;
	char *dir;

	if (fs_make_temp_dir("/tmp", "mse-test-", &dir, &err) < 0)
		return -1;
	*state = dir;
	return 0;
}

static inline int temp_dir_drop(void **state)
{
	struct err err = ERR_INIT;
	const int status = fs_remove_tree(*state, &err);

	free(*state);
	return status;
}

/* DIR/NAME; the caller frees. */
static inline char *temp_dir_path(void **state, const char *name)
{
	struct err err = ERR_INIT;
	char *path;

	assert_ok(fs_join(*state, name, &path, &err), &err);
	return path;
}

#endif
