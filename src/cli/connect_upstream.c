/* SPDX-License-Identifier: Apache-2.0 */
/* The pool: attested connections only, each with the time until which its verdict counts. */
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/number.h"
#include "cli/connect_priv.h"

#define IDLE_NS (60 * NS_PER_SECOND) /* the runtime closes after 75 s */
#define BAD_GATEWAY 502
#define UNAVAILABLE 503

struct pool {
	struct proxy *proxy;
	struct connect_attester *attester;
	struct upstream *idle; /* the one used last is first */
	size_t open;           /* in use or idle */
	size_t asked;          /* being attested */
	struct session *first_waiting, **last_waiting;
	size_t waiting;
};

int pool_new(struct proxy *proxy, struct pool **ret, struct err *err)
{
	const struct connect_proxy_options *options = proxy_options(proxy);
	struct pool *pool = calloc(1, sizeof(*pool));

	if (!pool)
		return err_no_memory(err);
	pool->proxy = proxy;
	pool->last_waiting = &pool->first_waiting;
	if (connect_attester_new(options->open, options->generation, options->open_arg, &pool->attester, err) < 0) {
		free(pool);
		return -1;
	}
	*ret = pool;
	return 0;
}

void pool_free(struct pool *pool)
{
	if (!pool)
		return;
	while (pool->idle)
		pool_drop(pool, pool->idle);
	connect_attester_free(pool->attester);
	free(pool);
}

int pool_fd(const struct pool *pool)
{
	return connect_attester_fd(pool->attester);
}

/* ---- age ---- */

/* Either clock may be the one that was set back or slept. */
static bool is_expired(const struct pool *pool, const struct upstream *upstream)
{
	const struct connect_proxy_options *options = proxy_options(pool->proxy);
	const int64_t age_ns = clock_boot_ns() - upstream->asked_ns;

	return options->generation(options->open_arg) != upstream->generation ||
	       clock_now_seconds() > upstream->until || age_ns > options->age_seconds * NS_PER_SECOND;
}

bool upstream_is_too_old(const struct upstream *upstream)
{
	return clock_boot_ns() - upstream->asked_ns > CONNECT_STREAM_SECONDS_MAX * NS_PER_SECOND;
}

/* ---- connections ---- */

static struct upstream *upstream_new(struct pool *pool, struct connect_attested *attested)
{
	struct upstream *upstream = calloc(1, sizeof(*upstream));
	const int64_t age = proxy_options(pool->proxy)->age_seconds;
	const int64_t now = clock_now_seconds();
	const int on = 1;

	if (!upstream)
		return NULL;
	upstream->channel = TAKE_PTR(attested->channel);
	upstream->tls = channel_tls(upstream->channel);
	upstream->asked_ns = attested->asked_ns;
	upstream->generation = attested->generation;
	upstream->until = attested->verdict->valid_until < now + age ? attested->verdict->valid_until : now + age;
	upstream->watch = (struct watch){
	    .fd = tls_client_fd(upstream->tls), .kind = WATCH_UPSTREAM, .can_read = true, .can_write = true};
	(void)setsockopt(upstream->watch.fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	pool->open++;
	return upstream;
}

static void unlink_idle(struct pool *pool, const struct upstream *upstream)
{
	for (struct upstream **at = &pool->idle; *at; at = &(*at)->next) {
		if (*at == upstream) {
			*at = upstream->next;
			return;
		}
	}
}

static void ask_more(struct pool *pool);

void pool_drop(struct pool *pool, struct upstream *upstream)
{
	if (!upstream->session)
		unlink_idle(pool, upstream);
	upstream->session = NULL;
	pool->open--;
	proxy_unwatch(pool->proxy, &upstream->watch);
	proxy_bury_upstream(pool->proxy, upstream);
	ask_more(pool);
}

static bool fits(const struct session *session, const struct upstream *upstream)
{
	return !upstream->is_used || !session_wants_unused(session);
}

/* The first who waits and may have it. */
static struct session *take_waiting(struct pool *pool, const struct upstream *upstream)
{
	for (struct session *each = pool->first_waiting; each; each = each->next_waiting) {
		if (fits(each, upstream)) {
			pool_forget(pool, each);
			return each;
		}
	}
	return NULL;
}

static void grant(struct session *session, struct upstream *upstream)
{
	upstream->session = session;
	upstream->is_used = true;
	session_granted(session, upstream);
}

static void keep_idle(struct pool *pool, struct upstream *upstream)
{
	upstream->session = NULL;
	upstream->idle_ns = proxy_now(pool->proxy);
	upstream->next = pool->idle;
	pool->idle = upstream;
	/* Whatever comes now is the end: nobody has asked. */
	proxy_watch(pool->proxy, &upstream->watch, EPOLLIN);
}

void pool_give_back(struct pool *pool, struct upstream *upstream, bool is_reusable)
{
	struct session *next;

	if (!is_reusable || is_expired(pool, upstream) || tls_client_is_readable(upstream->tls) ||
	    proxy_is_draining(pool->proxy)) {
		pool_drop(pool, upstream);
		return;
	}
	next = take_waiting(pool, upstream);
	if (next)
		grant(next, upstream);
	else
		keep_idle(pool, upstream);
}

static bool is_stale(const struct pool *pool, const struct upstream *upstream)
{
	return is_expired(pool, upstream) || proxy_now(pool->proxy) - upstream->idle_ns > IDLE_NS ||
	       tls_client_is_readable(upstream->tls);
}

/* The first idle one that session may have. */
static struct upstream *find_idle(const struct pool *pool, const struct session *session)
{
	struct upstream *each = pool->idle;

	while (each && !fits(session, each))
		each = each->next;
	return each;
}

/* Dropping one may drop others (ask_more), so the search begins anew. */
static struct upstream *take_idle(struct pool *pool, const struct session *session)
{
	struct upstream *found;

	while ((found = find_idle(pool, session))) {
		if (!is_stale(pool, found)) {
			unlink_idle(pool, found);
			return found;
		}
		pool_drop(pool, found);
	}
	return NULL;
}

static void drop_stale(struct pool *pool)
{
	struct upstream *each = pool->idle;

	while (each) {
		if (is_stale(pool, each)) {
			pool_drop(pool, each);
			each = pool->idle;
		} else {
			each = each->next;
		}
	}
}

/* ---- who waits ---- */

static void wait_in_line(struct pool *pool, struct session *session)
{
	session->next_waiting = NULL;
	*pool->last_waiting = session;
	pool->last_waiting = &session->next_waiting;
	pool->waiting++;
}

void pool_forget(struct pool *pool, struct session *session)
{
	for (struct session **at = &pool->first_waiting; *at; at = &(*at)->next_waiting) {
		if (*at != session)
			continue;
		*at = session->next_waiting;
		if (pool->last_waiting == &session->next_waiting)
			pool->last_waiting = at;
		session->next_waiting = NULL;
		pool->waiting--;
		return;
	}
}

/* One question for each who waits, as far as connections may be. Idle ones that fit nobody make room. */
static void ask_more(struct pool *pool)
{
	const size_t max = proxy_options(pool->proxy)->connections_max;
	struct err ignored = ERR_INIT;

	while (pool->asked < pool->waiting && !proxy_is_draining(pool->proxy)) {
		if (pool->open + pool->asked >= max && pool->idle) {
			pool_drop(pool, pool->idle); /* comes back here */
			return;
		}
		if (pool->open + pool->asked >= max || connect_attester_ask(pool->attester, &ignored) < 0)
			return;
		pool->asked++;
	}
}

/* One for the first who comes; that it is refused is told before anybody asks. */
void pool_warm(struct pool *pool)
{
	struct err ignored = ERR_INIT;

	if (connect_attester_ask(pool->attester, &ignored) == 0)
		pool->asked++;
}

void pool_ask(struct pool *pool, struct session *session)
{
	struct upstream *upstream = take_idle(pool, session);

	if (upstream) {
		grant(session, upstream);
		return;
	}
	wait_in_line(pool, session);
	ask_more(pool);
}

/* ---- results ---- */

static void take_refusal(struct pool *pool, const struct connect_attested *attested)
{
	const struct connect_proxy_options *options = proxy_options(pool->proxy);
	struct session *session = pool->first_waiting;
	char name[ATTEST_NAME_SIZE];

	connect_attested_name(attested, name);
	options->report(options->report_arg, CONNECT_EVENT_REFUSED, name, attested->err.text, attested->verdict);
	if (!session)
		return;
	pool_forget(pool, session);
	session_refused(session, BAD_GATEWAY, name, attested->err.text, attested->verdict);
}

static void take_connection(struct pool *pool, struct connect_attested *attested)
{
	const struct connect_proxy_options *options = proxy_options(pool->proxy);
	struct upstream *upstream = upstream_new(pool, attested);

	if (!upstream)
		return; /* out of memory: who waits goes on waiting, or gives up */
	options->report(options->report_arg, CONNECT_EVENT_ATTESTED, "none", "", attested->verdict);
	pool_give_back(pool, upstream, true);
}

void pool_results(struct pool *pool)
{
	struct connect_attested *attested;

	while ((attested = connect_attester_take(pool->attester))) {
		pool->asked--;
		/* The one place where a connection enters: with an accepted verdict, or not at all. */
		if (attested->channel && attested->verdict && attested->verdict->accepted)
			take_connection(pool, attested);
		else
			take_refusal(pool, attested);
		connect_attested_free(attested);
	}
	ask_more(pool);
}

void pool_tick(struct pool *pool)
{
	const int64_t now_ns = proxy_now(pool->proxy);
	const int64_t wait_ns = proxy_options(pool->proxy)->wait_ms * NS_PER_MS;

	drop_stale(pool);
	while (pool->first_waiting && now_ns - pool->first_waiting->waiting_ns > wait_ns) {
		struct session *session = pool->first_waiting;

		pool_forget(pool, session);
		session_refused(session, UNAVAILABLE, "busy",
				"no attested connection became free in time: all that are allowed are in use", NULL);
	}
}
