/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http_hold.h"

#include "base/clock.h"
#include "net/http_priv.h"

static _Thread_local const struct http_server *holding; /* whose replies this thread holds back */
static _Thread_local int64_t holding_since_ns;          /* as long as it leads since then */

void http_hold_init(struct http_hold *hold)
{
	(void)pthread_mutex_init(&hold->lock, NULL);
	hold->first = NULL;
	hold->end = &hold->first;
	atomic_init(&hold->since_ns, 0);
}

void http_hold_done(struct http_hold *hold)
{
	(void)pthread_mutex_destroy(&hold->lock);
}

void http_hold_begin(const struct http_server *server, int64_t began_ns)
{
	holding = server;
	holding_since_ns = began_ns;
}

void http_hold_end(const struct http_server *server)
{
	if (holding == server)
		holding = NULL;
}

bool http_hold_is_on(const struct http_server *server)
{
	return holding == server && atomic_load(&server->lead.busy_since_ns) == holding_since_ns;
}

/* One after the other: a thread that is stopped in between leaves the others to the next. */
static struct http_conn *take(struct http_hold *hold)
{
	struct http_conn *conn;

	if (atomic_load(&hold->since_ns) == 0)
		return NULL;
	(void)pthread_mutex_lock(&hold->lock);
	conn = hold->first;
	if (conn)
		hold->first = conn->next;
	if (!hold->first) {
		hold->end = &hold->first;
		atomic_store(&hold->since_ns, 0);
	}
	(void)pthread_mutex_unlock(&hold->lock);
	return conn;
}

/* This thread was deposed, and whoever leads now may have looked before there was something. */
static void hand_over(struct http_hold *hold)
{
	struct http_conn *conn;

	while ((conn = take(hold)) != NULL)
		http_watch_hand_over(conn);
}

bool http_hold_add(struct http_conn *conn)
{
	struct http_hold *hold = &conn->server->hold;
	struct http_server *server = conn->server;

	if (!http_hold_is_on(server) || conn->exchange->aborted || conn->exchange->out.size == 0)
		return false;
	conn->next = NULL;
	(void)pthread_mutex_lock(&hold->lock);
	if (!hold->first)
		atomic_store(&hold->since_ns, holding_since_ns);
	*hold->end = conn;
	hold->end = &conn->next;
	(void)pthread_mutex_unlock(&hold->lock);
	if (!http_hold_is_on(server))
		hand_over(hold);
	return true;
}

bool http_hold_is_late(const struct http_server *server)
{
	const int64_t since_ns = atomic_load(&server->hold.since_ns);

	return since_ns != 0 && clock_monotonic_ns() - since_ns >= HTTP_HOLD_NS;
}

void http_hold_send(struct http_server *server)
{
	struct http_conn *conn;

	while ((conn = take(&server->hold)) != NULL)
		http_conn_send_held(conn);
}
