/* SPDX-License-Identifier: Apache-2.0 */
#include "cloud/reconciler.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/log.h"
#include "cloud/edge.h"
#include "cloud/files.h"
#include "cloud/housekeeping.h"
#include "cloud/reconcile_app.h"
#include "store/store_app.h"

#define THREADS 4
#define REFRESH_EVERY_MS 2000
#define ORPHAN_GRACE_MS 1000
#define ITEMS_GROW 64

struct item {
	char id[UUID_TEXT_SIZE];
	int64_t due_ns;
	bool busy;
	bool again; /* woken while busy */
	bool looked;
};

struct reconciler {
	struct cloud *cloud;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	pthread_t threads[THREADS];
	size_t thread_count;
	struct item *items;
	size_t count, capacity;
	int64_t refresh_due_ns;
	bool refreshing;
	bool refreshed; /* once */
	bool stopping;
};

/* Under the lock, as everything that touches items. NULL: out of memory. */
static struct item *find_or_add(struct reconciler *reconciler, const char *app_id)
{
	struct item *item;

	for (size_t i = 0; i < reconciler->count; i++)
		if (strcmp(reconciler->items[i].id, app_id) == 0)
			return &reconciler->items[i];
	if (reconciler->count == reconciler->capacity) {
		struct item *items = reallocarray(reconciler->items, reconciler->capacity + ITEMS_GROW, sizeof(*items));

		if (!items)
			return NULL;
		reconciler->items = items;
		reconciler->capacity += ITEMS_GROW;
	}
	item = &reconciler->items[reconciler->count++];
	memset(item, 0, sizeof(*item));
	(void)snprintf(item->id, sizeof(item->id), "%s", app_id);
	return item;
}

static struct item *find_item(struct reconciler *reconciler, const char *app_id)
{
	for (size_t i = 0; i < reconciler->count; i++)
		if (strcmp(reconciler->items[i].id, app_id) == 0)
			return &reconciler->items[i];
	return NULL;
}

void reconciler_wake(struct reconciler *reconciler, const char *app_id)
{
	struct item *item;

	if (!reconciler)
		return;
	(void)pthread_mutex_lock(&reconciler->lock);
	item = find_or_add(reconciler, app_id);
	if (item) {
		item->due_ns = 0;
		item->again = item->busy;
	} else {
		reconciler->refresh_due_ns = 0; /* it is in the store: found later */
	}
	(void)pthread_cond_signal(&reconciler->changed);
	(void)pthread_mutex_unlock(&reconciler->lock);
}

/* ---- what is done every few seconds ---- */

static void warn(const char *event, const struct err *err)
{
	log_event(LOG_WARNING, event, "error", err_code_text(err->code), "message", err->text, NULL);
}

/* The row is written before an enclave is started, so whatever the store does not know is nobody's. */
static int end_if_orphan(struct cloud *cloud, const struct engine_status *status, struct err *err)
{
	struct app app;
	int found;

	if (status->state == ENGINE_EXITED)
		return 0;
	found = store_app_find(cloud->store, status->uuid, &app, err);
	if (found < 0 || (found == 1 && !app_state_is_final(app.state)))
		return found < 0 ? -1 : 0;
	log_event(LOG_WARNING, "orphan_stopped", "app", status->uuid, NULL);
	return engine_stop(cloud->engine, status->uuid, ORPHAN_GRACE_MS, err);
}

static int end_orphans(struct cloud *cloud, struct err *err)
{
	scoped(freep) struct engine_status *statuses = NULL;
	size_t count = 0;
	int status;

	fault_point("engine-list:before");
	status = engine_list(cloud->engine, &statuses, &count, err);
	fault_point("engine-list:after");
	if (status < 0)
		return -1;
	for (size_t i = 0; i < count; i++)
		if (end_if_orphan(cloud, &statuses[i], err) < 0)
			return -1;
	return 0;
}

static int find_work(struct reconciler *reconciler, struct err *err)
{
	struct cloud *cloud = reconciler->cloud;
	scoped(freep) char(*ids)[UUID_TEXT_SIZE] = NULL;
	size_t count = 0;
	bool out_of_memory = false;

	if (store_app_work(cloud->store, cloud_now(cloud) - APP_LOGS_KEPT_SECONDS, &ids, &count, err) < 0)
		return -1;
	(void)pthread_mutex_lock(&reconciler->lock);
	for (size_t i = 0; i < count; i++)
		out_of_memory |= find_or_add(reconciler, ids[i]) == NULL;
	(void)pthread_cond_broadcast(&reconciler->changed);
	(void)pthread_mutex_unlock(&reconciler->lock);
	return out_of_memory ? err_no_memory(err) : 0;
}

static void refresh(struct reconciler *reconciler)
{
	struct err err = ERR_INIT;

	if (find_work(reconciler, &err) < 0)
		warn("find_work_failed", &err);
	if (end_orphans(reconciler->cloud, &err) < 0) {
		warn("orphans_failed", &err);
		if (err.code == ERR_UNAVAILABLE && cloud_ensure_engine(reconciler->cloud, &err) < 0)
			warn("engine_not_started", &err);
	}
	if (edge_reconcile(reconciler->cloud, &err) < 0)
		warn("proxy_failed", &err);
	housekeeping(reconciler->cloud);
}

/* ---- threads ---- */

static void wait_until(struct reconciler *reconciler, int64_t due_ns)
{
	const struct timespec until = {.tv_sec = due_ns / NS_PER_SECOND, .tv_nsec = due_ns % NS_PER_SECOND};

	(void)pthread_cond_timedwait(&reconciler->changed, &reconciler->lock, &until);
}

static void run_item(struct reconciler *reconciler, struct item *item)
{
	char id[UUID_TEXT_SIZE];
	int delay_ms;

	item->busy = true;
	item->again = false;
	memcpy(id, item->id, sizeof(id));
	(void)pthread_mutex_unlock(&reconciler->lock);
	delay_ms = reconcile_app(reconciler->cloud, id);
	(void)pthread_mutex_lock(&reconciler->lock);
	/* The array may have moved; nobody removes a busy item. */
	item = find_item(reconciler, id);
	if (!item)
		return;
	item->busy = false;
	if (!item->looked)
		(void)pthread_cond_broadcast(&reconciler->changed);
	item->looked = true;
	if (delay_ms == RECONCILE_DONE && !item->again)
		*item = reconciler->items[--reconciler->count];
	else
		item->due_ns = item->again ? 0 : clock_monotonic_ns() + delay_ms * NS_PER_MS;
}

static void run_refresh(struct reconciler *reconciler)
{
	reconciler->refreshing = true;
	(void)pthread_mutex_unlock(&reconciler->lock);
	refresh(reconciler);
	(void)pthread_mutex_lock(&reconciler->lock);
	reconciler->refreshing = false;
	reconciler->refreshed = true;
	(void)pthread_cond_broadcast(&reconciler->changed); /* somebody may await the first look */
	reconciler->refresh_due_ns = clock_monotonic_ns() + REFRESH_EVERY_MS * NS_PER_MS;
}

/* Does one thing that is due, or waits. */
static void run_one(struct reconciler *reconciler)
{
	const int64_t now = clock_monotonic_ns();
	int64_t next_ns = now + NS_PER_SECOND;

	for (size_t i = 0; i < reconciler->count; i++) {
		struct item *item = &reconciler->items[i];

		if (item->busy)
			continue;
		if (item->due_ns <= now) {
			run_item(reconciler, item);
			return;
		}
		if (item->due_ns < next_ns)
			next_ns = item->due_ns;
	}
	if (!reconciler->refreshing && reconciler->refresh_due_ns <= now) {
		run_refresh(reconciler);
		return;
	}
	if (!reconciler->refreshing && reconciler->refresh_due_ns < next_ns)
		next_ns = reconciler->refresh_due_ns;
	wait_until(reconciler, next_ns);
}

static void *run(void *arg)
{
	struct reconciler *reconciler = arg;

	(void)pthread_mutex_lock(&reconciler->lock);
	while (!reconciler->stopping)
		run_one(reconciler);
	(void)pthread_mutex_unlock(&reconciler->lock);
	return NULL;
}

static int init_sync(struct reconciler *reconciler)
{
	pthread_condattr_t attributes;
	int status;

	if (pthread_mutex_init(&reconciler->lock, NULL) != 0 || pthread_condattr_init(&attributes) != 0)
		return -1;
	status = pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	if (status == 0)
		status = pthread_cond_init(&reconciler->changed, &attributes);
	(void)pthread_condattr_destroy(&attributes);
	return status == 0 ? 0 : -1;
}

int reconciler_start(struct cloud *cloud, struct reconciler **ret, struct err *err)
{
	struct reconciler *reconciler = calloc(1, sizeof(*reconciler));

	if (!reconciler)
		return err_no_memory(err);
	reconciler->cloud = cloud;
	if (init_sync(reconciler) < 0) {
		free(reconciler);
		return err_set(err, ERR_INTERNAL, "cannot make a lock");
	}
	while (reconciler->thread_count < THREADS &&
	       pthread_create(&reconciler->threads[reconciler->thread_count], NULL, run, reconciler) == 0)
		reconciler->thread_count++;
	if (reconciler->thread_count == 0) {
		free(reconciler);
		return err_set(err, ERR_INTERNAL, "cannot start a thread");
	}
	*ret = reconciler;
	return 0;
}

static bool has_looked(const struct reconciler *reconciler)
{
	for (size_t i = 0; i < reconciler->count; i++)
		if (!reconciler->items[i].looked)
			return false;
	return reconciler->refreshed;
}

void reconciler_await_first_look(struct reconciler *reconciler, int timeout_ms)
{
	const int64_t until_ns = clock_monotonic_ns() + timeout_ms * NS_PER_MS;

	(void)pthread_mutex_lock(&reconciler->lock);
	while (!has_looked(reconciler) && clock_monotonic_ns() < until_ns)
		wait_until(reconciler, until_ns);
	(void)pthread_mutex_unlock(&reconciler->lock);
}

void reconciler_stop(struct reconciler *reconciler)
{
	if (!reconciler)
		return;
	(void)pthread_mutex_lock(&reconciler->lock);
	reconciler->stopping = true;
	(void)pthread_cond_broadcast(&reconciler->changed);
	(void)pthread_mutex_unlock(&reconciler->lock);
	for (size_t i = 0; i < reconciler->thread_count; i++)
		(void)pthread_join(reconciler->threads[i], NULL);
	(void)pthread_cond_destroy(&reconciler->changed);
	(void)pthread_mutex_destroy(&reconciler->lock);
	free(reconciler->items);
	free(reconciler);
}

/* ---- after a crash ---- */

static int sweep_app_dir(const char *name, void *arg, struct err *err)
{
	struct cloud *cloud = arg;
	scoped(freep) char *path = NULL;
	struct app app;
	const int found = uuid_is_valid(name) ? store_app_find(cloud->store, name, &app, err) : 0;

	if (found != 0)
		return found < 0 ? -1 : 0;
	if (file_path(cloud->data_dir, &path, err, FILE_APPS "/%s", name) < 0)
		return -1;
	log_event(LOG_INFO, "half_made_app_removed", "path", path, NULL);
	return fs_remove_tree(path, err);
}

static int sweep_tmp(const char *name, void *arg, struct err *err)
{
	struct cloud *cloud = arg;
	scoped(freep) char *path = NULL;

	return file_path(cloud->data_dir, &path, err, FILE_TMP "/%s", name) < 0 ? -1 : fs_remove_tree(path, err);
}

int reconciler_sweep(struct cloud *cloud, struct err *err)
{
	scoped(freep) char *apps = NULL;
	scoped(freep) char *tmp = NULL;

	if (file_path(cloud->data_dir, &apps, err, FILE_APPS) < 0 ||
	    file_path(cloud->data_dir, &tmp, err, FILE_TMP) < 0 || fs_each_entry(tmp, sweep_tmp, cloud, err) < 0)
		return -1;
	return fs_each_entry(apps, sweep_app_dir, cloud, err);
}
