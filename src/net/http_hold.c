/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http_hold.h"

#include "net/http_priv.h"

static _Thread_local const struct http_server *holding; /* whose replies this thread holds back */

void http_hold_init(struct http_hold *hold)
{
	(void)pthread_mutex_init(&hold->lock, NULL);
	hold->first = NULL;
	hold->end = &hold->first;
	atomic_init(&hold->has_any, false);
	hold->began_ns = 0;
}

void http_hold_done(struct http_hold *hold)
{
	(void)pthread_mutex_destroy(&hold->lock);
}

void http_hold_begin(struct http_server *server, int64_t began_ns)
{
	server->hold.began_ns = began_ns;
	holding = server;
}

void http_hold_end(struct http_server *server)
{
	if (holding == server)
		holding = NULL;
}

bool http_hold_is_on(const struct http_server *server)
{
	return holding == server && atomic_load(&server->lead.busy_since_ns) == server->hold.began_ns;
}

static struct http_conn *take(struct http_hold *hold)
{
	struct http_conn *list;

	if (!atomic_load(&hold->has_any))
		return NULL;
	(void)pthread_mutex_lock(&hold->lock);
	list = TAKE_PTR(hold->first);
	hold->end = &hold->first;
	atomic_store(&hold->has_any, false);
	(void)pthread_mutex_unlock(&hold->lock);
	return list;
}

/* The driver was deposed, and whoever leads now may have looked before there was something. */
static void hand_over(struct http_hold *hold)
{
	struct http_conn *next;

	for (struct http_conn *conn = take(hold); conn; conn = next) {
		next = conn->next;
		http_server_hand_over(conn);
	}
}

bool http_hold_add(struct http_conn *conn)
{
	struct http_hold *hold = &conn->server->hold;
	struct http_server *server = conn->server;

	if (!http_hold_is_on(server) || conn->exchange->aborted || conn->exchange->out.size == 0)
		return false;
	conn->next = NULL;
	(void)pthread_mutex_lock(&hold->lock);
	*hold->end = conn;
	hold->end = &conn->next;
	atomic_store(&hold->has_any, true);
	(void)pthread_mutex_unlock(&hold->lock);
	if (!http_hold_is_on(server))
		hand_over(hold);
	return true;
}

void http_hold_send(struct http_server *server)
{
	struct http_conn *next;

	for (struct http_conn *conn = take(&server->hold); conn; conn = next) {
		next = conn->next;
		http_conn_run(conn);
	}
}
