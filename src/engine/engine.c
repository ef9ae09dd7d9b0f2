/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/engine.h"

#include <string.h>

#define X(name, text) text,
static const char *const state_texts[] = {ENGINE_STATES(X)};
#undef X

const char *engine_state_text(enum engine_state state)
{
	return state_texts[state];
}

int engine_state_parse(const char *text, enum engine_state *ret, struct err *err)
{
	for (size_t i = 0; i < COUNT_OF(state_texts); i++) {
		if (strcmp(text, state_texts[i]) == 0) {
			*ret = (enum engine_state)i;
			return 0;
		}
	}
	return err_set(err, ERR_INVALID, "'%.32s' is no engine state", text);
}

bool engine_uuid_is_valid(const char *text)
{
	for (size_t i = 0; i < ENGINE_UUID_SIZE - 1; i++) {
		const bool dash = i == 8 || i == 13 || i == 18 || i == 23;

		if (text[i] == '\0' || (dash ? text[i] != '-' : !strchr("0123456789abcdef", text[i])))
			return false;
	}
	return text[ENGINE_UUID_SIZE - 1] == '\0';
}

static int check_uuid(const char *uuid, struct err *err)
{
	if (!engine_uuid_is_valid(uuid))
		return err_set(err, ERR_INVALID, "'%.64s' is no uuid in lower case", uuid);
	return 0;
}

static int check_launch(const struct engine_launch *launch, struct err *err)
{
	if (check_uuid(launch->uuid, err) < 0)
		return -1;
	if (launch->memory_mb < ENGINE_MEMORY_MB_MIN || launch->memory_mb > ENGINE_MEMORY_MB_MAX)
		return err_set(err, ERR_INVALID, "memory of %llu MB, wanted %d to %d",
			       (unsigned long long)launch->memory_mb, ENGINE_MEMORY_MB_MIN, ENGINE_MEMORY_MB_MAX);
	if (launch->cores < 1 || launch->cores > ENGINE_CORES_MAX)
		return err_set(err, ERR_INVALID, "%u cores, wanted 1 to %d", launch->cores, ENGINE_CORES_MAX);
	if (launch->allowed_count > ENGINE_ALLOWED_MAX)
		return err_set(err, ERR_LIMIT, "%zu allowed addresses, at most %d", launch->allowed_count,
			       ENGINE_ALLOWED_MAX);
	return 0;
}

int engine_start(struct engine *engine, const struct engine_launch *launch, struct engine_status *ret, struct err *err)
{
	if (check_launch(launch, err) < 0)
		return err_prefix(err, "launch");
	return engine->ops->start(engine, launch, ret, err);
}

int engine_stop(struct engine *engine, const char *uuid, int grace_ms, struct err *err)
{
	if (check_uuid(uuid, err) < 0)
		return -1;
	return engine->ops->stop(engine, uuid, grace_ms, err);
}

int engine_inspect(struct engine *engine, const char *uuid, struct engine_status *ret, struct err *err)
{
	if (check_uuid(uuid, err) < 0)
		return -1;
	return engine->ops->inspect(engine, uuid, ret, err);
}

int engine_list(struct engine *engine, struct engine_status **ret, size_t *ret_count, struct err *err)
{
	return engine->ops->list(engine, ret, ret_count, err);
}

int engine_logs(struct engine *engine, const char *uuid, size_t max, struct buf *ret, struct err *err)
{
	if (check_uuid(uuid, err) < 0)
		return -1;
	return engine->ops->logs(engine, uuid, max, ret, err);
}

int engine_usage(struct engine *engine, const char *uuid, struct engine_usage *ret, struct err *err)
{
	if (check_uuid(uuid, err) < 0)
		return -1;
	return engine->ops->usage(engine, uuid, ret, err);
}

void engine_free(struct engine *engine)
{
	if (engine)
		engine->ops->free(engine);
}
