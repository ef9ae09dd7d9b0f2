/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/engine_fake.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/number.h"

#define APPS_MAX 256
#define LOG_SIZE 4096
#define LOST_ANSWER "the engine's answer was lost"
#define TERMINATED 143 /* 128 + SIGTERM */

struct fake_app {
	struct engine_status status;
	struct engine_usage usage;
	char log[LOG_SIZE];
};

struct fake_script {
	unsigned made;
	unsigned failing;
	unsigned losing;
	enum err_code code;
	char text[256];
};

struct fake {
	struct engine engine;
	pthread_mutex_t lock;
	struct fake_script scripts[ENGINE_FAKE_CALLS];
	struct fake_app *apps; /* in order of uuids */
	size_t app_count;
};

static struct fake *fake_of(struct engine *engine)
{
	return (struct fake *)engine;
}

static struct fake *lock(struct engine *engine)
{
	struct fake *fake = fake_of(engine);

	pthread_mutex_lock(&fake->lock);
	return fake;
}

static void unlockp(struct fake **fake)
{
	pthread_mutex_unlock(&(*fake)->lock);
}

static struct fake_app *find(struct fake *fake, const char *uuid)
{
	for (size_t i = 0; i < fake->app_count; i++) {
		if (strcmp(fake->apps[i].status.uuid, uuid) == 0)
			return &fake->apps[i];
	}
	return NULL;
}

/* NULL with err set when it is unknown. */
static struct fake_app *require(struct fake *fake, const char *uuid, struct err *err)
{
	struct fake_app *app = find(fake, uuid);

	if (!app)
		err_set(err, ERR_NOT_FOUND, "no app '%s' in this engine", uuid);
	return app;
}

/* What the script says before a call takes effect. */
static int enter(struct fake *fake, enum engine_fake_call call, struct err *err)
{
	struct fake_script *script = &fake->scripts[call];

	if (call != ENGINE_FAKE_START)
		script->made++;
	if (script->failing == 0)
		return 0;
	script->failing--;
	return err_set(err, script->code, "%s", script->text);
}

static int leave(struct fake *fake, enum engine_fake_call call, int result, struct err *err)
{
	struct fake_script *script = &fake->scripts[call];

	if (result < 0 || script->losing == 0)
		return result;
	script->losing--;
	return err_set(err, ERR_UNAVAILABLE, LOST_ANSWER);
}

/* A slot in the order of uuids; NULL with err set when all are taken. */
static struct fake_app *insert(struct fake *fake, const char *uuid, struct err *err)
{
	size_t at = 0;

	if (fake->app_count == APPS_MAX) {
		err_set(err, ERR_LIMIT, "at most %d apps in the fake engine", APPS_MAX);
		return NULL;
	}
	while (at < fake->app_count && strcmp(fake->apps[at].status.uuid, uuid) < 0)
		at++;
	memmove(&fake->apps[at + 1], &fake->apps[at], (fake->app_count - at) * sizeof(*fake->apps));
	fake->app_count++;
	fake->apps[at] = (struct fake_app){.status = {.state = ENGINE_EXITED}};
	return &fake->apps[at];
}

static int fake_start(struct engine *engine, const struct engine_launch *launch, struct engine_status *ret,
		      struct err *err)
{
	scoped(unlockp) struct fake *fake = lock(engine);
	struct fake_app *app;

	if (enter(fake, ENGINE_FAKE_START, err) < 0)
		return -1;
	app = find(fake, launch->uuid);
	if (!app)
		app = insert(fake, launch->uuid, err);
	if (!app)
		return -1;
	if (app->status.state != ENGINE_RUNNING) {
		*app = (struct fake_app){.status = {.state = ENGINE_RUNNING,
						    .exit_status = -1,
						    .started_at = clock_now_seconds(),
						    .core_count = launch->cores,
						    .memory_mb = launch->memory_mb,
						    .limits = "memory=none cores=none landlock=none"}};
		memcpy(app->status.uuid, launch->uuid, ENGINE_UUID_SIZE);
		fake->scripts[ENGINE_FAKE_START].made++;
	}
	if (leave(fake, ENGINE_FAKE_START, 0, err) < 0)
		return -1;
	*ret = app->status;
	return 0;
}

static void end(struct fake_app *app, int exit_status, const char *reason, bool stopped)
{
	app->status.state = ENGINE_EXITED;
	app->status.stopped = stopped;
	app->status.exit_status = exit_status;
	app->status.exited_at = clock_now_seconds();
	(void)snprintf(app->status.reason, sizeof(app->status.reason), "%s", reason);
}

static int fake_stop(struct engine *engine, const char *uuid, int grace_ms, struct err *err)
{
	scoped(unlockp) struct fake *fake = lock(engine);
	struct fake_app *app;

	(void)grace_ms;
	if (enter(fake, ENGINE_FAKE_STOP, err) < 0)
		return -1;
	app = find(fake, uuid);
	if (app && app->status.state == ENGINE_RUNNING)
		end(app, TERMINATED, "stopped", true);
	return leave(fake, ENGINE_FAKE_STOP, 0, err);
}

static int fake_inspect(struct engine *engine, const char *uuid, struct engine_status *ret, struct err *err)
{
	scoped(unlockp) struct fake *fake = lock(engine);
	const struct fake_app *app;

	if (enter(fake, ENGINE_FAKE_INSPECT, err) < 0 || leave(fake, ENGINE_FAKE_INSPECT, 0, err) < 0)
		return -1;
	app = find(fake, uuid);
	if (!app)
		return 0;
	*ret = app->status;
	return 1;
}

static int fake_list(struct engine *engine, struct engine_status **ret, size_t *ret_count, struct err *err)
{
	scoped(unlockp) struct fake *fake = lock(engine);
	struct engine_status *all;

	if (enter(fake, ENGINE_FAKE_LIST, err) < 0 || leave(fake, ENGINE_FAKE_LIST, 0, err) < 0)
		return -1;
	all = calloc(fake->app_count + 1, sizeof(*all));
	if (!all)
		return err_no_memory(err);
	for (size_t i = 0; i < fake->app_count; i++)
		all[i] = fake->apps[i].status;
	*ret = all;
	*ret_count = fake->app_count;
	return 0;
}

static int fake_logs(struct engine *engine, const char *uuid, size_t max, struct buf *ret, struct err *err)
{
	scoped(unlockp) struct fake *fake = lock(engine);
	struct fake_app *app;
	size_t size;

	if (enter(fake, ENGINE_FAKE_LOGS, err) < 0 || leave(fake, ENGINE_FAKE_LOGS, 0, err) < 0)
		return -1;
	app = require(fake, uuid, err);
	if (!app)
		return -1;
	size = strlen(app->log);
	return buf_add(ret, app->log + size - size_min(size, max), size_min(size, max), err);
}

static int fake_usage(struct engine *engine, const char *uuid, struct engine_usage *ret, struct err *err)
{
	scoped(unlockp) struct fake *fake = lock(engine);
	struct fake_app *app;

	if (enter(fake, ENGINE_FAKE_USAGE, err) < 0 || leave(fake, ENGINE_FAKE_USAGE, 0, err) < 0)
		return -1;
	app = require(fake, uuid, err);
	if (!app)
		return -1;
	if (app->status.state != ENGINE_RUNNING)
		return err_set(err, ERR_NOT_FOUND, "app '%s' does not run", uuid);
	*ret = app->usage;
	return 0;
}

static void fake_free(struct engine *engine)
{
	struct fake *fake = fake_of(engine);

	pthread_mutex_destroy(&fake->lock);
	free(fake->apps);
	free(fake);
}

static const struct engine_ops fake_ops = {.kind = "fake",
					   .start = fake_start,
					   .stop = fake_stop,
					   .inspect = fake_inspect,
					   .list = fake_list,
					   .logs = fake_logs,
					   .usage = fake_usage,
					   .free = fake_free};

int engine_fake_new(struct engine **ret, struct err *err)
{
	struct fake *fake = calloc(1, sizeof(*fake));

	if (!fake)
		return err_no_memory(err);
	fake->apps = calloc(APPS_MAX, sizeof(*fake->apps));
	if (!fake->apps) {
		free(fake);
		return err_no_memory(err);
	}
	fake->engine.ops = &fake_ops;
	pthread_mutex_init(&fake->lock, NULL);
	*ret = &fake->engine;
	return 0;
}

void engine_fake_fail(struct engine *engine, enum engine_fake_call call, unsigned count, enum err_code code,
		      const char *text)
{
	scoped(unlockp) struct fake *fake = lock(engine);
	struct fake_script *script = &fake->scripts[call];

	script->failing = count;
	script->code = code;
	(void)snprintf(script->text, sizeof(script->text), "%s", text);
}

void engine_fake_lose_answer(struct engine *engine, enum engine_fake_call call, unsigned count)
{
	scoped(unlockp) struct fake *fake = lock(engine);

	fake->scripts[call].losing = count;
}

int engine_fake_exit(struct engine *engine, const char *uuid, int exit_status, const char *reason, struct err *err)
{
	scoped(unlockp) struct fake *fake = lock(engine);
	struct fake_app *app;

	app = require(fake, uuid, err);
	if (!app)
		return -1;
	if (app->status.state != ENGINE_RUNNING)
		return err_set(err, ERR_NOT_FOUND, "app '%s' does not run", uuid);
	end(app, exit_status, reason, false);
	return 0;
}

void engine_fake_forget(struct engine *engine)
{
	scoped(unlockp) struct fake *fake = lock(engine);

	fake->app_count = 0;
}

unsigned engine_fake_count(struct engine *engine, enum engine_fake_call call)
{
	scoped(unlockp) struct fake *fake = lock(engine);

	return fake->scripts[call].made;
}

int engine_fake_set_log(struct engine *engine, const char *uuid, const char *text, struct err *err)
{
	scoped(unlockp) struct fake *fake = lock(engine);
	struct fake_app *app;

	app = require(fake, uuid, err);
	if (!app)
		return -1;
	(void)snprintf(app->log, sizeof(app->log), "%s", text);
	return 0;
}
