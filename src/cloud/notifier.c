/* SPDX-License-Identifier: Apache-2.0 */
#include "cloud/notifier.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "format/json.h"
#include "store/store_app.h"

#define ANSWER_MAX (1 << 20)

struct waiter {
	struct waiter *next;
	struct http_exchange *exchange;
	char app_id[UUID_TEXT_SIZE];
	int64_t after;
	int64_t until_ns; /* clock_monotonic_ns */
};

struct notifier {
	struct cloud *cloud;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct waiter *waiters;
	size_t count;
	bool news;
	bool stopping;
	pthread_t thread;
};

static int add_event(const struct app_event *event, void *arg, struct err *err)
{
	json_t *value = json_pack("{s:I, s:s, s:s, s:s, s:o}", "number", (json_int_t)event->number, "from", event->from,
				  "status", event->to, "reason", event->reason, "at", api_json_time(event->at));

	return json_array_append_new(arg, value) < 0 ? err_no_memory(err) : 0;
}

int notifier_events(struct cloud *cloud, const char *app_id, int64_t after, json_t **ret, size_t *ret_count,
		    struct err *err)
{
	scoped(json_decrefp) json_t *list = json_array();
	json_int_t last = after;
	size_t count;

	if (!list)
		return err_no_memory(err);
	if (store_app_events(cloud->store, app_id, after, add_event, list, err) < 0)
		return -1;
	count = json_array_size(list);
	if (count > 0)
		last = json_integer_value(json_object_get(json_array_get(list, count - 1), "number"));
	if (api_json(json_pack("{s:O, s:I}", "events", list, "last", last), ret, err) < 0)
		return -1;
	*ret_count = count;
	return 0;
}

static void complete(const struct waiter *waiter, const json_t *value)
{
	static const struct http_header headers[] = {{"Content-Type", "application/json"},
						     {"Cache-Control", "no-store"}};
	scoped(buf_done) struct buf text = BUF_INIT(ANSWER_MAX);
	struct err err = ERR_INIT;

	if (!value || json_format(value, &text, &err) < 0)
		http_complete(waiter->exchange, 503, headers, COUNT_OF(headers), "{}", 2);
	else
		http_complete(waiter->exchange, 200, headers, COUNT_OF(headers), text.data, text.size);
}

/* True if the waiter was answered. force: answer whatever there is. */
static bool look(struct notifier *notifier, const struct waiter *waiter, bool force)
{
	scoped(json_decrefp) json_t *value = NULL;
	struct err err = ERR_INIT;
	size_t count = 0;
	const int status = notifier_events(notifier->cloud, waiter->app_id, waiter->after, &value, &count, &err);

	if (status == 0 && count == 0 && !force)
		return false;
	complete(waiter, value);
	return true;
}

/* The waiters are this thread's while it looks: nobody else takes one out. */
static void look_at_all(struct notifier *notifier, struct waiter **list, bool news, bool stopping)
{
	const int64_t now = clock_monotonic_ns();

	for (struct waiter **at = list; *at;) {
		struct waiter *waiter = *at;
		const bool force = stopping || waiter->until_ns <= now;

		if ((news || force) && look(notifier, waiter, force)) {
			*at = waiter->next;
			free(waiter);
		} else {
			at = &waiter->next;
		}
	}
}

static size_t put_back(struct notifier *notifier, struct waiter *list)
{
	size_t count = 0;

	while (list) {
		struct waiter *next = list->next;

		list->next = notifier->waiters;
		notifier->waiters = list;
		list = next;
		count++;
	}
	return count;
}

static void wait_a_second(struct notifier *notifier)
{
	struct timespec until;

	(void)clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += 1;
	(void)pthread_cond_timedwait(&notifier->changed, &notifier->lock, &until);
}

static void *run(void *arg)
{
	struct notifier *notifier = arg;
	bool stopping = false;

	(void)pthread_mutex_lock(&notifier->lock);
	while (!stopping) {
		struct waiter *list;
		bool news;

		if (!notifier->news && !notifier->stopping)
			wait_a_second(notifier);
		news = notifier->news;
		stopping = notifier->stopping;
		list = notifier->waiters;
		notifier->waiters = NULL;
		notifier->count = 0;
		notifier->news = false;
		(void)pthread_mutex_unlock(&notifier->lock);
		look_at_all(notifier, &list, news, stopping);
		(void)pthread_mutex_lock(&notifier->lock);
		notifier->count += put_back(notifier, list);
	}
	(void)pthread_mutex_unlock(&notifier->lock);
	return NULL;
}

static int init_cond(pthread_cond_t *cond)
{
	pthread_condattr_t attributes;
	int status;

	if (pthread_condattr_init(&attributes) != 0)
		return -1;
	status = pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	if (status == 0)
		status = pthread_cond_init(cond, &attributes);
	(void)pthread_condattr_destroy(&attributes);
	return status == 0 ? 0 : -1;
}

int notifier_start(struct cloud *cloud, struct notifier **ret, struct err *err)
{
	struct notifier *notifier = calloc(1, sizeof(*notifier));

	if (!notifier)
		return err_no_memory(err);
	notifier->cloud = cloud;
	if (pthread_mutex_init(&notifier->lock, NULL) != 0 || init_cond(&notifier->changed) < 0 ||
	    pthread_create(&notifier->thread, NULL, run, notifier) != 0) {
		free(notifier);
		return err_set(err, ERR_INTERNAL, "cannot start a thread");
	}
	*ret = notifier;
	return 0;
}

void notifier_close(struct notifier *notifier)
{
	bool first;

	if (!notifier)
		return;
	(void)pthread_mutex_lock(&notifier->lock);
	first = !notifier->stopping;
	notifier->stopping = true;
	(void)pthread_cond_signal(&notifier->changed);
	(void)pthread_mutex_unlock(&notifier->lock);
	if (first)
		(void)pthread_join(notifier->thread, NULL);
}

void notifier_free(struct notifier *notifier)
{
	if (!notifier)
		return;
	notifier_close(notifier);
	(void)pthread_cond_destroy(&notifier->changed);
	(void)pthread_mutex_destroy(&notifier->lock);
	free(notifier);
}

void notifier_wake(struct notifier *notifier)
{
	if (!notifier)
		return;
	(void)pthread_mutex_lock(&notifier->lock);
	notifier->news = true;
	(void)pthread_cond_signal(&notifier->changed);
	(void)pthread_mutex_unlock(&notifier->lock);
}

int notifier_wait(struct notifier *notifier, struct http_exchange *exchange, const char *app_id, int64_t after,
		  int wait_seconds, struct err *err)
{
	struct waiter *waiter = calloc(1, sizeof(*waiter));
	bool taken;

	if (!waiter)
		return err_no_memory(err);
	waiter->exchange = exchange;
	waiter->after = after;
	waiter->until_ns = clock_monotonic_ns() + wait_seconds * NS_PER_SECOND;
	(void)snprintf(waiter->app_id, sizeof(waiter->app_id), "%s", app_id);
	(void)pthread_mutex_lock(&notifier->lock);
	taken = notifier->count < NOTIFIER_WAITERS_MAX && !notifier->stopping;
	if (taken) {
		waiter->next = notifier->waiters;
		notifier->waiters = waiter;
		notifier->count++;
		/* An event may have come between the caller's look and now. */
		notifier->news = true;
		(void)pthread_cond_signal(&notifier->changed);
	}
	(void)pthread_mutex_unlock(&notifier->lock);
	if (taken)
		return 0;
	free(waiter);
	return err_set(err, ERR_UNAVAILABLE, "too many requests wait for events: ask again without wait");
}
