/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <string.h>

#include "engine/sim_protocol.h"
#include "format/json.h"

#define UUID "00000000-0000-4000-8000-00000000000a"

static const char *const allowed[] = {"10.0.0.0/8", "192.0.2.1"};
static const struct engine_launch launch = {.uuid = UUID,
					    .manifest_path = "/d/manifest.toml",
					    .image_dir = "/d/image",
					    .code_dir = "/d/code",
					    .instance_dir = "/d/instance",
					    .state_dir = "/d/state",
					    .run_dir = "/d/run",
					    .log_path = "/d/log",
					    .memory_mb = ENGINE_MEMORY_MB_MAX,
					    .cores = ENGINE_CORES_MAX,
					    .egress = ENGINE_EGRESS_INTERNET,
					    .allowed = allowed,
					    .allowed_count = 2};

static void a_launch_comes_back_as_it_was(void **state)
{
	(void)state;
	struct err err = ERR_INIT;
	struct sim_request parsed;
	scoped(json_decrefp) json_t *object = NULL;

	assert_ok(sim_request_launch(&launch, &object, &err), &err);
	assert_ok(sim_request_parse(object, &parsed, &err), &err);
	assert_int_equal(parsed.op, SIM_OP_LAUNCH);
	assert_string_equal(parsed.launch.uuid, UUID);
	assert_string_equal(parsed.launch.manifest_path, launch.manifest_path);
	assert_string_equal(parsed.launch.image_dir, launch.image_dir);
	assert_string_equal(parsed.launch.code_dir, launch.code_dir);
	assert_string_equal(parsed.launch.instance_dir, launch.instance_dir);
	assert_string_equal(parsed.launch.state_dir, launch.state_dir);
	assert_string_equal(parsed.launch.run_dir, launch.run_dir);
	assert_string_equal(parsed.launch.log_path, launch.log_path);
	assert_int_equal(parsed.launch.memory_mb, launch.memory_mb);
	assert_int_equal(parsed.launch.cores, launch.cores);
	assert_int_equal(parsed.launch.egress, launch.egress);
	assert_int_equal(parsed.launch.allowed_count, 2);
	assert_string_equal(parsed.launch.allowed[1], "192.0.2.1");
}

/* The launch above with one member set otherwise. */
static void refuse(const char *name, json_t *value, const char *message)
{
	struct err err = ERR_INIT;
	struct sim_request parsed;
	scoped(json_decrefp) json_t *object = NULL;

	assert_ok(sim_request_launch(&launch, &object, &err), &err);
	assert_int_equal(json_object_set_new(object, name, value), 0);
	assert_fails(sim_request_parse(object, &parsed, &err), &err, ERR_INVALID, message);
}

static void what_a_launch_must_not_say(void **state)
{
	(void)state;
	char long_path[SIM_PATH_MAX + 2];

	memset(long_path, '/', sizeof(long_path));
	long_path[SIM_PATH_MAX + 1] = '\0';
	refuse("uuid", json_string("../../../etc"), "uuid");
	refuse("manifest", json_string("relative"), "absolute");
	refuse("log", json_string(long_path), "log");
	refuse("memory_mb", json_integer(ENGINE_MEMORY_MB_MIN - 1), "memory_mb");
	refuse("memory_mb", json_integer((json_int_t)ENGINE_MEMORY_MB_MAX + 1), "memory_mb");
	refuse("cores", json_integer(0), "cores");
	refuse("cores", json_integer(ENGINE_CORES_MAX + 1), "cores");
	refuse("egress", json_string("all"), "egress mode");
	refuse("allowed", json_pack("[i]", 1), "allowed");
	refuse("op", json_string("fly"), "operation");
}

static json_t *many(size_t count)
{
	json_t *array = json_array();

	for (size_t i = 0; i < count; i++)
		assert_int_equal(json_array_append_new(array, json_string("10.0.0.1")), 0);
	return array;
}

static void allowed_addresses_have_a_maximum(void **state)
{
	(void)state;
	struct err err = ERR_INIT;
	struct sim_request parsed;
	scoped(json_decrefp) json_t *object = NULL;

	assert_ok(sim_request_launch(&launch, &object, &err), &err);
	assert_int_equal(json_object_set_new(object, "allowed", many(ENGINE_ALLOWED_MAX)), 0);
	assert_ok(sim_request_parse(object, &parsed, &err), &err);
	assert_int_equal(parsed.launch.allowed_count, ENGINE_ALLOWED_MAX);
	assert_int_equal(json_object_set_new(object, "allowed", many(ENGINE_ALLOWED_MAX + 1)), 0);
	assert_fails(sim_request_parse(object, &parsed, &err), &err, ERR_INVALID, "allowed");
}

static void simple_requests_come_back(void **state)
{
	(void)state;
	static const enum sim_op ops[] = {SIM_OP_PING, SIM_OP_STOP,  SIM_OP_INSPECT,
					  SIM_OP_LIST, SIM_OP_USAGE, SIM_OP_SHUTDOWN};
	struct err err = ERR_INIT;

	for (size_t i = 0; i < COUNT_OF(ops); i++) {
		scoped(json_decrefp) json_t *object = NULL;
		struct sim_request parsed;

		assert_ok(sim_request_simple(ops[i], UUID, SIM_GRACE_MS_MAX, &object, &err), &err);
		assert_ok(sim_request_parse(object, &parsed, &err), &err);
		assert_int_equal(parsed.op, ops[i]);
		if (ops[i] == SIM_OP_STOP)
			assert_int_equal(parsed.grace_ms, SIM_GRACE_MS_MAX);
	}
	scoped(json_decrefp) json_t *too_long = NULL;
	struct sim_request parsed;

	assert_ok(sim_request_simple(SIM_OP_STOP, UUID, SIM_GRACE_MS_MAX + 1, &too_long, &err), &err);
	assert_fails(sim_request_parse(too_long, &parsed, &err), &err, ERR_INVALID, "grace_ms");
}

static void a_status_comes_back_as_it_was(void **state)
{
	(void)state;
	struct err err = ERR_INIT;
	struct engine_status status = {.uuid = UUID,
				       .state = ENGINE_EXITED,
				       .stopped = true,
				       .exit_status = 143,
				       .started_at = 1700000000,
				       .exited_at = 1700000001,
				       .core_count = 2,
				       .memory_mb = 4096,
				       .measurement = "00ff",
				       .limits = "memory=cgroup1"};
	struct engine_status parsed;
	scoped(json_decrefp) json_t *object = NULL;

	memset(status.reason, 'r', sizeof(status.reason) - 1);
	assert_ok(sim_status_format(&status, &object, &err), &err);
	assert_ok(sim_status_parse(object, &parsed, &err), &err);
	assert_memory_equal(&parsed, &status, sizeof(status));
	assert_int_equal(json_object_set_new(object, "exit_status", json_integer(256)), 0);
	assert_fails(sim_status_parse(object, &parsed, &err), &err, ERR_INVALID, "exit_status");
}

static void a_usage_comes_back_to_a_thousandth_of_a_percent(void **state)
{
	(void)state;
	struct err err = ERR_INIT;
	const struct engine_usage usage = {.sampled_at_ns = 1,
					   .cpu_ns = 2,
					   .cpu_percent = 12.345,
					   .memory_bytes = 3,
					   .memory_max_bytes = 4,
					   .disk_bytes = 5};
	struct engine_usage parsed;
	scoped(json_decrefp) json_t *object = NULL;

	assert_ok(sim_usage_format(&usage, &object, &err), &err);
	assert_ok(sim_usage_parse(object, &parsed, &err), &err);
	assert_int_equal((int)(parsed.cpu_percent * 1000 + 0.5), 12345);
	assert_int_equal(parsed.cpu_ns, 2);
	assert_int_equal(parsed.memory_bytes, 3);
	assert_int_equal(parsed.memory_max_bytes, 4);
	assert_int_equal(parsed.disk_bytes, 5);
}

static void an_error_keeps_code_and_text(void **state)
{
	(void)state;
	struct err err = ERR_INIT, sent = ERR_INIT;
	scoped(json_decrefp) json_t *error = NULL;
	scoped(json_decrefp) json_t *ok = NULL;

	err_set(&sent, ERR_UNTRUSTED, "trusted file '%s'", "/x");
	assert_ok(sim_reply_error(&sent, &error, &err), &err);
	assert_fails(sim_reply_check(error, &err), &err, ERR_UNTRUSTED, "trusted file '/x'");
	assert_ok(sim_reply_ok("version", json_string("1"), &ok, &err), &err);
	assert_ok(sim_reply_check(ok, &err), &err);
	assert_int_equal(json_object_set_new(error, "error", json_string("strange")), 0);
	assert_fails(sim_reply_check(error, &err), &err, ERR_INVALID, "strange");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_launch_comes_back_as_it_was),
	    cmocka_unit_test(what_a_launch_must_not_say),
	    cmocka_unit_test(allowed_addresses_have_a_maximum),
	    cmocka_unit_test(simple_requests_come_back),
	    cmocka_unit_test(a_status_comes_back_as_it_was),
	    cmocka_unit_test(a_usage_comes_back_to_a_thousandth_of_a_percent),
	    cmocka_unit_test(an_error_keeps_code_and_text),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
