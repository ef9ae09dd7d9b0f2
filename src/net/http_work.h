/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Exchanges that wait for a thread of the pool: several of one connection may run at once (HTTP/2). A thread looks here
 * before it waits for events; a pipe in the epoll wakes one that waits already. Connections that the pool must look at
 * without an event of their socket are in a list of http_watch.c and call through the same pipe. Private to
 * net/http*.c.
 */
#ifndef MSE_NET_HTTP_WORK_H
#define MSE_NET_HTTP_WORK_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "base/err.h"

struct http_exchange;
struct http_server;

struct http_work {
	pthread_mutex_t lock;
	struct http_exchange *first; /* [lock] linked by next */
	struct http_exchange *last;  /* [lock] */
	atomic_uint count;           /* of these, and of calls */
	atomic_uint waiting;         /* threads in epoll_wait */
	atomic_uint turn;
	atomic_uint in_row; /* times that there was work instead of a wait */
	int pipe[2];
};

must_check int http_work_init(struct http_work *work, struct err *err);
void http_work_done(struct http_work *work);

/* A list, in order. Any thread. */
void http_work_push(struct http_server *server, struct http_exchange *list);
/* The one that waited longest; NULL: none. */
struct http_exchange *http_work_take(struct http_server *server);

/* There is something else for a thread to do (http_watch.h), or not any more. Any thread. */
void http_work_call(struct http_work *work);
void http_work_uncall(struct http_work *work);
/* Exchanges and calls take turns, so that neither waits for the other to run dry. */
bool http_work_is_calls_turn(struct http_work *work);
/* Behind a take of either kind: the next thread goes on if there is more. */
void http_work_pass_on(struct http_work *work);

/* Around epoll_wait: false if there is work instead. */
bool http_work_begin_wait(struct http_work *work);
void http_work_end_wait(struct http_work *work);
/* After that false, now and then: what epoll has by now goes first, since a session may be work again and again. */
bool http_work_is_events_turn(struct http_work *work);
/* The pipe was readable. */
void http_work_heard(struct http_work *work);

#endif
