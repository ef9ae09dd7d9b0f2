/* SPDX-License-Identifier: Apache-2.0 */
#include "cloud/reconcile_app.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/fs.h"
#include "base/log.h"
#include "cloud/edge.h"
#include "cloud/files.h"
#include "cloud/notifier.h"
#include "cloud/probe.h"
#include "cloud/take_over.h"
#include "domain/release.h"
#include "store/store_app.h"

#define AGAIN_NOW_MS 0
#define AGAIN_IN_TRANSITION_MS 40  /* "≤ 100 ms while in transition" with the probe's own time */
#define AGAIN_WAITING_LONG_MS 1000 /* for keys that did not come */
#define AGAIN_RUNNING_MS 1000
#define AGAIN_DRAINING_MS 500
#define AGAIN_AFTER_FAILURE_MS 500
#define LONG_SECONDS 600
#define LISTEN_SECONDS_MAX 120 /* a process that never listens */
#define STOP_GRACE_MS 3000
#define RESUME_PAUSE_NS 20000000 /* times RESUME_PROBES_MAX: 5 s */
#define RESUME_PROBES_MAX 250

int reconcile_move(struct cloud *cloud, const struct app *app, enum app_state next, const char *reason, struct err *err)
{
	if (store_app_move(cloud->store, app->id, app->state, next, reason, cloud_now(cloud), err) < 0)
		return -1;
	notifier_wake(cloud->notifier);
	log_event(LOG_INFO, "app_status", "app", app->id, "name", app->name, "from", app_state_text(app->state), "to",
		  app_state_text(next), "reason", reason, NULL);
	return 0;
}

int reconcile_end(struct cloud *cloud, const struct app *app, struct err *err)
{
	int status;

	fault_point("engine-stop:before");
	status = engine_stop(cloud->engine, app->id, STOP_GRACE_MS, err);
	fault_point("engine-stop:after");
	if (status < 0)
		return -1;
	return edge_remove(cloud, app, err);
}

static int failed(const struct app *app, const char *what, const struct err *err)
{
	/* Somebody else moved it: look again, with no noise. */
	if (err->code == ERR_CONFLICT)
		return AGAIN_IN_TRANSITION_MS;
	log_event(LOG_WARNING, "reconcile_failed", "app", app->id, "at", what, "error", err_code_text(err->code),
		  "message", err->text, NULL);
	return AGAIN_AFTER_FAILURE_MS;
}

static int remove_below(const struct cloud *cloud, const char *app_id, const char *name, struct err *err)
{
	scoped(freep) char *path = NULL;

	if (file_path(cloud->data_dir, &path, err, FILE_APPS "/%s%s%s", app_id, *name ? "/" : "", name) < 0)
		return -1;
	return fs_remove_tree(path, err);
}

/* E5: what the app had on disk is erased when it ends. Log and manifest stay for a while. */
static int erase_data(const struct cloud *cloud, const struct app *app, struct err *err)
{
	static const char *const names[] = {"state", "code", "code.tar", "instance"};
	scoped(freep) char *run_dir = NULL;

	for (size_t i = 0; i < COUNT_OF(names); i++)
		if (remove_below(cloud, app->id, names[i], err) < 0)
			return -1;
	if (file_run_dir(cloud->data_dir, app->id, &run_dir, err) < 0)
		return -1;
	return fs_remove_tree(run_dir, err);
}

static int clean(struct cloud *cloud, const struct app *app)
{
	struct err err = ERR_INIT;

	switch (app->cleaned) {
	case APP_NOT_CLEANED:
		if (reconcile_end(cloud, app, &err) < 0 || erase_data(cloud, app, &err) < 0 ||
		    store_app_set_cleaned(cloud->store, app->id, APP_DATA_CLEANED, &err) < 0)
			return failed(app, "clean", &err);
		return RECONCILE_DONE;
	case APP_DATA_CLEANED:
		if (app->stopped_at + APP_LOGS_KEPT_SECONDS > cloud_now(cloud))
			return RECONCILE_DONE;
		if (remove_below(cloud, app->id, "", &err) < 0 ||
		    store_app_set_cleaned(cloud->store, app->id, APP_ALL_CLEANED, &err) < 0)
			return failed(app, "clean", &err);
		return RECONCILE_DONE;
	case APP_ALL_CLEANED:
		break;
	}
	return RECONCILE_DONE;
}

static int stop(struct cloud *cloud, const struct app *app)
{
	char reason[APP_REASON_SIZE];
	struct err err = ERR_INIT;

	if (store_app_stop_reason(cloud->store, app->id, reason, &err) < 0 || reconcile_end(cloud, app, &err) < 0 ||
	    reconcile_move(cloud, app, APP_STOPPED, reason, &err) < 0)
		return failed(app, "stop", &err);
	return AGAIN_NOW_MS;
}

static int give_up(struct cloud *cloud, const struct app *app, const char *reason)
{
	struct err err = ERR_INIT;

	if (reconcile_end(cloud, app, &err) < 0 || reconcile_move(cloud, app, APP_ON_ERROR, reason, &err) < 0)
		return failed(app, "give up", &err);
	return AGAIN_NOW_MS;
}

/* Its owner may let it take over at this very moment, since its row was read: one of the two comes first. */
static int give_up_take_over(struct cloud *cloud, const struct app *app, const char *reason)
{
	struct err err = ERR_INIT;
	bool noted;

	if (store_app_want_no_take_over(cloud->store, app->id, reason, &noted, &err) < 0)
		return failed(app, "give up the take-over", &err);
	return noted ? give_up(cloud, app, reason) : AGAIN_NOW_MS;
}

/* Paths of a launch, owned. */
struct launch_paths {
	char *manifest, *code, *instance, *state, *run, *log;
};

static void launch_paths_done(struct launch_paths *paths)
{
	free(paths->manifest);
	free(paths->code);
	free(paths->instance);
	free(paths->state);
	free(paths->run);
	free(paths->log);
}

static int make_paths(const struct cloud *cloud, const struct app *app, struct launch_paths *ret, struct err *err)
{
	const struct {
		char **target;
		const char *name;
	} rows[] = {{&ret->manifest, "manifest.toml"},
		    {&ret->code, "code"},
		    {&ret->instance, "instance"},
		    {&ret->state, "state"},
		    {&ret->log, "log"}};

	for (size_t i = 0; i < COUNT_OF(rows); i++)
		if (file_path(cloud->data_dir, rows[i].target, err, FILE_APPS "/%s/%s", app->id, rows[i].name) < 0)
			return -1;
	return file_run_dir(cloud->data_dir, app->id, &ret->run, err);
}

/* The version it was deployed with: the manifest names that one's files. Data directories of before have one only. */
static int find_image(const struct cloud *cloud, const struct app *app, const struct image **ret, struct err *err)
{
	scoped(freep) char *app_dir = NULL;
	char digest[IMAGE_DIGEST_SIZE];
	int found;

	if (file_path(cloud->data_dir, &app_dir, err, FILE_APPS "/%s", app->id) < 0)
		return -1;
	found = image_of_app_load(app_dir, digest, err);
	if (found < 0)
		return -1;
	return found == 1 ? images_find_digest(cloud->images, digest, ret, err)
			  : images_find(cloud->images, app->docker, ret, err);
}

static int start(struct cloud *cloud, const struct app *app, struct err *err)
{
	const struct config_texts *allowed = &cloud->config.egress_allowed;
	scoped(launch_paths_done) struct launch_paths paths = {0};
	const struct image *image = NULL;
	struct engine_launch launch = {.uuid = app->id};
	struct engine_status status;
	int result;

	if (find_image(cloud, app, &image, err) < 0 || make_paths(cloud, app, &paths, err) < 0)
		return -1;
	launch.manifest_path = paths.manifest;
	launch.image_dir = image->root;
	launch.code_dir = paths.code;
	launch.instance_dir = paths.instance;
	launch.state_dir = paths.state;
	launch.run_dir = paths.run;
	launch.log_path = paths.log;
	launch.memory_mb = (uint64_t)app->memory_mib;
	launch.cores = (unsigned)app->cores;
	launch.egress = strcmp(app->egress, release_egress_text(RELEASE_EGRESS_NONE)) == 0 ? ENGINE_EGRESS_NONE
											   : ENGINE_EGRESS_INTERNET;
	launch.allowed = (const char *const *)allowed->items;
	launch.allowed_count = allowed->count;
	fault_point("engine-start:before");
	result = engine_start(cloud->engine, &launch, &status, err);
	fault_point("engine-start:after");
	return result;
}

/* An app that is said to run is not shown to anybody before it listens again. */
static void await_listening(const struct cloud *cloud, const struct app *app)
{
	static const struct timespec pause = {.tv_nsec = RESUME_PAUSE_NS};

	for (int i = 0; i < RESUME_PROBES_MAX && probe(cloud, app) == PROBE_SILENT; i++)
		(void)nanosleep(&pause, NULL);
}

static int launch(struct cloud *cloud, const struct app *app)
{
	struct err err = ERR_INIT;

	if (start(cloud, app, &err) < 0) {
		if (err.code == ERR_UNAVAILABLE || err.code == ERR_TIMEOUT || err.code == ERR_NO_MEMORY)
			return failed(app, "start", &err);
		return give_up(cloud, app, err.text);
	}
	if (edge_set(cloud, app->id, &err) < 0)
		return failed(app, "proxy", &err);
	if (app->state == APP_RUNNING)
		await_listening(cloud, app);
	return AGAIN_NOW_MS;
}

static int advance(struct cloud *cloud, const struct app *app, enum app_state next, const char *reason)
{
	struct err err = ERR_INIT;

	if (reconcile_move(cloud, app, next, reason, &err) < 0)
		return failed(app, "move", &err);
	return AGAIN_NOW_MS;
}

static int look_at_spawning(struct cloud *cloud, const struct app *app, const struct engine_status *status)
{
	switch (probe(cloud, app)) {
	case PROBE_WAITING:
	case PROBE_STARTING:
	case PROBE_FAILED:
	case PROBE_UNWELL:
	case PROBE_SERVING:
		return advance(cloud, app, APP_INITIALIZING, "the enclave answers");
	case PROBE_SILENT:
		break;
	}
	if (status->started_at && cloud_now(cloud) - status->started_at > LISTEN_SECONDS_MAX)
		return give_up(cloud, app, "the enclave did not listen in time");
	return AGAIN_IN_TRANSITION_MS;
}

static int look_at_initializing(struct cloud *cloud, const struct app *app)
{
	switch (probe(cloud, app)) {
	case PROBE_SERVING:
		return advance(cloud, app, APP_RUNNING, "the application answers its health check");
	case PROBE_FAILED:
		/* Its process is about to end, with a better reason than we have. */
	case PROBE_STARTING:
	case PROBE_UNWELL:
	case PROBE_SILENT:
		return AGAIN_IN_TRANSITION_MS;
	case PROBE_WAITING:
		break;
	}
	return cloud_now(cloud) - app->created_at > LONG_SECONDS ? AGAIN_WAITING_LONG_MS : AGAIN_IN_TRANSITION_MS;
}

/*
 * Its machine was restarted after it had become ready: it goes on from its sealed state, or it has none and waits for
 * keys that only a new deployment brings (L1 has no way back to initializing).
 */
static int look_at_resumed(struct cloud *cloud, const struct app *app)
{
	if (probe(cloud, app) == PROBE_WAITING)
		return give_up(cloud, app,
			       "the machine was restarted, and the enclave waits for its owner: deploy it again");
	return AGAIN_RUNNING_MS;
}

/* The engine runs it. */
static int look_at(struct cloud *cloud, const struct app *app, const struct engine_status *status)
{
	switch (app->state) {
	case APP_SPAWNING:
		return look_at_spawning(cloud, app, status);
	case APP_INITIALIZING:
		return look_at_initializing(cloud, app);
	case APP_RUNNING:
		if (status->started_at > app->ready_at)
			return look_at_resumed(cloud, app);
		break;
	case APP_STOPPED:
	case APP_ON_ERROR:
		break;
	}
	return AGAIN_RUNNING_MS;
}

/* It ended with the engine, not by itself: the node was restarted. Nobody saw how its process ended. */
static bool went_down_with_node(const struct engine_status *status)
{
	return status->started_at != 0 && status->exit_status == -1 && !status->stopped;
}

/* It was replaced: what it has begun may end, with the node or the enclave at the latest. */
static int drain(struct cloud *cloud, const struct app *app)
{
	char reason[APP_REASON_SIZE];
	struct err err = ERR_INIT;
	bool noted;
	const int is_over = take_over_drain(cloud, app, &err);

	if (is_over == 0)
		return AGAIN_DRAINING_MS;
	(void)snprintf(reason, sizeof(reason), "replaced by %s", app->replaced_by);
	if (is_over < 0 || store_app_want_stop(cloud->store, app->id, reason, &noted, &err) < 0)
		return failed(app, "drain", &err);
	return AGAIN_NOW_MS;
}

static int drive(struct cloud *cloud, const struct app *app)
{
	const char *late = take_over_lateness(cloud, app);
	struct engine_status status;
	struct err err = ERR_INIT;
	int found;

	if (late)
		return give_up_take_over(cloud, app, late);
	fault_point("engine-inspect:before");
	found = engine_inspect(cloud->engine, app->id, &status, &err);
	fault_point("engine-inspect:after");
	if (found < 0)
		return failed(app, "inspect", &err);
	if (found == 0)
		return launch(cloud, app);
	switch (status.state) {
	case ENGINE_STARTING:
		return AGAIN_IN_TRANSITION_MS;
	case ENGINE_RUNNING:
		return look_at(cloud, app, &status);
	case ENGINE_EXITED:
		if (went_down_with_node(&status))
			return launch(cloud, app);
		break;
	}
	return give_up(cloud, app, status.reason[0] ? status.reason : "the enclave ended without a reason");
}

int reconcile_app(struct cloud *cloud, const char *app_id)
{
	struct app app = {.id = ""};
	struct err err = ERR_INIT;
	bool noted;
	const int found = store_app_find(cloud->store, app_id, &app, &err);

	if (found < 0)
		return failed(&app, "load", &err);
	if (found == 0)
		return RECONCILE_DONE;
	if (app_state_is_final(app.state))
		return clean(cloud, &app);
	if (!app.stop_wanted && cloud_now(cloud) >= app.expires_at) {
		if (store_app_want_stop(cloud->store, app.id, "expired", &noted, &err) < 0)
			return failed(&app, "expire", &err);
		app.stop_wanted = true;
	}
	if (app.stop_wanted)
		return stop(cloud, &app);
	return *app.replaced_by ? drain(cloud, &app) : drive(cloud, &app);
}
