/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One leader among the threads of a pool, for handlers that hold one lock anyway (Python's): more threads at work would
 * only wait for each other. The leader waits for events and handles them itself, without a hand-over. While it is busy
 * for longer than HTTP_LEAD_MS, an overseer takes the lead from it, and the next thread goes on; a deposed leader
 * finishes what it does and queues up again. For a while after that handlers count as slow: the lead is given away
 * before each, so that they run side by side from the start; but not at once if the process was computing all the
 * time, or waiting for a processor: then they would wait for the lock. A leader that waits for its client says so and
 * is followed without all that (http_lead_step_down). So quick requests are served by one thread, and
 * slow ones by as many as there are. Nothing wakes up while nothing comes.
 *
 * A driver is a thread of somebody else's that may lead too (http_server_drive): a leader that has events passes the
 * lead to it, and the driver gives it back when nothing is left. It leads as long as it comes back for more within
 * HTTP_LEAD_MS; one that was deposed gets the lead again when it has come back and a moment is over. Private to
 * net/http_*.c.
 */
#ifndef MSE_NET_HTTP_LEAD_H
#define MSE_NET_HTTP_LEAD_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

#define HTTP_LEAD_MS 4
#define HTTP_LEAD_WAIT_MS 1   /* for a client, until the leader steps down */
#define HTTP_LEAD_SLOW_MS 100 /* since a leader was deposed */
#define HTTP_LEAD_BACK_MS 20  /* since a driver that was deposed came back */

struct http_lead {
	pthread_mutex_t lock;
	pthread_cond_t vacant;             /* [lock] the lead is free */
	pthread_cond_t active;             /* [lock] the overseer has something to see, or shall end */
	bool is_taken;                     /* [lock] */
	pid_t leader;                      /* [lock] the thread that took it, as the system counts them */
	bool is_ending;                    /* [lock] */
	atomic_bool has_driver;            /* changed under lock */
	bool is_driven;                    /* [lock] the lead is the driver's */
	bool is_away;                      /* [lock] the driver was deposed and has not come back */
	int64_t driven_from_ns;            /* [lock] not before is the lead passed to the driver */
	atomic_int_fast64_t busy_since_ns; /* of the leader; 0: it waits for events, or there is none */
	atomic_int_fast64_t slow_until_ns;
	atomic_bool overseer_sleeps;
};

void http_lead_init(struct http_lead *lead);
void http_lead_done(struct http_lead *lead);

/* Waits for the lead. */
void http_lead_take(struct http_lead *lead);
/* The leader steps down. */
void http_lead_give(struct http_lead *lead);
/* The leader has an event to handle. What is returned is for the end; 0: it has given the lead away. */
int64_t http_lead_begin(struct http_lead *lead);
/* It has handled it: false if it does not lead any more. */
bool http_lead_end(struct http_lead *lead, int64_t began_ns);

/* The calling thread handles an event as the leader, as far as it knows. */
bool http_lead_is_mine(void);
/* It waits for its client for longer: another thread leads, and handlers do not count as slow. Does nothing otherwise.
 */
void http_lead_step_down(struct http_lead *lead);

/* Behind false, the lead is never the driver's again. */
void http_lead_set_driver(struct http_lead *lead, bool has_driver);
/* The leader has events: true if the lead is the driver's now, who must be told. */
must_check bool http_lead_pass(struct http_lead *lead);
/* The driver has come back. true: it leads, and is not deposed while it asks for events. */
must_check bool http_lead_hold(struct http_lead *lead);
/* It handles an event, or turns to something else: it may be deposed from now on. For http_lead_end. */
int64_t http_lead_loosen(struct http_lead *lead);
/* It has nothing left to do. */
void http_lead_give_driven(struct http_lead *lead);

/* The overseer's thread; arg is the struct http_lead. */
void *http_lead_oversee(void *arg);
void http_lead_end_overseer(struct http_lead *lead);

#endif
