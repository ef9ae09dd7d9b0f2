/* SPDX-License-Identifier: Apache-2.0 */
/* Who owns a connection, what epoll tells of it, and when its time is over. */
#include "net/http_watch.h"

#include <malloc.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/clock.h"

#define HUNG (EPOLLRDHUP | EPOLLHUP | EPOLLERR)
#define WARM_MAX 256        /* connections that keep their buffers: 40 KiB each */
#define WARM_PARKED_MAX 192 /* of them, with requests that may wait for long */
#define WARM_MS 1000
#define COOLED_MIN 64

/* ---- the wheel of deadlines, under lock ---- */

static struct http_conn **bucket_of(struct http_server *server, int64_t deadline_ns)
{
	return &server->wheel[(uint64_t)(deadline_ns / server->tick_ns) % WHEEL_SIZE];
}

void http_watch_wake_acceptor(struct http_server *server)
{
	const ssize_t put = write(server->acceptor_pipe[1], "", 1);

	(void)put; /* a full pipe wakes too */
}

/* When the bucket of a deadline is looked at: then all in it are due. */
static int64_t due_ns(const struct http_server *server, int64_t deadline_ns)
{
	return (deadline_ns / server->tick_ns + 1) * server->tick_ns;
}

static void wheel_add(struct http_server *server, struct http_conn *conn)
{
	struct http_conn **bucket;

	conn->wheel_ns = conn->deadline_ns;
	if (conn->cool_ns != 0 && conn->cool_ns < conn->wheel_ns)
		conn->wheel_ns = conn->cool_ns;
	/* What has passed already is for the next look, not for a turn of the wheel later. */
	if (conn->wheel_ns < server->last_tick * server->tick_ns)
		conn->wheel_ns = server->last_tick * server->tick_ns;
	if (due_ns(server, conn->wheel_ns) < server->acceptor_until_ns) {
		server->acceptor_until_ns = due_ns(server, conn->wheel_ns);
		http_watch_wake_acceptor(server);
	}
	bucket = bucket_of(server, conn->wheel_ns);
	conn->prev = NULL;
	conn->next = *bucket;
	if (*bucket)
		(*bucket)->prev = conn;
	*bucket = conn;
}

/* ---- what the pool must look at, whatever the socket can do; under lock ---- */

static void make_due(struct http_server *server, struct http_conn *conn)
{
	conn->is_due = true;
	conn->prev = NULL;
	conn->next = server->due;
	if (server->due)
		server->due->prev = conn;
	else
		server->due_last = conn;
	server->due = conn;
	http_work_call(&server->work);
}

/* Out of the wheel, or of those that are due. */
static void leave_list(struct http_server *server, struct http_conn *conn)
{
	struct http_conn **list = conn->is_due ? &server->due : bucket_of(server, conn->wheel_ns);

	if (conn->prev)
		conn->prev->next = conn->next;
	else
		*list = conn->next;
	if (conn->next)
		conn->next->prev = conn->prev;
	else if (conn->is_due)
		server->due_last = conn->prev;
	if (conn->is_due)
		http_work_uncall(&server->work);
	conn->is_due = false;
	conn->prev = NULL;
	conn->next = NULL;
}

/* ---- ownership ---- */

static uint64_t key_of(const struct http_server *server, const struct http_conn *conn)
{
	return (uint64_t)server->table[conn->index].generation << 32 | conn->index;
}

/*
 * Under lock. Changing what is watched makes epoll look again: an event comes if there is one by now, or later. A
 * failure would leave the connection to its deadline.
 */
static void watch(struct http_conn *conn, uint32_t events)
{
	struct epoll_event event = {.events = EPOLLET | (events & EPOLLIN ? EPOLLRDHUP : 0) | events,
				    .data.u64 = key_of(conn->server, conn)};

	(void)epoll_ctl(conn->server->epoll_fd, EPOLL_CTL_MOD, conn->fd, &event);
	conn->watched = events;
	conn->missed = false;
}

/* Under lock: who claims it owns it. */
static void disarm(struct http_server *server, struct http_conn *conn)
{
	conn->armed = false;
	leave_list(server, conn);
}

/* Not through epoll: a socket whose buffers are full and whose client is silent has no event to give. */
void http_watch_expire(struct http_server *server, struct http_conn *conn)
{
	conn->expired = true;
	leave_list(server, conn);
	make_due(server, conn);
}

/* Under lock: nothing has come for a moment, so a thread of the pool takes its buffers away. */
static void chill(struct http_server *server, struct http_conn *conn)
{
	conn->cools = true;
	leave_list(server, conn);
	make_due(server, conn);
}

struct http_conn *http_watch_take_due(struct http_server *server)
{
	struct http_conn *conn;

	(void)pthread_mutex_lock(&server->lock);
	conn = server->due_last;
	if (conn)
		disarm(server, conn);
	(void)pthread_mutex_unlock(&server->lock);
	return conn;
}

/* Between two requests, nothing of the next one is here; or a session that can be told of the end. */
static bool is_idle(const struct http_conn *conn)
{
	if (conn->phase == PHASE_HTTP2)
		return !atomic_load(&conn->told_end) && (conn->watched & EPOLLOUT) == 0;
	return conn->phase == PHASE_HEAD && conn->in_end == conn->in_start;
}

/* Under lock: may its owner go to sleep? */
static bool has_something(struct http_conn *conn, uint32_t events)
{
	const bool has = conn->watched == events &&
			 (conn->missed || ((events & EPOLLIN) != 0 && (conn->is_hung || !conn->is_drained)));

	conn->missed = false;
	return has;
}

/* Under lock, when no connection comes any more. */
static bool is_to_end(const struct http_server *server, const struct http_conn *conn)
{
	return is_idle(conn) && !(server->spares_newcomers && conn->requests == 0);
}

/* Under lock. */
static void arm(struct http_server *server, struct http_conn *conn, uint32_t events, bool looks_again)
{
	conn->armed = true;
	conn->expired = false;
	wheel_add(server, conn);
	/* Inside the lock: outside it, the connection could be claimed, freed and its descriptor reused meanwhile. */
	if (server->deaf && is_to_end(server, conn))
		http_watch_expire(server, conn);
	else if (looks_again || conn->watched != events)
		watch(conn, events);
}

bool http_watch_arm(struct http_conn *conn, uint32_t events)
{
	struct http_server *server = conn->server;
	bool is_armed;

	(void)pthread_mutex_lock(&server->lock);
	is_armed = !has_something(conn, events);
	if (is_armed)
		arm(server, conn, events, false);
	(void)pthread_mutex_unlock(&server->lock);
	return is_armed;
}

void http_watch_arm_pool(struct http_conn *conn, uint32_t events)
{
	struct http_server *server = conn->server;

	(void)pthread_mutex_lock(&server->lock);
	arm(server, conn, events, true);
	(void)pthread_mutex_unlock(&server->lock);
}

bool http_watch_take(struct http_conn *conn)
{
	struct http_server *server = conn->server;
	bool is_mine;

	(void)pthread_mutex_lock(&server->lock);
	is_mine = conn->armed;
	if (is_mine) {
		disarm(server, conn);
		conn->expired = false;
	}
	(void)pthread_mutex_unlock(&server->lock);
	return is_mine;
}

void http_watch_hand_over(struct http_conn *conn)
{
	struct http_server *server = conn->server;

	(void)pthread_mutex_lock(&server->lock);
	conn->armed = true;
	conn->expired = false;
	make_due(server, conn);
	(void)pthread_mutex_unlock(&server->lock);
}

void http_watch_mute(struct http_conn *conn)
{
	struct http_server *server = conn->server;

	(void)pthread_mutex_lock(&server->lock);
	if (conn->watched != 0)
		watch(conn, 0);
	(void)pthread_mutex_unlock(&server->lock);
}

void http_watch_warm(struct http_conn *conn, int64_t now_ns)
{
	struct http_server *server = conn->server;

	if (conn->cool_ns == 0) {
		if (atomic_fetch_add(&server->warm, 1) >= WARM_MAX) {
			(void)atomic_fetch_sub(&server->warm, 1);
			return;
		}
		if (conn->tls)
			tls_conn_keep_buffers(conn->tls, true);
	}
	conn->cool_ns = now_ns + WARM_MS * NS_PER_MS;
}

/* Nobody asks any more: what many connections left free in the heap goes back to the system. */
static void note_cool(struct http_server *server)
{
	const bool is_last = atomic_fetch_sub(&server->warm, 1) == 1;

	if (atomic_fetch_add(&server->cooled, 1) + 1 < COOLED_MIN || !is_last)
		return;
	atomic_store(&server->cooled, 0);
	(void)malloc_trim(0);
}

void http_watch_cool(struct http_conn *conn)
{
	if (conn->cool_ns == 0)
		return;
	conn->cool_ns = 0;
	if (conn->tls)
		tls_conn_keep_buffers(conn->tls, false);
	http_conn_release_input(conn);
	note_cool(conn->server);
}

void http_watch_yield_warmth(struct http_conn *conn)
{
	if (conn->cool_ns != 0 && atomic_load(&conn->server->warm) > WARM_PARKED_MAX)
		http_watch_cool(conn);
}

/* The connection that an event is for, now owned by the caller; NULL for an event that came too late. */
struct http_conn *http_watch_claim(struct http_server *server, const struct epoll_event *event)
{
	const uint32_t index = (uint32_t)event->data.u64;
	struct http_conn *conn;

	(void)pthread_mutex_lock(&server->lock);
	conn = server->table[index].conn;
	if (conn && server->table[index].generation != event->data.u64 >> 32)
		conn = NULL;
	if (conn && (event->events & HUNG))
		conn->is_hung = true;
	if (conn && conn->armed) {
		disarm(server, conn);
	} else if (conn) {
		conn->missed = true;
		conn = NULL;
	}
	(void)pthread_mutex_unlock(&server->lock);
	return conn;
}

static void expire_bucket(struct http_server *server, size_t bucket, int64_t now_ns)
{
	struct http_conn *next;

	for (struct http_conn *conn = server->wheel[bucket]; conn; conn = next) {
		next = conn->next;
		if (conn->wheel_ns > now_ns)
			continue;
		if (conn->deadline_ns <= now_ns)
			http_watch_expire(server, conn);
		else
			chill(server, conn);
	}
}

void http_watch_expire_due(struct http_server *server)
{
	const int64_t now_ns = clock_monotonic_ns();
	const int64_t tick = now_ns / server->tick_ns;

	if (tick == server->last_tick)
		return;
	(void)pthread_mutex_lock(&server->lock);
	if (tick - server->last_tick > WHEEL_SIZE)
		server->last_tick = tick - WHEEL_SIZE;
	/* The bucket of the present tick may hold what is due within it: it is looked at again at the next tick. */
	for (int64_t i = server->last_tick; i <= tick; i++)
		expire_bucket(server, (uint64_t)i % WHEEL_SIZE, now_ns);
	server->last_tick = tick;
	(void)pthread_mutex_unlock(&server->lock);
}

void http_watch_forget(struct http_conn *conn)
{
	struct http_server *server = conn->server;
	bool wake;

	(void)pthread_mutex_lock(&server->lock);
	server->table[conn->index].conn = NULL;
	server->table[conn->index].generation++;
	server->table[conn->index].next_free = server->first_free;
	server->first_free = conn->index;
	if (conn->cool_ns != 0)
		(void)atomic_fetch_sub(&server->warm, 1);
	wake = server->acceptor_wants_slot;
	server->acceptor_wants_slot = false;
	(void)pthread_mutex_unlock(&server->lock);
	if (wake)
		http_watch_wake_acceptor(server);
}

void http_watch_closed(struct http_server *server)
{
	(void)pthread_mutex_lock(&server->lock);
	if (--server->open == 0)
		(void)pthread_cond_broadcast(&server->changed);
	(void)pthread_mutex_unlock(&server->lock);
}

bool http_watch_enter(struct http_server *server, struct http_conn *conn)
{
	struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP | EPOLLET};
	bool entered = false;

	conn->deadline_ns = clock_monotonic_ns() + server->header_timeout_ms * NS_PER_MS;
	conn->watched = EPOLLIN;
	(void)pthread_mutex_lock(&server->lock);
	if (server->first_free != NO_SLOT) {
		conn->index = server->first_free;
		event.data.u64 = key_of(server, conn);
		entered = epoll_ctl(server->epoll_fd, EPOLL_CTL_ADD, conn->fd, &event) == 0;
	}
	if (entered) {
		server->first_free = server->table[conn->index].next_free;
		server->table[conn->index].conn = conn;
		conn->armed = true;
		wheel_add(server, conn);
		server->open++;
		server->accepted++;
	}
	(void)pthread_mutex_unlock(&server->lock);
	return entered;
}

/*
 * Under lock: until when nothing is due, by the first bucket that is not empty. What lies further than a turn of the
 * wheel costs a look on the way.
 */
static int64_t next_due_ns(const struct http_server *server)
{
	for (int64_t tick = server->last_tick; tick < server->last_tick + WHEEL_SIZE; tick++) {
		if (server->wheel[(uint64_t)tick % WHEEL_SIZE])
			return due_ns(server, tick * server->tick_ns);
	}
	return INT64_MAX;
}

/* What the acceptor waits for: poll's time-out in *ret_ms; whether there is room for connections is the result. */
bool http_watch_plan(struct http_server *server, int *ret_ms)
{
	const int64_t now_ns = clock_monotonic_ns();
	int64_t until_ns;
	bool has_room;

	(void)pthread_mutex_lock(&server->lock);
	has_room = server->first_free != NO_SLOT;
	server->acceptor_wants_slot = !has_room;
	until_ns = next_due_ns(server);
	server->acceptor_until_ns = until_ns;
	(void)pthread_mutex_unlock(&server->lock);
	if (until_ns == INT64_MAX)
		*ret_ms = -1;
	else
		*ret_ms = until_ns <= now_ns ? 0 : (int)((until_ns - now_ns) / NS_PER_MS) + 1;
	return has_room;
}

/* No connection comes any more: whatever waits between two requests is ended now. */
void http_watch_expire_idle(struct http_server *server, bool spares_newcomers)
{
	struct http_conn *next;

	(void)pthread_mutex_lock(&server->lock);
	server->deaf = true;
	server->spares_newcomers = spares_newcomers;
	(void)pthread_cond_broadcast(&server->changed);
	for (size_t i = 0; i < WHEEL_SIZE; i++) {
		for (struct http_conn *conn = server->wheel[i]; conn; conn = next) {
			next = conn->next;
			if (!conn->expired && is_to_end(server, conn))
				http_watch_expire(server, conn);
		}
	}
	(void)pthread_mutex_unlock(&server->lock);
}
