/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/node.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/log.h"
#include "crypto/hash.h"
#include "format/hex.h"
#include "sim/record.h"
#include "sim/supervisor.h"
#include "sim/usage.h"

#define KILL_TIMEOUT_MS 15000
#define RECORDS_NAME "sim/apps"
#define PREFIX_HASH_SIZE 4

/* ---- the table: lock held ---- */

static size_t place_of(const struct node *node, const char *uuid)
{
	size_t low = 0, high = node->app_count;

	while (low < high) {
		const size_t middle = low + (high - low) / 2;

		if (strcmp(node->apps[middle]->status.uuid, uuid) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static struct app *find(const struct node *node, const char *uuid)
{
	const size_t at = place_of(node, uuid);

	return at < node->app_count && strcmp(node->apps[at]->status.uuid, uuid) == 0 ? node->apps[at] : NULL;
}

static void free_app(struct app *app)
{
	free(app->state_dir);
	free(app);
}

static void forget(struct node *node, size_t at)
{
	record_remove(node->records_dir, node->apps[at]->status.uuid);
	free_app(node->apps[at]);
	node->app_count--;
	memmove(&node->apps[at], &node->apps[at + 1], (node->app_count - at) * sizeof(node->apps[0]));
}

/* A full table forgets the exit that is longest ago. */
static bool make_room(struct node *node)
{
	size_t oldest = node->app_count;

	if (node->app_count < ENGINE_LIST_MAX)
		return true;
	for (size_t i = 0; i < node->app_count; i++) {
		const struct app *app = node->apps[i];

		if (!app->busy && app->waiters == 0 &&
		    (oldest == node->app_count || app->status.exited_at < node->apps[oldest]->status.exited_at))
			oldest = i;
	}
	if (oldest == node->app_count)
		return false;
	forget(node, oldest);
	return true;
}

static struct app *insert(struct node *node, const char *uuid, struct err *err)
{
	struct app *app = calloc(1, sizeof(*app));
	size_t at;

	if (!app) {
		err_no_memory(err);
		return NULL;
	}
	if (!make_room(node)) {
		free(app);
		err_set(err, ERR_LIMIT, "%d apps run already", ENGINE_LIST_MAX);
		return NULL;
	}
	at = place_of(node, uuid);
	memmove(&node->apps[at + 1], &node->apps[at], (node->app_count - at) * sizeof(node->apps[0]));
	node->apps[at] = app;
	node->app_count++;
	memcpy(app->status.uuid, uuid, ENGINE_UUID_SIZE);
	app->status.state = ENGINE_EXITED;
	app->status.exit_status = -1;
	app->enclave_pidfd = -1;
	app->sandbox_pidfd = -1;
	return app;
}

void node_changed(struct node *node, struct app *app)
{
	struct err err = ERR_INIT;

	if (app->status.state != ENGINE_STARTING && record_save(node->records_dir, &app->status, &err) < 0)
		log_event(LOG_ERROR, "record_not_saved", "uuid", app->status.uuid, "error", err.text, NULL);
	pthread_cond_broadcast(&node->changed);
}

/* Waits with the lock held until the app is in another state, or the time is over (false). */
static bool wait_while(struct node *node, struct app *app, enum engine_state state, int timeout_ms)
{
	const int64_t until = clock_monotonic_ns() + timeout_ms * NS_PER_MS;
	const struct timespec limit = {.tv_sec = until / NS_PER_SECOND, .tv_nsec = until % NS_PER_SECOND};

	int result = 0;

	app->waiters++;
	while (app->status.state == state && result != ETIMEDOUT)
		result = pthread_cond_timedwait(&node->changed, &node->lock, &limit);
	app->waiters--;
	return app->status.state != state;
}

/* Waits with the lock held until the last supervisor of the app is gone. */
static void wait_idle(struct node *node, struct app *app)
{
	app->waiters++;
	while (app->busy)
		pthread_cond_wait(&node->changed, &node->lock);
	app->waiters--;
}

static void unlockp(struct node **node)
{
	pthread_mutex_unlock(&(*node)->lock);
}

static struct node *lock(struct node *node)
{
	pthread_mutex_lock(&node->lock);
	return node;
}

/* ---- operations ---- */

/* Lock held. Resets an app that does not run and gives it a supervisor. */
static int begin(struct node *node, struct app *app, json_t *request, const struct engine_launch *launch,
		 struct err *err)
{
	char *state_dir = strdup(launch->state_dir);

	if (!state_dir)
		return err_no_memory(err);
	free(app->state_dir);
	app->state_dir = state_dir;
	app->status = (struct engine_status){
	    .state = ENGINE_STARTING, .exit_status = -1, .core_count = launch->cores, .memory_mb = launch->memory_mb};
	memcpy(app->status.uuid, launch->uuid, ENGINE_UUID_SIZE);
	app->stop_requested = false;
	app->node_ended = false;
	app->refused = false;
	app->sampled = (struct engine_usage){.cpu_ns = 0};
	app->busy = true;
	node->busy_count++;
	if (supervisor_start(node, app, request, err) == 0)
		return 0;
	app->busy = false;
	node->busy_count--;
	app->status.state = ENGINE_EXITED;
	return -1;
}

/* What the caller of launch is told about an app that has left STARTING. */
static int launch_result(const struct app *app, struct engine_status *ret, struct err *err)
{
	if (app->status.state == ENGINE_EXITED && app->refused)
		return err_set(err, app->start_code, "%s", app->status.reason);
	*ret = app->status;
	return 0;
}

int node_launch(struct node *node, json_t *request, struct engine_status *ret, struct err *err)
{
	scoped(unlockp) struct node *locked = lock(node);
	struct sim_request parsed;
	struct app *app;

	if (sim_request_parse(request, &parsed, err) < 0)
		return -1;
	if (locked->stopping)
		return err_set(err, ERR_UNAVAILABLE, "mse-sim is about to end");
	app = find(locked, parsed.uuid);
	if (!app)
		app = insert(locked, parsed.uuid, err);
	if (!app)
		return -1;
	/* The record says EXITED a moment before its supervisor is gone. */
	if (app->status.state == ENGINE_EXITED)
		wait_idle(locked, app);
	if (app->status.state == ENGINE_EXITED && begin(locked, app, request, &parsed.launch, err) < 0)
		return -1;
	if (!wait_while(locked, app, ENGINE_STARTING, NODE_LAUNCH_TIMEOUT_MS))
		return err_set(err, ERR_TIMEOUT, "app '%s' is still starting after %d s", parsed.uuid,
			       NODE_LAUNCH_TIMEOUT_MS / 1000);
	return launch_result(app, ret, err);
}

static void send_signal(int pidfd, int number)
{
	if (pidfd >= 0)
		(void)syscall(SYS_pidfd_send_signal, pidfd, number, NULL, 0);
}

/* Lock held. */
static int stop_app(struct node *node, struct app *app, int grace_ms, struct err *err)
{
	if (app->status.state == ENGINE_EXITED)
		return 0;
	app->stop_requested = true;
	send_signal(app->enclave_pidfd, SIGTERM);
	if (app->status.state == ENGINE_RUNNING)
		(void)wait_while(node, app, ENGINE_RUNNING, grace_ms);
	if (app->status.state == ENGINE_EXITED)
		return 0;
	send_signal(app->sandbox_pidfd, SIGKILL);
	if (wait_while(node, app, app->status.state, KILL_TIMEOUT_MS) && app->status.state == ENGINE_EXITED)
		return 0;
	return err_set(err, ERR_TIMEOUT, "app '%s' does not end", app->status.uuid);
}

int node_stop(struct node *node, const char *uuid, int grace_ms, struct err *err)
{
	scoped(unlockp) struct node *locked = lock(node);
	struct app *app = find(locked, uuid);

	return app ? stop_app(locked, app, grace_ms, err) : 0;
}

int node_inspect(struct node *node, const char *uuid, struct engine_status *ret)
{
	scoped(unlockp) struct node *locked = lock(node);
	const struct app *app = find(locked, uuid);

	if (!app)
		return 0;
	*ret = app->status;
	return 1;
}

int node_list(struct node *node, struct engine_status **ret, size_t *ret_count, struct err *err)
{
	scoped(unlockp) struct node *locked = lock(node);
	struct engine_status *all = calloc(locked->app_count + 1, sizeof(*all));

	if (!all)
		return err_no_memory(err);
	for (size_t i = 0; i < locked->app_count; i++)
		all[i] = locked->apps[i]->status;
	*ret = all;
	*ret_count = locked->app_count;
	return 0;
}

int node_usage(struct node *node, const char *uuid, struct engine_usage *ret, struct err *err)
{
	scoped(unlockp) struct node *locked = lock(node);
	struct app *app = find(locked, uuid);

	if (!app || app->status.state != ENGINE_RUNNING)
		return err_set(err, ERR_NOT_FOUND, "app '%s' does not run", uuid);
	usage_sample(app, ret);
	return 0;
}

void node_stop_all(struct node *node)
{
	scoped(unlockp) struct node *locked = lock(node);

	locked->stopping = true;
	for (size_t i = 0; i < locked->app_count; i++) {
		struct app *app = locked->apps[i];

		app->node_ended = app->status.state != ENGINE_EXITED;
		app->stop_requested = true;
		send_signal(app->enclave_pidfd, SIGTERM);
	}
	for (size_t i = 0; i < locked->app_count; i++) {
		struct err err = ERR_INIT;

		if (stop_app(locked, locked->apps[i], NODE_SHUTDOWN_GRACE_MS, &err) < 0)
			log_event(LOG_ERROR, "app_does_not_end", "uuid", locked->apps[i]->status.uuid, NULL);
	}
	while (locked->busy_count > 0)
		pthread_cond_wait(&locked->changed, &locked->lock);
}

/* ---- start and end of the node ---- */

/* What ran when an earlier mse-sim was killed died with it. */
static int remember(void *arg, const struct engine_status *status, struct err *err)
{
	struct node *node = arg;
	struct app *app = insert(node, status->uuid, err);

	if (!app)
		return -1;
	app->status = *status;
	if (status->state == ENGINE_EXITED)
		return 0;
	app->status.state = ENGINE_EXITED;
	app->status.exited_at = clock_now_seconds();
	(void)snprintf(app->status.reason, sizeof(app->status.reason), "mse-sim was killed, and the enclave with it");
	node_changed(node, app);
	return 0;
}

/* Groups of two data directories on one machine must not meet. */
static void name_groups(struct node *node)
{
	uint8_t hash[SHA256_SIZE];
	char text[HEX_TEXT_SIZE(PREFIX_HASH_SIZE)];

	sha256(node->config.data_dir, strlen(node->config.data_dir), hash);
	hex_encode(hash, PREFIX_HASH_SIZE, text);
	(void)snprintf(node->cgroup_prefix, sizeof(node->cgroup_prefix), "mse-%s-", text);
}

static int fill(struct node *node, struct err *err)
{
	pthread_condattr_t attr;

	pthread_mutex_init(&node->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&node->changed, &attr);
	pthread_condattr_destroy(&attr);
	name_groups(node);
	if (node->config.cgroups) {
		cgroup_detect(&node->cgroups);
		cgroup_sweep(&node->cgroups, node->cgroup_prefix);
	}
	if (fs_join(node->config.data_dir, RECORDS_NAME, &node->records_dir, err) < 0 ||
	    fs_make_dirs(node->records_dir, 0700, err) < 0)
		return -1;
	return record_load_all(node->records_dir, clock_now_seconds(), remember, node, err);
}

int node_open(const struct node_config *config, struct quoter *quoter, struct node **ret, struct err *err)
{
	scoped(node_freep) struct node *node = calloc(1, sizeof(*node));

	if (!node)
		return err_no_memory(err);
	node->config = *config;
	node->quoter = quoter;
	if (fill(node, err) < 0)
		return -1;
	*ret = TAKE_PTR(node);
	return 0;
}

void node_free(struct node *node)
{
	if (!node)
		return;
	for (size_t i = 0; i < node->app_count; i++)
		free_app(node->apps[i]);
	pthread_cond_destroy(&node->changed);
	pthread_mutex_destroy(&node->lock);
	free(node->records_dir);
	free(node);
}
