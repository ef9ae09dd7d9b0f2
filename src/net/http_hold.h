/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Replies that who leads (a thread of the pool, or a driver: http_server.h) holds back until the end of its turn. A
 * client that waits for several of them is woken once then, and finds the others when it has dealt with the first: to
 * wake it on another core is the dearest part of a short reply. Only what is whole and short is held, and never for
 * long: a turn ends when HTTP_HOLD_NS are over, and who leads after one that was busy for too long was deposed sends
 * what that has held. So nobody waits for longer than HTTP_HOLD_NS and HTTP_LEAD_MS. A turn has no more events than
 * HTTP_BATCH, and each no more than one reply of HTTP_HOLD_MAX. Private to net/http*.c.
 */
#ifndef MSE_NET_HTTP_HOLD_H
#define MSE_NET_HTTP_HOLD_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define HTTP_HOLD_MAX (16u << 10) /* bytes of one reply, with its head: a record of TLS */
#define HTTP_HOLD_NS 1000000      /* since the event of the first of them */

struct http_conn;
struct http_server;

struct http_hold {
	pthread_mutex_t lock;
	struct http_conn *first;      /* [lock] linked by next, in the order in which they came */
	struct http_conn **end;       /* [lock] */
	atomic_int_fast64_t since_ns; /* changed under lock; 0: nothing is held */
};

void http_hold_init(struct http_hold *hold);
void http_hold_done(struct http_hold *hold);

/* The calling thread holds replies of this server back from now on, as long as it leads since began_ns. */
void http_hold_begin(const struct http_server *server, int64_t began_ns);
/* It does not any more. */
void http_hold_end(const struct http_server *server);
/* Does it? */
bool http_hold_is_on(const struct http_server *server);

/* Takes a connection in PHASE_FLUSH from its owner; false: he sends himself. */
bool http_hold_add(struct http_conn *conn);
/* Has something been held for HTTP_HOLD_NS? */
bool http_hold_is_late(const struct http_server *server);
/* Sends what is held, and runs no handler. Any thread of the server's. */
void http_hold_send(struct http_server *server);

#endif
