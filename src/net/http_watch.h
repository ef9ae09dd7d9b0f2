/* SPDX-License-Identifier: Apache-2.0 */
/* What the threads of a server ask of its table, epoll and wheel of deadlines. Private to net/http_server.c. */
#ifndef MSE_NET_HTTP_WATCH_H
#define MSE_NET_HTTP_WATCH_H

#include "net/http_priv.h"

#define NO_SLOT UINT32_MAX

/* A new connection gets its place; false: there is none, or epoll refuses it. */
bool http_watch_enter(struct http_server *server, struct http_conn *conn);
/* The connection that an event is for, now owned by the caller; NULL for an event that came too late. */
struct http_conn *http_watch_claim(struct http_server *server, const struct epoll_event *event);

/* One that is due, whatever its socket can do, now owned by the caller; NULL: there is none. */
struct http_conn *http_watch_take_due(struct http_server *server);

/* Under lock, of an armed one: the next thread of the pool finds it expired and ends it in order. */
void http_watch_expire(struct http_server *server, struct http_conn *conn);
void http_watch_expire_due(struct http_server *server);
/* No connection comes any more: whatever waits between two requests is ended now. */
void http_watch_expire_idle(struct http_server *server, bool spares_newcomers);

/* What the acceptor waits for: poll's time-out in *ret_ms; whether there is room for connections is the result. */
bool http_watch_plan(struct http_server *server, int *ret_ms);
void http_watch_wake_acceptor(struct http_server *server);

#endif
