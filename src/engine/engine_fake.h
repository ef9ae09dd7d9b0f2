/* SPDX-License-Identifier: Apache-2.0 */
/* An engine in memory for tests of the cloud: starts nothing, remembers everything, fails when told. Thread-safe. */
#ifndef MSE_ENGINE_ENGINE_FAKE_H
#define MSE_ENGINE_ENGINE_FAKE_H

#include "engine/engine.h"

must_check int engine_fake_new(struct engine **ret, struct err *err);

enum engine_fake_call {
	ENGINE_FAKE_START,
	ENGINE_FAKE_STOP,
	ENGINE_FAKE_INSPECT,
	ENGINE_FAKE_LIST,
	ENGINE_FAKE_LOGS,
	ENGINE_FAKE_USAGE,
	ENGINE_FAKE_CALLS, /* how many there are */
};

/* The next count calls of that kind fail with code and text, and change nothing. */
void engine_fake_fail(struct engine *engine, enum engine_fake_call call, unsigned count, enum err_code code,
		      const char *text);

/* The next count calls of that kind take effect and then fail all the same: an answer that got lost. */
void engine_fake_lose_answer(struct engine *engine, enum engine_fake_call call, unsigned count);

/* The app ends by itself. ERR_NOT_FOUND unless it runs. */
must_check int engine_fake_exit(struct engine *engine, const char *uuid, int exit_status, const char *reason,
				struct err *err);

/* Forgets everything that ran, as when the node is gone. */
void engine_fake_forget(struct engine *engine);

/* How often that call was made; for start only those that started something. */
unsigned engine_fake_count(struct engine *engine, enum engine_fake_call call);

/* What later calls of logs answer. ERR_NOT_FOUND when the app is unknown. */
must_check int engine_fake_set_log(struct engine *engine, const char *uuid, const char *text, struct err *err);

#endif
