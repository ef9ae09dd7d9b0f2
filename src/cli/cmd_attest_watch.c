/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mse attest watch HOST…: fresh attestation of each host again and again, and before anything that the verdict was made
 * of ends. Changes are printed; an alarm and the recovery from it run a program or reach a webhook; numbers are served
 * to Prometheus. One thread for each host; what they share is locked.
 *
 * Which instance is meant: with an owner's key (--owner-key, --context, --release) the owner's ticket says it; else the
 * first one that was accepted. The files that say what is expected are read again when they change.
 */
#include <poll.h>
#include <sys/eventfd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "cli/interrupt.h"
#include "cli/watch.h"
#include "net/dial.h"

#define NAP_MS 30000 /* the wall clock is looked at so often: machines sleep */
#define TICK_MS 50
#define METRICS_DRAIN_MS 500
#define LAST_LINES_MS 1000 /* for who still reads */

/* ---- the thread of a host ---- */

static void count_look(struct watch_host *host, const struct watch_look *look, enum watch_event event, int64_t began_ns)
{
	struct watch *watch = host->watch;
	struct watch_metrics *metrics = &watch->metrics[host - watch->hosts];

	(void)pthread_mutex_lock(&watch->lock);
	metrics->looks[look->result]++;
	metrics->alarms += event == WATCH_ALARM;
	metrics->is_alarmed = host->state.is_alarmed;
	metrics->has_look = true;
	metrics->last = *look;
	metrics->duration_seconds = (double)(clock_monotonic_ns() - began_ns) / 1e9;
	watch->was_refused |= look->result == WATCH_REFUSED;
	watch->was_unjudged |= look->result == WATCH_UNJUDGED;
	(void)pthread_mutex_unlock(&watch->lock);
}

bool watch_goes_on(void *arg)
{
	const struct watch *watch = arg;
	struct pollfd stop = {.fd = watch->stop_fd, .events = POLLIN};

	return poll(&stop, 1, 0) == 0;
}

static bool pause_until(const struct watch *watch, int64_t next)
{
	struct pollfd stop = {.fd = watch->stop_fd, .events = POLLIN};

	for (;;) {
		const int64_t left_ms = next * 1000 - clock_now_ns() / 1000000;

		if (left_ms <= 0)
			return true;
		if (poll(&stop, 1, left_ms < NAP_MS ? (int)left_ms : NAP_MS) > 0)
			return false;
	}
}

/* Looks once and tells. -1: the watch is to end. */
static int visit(struct watch_host *host, int64_t *ret_next)
{
	struct watch *watch = host->watch;
	const int64_t began_ns = clock_monotonic_ns();
	scoped(attest_verdict_freep) struct attest_verdict *verdict = NULL;
	struct watch_look look, before;
	struct watch_happening happening = {.host = host, .look = &look, .before = &before};

	if (watch_look_at(host, &look, &verdict) < 0)
		return -1;
	happening.event = watch_observe(&host->state, &look, watch->is_once ? 1 : watch->failures_max, &before);
	happening.verdict = verdict;
	*ret_next = watch_next(&look, watch->interval);
	happening.next = watch->is_once ? 0 : *ret_next;
	count_look(host, &look, happening.event, began_ns);
	watch_tell(&happening);
	return 0;
}

static void *run_host(void *arg)
{
	struct watch_host *host = arg;
	struct watch *watch = host->watch;
	int64_t next = 0;

	dial_set_cancel(watch->stop_fd);
	while (visit(host, &next) == 0 && !watch->is_once && pause_until(watch, next))
		;
	(void)pthread_mutex_lock(&watch->lock);
	watch->running--;
	(void)pthread_mutex_unlock(&watch->lock);
	return NULL;
}

/* ---- running ---- */

static int start_threads(struct watch *watch, struct err *err)
{
	for (size_t i = 0; i < watch->host_count; i++) {
		struct watch_host *host = &watch->hosts[i];

		(void)pthread_mutex_lock(&watch->lock);
		host->is_started = pthread_create(&host->thread, NULL, run_host, host) == 0;
		watch->running += host->is_started;
		(void)pthread_mutex_unlock(&watch->lock);
		if (!host->is_started)
			return err_set(err, ERR_NO_MEMORY, "cannot start a thread for '%s'", host->label);
	}
	return 0;
}

static bool is_running(struct watch *watch)
{
	bool running;

	(void)pthread_mutex_lock(&watch->lock);
	running = watch->running > 0;
	(void)pthread_mutex_unlock(&watch->lock);
	return running;
}

static void stop_all(struct watch *watch)
{
	const uint64_t one = 1;
	struct err ignored = ERR_INIT;

	if (watch->stop_fd >= 0)
		IGNORE_RESULT(fd_write_all(watch->stop_fd, &one, sizeof(one), &ignored));
	for (size_t i = 0; i < watch->host_count; i++) {
		if (watch->hosts[i].is_started)
			(void)pthread_join(watch->hosts[i].thread, NULL);
	}
	if (watch->server)
		http_server_stop(watch->server, METRICS_DRAIN_MS);
}

static int run(struct watch *watch, struct err *err)
{
	struct err ignored = ERR_INIT;

	if (watch_options_read(watch, err) < 0 || watch_belief_read(watch, err) < 0)
		return -1;
	watch->stop_fd = eventfd(0, EFD_CLOEXEC);
	if (watch->stop_fd < 0)
		return err_set_errno(err, "cannot make an eventfd");
	/* An alarm waits for nobody who reads; a single look is wanted whole. */
	if (!watch->is_once && out_begin_queues(watch->call->out, err) < 0)
		return -1;
	if (watch_serve(watch, err) < 0 || start_threads(watch, err) < 0)
		return -1;
	while (is_running(watch) && interrupt_sleep_ms(TICK_MS, &ignored) == 0)
		;
	return 0;
}

/* A signal is the ordinary end of a watch. */
static enum cmd_exit exit_of(const struct watch *watch)
{
	if (!watch->is_once)
		return CMD_EXIT_OK;
	if (interrupt_seen())
		return CMD_EXIT_INTERRUPTED;
	if (watch->was_refused)
		return CMD_EXIT_REFUSED;
	return watch->was_unjudged ? CMD_EXIT_ERROR : CMD_EXIT_OK;
}

int cmd_attest_watch(struct cmd_call *call, struct err *err)
{
	struct watch watch = {
	    .call = call, .stop_fd = -1, .lock = PTHREAD_MUTEX_INITIALIZER, .has_read = PTHREAD_COND_INITIALIZER};
	struct err late = ERR_INIT;
	int status = run(&watch, err);

	stop_all(&watch);
	if (!watch.is_once && out_end_queues(call->out, LAST_LINES_MS, status < 0 ? &late : err) < 0)
		status = -1;
	if (status == 0)
		call->exit = exit_of(&watch);
	for (size_t i = 0; i < watch.host_count; i++)
		watch_notify_done(&watch.hosts[i].notify);
	if (watch.belief)
		watch_belief_give_back(&watch, watch.belief);
	free(watch.webhook);
	fd_close(watch.stop_fd);
	free(watch.hosts);
	free(watch.metrics);
	return status;
}
