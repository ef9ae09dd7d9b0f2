/* SPDX-License-Identifier: Apache-2.0 */
/* Who drives a session, and how streams wait. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "net/http2_priv.h"

#define PUMP_MS 50    /* at most, for a thread that cannot be woken */
#define ROUNDS_MAX 16 /* with a client that sends on and on: then it is others' turn */

void http2_lock(struct http2_session *session)
{
	(void)pthread_mutex_lock(&session->lock);
}

static void put_byte(int fd)
{
	const ssize_t put = write(fd, "", 1);

	(void)put; /* a full pipe wakes too */
}

static void empty(int fd)
{
	uint8_t bytes[16];

	while (read(fd, bytes, sizeof(bytes)) == (ssize_t)sizeof(bytes)) {
	}
}

/* ---- the end of a session ---- */

static void tell_all(struct http2_session *session)
{
	session->is_told = true;
	for (struct http2_stream *stream = session->streams; stream; stream = stream->next) {
		stream->is_closed = true;
		http2_tell_input(stream);
		http2_tell_room(stream);
	}
	(void)pthread_cond_broadcast(&session->changed);
}

static bool is_through(const struct http2_session *session)
{
	if (session->is_dead)
		return true;
	return http2_bytes_size(&session->out) == 0 && !nghttp2_session_want_read(session->nghttp2) &&
	       !nghttp2_session_want_write(session->nghttp2);
}

/* ---- waking whoever waits for the connection ---- */

/* One that ends does not read any more: to wait for input that is never taken would be to go round in circles. */
static uint32_t events_of(const struct http2_session *session)
{
	if (session->is_ending)
		return EPOLLOUT;
	return session->wanted == TLS_IO_WANT_WRITE ? EPOLLIN | EPOLLOUT : EPOLLIN;
}

/* What is here already is for the next free thread. */
static void arm(struct http2_session *session)
{
	session->is_driven = false;
	session->armed_events = events_of(session);
	session->conn->deadline_ns = session->armed_until_ns = http2_deadline(session);
	if (session->has_more && !session->is_ending && !session->is_dead)
		http_watch_hand_over(session->conn);
	else
		http_watch_arm_pool(session->conn, session->armed_events);
}

/* false: there is something to read or write already, perhaps where epoll does not see it (within TLS). */
static bool arm_unless_more(struct http2_session *session)
{
	if (session->has_more && !session->is_ending && !session->is_dead)
		return false;
	session->armed_events = events_of(session);
	session->conn->deadline_ns = session->armed_until_ns = http2_deadline(session);
	session->is_driven = !http_watch_arm(session->conn, session->armed_events);
	return !session->is_driven;
}

/* What it waits for has changed behind the back of whoever watches the connection. */
static void correct_watch(struct http2_session *session)
{
	if (session->pump_fd >= 0 && events_of(session) != session->armed_events)
		put_byte(session->pump_fd);
	if (session->is_driven ||
	    (events_of(session) == session->armed_events && http2_deadline(session) >= session->armed_until_ns))
		return;
	if (http_watch_take(session->conn))
		arm(session);
}

/* ---- unlocking ---- */

/* The client sees the end at once, whatever handlers still do. */
static void be_over(struct http2_session *session)
{
	session->is_driven = false;
	session->is_over = true;
	session->ends_in_order = !session->is_dead;
	if (session->live > 0 && session->ends_in_order && session->conn->tls)
		tls_conn_close_notify(session->conn->tls);
	if (session->live > 0)
		(void)shutdown(session->conn->fd, session->ends_in_order ? SHUT_WR : SHUT_RDWR);
	session->is_dead = true;
}

struct left {
	struct http_exchange *ready;
	struct http2_stream *closed;
	struct http_conn *ended;
	bool ends_in_order;
};

/* With the lock: is the connection ours to end? */
static void note_end(const struct http2_session *session, struct left *left)
{
	left->ended = session->is_over && session->live == 0 ? session->conn : NULL;
	left->ends_in_order = session->ends_in_order;
}

/* What is to be done without the lock. */
static struct left leave(struct http2_session *session)
{
	struct left left = {.ready = TAKE_PTR(session->ready), .closed = TAKE_PTR(session->closed)};

	/* They need the connection to the last, and who writes the access log may take long. */
	if (left.closed)
		session->live++;
	session->ready_end = &session->ready;
	if (session->is_dead && !session->is_told)
		tell_all(session);
	note_end(session, &left);
	(void)pthread_mutex_unlock(&session->lock);
	return left;
}

static void free_closed(struct http2_session *session, struct left *left)
{
	struct http2_stream *next;

	for (struct http2_stream *stream = left->closed; stream; stream = next) {
		next = stream->next;
		http2_stream_free(stream);
	}
	http2_lock(session);
	session->live--;
	note_end(session, left);
	(void)pthread_mutex_unlock(&session->lock);
}

/* Without the lock; the session may be gone afterwards. */
static void finish_leaving(struct http2_session *session, struct left *left)
{
	if (left->closed)
		free_closed(session, left);
	if (left->ended)
		http_conn_end(left->ended, left->ends_in_order);
}

void http2_unlock(struct http2_session *session)
{
	struct http_server *server = session->conn->server;
	struct left left;

	/* Over, and nobody drives: it is ours to end. A thread that has its event already will see for itself. */
	if (!session->is_over && !session->is_driven && is_through(session) && http_watch_take(session->conn))
		be_over(session);
	if (!session->is_over)
		correct_watch(session);
	left = leave(session);
	if (left.ready)
		http_work_push(server, left.ready);
	finish_leaving(session, &left);
}

static void push_ready(struct http2_session *session)
{
	struct http_exchange *ready = TAKE_PTR(session->ready);

	session->ready_end = &session->ready;
	if (ready)
		http_work_push(session->conn->server, ready);
}

/* Once more, by who drives; others get the lock in between. */
static void drive_again(struct http2_session *session)
{
	struct http_server *server = session->conn->server;
	struct left left = leave(session);

	if (left.ready)
		http_work_push(server, left.ready);
	finish_leaving(session, &left);
	http2_lock(session);
	http2_drive(session);
}

void http2_hand_back(struct http2_session *session)
{
	struct http_server *server = session->conn->server;
	struct left left;

	for (int i = 0; !is_through(session) && !arm_unless_more(session); i++) {
		if (i >= ROUNDS_MAX) {
			arm(session);
			break;
		}
		drive_again(session);
	}
	/* Still driven: it is not armed, for there is nothing more to wait for. */
	if (session->is_driven)
		be_over(session);
	if (session->waiters > 0)
		(void)pthread_cond_broadcast(&session->changed);
	left = leave(session);
	if (left.ready)
		http_work_push(server, left.ready);
	finish_leaving(session, &left);
}

/* ---- on a thread of the pool, with the connection claimed ---- */

void http2_conn_run(struct http_conn *conn)
{
	struct http2_session *session = conn->http2;

	http2_lock(session);
	session->is_driven = true;
	http2_drive(session);
	http2_hand_back(session);
}

/* ---- handlers that wait ---- */

static pthread_key_t wake_key;
static pthread_once_t wake_once = PTHREAD_ONCE_INIT;

struct waker {
	int fds[2];
};

static void free_waker(void *arg)
{
	struct waker *waker = arg;

	fd_close(waker->fds[0]);
	fd_close(waker->fds[1]);
	free(waker);
}

static void make_key(void)
{
	(void)pthread_key_create(&wake_key, free_waker);
}

/* A pipe of this thread; NULL: without one it looks oftener. */
static struct waker *waker_of_thread(void)
{
	struct waker *waker;

	(void)pthread_once(&wake_once, make_key);
	waker = pthread_getspecific(wake_key);
	if (waker)
		return waker;
	waker = malloc(sizeof(*waker));
	if (waker && pipe2(waker->fds, O_CLOEXEC | O_NONBLOCK) < 0) {
		free(waker);
		waker = NULL;
	}
	if (waker)
		(void)pthread_setspecific(wake_key, waker);
	return waker;
}

static int milliseconds(int64_t until_ns)
{
	const int64_t left_ms = (until_ns - clock_monotonic_ns() + NS_PER_MS - 1) / NS_PER_MS;

	return left_ms < 0 ? 0 : left_ms > HTTP2_LOOK_MS ? HTTP2_LOOK_MS : (int)left_ms;
}

/* Waits for the connection without the lock, then drives. */
static void pump(struct http2_session *session, int64_t until_ns)
{
	const struct waker *waker = waker_of_thread();
	const int64_t deadline_ns = http2_deadline(session);
	const int timeout_ms = milliseconds(deadline_ns < until_ns ? deadline_ns : until_ns);
	struct pollfd fds[2] = {{.fd = session->conn->fd}, {.fd = -1, .events = POLLIN}};

	session->armed_events = events_of(session);
	fds[0].events =
	    (short)((session->armed_events & EPOLLIN ? POLLIN : 0) | (session->armed_events & EPOLLOUT ? POLLOUT : 0));
	if (waker) {
		fds[1].fd = waker->fds[0];
		session->pump_fd = waker->fds[1];
	}
	(void)pthread_mutex_unlock(&session->lock);
	(void)poll(fds, COUNT_OF(fds), session->has_more ? 0 : timeout_ms < PUMP_MS || waker ? timeout_ms : PUMP_MS);
	if (fds[1].revents)
		empty(fds[1].fd);
	http2_lock(session);
	session->pump_fd = -1;
	http2_drive(session);
}

static void wait_for_driver(struct http2_session *session, int64_t until_ns)
{
	const struct timespec until = {.tv_sec = until_ns / NS_PER_SECOND, .tv_nsec = until_ns % NS_PER_SECOND};

	(void)pthread_cond_timedwait(&session->changed, &session->lock, &until);
}

static bool take_wheel(struct http2_session *session)
{
	if (session->is_driven || session->is_over || !http_watch_take(session->conn))
		return false;
	session->is_driven = true;
	return true;
}

/* As http2_hand_back, but with the lock behind it; the caller's stream is live: the connection does not end here. */
static void give_wheel(struct http2_session *session)
{
	while (session->has_more && !session->is_dead)
		drive_again(session);
	push_ready(session);
	if (is_through(session)) {
		be_over(session);
	} else {
		arm(session);
	}
	if (session->waiters > 0)
		(void)pthread_cond_broadcast(&session->changed);
}

/* Who leads waits a moment, then lets another thread lead. */
static int64_t lead_until(void)
{
	return http_lead_is_mine() ? clock_monotonic_ns() + HTTP_LEAD_WAIT_MS * NS_PER_MS : INT64_MAX;
}

void http2_wait(struct http2_stream *stream, bool (*holds)(const struct http2_stream *stream), int64_t until_ns)
{
	struct http2_session *session = stream->session;
	int64_t leads_until_ns = lead_until();
	bool drives = false;

	session->waiters++;
	while (!holds(stream) && !stream->is_closed && !session->is_dead && clock_monotonic_ns() < until_ns) {
		const int64_t so_long_ns = leads_until_ns < until_ns ? leads_until_ns : until_ns;

		drives = drives || take_wheel(session);
		if (drives)
			pump(session, so_long_ns);
		else
			wait_for_driver(session, so_long_ns);
		push_ready(session);
		if (clock_monotonic_ns() >= leads_until_ns) {
			http_lead_step_down(&session->conn->server->lead);
			leads_until_ns = INT64_MAX;
		}
		if (!drives || (!holds(stream) && !is_through(session)))
			continue;
		/* Others may have the lock meanwhile: what holds is looked at again. */
		give_wheel(session);
		drives = false;
	}
	session->waiters--;
	if (drives)
		give_wheel(session);
}
