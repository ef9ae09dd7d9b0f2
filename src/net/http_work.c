/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http_work.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/fd.h"
#include "net/http_priv.h"

#define WORK_IN_ROW 8

int http_work_init(struct http_work *work, struct err *err)
{
	work->pipe[0] = work->pipe[1] = -1;
	(void)pthread_mutex_init(&work->lock, NULL);
	atomic_init(&work->count, 0);
	atomic_init(&work->waiting, 0);
	atomic_init(&work->turn, 0);
	atomic_init(&work->in_row, 0);
	return pipe2(work->pipe, O_CLOEXEC | O_NONBLOCK) < 0 ? err_set_errno(err, "cannot make a pipe") : 0;
}

void http_work_done(struct http_work *work)
{
	fd_close(work->pipe[0]);
	fd_close(work->pipe[1]);
	(void)pthread_mutex_destroy(&work->lock);
}

/* Whoever counts itself as waiting looks at count afterwards; whoever raises count looks at waiting afterwards. */
static void wake_one(struct http_work *work)
{
	ssize_t put = 0;

	if (atomic_load(&work->waiting) > 0)
		put = write(work->pipe[1], "", 1);
	(void)put; /* a full pipe wakes too */
}

void http_work_push(struct http_server *server, struct http_exchange *list)
{
	struct http_work *work = &server->work;
	struct http_exchange *last = list;
	unsigned count = 1;

	for (; last->next; last = last->next)
		count++;
	(void)pthread_mutex_lock(&work->lock);
	if (work->first)
		work->last->next = list;
	else
		work->first = list;
	work->last = last;
	(void)atomic_fetch_add(&work->count, count);
	(void)pthread_mutex_unlock(&work->lock);
	wake_one(work);
}

struct http_exchange *http_work_take(struct http_server *server)
{
	struct http_work *work = &server->work;
	struct http_exchange *exchange;

	if (atomic_load(&work->count) == 0)
		return NULL;
	(void)pthread_mutex_lock(&work->lock);
	exchange = work->first;
	if (exchange) {
		work->first = exchange->next;
		(void)atomic_fetch_sub(&work->count, 1);
	}
	(void)pthread_mutex_unlock(&work->lock);
	return exchange;
}

void http_work_call(struct http_work *work)
{
	(void)atomic_fetch_add(&work->count, 1);
	wake_one(work);
}

void http_work_uncall(struct http_work *work)
{
	(void)atomic_fetch_sub(&work->count, 1);
}

bool http_work_is_calls_turn(struct http_work *work)
{
	return atomic_fetch_add(&work->turn, 1) % 2 == 0;
}

void http_work_pass_on(struct http_work *work)
{
	if (atomic_load(&work->count) > 0)
		wake_one(work);
}

bool http_work_begin_wait(struct http_work *work)
{
	(void)atomic_fetch_add(&work->waiting, 1);
	if (atomic_load(&work->count) == 0)
		return true;
	http_work_end_wait(work);
	return false;
}

void http_work_end_wait(struct http_work *work)
{
	(void)atomic_fetch_sub(&work->waiting, 1);
}

bool http_work_is_events_turn(struct http_work *work)
{
	return atomic_fetch_add(&work->in_row, 1) % WORK_IN_ROW == WORK_IN_ROW - 1;
}

void http_work_heard(struct http_work *work)
{
	uint8_t bytes[64];

	while (read(work->pipe[0], bytes, sizeof(bytes)) == (ssize_t)sizeof(bytes)) {
	}
}
