/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/connect_proxy.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "cli/connect_priv.h"

#define EVENTS_MAX 64
#define TICK_MS 250
#define SURPLUS_MAX 64 /* clients beyond the maximum that are told so, at once */
#define ACCEPT_MAX 64  /* in one round */

struct proxy {
	const struct connect_proxy_options *options;
	int epoll_fd;
	int64_t now_ns, ticked_ns;
	struct watch listener, attester, wake;
	struct pool *pool;
	struct session *sessions;
	size_t session_count;
	struct session *first_again;
	struct session *dead_sessions; /* freed after the round: events may still name them */
	struct upstream *dead_upstreams;
	bool is_draining;
	bool has_dead; /* sessions that have ended wait to be freed */
};

const struct connect_proxy_options *proxy_options(const struct proxy *proxy)
{
	return proxy->options;
}

int64_t proxy_now(const struct proxy *proxy)
{
	return proxy->now_ns;
}

struct pool *proxy_pool(const struct proxy *proxy)
{
	return proxy->pool;
}

bool proxy_is_draining(const struct proxy *proxy)
{
	return proxy->is_draining;
}

/* ---- epoll ---- */

void proxy_watch(struct proxy *proxy, struct watch *watch, uint32_t mask)
{
	struct epoll_event event = {.events = mask, .data.ptr = watch};

	if (watch->is_added && watch->mask == mask)
		return;
	(void)epoll_ctl(proxy->epoll_fd, watch->is_added ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, watch->fd, &event);
	watch->is_added = true;
	watch->mask = mask;
}

void proxy_unwatch(struct proxy *proxy, struct watch *watch)
{
	if (watch->is_added)
		(void)epoll_ctl(proxy->epoll_fd, EPOLL_CTL_DEL, watch->fd, NULL);
	watch->is_added = false;
	proxy->has_dead = proxy->has_dead || watch->kind == WATCH_CLIENT;
}

struct upstream *upstream_of(struct watch *watch)
{
	return (struct upstream *)((char *)watch - offsetof(struct upstream, watch));
}

void proxy_bury_upstream(struct proxy *proxy, struct upstream *upstream)
{
	channel_close(TAKE_PTR(upstream->channel));
	upstream->next = proxy->dead_upstreams;
	proxy->dead_upstreams = upstream;
}

void proxy_again(struct proxy *proxy, struct session *session)
{
	if (session->is_again)
		return;
	session->is_again = true;
	session->next_again = proxy->first_again;
	proxy->first_again = session;
}

/* ---- sessions ---- */

static void add_session(struct proxy *proxy, struct session *session)
{
	session->next = proxy->sessions;
	session->before = NULL;
	if (proxy->sessions)
		proxy->sessions->before = session;
	proxy->sessions = session;
	proxy->session_count++;
}

static void bury_session(struct proxy *proxy, struct session *session)
{
	if (session->before)
		session->before->next = session->next;
	else
		proxy->sessions = session->next;
	if (session->next)
		session->next->before = session->before;
	proxy->session_count--;
	session->next = proxy->dead_sessions;
	proxy->dead_sessions = session;
}

static void free_dead(struct proxy *proxy)
{
	for (struct session *each = proxy->has_dead ? proxy->sessions : NULL, *next; each; each = next) {
		next = each->next;
		if (each->state == STATE_DEAD && !each->is_again)
			bury_session(proxy, each);
	}
	proxy->has_dead = proxy->first_again != NULL;
	while (proxy->dead_sessions) {
		struct session *session = proxy->dead_sessions;

		proxy->dead_sessions = session->next;
		session_free(session);
	}
	while (proxy->dead_upstreams) {
		struct upstream *upstream = proxy->dead_upstreams;

		proxy->dead_upstreams = upstream->next;
		free(upstream);
	}
}

/* Who waits for nothing, longest, goes for who comes. false: all are at work. */
static bool make_room(struct proxy *proxy)
{
	struct session *oldest = NULL;

	for (struct session *each = proxy->sessions; each; each = each->next) {
		if (session_can_go(each) && (!oldest || each->moved_ns < oldest->moved_ns))
			oldest = each;
	}
	if (oldest)
		session_end(oldest, false);
	return oldest != NULL;
}

static void take_client(struct proxy *proxy, int fd)
{
	const bool is_surplus = proxy->session_count >= CONNECT_CLIENTS_MAX && !make_room(proxy);
	const int on = 1;
	struct session *session;

	/* A raw port has no words for "too many". */
	session = is_surplus && proxy->options->is_tcp ? NULL : session_new(proxy, fd, is_surplus);
	if (!session) {
		fd_close(fd);
		return;
	}
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	add_session(proxy, session);
	session_begin(session);
}

static bool has_room(const struct proxy *proxy)
{
	return proxy->session_count < CONNECT_CLIENTS_MAX + SURPLUS_MAX;
}

static void accept_clients(struct proxy *proxy)
{
	errno = 0;
	for (int i = 0; i < ACCEPT_MAX && has_room(proxy); i++) {
		const int fd = accept4(proxy->listener.fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (fd < 0 && (errno == EAGAIN || errno == EINTR || errno == ECONNABORTED))
			return;
		if (fd < 0)
			break;
		take_client(proxy, fd);
	}
	/* No room, or no descriptor left: the next tick looks again. */
	if (!has_room(proxy) || errno == EMFILE || errno == ENFILE || errno == ENOMEM)
		proxy_watch(proxy, &proxy->listener, 0);
}

/* ---- rounds ---- */

static void go_again(struct proxy *proxy)
{
	struct session *first = TAKE_PTR(proxy->first_again);

	while (first) {
		struct session *session = first;

		first = session->next_again;
		session->is_again = false;
		if (session->state != STATE_DEAD)
			session_pump(session);
	}
}

static void upstream_event(struct proxy *proxy, struct upstream *upstream, uint32_t events)
{
	if (!upstream->channel)
		return; /* dropped earlier in this round */
	if (upstream->session)
		session_event(upstream->session, &upstream->watch, events);
	else
		pool_drop(proxy->pool, upstream); /* it has ended, or speaks unasked */
}

static void dispatch(struct proxy *proxy, struct watch *watch, uint32_t events)
{
	switch (watch->kind) {
	case WATCH_LISTENER:
		accept_clients(proxy);
		return;
	case WATCH_ATTESTER:
		pool_results(proxy->pool);
		return;
	case WATCH_WAKE:
		return; /* should_stop is asked after each round */
	case WATCH_CLIENT:
		if (session_of(watch)->state != STATE_DEAD)
			session_event(session_of(watch), watch, events);
		return;
	case WATCH_UPSTREAM:
		upstream_event(proxy, upstream_of(watch), events);
		return;
	}
}

static void tick(struct proxy *proxy)
{
	if (proxy->now_ns - proxy->ticked_ns < TICK_MS * NS_PER_MS)
		return;
	proxy->ticked_ns = proxy->now_ns;
	pool_tick(proxy->pool);
	for (struct session *each = proxy->sessions; each; each = each->next) {
		session_tick(each);
		if (proxy->is_draining && each->state != STATE_DEAD && session_is_idle(each))
			session_end(each, false);
	}
	proxy_watch(proxy, &proxy->listener, has_room(proxy) && !proxy->is_draining ? EPOLLIN : 0);
}

static int run_round(struct proxy *proxy, struct err *err)
{
	struct epoll_event events[EVENTS_MAX];
	const int timeout_ms = proxy->first_again ? 0 : TICK_MS;
	const int count = epoll_wait(proxy->epoll_fd, events, EVENTS_MAX, timeout_ms);

	if (count < 0 && errno != EINTR)
		return err_set_errno(err, "cannot wait for events");
	proxy->now_ns = clock_monotonic_ns();
	for (int i = 0; i < count; i++)
		dispatch(proxy, events[i].data.ptr, events[i].events);
	go_again(proxy);
	tick(proxy);
	free_dead(proxy);
	return 0;
}

static int run(struct proxy *proxy, struct err *err)
{
	while (!proxy->options->should_stop(proxy->options->stop_arg)) {
		if (run_round(proxy, err) < 0)
			return -1;
	}
	return 0;
}

/* Tunnels have no end of their own: they are cut. */
static int drain(struct proxy *proxy, unsigned drain_ms, struct err *err)
{
	const int64_t end_ns = clock_monotonic_ns() + drain_ms * NS_PER_MS;

	proxy->is_draining = true;
	proxy->ticked_ns = 0;
	proxy_unwatch(proxy, &proxy->listener);
	proxy_unwatch(proxy, &proxy->wake);
	for (struct session *each = proxy->sessions; each; each = each->next) {
		if (each->state == STATE_TUNNEL || each->state == STATE_WAITING || session_is_idle(each))
			session_end(each, false);
	}
	free_dead(proxy);
	while (proxy->session_count > 0 && clock_monotonic_ns() < end_ns) {
		if (run_round(proxy, err) < 0)
			return -1;
	}
	return 0;
}

static void close_all(struct proxy *proxy)
{
	for (struct session *each = proxy->sessions; each; each = each->next) {
		session_end(each, true);
		each->is_again = false;
	}
	pool_free(proxy->pool);
	free_dead(proxy);
	fd_close(proxy->epoll_fd);
}

static void watch_fd(struct proxy *proxy, struct watch *watch, enum watch_kind kind, int fd)
{
	*watch = (struct watch){.fd = fd, .kind = kind};
	if (fd >= 0)
		proxy_watch(proxy, watch, EPOLLIN);
}

int connect_proxy_run(const struct connect_proxy_options *options, unsigned drain_ms, struct err *err)
{
	struct proxy proxy = {.options = options, .now_ns = clock_monotonic_ns()};
	int status = -1;

	proxy.epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (proxy.epoll_fd < 0)
		return err_set_errno(err, "cannot make an epoll descriptor");
	if (pool_new(&proxy, &proxy.pool, err) == 0) {
		watch_fd(&proxy, &proxy.listener, WATCH_LISTENER, options->listen_fd);
		watch_fd(&proxy, &proxy.attester, WATCH_ATTESTER, pool_fd(proxy.pool));
		watch_fd(&proxy, &proxy.wake, WATCH_WAKE, options->wake_fd);
		pool_warm(proxy.pool);
		status = run(&proxy, err);
		if (status == 0)
			status = drain(&proxy, drain_ms, err);
	}
	close_all(&proxy);
	return status;
}
