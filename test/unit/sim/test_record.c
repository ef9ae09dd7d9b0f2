/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "base/fs.h"
#include "sim/record.h"

#define UUID_A "00000000-0000-4000-8000-00000000000a"
#define UUID_B "00000000-0000-4000-8000-00000000000b"
#define NOW INT64_C(1700000000)
#define DAY INT64_C(86400)

static char *dir;

static int set_up(void **state)
{
	struct err err = ERR_INIT;

	(void)state;
	return fs_make_temp_dir("/tmp", "sim-unit-", &dir, &err);
}

static int tear_down(void **state)
{
	struct err err = ERR_INIT;

	(void)state;
	IGNORE_RESULT(fs_remove_tree(dir, &err));
	free(dir);
	return 0;
}

struct seen {
	size_t count;
	struct engine_status statuses[4];
};

static int visit(void *arg, const struct engine_status *status, struct err *err)
{
	struct seen *seen = arg;

	(void)err;
	seen->statuses[seen->count++] = *status;
	return 0;
}

static struct seen load(void)
{
	struct err err = ERR_INIT;
	struct seen seen = {.count = 0};

	assert_ok(record_load_all(dir, NOW, visit, &seen, &err), &err);
	return seen;
}

static void save(const char *uuid, enum engine_state state, int64_t exited_at)
{
	struct err err = ERR_INIT;
	struct engine_status status = {.state = state, .exit_status = -1, .exited_at = exited_at, .reason = "why"};

	memcpy(status.uuid, uuid, ENGINE_UUID_SIZE);
	assert_ok(record_save(dir, &status, &err), &err);
}

static void what_is_saved_is_loaded_in_order(void **state)
{
	(void)state;
	save(UUID_B, ENGINE_RUNNING, 0);
	save(UUID_A, ENGINE_EXITED, NOW);
	struct seen seen = load();

	assert_int_equal(seen.count, 2);
	assert_string_equal(seen.statuses[0].uuid, UUID_A);
	assert_string_equal(seen.statuses[0].reason, "why");
	assert_int_equal(seen.statuses[1].state, ENGINE_RUNNING);
	record_remove(dir, UUID_A);
	record_remove(dir, UUID_A);
	assert_int_equal(load().count, 1);
}

static void exits_are_forgotten_after_the_days_of_history(void **state)
{
	(void)state;
	save(UUID_A, ENGINE_EXITED, NOW - ENGINE_HISTORY_DAYS * DAY);
	assert_int_equal(load().count, 1);
	save(UUID_A, ENGINE_EXITED, NOW - ENGINE_HISTORY_DAYS * DAY - 1);
	assert_int_equal(load().count, 0);
	assert_int_equal(load().count, 0);
}

static void a_broken_record_is_removed(void **state)
{
	(void)state;
	struct err err = ERR_INIT;
	char path[256];

	save(UUID_A, ENGINE_EXITED, NOW);
	(void)snprintf(path, sizeof(path), "%s/" UUID_B ".json", dir);
	assert_ok(fs_write_new(path, "{\"uuid\"", 7, 0600, &err), &err);
	assert_int_equal(load().count, 1);
	assert_false(fs_exists(path));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(what_is_saved_is_loaded_in_order, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(exits_are_forgotten_after_the_days_of_history, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(a_broken_record_is_removed, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
