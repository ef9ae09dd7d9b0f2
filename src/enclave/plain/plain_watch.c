/* SPDX-License-Identifier: Apache-2.0 */
#include "enclave/plain/plain_watch.h"

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "enclave/process/operator_log.h"
#include "enclave/process/quiet_thread.h"
#include "enclave/python/python.h"

#define MS_PER_SECOND 1000
#define LOOKS 4 /* within a limit */
#define TARGET_SHOWN_MAX 200

/* What faulthandler uses, exported by libpython: asks for no lock. */
const char *_Py_DumpTracebackThreads(int fd, PyInterpreterState *interpreter, PyThreadState *current);

/* One of each thread. */
struct slot {
	pthread_mutex_t lock;
	const struct http_exchange *exchange; /* NULL: none */
	int64_t began_ns;
};

static struct plain_watch watch;
static struct slot slots[HTTP_THREADS_MAX];
static atomic_uint slots_taken;
static _Thread_local struct slot *own;

static struct slot *own_slot(void)
{
	unsigned index;

	if (own)
		return own;
	index = atomic_fetch_add(&slots_taken, 1);
	own = &slots[index % HTTP_THREADS_MAX]; /* no server has more threads */
	return own;
}

static void note(struct slot *slot, const struct http_exchange *exchange)
{
	(void)pthread_mutex_lock(&slot->lock);
	slot->exchange = exchange;
	slot->began_ns = clock_monotonic_ns();
	(void)pthread_mutex_unlock(&slot->lock);
}

enum http_result plain_watch_serve(struct http_exchange *exchange, void *arg)
{
	struct slot *slot = own_slot();
	enum http_result result;

	note(slot, exchange);
	result = watch.serve(exchange, arg);
	note(slot, NULL);
	return result;
}

/* true: it has been told of one that is overdue. */
static bool look_at(struct slot *slot, int64_t now_ns)
{
	bool is_overdue;

	(void)pthread_mutex_lock(&slot->lock);
	is_overdue = slot->exchange && now_ns - slot->began_ns >= watch.limit_ms * NS_PER_MS &&
		     !http_reply_is_started(slot->exchange);
	if (is_overdue)
		operator_log("%s %.*s: no answer has begun within %u s", http_method(slot->exchange), TARGET_SHOWN_MAX,
			     http_target(slot->exchange), watch.limit_ms / MS_PER_SECOND);
	(void)pthread_mutex_unlock(&slot->lock);
	return is_overdue;
}

static bool is_anything_overdue(void)
{
	const int64_t now_ns = clock_monotonic_ns();
	const int64_t late_ns = watch.late_ns ? watch.late_ns() : 0;
	bool is_overdue = false;

	for (unsigned i = 0; i < HTTP_THREADS_MAX; i++)
		is_overdue = look_at(&slots[i], now_ns) || is_overdue;
	if (!late_ns || now_ns - late_ns < watch.limit_ms * NS_PER_MS)
		return is_overdue;
	operator_log("the event loop has not run for %u s", watch.limit_ms / MS_PER_SECOND);
	return true;
}

static void *run(void *arg)
{
	const unsigned pause_ms = watch.limit_ms / LOOKS;
	const struct timespec pause = {.tv_sec = pause_ms / MS_PER_SECOND,
				       .tv_nsec = pause_ms % MS_PER_SECOND * NS_PER_MS};

	do {
		(void)nanosleep(&pause, NULL);
	} while (!is_anything_overdue());
	(void)_Py_DumpTracebackThreads(STDERR_FILENO, PyInterpreterState_Main(), NULL);
	watch.give_up(watch.arg);
	return arg;
}

int plain_watch_start(const struct plain_watch *given, struct err *err)
{
	watch = *given;
	for (unsigned i = 0; i < HTTP_THREADS_MAX; i++)
		(void)pthread_mutex_init(&slots[i].lock, NULL);
	return quiet_thread_start(run, err);
}
