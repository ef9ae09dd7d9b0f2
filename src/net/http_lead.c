/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http_lead.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"

#define EXCUSES_MAX 8 /* within HTTP_LEAD_SLOW_MS */
#define SLOW_KEPT 4
#define QUIET_LOOKS 2 /* at which the leader waits, one after the other: the overseer sleeps until it is woken */

/* The calling thread leads since then; 0: it does not, as far as it knows. */
static _Thread_local int64_t leads_since_ns;

void http_lead_init(struct http_lead *lead)
{
	(void)pthread_mutex_init(&lead->lock, NULL);
	(void)pthread_cond_init(&lead->vacant, NULL);
	(void)pthread_cond_init(&lead->active, NULL);
	lead->is_taken = false;
	lead->leader = 0;
	lead->is_ending = false;
	atomic_init(&lead->has_driver, false);
	lead->is_driven = lead->is_away = false;
	lead->driven_from_ns = 0;
	atomic_init(&lead->busy_since_ns, 0);
	atomic_init(&lead->slow_until_ns, 0);
	atomic_init(&lead->overseer_sleeps, false);
}

void http_lead_done(struct http_lead *lead)
{
	(void)pthread_cond_destroy(&lead->active);
	(void)pthread_cond_destroy(&lead->vacant);
	(void)pthread_mutex_destroy(&lead->lock);
}

void http_lead_take(struct http_lead *lead)
{
	(void)pthread_mutex_lock(&lead->lock);
	while (lead->is_taken)
		(void)pthread_cond_wait(&lead->vacant, &lead->lock);
	lead->is_taken = true;
	lead->leader = gettid();
	(void)pthread_mutex_unlock(&lead->lock);
}

/* Under lock. */
static void vacate(struct http_lead *lead)
{
	lead->is_taken = lead->is_driven = false;
	(void)pthread_cond_signal(&lead->vacant);
}

void http_lead_give(struct http_lead *lead)
{
	(void)pthread_mutex_lock(&lead->lock);
	vacate(lead);
	(void)pthread_mutex_unlock(&lead->lock);
}

/* Either the overseer sees that the leader is busy, or the leader that the overseer sleeps: both atomics are ordered.
 */
static void be_busy(struct http_lead *lead, int64_t now_ns)
{
	atomic_store(&lead->busy_since_ns, now_ns);
	if (atomic_exchange(&lead->overseer_sleeps, false)) {
		(void)pthread_mutex_lock(&lead->lock);
		(void)pthread_cond_signal(&lead->active);
		(void)pthread_mutex_unlock(&lead->lock);
	}
}

int64_t http_lead_begin(struct http_lead *lead)
{
	const int64_t now_ns = clock_monotonic_ns();

	if (now_ns < atomic_load(&lead->slow_until_ns)) {
		http_lead_give(lead);
		return 0;
	}
	be_busy(lead, now_ns);
	leads_since_ns = now_ns;
	return now_ns;
}

bool http_lead_is_mine(void)
{
	return leads_since_ns != 0;
}

void http_lead_step_down(struct http_lead *lead)
{
	if (http_lead_end(lead, leads_since_ns))
		http_lead_give(lead);
}

/* Who deposes a leader changes what is there first: it is changed by one of the two only. */
bool http_lead_end(struct http_lead *lead, int64_t began_ns)
{
	int_fast64_t expected = began_ns;

	leads_since_ns = 0;
	return began_ns != 0 && atomic_compare_exchange_strong(&lead->busy_since_ns, &expected, 0);
}

/* ---- the driver ---- */

void http_lead_set_driver(struct http_lead *lead, bool has_driver)
{
	(void)pthread_mutex_lock(&lead->lock);
	atomic_store(&lead->has_driver, has_driver);
	lead->is_away = false;
	if (lead->is_driven) {
		atomic_store(&lead->busy_since_ns, 0);
		vacate(lead);
	}
	(void)pthread_mutex_unlock(&lead->lock);
}

/* Who is told and does not come is deposed as one who does not come back: its time runs from now on. */
bool http_lead_pass(struct http_lead *lead)
{
	int64_t now_ns;
	bool passes;

	if (!atomic_load(&lead->has_driver))
		return false;
	now_ns = clock_monotonic_ns();
	(void)pthread_mutex_lock(&lead->lock);
	passes = atomic_load(&lead->has_driver) && !lead->is_away && now_ns >= lead->driven_from_ns;
	if (passes) {
		lead->is_driven = true;
		atomic_store(&lead->busy_since_ns, now_ns);
		if (atomic_exchange(&lead->overseer_sleeps, false))
			(void)pthread_cond_signal(&lead->active);
	}
	(void)pthread_mutex_unlock(&lead->lock);
	return passes;
}

bool http_lead_hold(struct http_lead *lead)
{
	bool leads;

	(void)pthread_mutex_lock(&lead->lock);
	leads = lead->is_driven;
	if (leads) {
		atomic_store(&lead->busy_since_ns, 0);
	} else if (lead->is_away) {
		lead->is_away = false;
		lead->driven_from_ns = clock_monotonic_ns() + HTTP_LEAD_BACK_MS * NS_PER_MS;
	}
	(void)pthread_mutex_unlock(&lead->lock);
	return leads;
}

int64_t http_lead_loosen(struct http_lead *lead)
{
	const int64_t now_ns = clock_monotonic_ns();

	be_busy(lead, now_ns);
	return now_ns;
}

void http_lead_give_driven(struct http_lead *lead)
{
	(void)pthread_mutex_lock(&lead->lock);
	if (lead->is_driven) {
		atomic_store(&lead->busy_since_ns, 0);
		vacate(lead);
	}
	(void)pthread_mutex_unlock(&lead->lock);
}

/* ---- the overseer ---- */

/* What it saw at its last look, and since when it has excused leaders. */
struct sight {
	int64_t now_ns;
	int64_t spent_ns; /* by the whole process, of processors' time */
	int64_t excused_ns;
	unsigned excused;
	pid_t slow[SLOW_KEPT]; /* leaders that it deposed, the last ones */
	unsigned slow_count;
};

/*
 * Did the process keep a processor busy since the last look? Then handlers wait for the one lock, and not for something
 * else: a long collection of garbage. Where there is no such clock they count as waiting.
 */
static bool is_computing(const struct sight *last, int64_t now_ns, int64_t spent_ns)
{
	return spent_ns < now_ns && (spent_ns - last->spent_ns) * 4 >= (now_ns - last->now_ns) * 3;
}

/* Does it run, or would it if there were a processor for it? false where the system does not tell. */
static bool is_running(pid_t thread)
{
	char path[64];
	char text[512];
	const char *end;
	ssize_t got;
	int fd;

	(void)snprintf(path, sizeof(path), "/proc/self/task/%d/stat", (int)thread);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	got = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	fd_close(fd);
	if (got < 0)
		return false;
	text[got] = 0;
	end = strrchr(text, ')'); /* behind the program's name */
	return end && strncmp(end, ") R", 3) == 0;
}

/* One of those that were slow of late: on a busy machine they may only have waited for their turn. */
static bool is_any_running(const struct sight *last)
{
	for (size_t i = 0; i < SLOW_KEPT; i++) {
		if (last->slow[i] != 0 && is_running(last->slow[i]))
			return true;
	}
	return false;
}

/* A few in a row: what they do may take long for all that. */
static bool excuses(struct sight *last, int64_t now_ns, int64_t spent_ns)
{
	if (now_ns - last->excused_ns > HTTP_LEAD_SLOW_MS * NS_PER_MS) {
		last->excused_ns = now_ns;
		last->excused = 0;
	}
	if (last->excused >= EXCUSES_MAX || !(is_computing(last, now_ns, spent_ns) || is_any_running(last)))
		return false;
	last->excused++;
	return true;
}

/* Under lock, so that a driver that finds itself deposed finds all that belongs to it. */
static void depose(struct http_lead *lead, int_fast64_t since_ns, int64_t slow_until_ns)
{
	(void)pthread_mutex_lock(&lead->lock);
	if (atomic_compare_exchange_strong(&lead->busy_since_ns, &since_ns, 0)) {
		if (lead->is_driven)
			lead->is_away = true;
		else if (slow_until_ns > 0)
			atomic_store(&lead->slow_until_ns, slow_until_ns);
		vacate(lead);
	}
	(void)pthread_mutex_unlock(&lead->lock);
}

static void note_slow(struct http_lead *lead, struct sight *last)
{
	(void)pthread_mutex_lock(&lead->lock);
	last->slow[last->slow_count++ % SLOW_KEPT] = lead->leader;
	(void)pthread_mutex_unlock(&lead->lock);
}

/* How long it takes until the leader has been busy for too long; 0: nobody is busy. */
static int64_t look(struct http_lead *lead, struct sight *last)
{
	const int64_t now_ns = clock_monotonic_ns();
	const int64_t spent_ns = clock_process_cpu_ns();
	const int_fast64_t since_ns = atomic_load(&lead->busy_since_ns);
	const int64_t left_ns = since_ns == 0 ? 0 : since_ns + HTTP_LEAD_MS * NS_PER_MS - now_ns;

	if (left_ns < 0) {
		note_slow(lead, last);
		depose(lead, since_ns, excuses(last, now_ns, spent_ns) ? 0 : now_ns + HTTP_LEAD_SLOW_MS * NS_PER_MS);
	}
	last->now_ns = now_ns;
	last->spent_ns = spent_ns;
	return left_ns < 0 ? 0 : left_ns;
}

/* Until the leader has something to do again; false at the end. */
static bool sleep_until_active(struct http_lead *lead)
{
	bool is_ending;

	(void)pthread_mutex_lock(&lead->lock);
	atomic_store(&lead->overseer_sleeps, true);
	while (!lead->is_ending && atomic_load(&lead->overseer_sleeps) && atomic_load(&lead->busy_since_ns) == 0)
		(void)pthread_cond_wait(&lead->active, &lead->lock);
	atomic_store(&lead->overseer_sleeps, false);
	is_ending = lead->is_ending;
	(void)pthread_mutex_unlock(&lead->lock);
	return !is_ending;
}

void *http_lead_oversee(void *arg)
{
	struct http_lead *lead = arg;
	struct sight last = {0};
	int quiet = 0;

	for (;;) {
		const int64_t left_ns = look(lead, &last);

		quiet = left_ns > 0 ? 0 : quiet + 1;
		if (quiet < QUIET_LOOKS)
			(void)poll(NULL, 0, left_ns > 0 ? (int)(left_ns / NS_PER_MS) + 1 : HTTP_LEAD_MS);
		else if (sleep_until_active(lead))
			quiet = 0;
		else
			return NULL;
	}
}

void http_lead_end_overseer(struct http_lead *lead)
{
	(void)pthread_mutex_lock(&lead->lock);
	lead->is_ending = true;
	(void)pthread_cond_signal(&lead->active);
	(void)pthread_mutex_unlock(&lead->lock);
}
