/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Exchanges that wait for a thread of the pool: several of one connection may run at once (HTTP/2). A thread looks here
 * before it waits for events; a pipe in the epoll wakes one that waits already. Private to net/http*.c.
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
	atomic_uint count;
	atomic_uint waiting; /* threads in epoll_wait */
	int pipe[2];
};

must_check int http_work_init(struct http_work *work, struct err *err);
void http_work_done(struct http_work *work);

/* A list, in order. Any thread. */
void http_work_push(struct http_server *server, struct http_exchange *list);
/* The one that waited longest; NULL: none. Wakes another thread if there are more. */
struct http_exchange *http_work_take(struct http_server *server);

/* Around epoll_wait: false if there is work instead. */
bool http_work_begin_wait(struct http_work *work);
void http_work_end_wait(struct http_work *work);
/* The pipe was readable. */
void http_work_heard(struct http_work *work);

#endif
