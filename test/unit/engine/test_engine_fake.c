/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <string.h>

#include "engine/engine_fake.h"

#define UUID_A "00000000-0000-4000-8000-00000000000a"
#define UUID_B "00000000-0000-4000-8000-00000000000b"

static const struct engine_launch launch_a = {.uuid = UUID_A, .memory_mb = 64, .cores = 1};
static const struct engine_launch launch_b = {.uuid = UUID_B, .memory_mb = 64, .cores = 2};

static struct engine *new_fake(void)
{
	struct engine *engine = NULL;
	struct err err = ERR_INIT;

	assert_ok(engine_fake_new(&engine, &err), &err);
	return engine;
}

static void start_and_stop_are_idempotent(void **state)
{
	(void)state;
	struct err err = ERR_INIT;
	struct engine_status status;
	scoped(engine_freep) struct engine *engine = new_fake();

	assert_int_equal(engine_inspect(engine, UUID_A, &status, &err), 0);
	assert_ok(engine_start(engine, &launch_a, &status, &err), &err);
	assert_ok(engine_start(engine, &launch_a, &status, &err), &err);
	assert_int_equal(engine_fake_count(engine, ENGINE_FAKE_START), 1);
	assert_int_equal(status.state, ENGINE_RUNNING);
	assert_ok(engine_stop(engine, UUID_A, 0, &err), &err);
	assert_ok(engine_stop(engine, UUID_A, 0, &err), &err);
	assert_ok(engine_stop(engine, UUID_B, 0, &err), &err);
	assert_int_equal(engine_inspect(engine, UUID_A, &status, &err), 1);
	assert_int_equal(status.state, ENGINE_EXITED);
	assert_true(status.stopped);
}

static void list_is_in_the_order_of_uuids(void **state)
{
	(void)state;
	struct err err = ERR_INIT;
	struct engine_status status;
	scoped(freep) struct engine_status *all = NULL;
	size_t count = 0;
	scoped(engine_freep) struct engine *engine = new_fake();

	assert_ok(engine_start(engine, &launch_b, &status, &err), &err);
	assert_ok(engine_start(engine, &launch_a, &status, &err), &err);
	assert_ok(engine_list(engine, &all, &count, &err), &err);
	assert_int_equal(count, 2);
	assert_string_equal(all[0].uuid, UUID_A);
	assert_string_equal(all[1].uuid, UUID_B);
	assert_int_equal(all[1].core_count, 2);
}

static void a_failing_call_changes_nothing_and_a_lost_answer_does(void **state)
{
	(void)state;
	struct err err = ERR_INIT;
	struct engine_status status;
	scoped(engine_freep) struct engine *engine = new_fake();

	engine_fake_fail(engine, ENGINE_FAKE_START, 1, ERR_UNTRUSTED, "file 'x' differs");
	assert_fails(engine_start(engine, &launch_a, &status, &err), &err, ERR_UNTRUSTED, "file 'x' differs");
	assert_int_equal(engine_inspect(engine, UUID_A, &status, &err), 0);
	engine_fake_lose_answer(engine, ENGINE_FAKE_START, 1);
	assert_fails(engine_start(engine, &launch_a, &status, &err), &err, ERR_UNAVAILABLE, "lost");
	assert_int_equal(engine_inspect(engine, UUID_A, &status, &err), 1);
	assert_int_equal(status.state, ENGINE_RUNNING);
}

static void an_exit_keeps_its_reason(void **state)
{
	(void)state;
	struct err err = ERR_INIT;
	struct engine_status status;
	struct engine_usage usage;
	scoped(buf_done) struct buf log = BUF_INIT(16);
	scoped(engine_freep) struct engine *engine = new_fake();

	assert_ok(engine_start(engine, &launch_a, &status, &err), &err);
	assert_ok(engine_fake_set_log(engine, UUID_A, "one\ntwo\n", &err), &err);
	assert_ok(engine_fake_exit(engine, UUID_A, 137, "memory limit", &err), &err);
	assert_int_equal(engine_inspect(engine, UUID_A, &status, &err), 1);
	assert_int_equal(status.exit_status, 137);
	assert_false(status.stopped);
	assert_string_equal(status.reason, "memory limit");
	assert_fails(engine_usage(engine, UUID_A, &usage, &err), &err, ERR_NOT_FOUND, "does not run");
	assert_ok(engine_logs(engine, UUID_A, 4, &log, &err), &err);
	assert_string_equal(buf_text(&log), "two\n");
}

static void limits_are_checked_before_the_driver_sees_them(void **state)
{
	(void)state;
	struct err err = ERR_INIT;
	struct engine_status status;
	struct engine_launch launch = launch_a;
	scoped(engine_freep) struct engine *engine = new_fake();

	launch.memory_mb = ENGINE_MEMORY_MB_MIN - 1;
	assert_fails(engine_start(engine, &launch, &status, &err), &err, ERR_INVALID, "15 MB");
	launch.memory_mb = ENGINE_MEMORY_MB_MIN;
	launch.cores = ENGINE_CORES_MAX + 1;
	assert_fails(engine_start(engine, &launch, &status, &err), &err, ERR_INVALID, "cores");
	launch.cores = ENGINE_CORES_MAX;
	assert_ok(engine_start(engine, &launch, &status, &err), &err);
	launch.allowed_count = ENGINE_ALLOWED_MAX + 1;
	assert_fails(engine_start(engine, &launch, &status, &err), &err, ERR_LIMIT, "allowed addresses");
}

static void only_lower_case_uuids_pass(void **state)
{
	(void)state;
	assert_true(engine_uuid_is_valid(UUID_A));
	assert_false(engine_uuid_is_valid(""));
	assert_false(engine_uuid_is_valid("../../../../etc/passwd-0000-000000000"));
	assert_false(engine_uuid_is_valid("00000000-0000-4000-8000-00000000000A"));
	assert_false(engine_uuid_is_valid(UUID_A "0"));
	assert_false(engine_uuid_is_valid("00000000-0000-4000-8000-00000000000"));
}

static void state_texts_round_trip(void **state)
{
	(void)state;
	struct err err = ERR_INIT;
	enum engine_state parsed;

	for (int i = ENGINE_STARTING; i <= ENGINE_EXITED; i++) {
		assert_ok(engine_state_parse(engine_state_text((enum engine_state)i), &parsed, &err), &err);
		assert_int_equal(parsed, i);
	}
	assert_fails(engine_state_parse("gone", &parsed, &err), &err, ERR_INVALID, "gone");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(start_and_stop_are_idempotent),
	    cmocka_unit_test(list_is_in_the_order_of_uuids),
	    cmocka_unit_test(a_failing_call_changes_nothing_and_a_lost_answer_does),
	    cmocka_unit_test(an_exit_keeps_its_reason),
	    cmocka_unit_test(limits_are_checked_before_the_driver_sees_them),
	    cmocka_unit_test(only_lower_case_uuids_pass),
	    cmocka_unit_test(state_texts_round_trip),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
