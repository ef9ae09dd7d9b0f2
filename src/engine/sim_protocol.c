/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/sim_protocol.h"

#include <stdio.h>
#include <string.h>

#include "format/json.h"

#define EXIT_STATUS_MAX 255
#define SECONDS_MAX INT64_C(253402300799) /* the end of year 9999 */
#define ALLOWED_TEXT_MAX 18               /* "255.255.255.255/32" */

#define X(name, text) text,
static const char *const op_texts[] = {SIM_OPS(X)};
static const char *const code_texts[] = {ERR_CODES(X)};
#undef X

static const char *const egress_texts[] = {[ENGINE_EGRESS_NONE] = "none", [ENGINE_EGRESS_INTERNET] = "internet"};

/* Takes over value, which may be NULL for out of memory (or, from jansson, for text that is not UTF-8). */
static int own(json_t *value, json_t **ret, struct err *err)
{
	if (!value)
		return err_set(err, ERR_INVALID, "a text is not UTF-8, or out of memory");
	*ret = value;
	return 0;
}

static int find_text(const char *const *texts, size_t count, const char *text, const char *what, size_t *ret,
		     struct err *err)
{
	for (size_t i = 0; i < count; i++) {
		if (strcmp(texts[i], text) == 0) {
			*ret = i;
			return 0;
		}
	}
	return err_set(err, ERR_INVALID, "'%.32s' is no %s", text, what);
}

int sim_request_simple(enum sim_op op, const char *uuid, int grace_ms, json_t **ret, struct err *err)
{
	json_t *object = json_pack("{s:s}", "op", op_texts[op]);

	if (object && uuid && json_object_set_new(object, "uuid", json_string(uuid)) < 0) {
		json_decref(object);
		object = NULL;
	}
	if (object && op == SIM_OP_STOP && json_object_set_new(object, "grace_ms", json_integer(grace_ms)) < 0) {
		json_decref(object);
		object = NULL;
	}
	return own(object, ret, err);
}

static json_t *allowed_array(const struct engine_launch *launch)
{
	json_t *array = json_array();

	for (size_t i = 0; array && i < launch->allowed_count; i++) {
		if (json_array_append_new(array, json_string(launch->allowed[i])) < 0) {
			json_decref(array);
			return NULL;
		}
	}
	return array;
}

int sim_request_launch(const struct engine_launch *launch, json_t **ret, struct err *err)
{
	json_t *allowed = allowed_array(launch);

	if (!allowed)
		return own(NULL, ret, err);
	return own(json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:I,s:i,s:s,s:o}", "op", op_texts[SIM_OP_LAUNCH],
			     "uuid", launch->uuid, "manifest", launch->manifest_path, "image", launch->image_dir,
			     "code", launch->code_dir, "instance", launch->instance_dir, "state", launch->state_dir,
			     "run", launch->run_dir, "log", launch->log_path, "memory_mb",
			     (json_int_t)launch->memory_mb, "cores", (int)launch->cores, "egress",
			     egress_texts[launch->egress], "allowed", allowed),
		   ret, err);
}

static int get_path(const json_t *object, const char *name, const char **ret, struct err *err)
{
	if (json_get_text(object, name, SIM_PATH_MAX, ret, err) < 0)
		return -1;
	if ((*ret)[0] != '/')
		return err_set(err, ERR_INVALID, "'%s': '%.64s' is no absolute path", name, *ret);
	return 0;
}

static int get_paths(const json_t *object, struct engine_launch *ret, struct err *err)
{
	if (get_path(object, "manifest", &ret->manifest_path, err) < 0 ||
	    get_path(object, "image", &ret->image_dir, err) < 0 || get_path(object, "code", &ret->code_dir, err) < 0 ||
	    get_path(object, "instance", &ret->instance_dir, err) < 0 ||
	    get_path(object, "state", &ret->state_dir, err) < 0 || get_path(object, "run", &ret->run_dir, err) < 0)
		return -1;
	return get_path(object, "log", &ret->log_path, err);
}

static int get_allowed(const json_t *object, struct sim_request *ret, struct err *err)
{
	json_t *array;

	if (json_get_array(object, "allowed", ENGINE_ALLOWED_MAX, &array, err) < 0)
		return -1;
	ret->launch.allowed = ret->allowed;
	ret->launch.allowed_count = json_array_size(array);
	for (size_t i = 0; i < ret->launch.allowed_count; i++) {
		const json_t *item = json_array_get(array, i);

		if (!json_is_string(item) || json_string_length(item) > ALLOWED_TEXT_MAX)
			return err_set(err, ERR_INVALID, "'allowed' %zu: no IPv4 address or ADDRESS/BITS", i);
		ret->allowed[i] = json_string_value(item);
	}
	return 0;
}

static int parse_launch(const json_t *object, struct sim_request *ret, struct err *err)
{
	const char *egress;
	int64_t memory, cores;
	size_t at = 0;

	if (get_paths(object, &ret->launch, err) < 0 ||
	    json_get_int(object, "memory_mb", ENGINE_MEMORY_MB_MIN, ENGINE_MEMORY_MB_MAX, &memory, err) < 0 ||
	    json_get_int(object, "cores", 1, ENGINE_CORES_MAX, &cores, err) < 0 ||
	    json_get_text(object, "egress", sizeof("internet"), &egress, err) < 0 ||
	    find_text(egress_texts, COUNT_OF(egress_texts), egress, "egress mode", &at, err) < 0)
		return -1;
	ret->launch.uuid = ret->uuid;
	ret->launch.memory_mb = (uint64_t)memory;
	ret->launch.cores = (unsigned)cores;
	ret->launch.egress = (enum engine_egress)at;
	return get_allowed(object, ret, err);
}

static int parse_uuid(const json_t *object, struct sim_request *ret, struct err *err)
{
	if (json_get_text(object, "uuid", ENGINE_UUID_SIZE - 1, &ret->uuid, err) < 0)
		return -1;
	if (!engine_uuid_is_valid(ret->uuid))
		return err_set(err, ERR_INVALID, "'uuid': '%.40s' is no uuid in lower case", ret->uuid);
	return 0;
}

static int parse_stop(const json_t *object, struct sim_request *ret, struct err *err)
{
	int64_t grace_ms;

	if (json_get_int(object, "grace_ms", 0, SIM_GRACE_MS_MAX, &grace_ms, err) < 0)
		return -1;
	ret->grace_ms = (int)grace_ms;
	return 0;
}

int sim_request_parse(const json_t *object, struct sim_request *ret, struct err *err)
{
	const char *op;
	size_t at = 0;

	*ret = (struct sim_request){.op = SIM_OP_PING};
	if (json_get_text(object, "op", sizeof("shutdown"), &op, err) < 0 ||
	    find_text(op_texts, COUNT_OF(op_texts), op, "operation of mse-sim", &at, err) < 0)
		return -1;
	ret->op = (enum sim_op)at;
	switch (ret->op) {
	case SIM_OP_LAUNCH:
		if (parse_uuid(object, ret, err) < 0)
			return -1;
		return parse_launch(object, ret, err);
	case SIM_OP_STOP:
		if (parse_uuid(object, ret, err) < 0)
			return -1;
		return parse_stop(object, ret, err);
	case SIM_OP_INSPECT:
	case SIM_OP_USAGE:
		return parse_uuid(object, ret, err);
	case SIM_OP_PING:
	case SIM_OP_LIST:
	case SIM_OP_SHUTDOWN:
		break;
	}
	return 0;
}

int sim_status_format(const struct engine_status *status, json_t **ret, struct err *err)
{
	return own(json_pack("{s:s,s:s,s:b,s:i,s:I,s:I,s:i,s:I,s:s,s:s,s:s}", "uuid", status->uuid, "state",
			     engine_state_text(status->state), "stopped", status->stopped, "exit_status",
			     status->exit_status, "started_at", (json_int_t)status->started_at, "exited_at",
			     (json_int_t)status->exited_at, "cores", (int)status->core_count, "memory_mb",
			     (json_int_t)status->memory_mb, "measurement", status->measurement, "reason",
			     status->reason, "limits", status->limits),
		   ret, err);
}

static int copy_text(const json_t *object, const char *name, size_t size, char *ret, struct err *err)
{
	const char *text;

	if (json_get_text(object, name, size - 1, &text, err) < 0)
		return -1;
	(void)snprintf(ret, size, "%s", text);
	return 0;
}

static int parse_status_texts(const json_t *object, struct engine_status *status, struct err *err)
{
	const char *state;

	if (copy_text(object, "uuid", sizeof(status->uuid), status->uuid, err) < 0 ||
	    copy_text(object, "measurement", sizeof(status->measurement), status->measurement, err) < 0 ||
	    copy_text(object, "reason", sizeof(status->reason), status->reason, err) < 0 ||
	    copy_text(object, "limits", sizeof(status->limits), status->limits, err) < 0 ||
	    json_get_text(object, "state", sizeof("starting"), &state, err) < 0)
		return -1;
	if (!engine_uuid_is_valid(status->uuid))
		return err_set(err, ERR_INVALID, "'uuid': '%s' is no uuid in lower case", status->uuid);
	return engine_state_parse(state, &status->state, err);
}

int sim_status_parse(const json_t *object, struct engine_status *ret, struct err *err)
{
	struct engine_status status = {.state = ENGINE_EXITED};
	int64_t exit_status, cores, memory;

	if (parse_status_texts(object, &status, err) < 0 ||
	    json_get_bool(object, "stopped", &status.stopped, err) < 0 ||
	    json_get_int(object, "exit_status", -1, EXIT_STATUS_MAX, &exit_status, err) < 0 ||
	    json_get_int(object, "started_at", 0, SECONDS_MAX, &status.started_at, err) < 0 ||
	    json_get_int(object, "exited_at", 0, SECONDS_MAX, &status.exited_at, err) < 0 ||
	    json_get_int(object, "cores", 0, ENGINE_CORES_MAX, &cores, err) < 0 ||
	    json_get_int(object, "memory_mb", 0, ENGINE_MEMORY_MB_MAX, &memory, err) < 0)
		return -1;
	status.exit_status = (int)exit_status;
	status.core_count = (unsigned)cores;
	status.memory_mb = (uint64_t)memory;
	*ret = status;
	return 0;
}

int sim_usage_format(const struct engine_usage *usage, json_t **ret, struct err *err)
{
	return own(json_pack("{s:I,s:I,s:I,s:I,s:I,s:I}", "sampled_at_ns", (json_int_t)usage->sampled_at_ns, "cpu_ns",
			     (json_int_t)usage->cpu_ns, "cpu_millipercent", (json_int_t)(usage->cpu_percent * 1000.0),
			     "memory", (json_int_t)usage->memory_bytes, "memory_max",
			     (json_int_t)usage->memory_max_bytes, "disk", (json_int_t)usage->disk_bytes),
		   ret, err);
}

static int get_count(const json_t *object, const char *name, uint64_t *ret, struct err *err)
{
	int64_t value;

	if (json_get_int(object, name, 0, INT64_MAX, &value, err) < 0)
		return -1;
	*ret = (uint64_t)value;
	return 0;
}

int sim_usage_parse(const json_t *object, struct engine_usage *ret, struct err *err)
{
	struct engine_usage usage = {.cpu_ns = 0};
	uint64_t millipercent;

	if (json_get_int(object, "sampled_at_ns", 0, INT64_MAX, &usage.sampled_at_ns, err) < 0 ||
	    get_count(object, "cpu_ns", &usage.cpu_ns, err) < 0 ||
	    get_count(object, "cpu_millipercent", &millipercent, err) < 0 ||
	    get_count(object, "memory", &usage.memory_bytes, err) < 0 ||
	    get_count(object, "memory_max", &usage.memory_max_bytes, err) < 0 ||
	    get_count(object, "disk", &usage.disk_bytes, err) < 0)
		return -1;
	usage.cpu_percent = (double)millipercent / 1000.0;
	*ret = usage;
	return 0;
}

int sim_reply_ok(const char *name, json_t *value, json_t **ret, struct err *err)
{
	if (!name)
		return own(json_pack("{s:b}", "ok", 1), ret, err);
	return own(json_pack("{s:b,s:o}", "ok", 1, name, value), ret, err);
}

int sim_reply_error(const struct err *what, json_t **ret, struct err *err)
{
	return own(json_pack("{s:b,s:s,s:s}", "ok", 0, "error", err_code_text(what->code), "message", what->text), ret,
		   err);
}

int sim_reply_check(const json_t *reply, struct err *err)
{
	const char *code, *message;
	size_t at = 0;
	bool ok;

	if (json_get_bool(reply, "ok", &ok, err) < 0)
		return -1;
	if (ok)
		return 0;
	if (json_get_text(reply, "error", 32, &code, err) < 0 ||
	    json_get_text(reply, "message", ERR_TEXT_SIZE, &message, err) < 0 ||
	    find_text(code_texts, COUNT_OF(code_texts), code, "error code", &at, err) < 0)
		return -1;
	return err_set(err, (enum err_code)at, "%s", message);
}
