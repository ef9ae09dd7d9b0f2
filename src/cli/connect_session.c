/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One client of `mse connect`. HEAD → WAITING → EXCHANGE → HEAD …; an upgrade or CONNECT goes on as TUNNEL; the end is
 * CLOSING. Bytes are read only into room that is there, so whoever reads slowly slows the other side.
 */
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "cli/connect_priv.h"

#define TURNS_MAX 16 /* rounds of one session before others have theirs */
#define HEAD_TIMEOUT_NS (10 * NS_PER_SECOND)
#define GRACE_NS NS_PER_SECOND /* who has not asked within it makes room for others */
#define KEEP_ALIVE_NS (75 * NS_PER_SECOND)
#define STALL_NS (600 * NS_PER_SECOND) /* an exchange in which nothing moves */
#define LINGER_NS (2 * NS_PER_SECOND)  /* for a client that goes on sending behind our answer */
#define WHOLE_PIECE SIZE_MAX
#define BAD_REQUEST 400
#define PEEK_SIZE 16384

static const char established[] = "HTTP/1.1 200 Connection established\r\n\r\n";

/* ---- beginning and end ---- */

const struct connect_site *session_site(const struct session *session)
{
	return proxy_options(session->proxy)->site;
}

static void expect_head(struct session *session)
{
	session->state = STATE_HEAD;
	session->up_part = session->down_part = PART_HEAD;
	session->up_scan = session->down_scan = (struct http1_scan){0};
	session->needs_new = session->up_failed = session->is_judged = false;
	session->moved_ns = session->begun_ns = proxy_now(session->proxy);
}

static void expect_raw(struct session *session)
{
	session->sniff = SNIFF_HTTP;
	session->state = STATE_WAITING;
	session->waiting_ns = session->moved_ns = session->begun_ns = proxy_now(session->proxy);
}

struct session *session_new(struct proxy *proxy, int fd, bool is_surplus)
{
	struct session *session = calloc(1, sizeof(*session));

	if (!session)
		return NULL;
	session->proxy = proxy;
	session->watch = (struct watch){.fd = fd, .kind = WATCH_CLIENT, .can_read = true, .can_write = true};
	session->up = session->down = FLOW_INIT;
	session->is_surplus = is_surplus;
	if (proxy_options(proxy)->is_tcp && !is_surplus)
		expect_raw(session);
	else
		expect_head(session);
	return session;
}

void session_free(struct session *session)
{
	flow_done(&session->up);
	flow_done(&session->down);
	free(session);
}

void session_drop_upstream(struct session *session)
{
	if (session->upstream)
		pool_drop(proxy_pool(session->proxy), session->upstream);
	session->upstream = NULL;
}

void session_end(struct session *session, bool is_cut)
{
	const struct linger at_once = {.l_onoff = 1, .l_linger = 0};

	if (session->state == STATE_DEAD)
		return;
	if (session->state == STATE_WAITING)
		pool_forget(proxy_pool(session->proxy), session);
	session->state = STATE_DEAD;
	session_drop_upstream(session);
	if (is_cut)
		(void)setsockopt(session->watch.fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	proxy_unwatch(session->proxy, &session->watch);
	fd_close(session->watch.fd);
	session->watch.fd = -1;
}

void session_begin(struct session *session)
{
	if (session->state == STATE_WAITING)
		pool_ask(proxy_pool(session->proxy), session);
	else
		session_pump(session);
}

struct session *session_of(struct watch *watch)
{
	return (struct session *)((char *)watch - offsetof(struct session, watch));
}

bool session_wants_unused(const struct session *session)
{
	return session->needs_new || session->sniff != SNIFF_NONE;
}

bool session_is_idle(const struct session *session)
{
	return session->state == STATE_HEAD && session->up.start == session->up.end;
}

/* Not at once: what it asks may be on its way. */
bool session_can_go(const struct session *session)
{
	const int64_t since_ns = session_is_idle(session) ? session->moved_ns : session->begun_ns;

	return session->state == STATE_HEAD && proxy_now(session->proxy) - since_ns > GRACE_NS;
}

/* What is left goes out, then the end. */
void session_begin_closing(struct session *session)
{
	session_drop_upstream(session);
	session->state = STATE_CLOSING;
	session->moved_ns = proxy_now(session->proxy);
}

/* An answer of our own; nothing of an answer has gone out yet. */
static void answer(struct session *session, const struct connect_page *page)
{
	struct err ignored = ERR_INIT;
	struct connect_page filled = *page;

	/* Whoever got here under another name than ours need not learn which app it is. */
	filled.domain = session->is_judged ? session_site(session)->app.host : NULL;
	filled.no_body = session->request.is_head;
	if (!flow_is_empty(&session->down)) {
		session_end(session, true); /* in the middle of an interim answer */
		return;
	}
	flow_clear_out(&session->down);
	if (connect_page_format(&filled, session->page, &session->down.head, &ignored) < 0) {
		session_end(session, true);
		return;
	}
	session_begin_closing(session);
}

void session_refuse(struct session *session, int status, const char *name, const char *text)
{
	answer(session, &(struct connect_page){.status = status, .name = name, .text = text});
}

/* On a raw port only who speaks HTTP, and to us, can be told anything. */
static bool can_be_told(const struct session *session)
{
	uint8_t start[PEEK_SIZE];
	const ssize_t got = recv(session->watch.fd, start, sizeof(start), MSG_PEEK);

	return got > 0 && session_is_http(session, start, (size_t)got);
}

void session_refused(struct session *session, int status, const char *name, const char *text,
		     const struct attest_verdict *verdict)
{
	if (session->sniff == SNIFF_HTTP && !can_be_told(session)) {
		session_end(session, true);
		return;
	}
	session->is_judged = true;
	answer(session, &(struct connect_page){.status = status, .name = name, .text = text, .verdict = verdict});
	session_pump(session);
}

/* ---- what both directions need ---- */

void session_wait(struct session *session)
{
	session->state = STATE_WAITING;
	session->waiting_ns = proxy_now(session->proxy);
	pool_ask(proxy_pool(session->proxy), session);
}

/* Neither side can make sense of it. Who sent it is told, if nothing else was said yet. */
static void judge_malformed(struct session *session, const struct flow *flow, const char *text)
{
	if (flow == &session->up && session->down_part == PART_HEAD && flow_is_empty(&session->down))
		session_refuse(session, BAD_REQUEST, "bad-request", text);
	else
		session_end(session, true);
}

bool session_judge_body(struct session *session, struct flow *flow, struct http1_body *body, enum part *part)
{
	struct err err = ERR_INIT;
	bool moved = false;

	while (*part == PART_BODY) {
		const uint8_t *piece;
		size_t size, piece_size, used;
		const uint8_t *data = flow_unjudged(flow, &size);

		if (size == 0)
			break;
		if (http1_body_take(body, data, size, WHOLE_PIECE, &used, &piece, &piece_size, &err) < 0) {
			judge_malformed(session, flow, err.text);
			return true;
		}
		flow_pass(flow, used);
		moved = moved || used > 0;
		if (body->done)
			*part = PART_DONE;
		if (used == 0)
			break;
	}
	return moved;
}

/* A protocol of its own from here on. */
void session_begin_tunnel(struct session *session)
{
	session->state = STATE_TUNNEL;
	session->up_part = session->down_part = PART_BODY;
}

bool session_wants_client(const struct session *session)
{
	if (session->client_ended)
		return false;
	switch (session->state) {
	case STATE_HEAD:
	case STATE_TUNNEL:
	case STATE_CLOSING:
		return true;
	case STATE_EXCHANGE:
		return session->up_part == PART_BODY;
	case STATE_WAITING:
	case STATE_DEAD:
		break;
	}
	return false;
}

/* ---- ends ---- */

static void give_back(struct session *session, bool is_reusable)
{
	struct upstream *upstream = TAKE_PTR(session->upstream);

	pool_give_back(proxy_pool(session->proxy), upstream, is_reusable);
}

/* The server has closed in order: fine for an answer without a length, else it is cut. */
static bool finish_closed(struct session *session)
{
	struct err err = ERR_INIT;
	size_t size;

	(void)flow_unjudged(&session->down, &size);
	if (!session->upstream->is_ended || session->down_part == PART_DONE ||
	    size > (session->down_part == PART_HEAD ? session->down_scan.seen : 0))
		return false;
	if (session->down_part == PART_BODY && http1_body_ended(&session->down_body, &err) == 0)
		session->down_part = PART_DONE;
	else
		session_lost(session, "the app has closed the connection without an answer");
	return true;
}

static bool finish_exchange(struct session *session)
{
	const bool keep_alive = session->request.keep_alive && session->up_part == PART_DONE && !session->client_ended;
	size_t size;

	if (finish_closed(session))
		return true;
	if (session->down_part != PART_DONE || !flow_is_empty(&session->down))
		return false;
	(void)flow_unjudged(&session->down, &size);
	give_back(session, session->up_reusable && session->up_part == PART_DONE && flow_is_empty(&session->up) &&
			       size == 0 && !session->up_failed);
	flow_drop(&session->down, size);
	flow_clear_out(&session->up);
	flow_clear_out(&session->down);
	if (keep_alive && !proxy_is_draining(session->proxy))
		expect_head(session);
	else
		session_begin_closing(session);
	return true;
}

/* Each side's end is told to the other; both ended is the end. */
static bool finish_tunnel(struct session *session)
{
	const bool up_ended = session->client_ended && flow_is_drained(&session->up);
	const bool down_ended = session->upstream->is_ended && flow_is_drained(&session->down);

	if ((up_ended && down_ended) || (session->up_failed && down_ended)) {
		session_end(session, false);
		return true;
	}
	if (up_ended && !session->up_is_shut) {
		session->up_is_shut = true;
		tls_client_end(session->upstream->tls);
	}
	if (down_ended && !session->is_shut) {
		session->is_shut = true;
		(void)shutdown(session->watch.fd, SHUT_WR);
	}
	return false;
}

static bool finish_closing(struct session *session)
{
	if (!flow_is_empty(&session->down))
		return false;
	if (!session->is_shut) {
		session->is_shut = true;
		(void)shutdown(session->watch.fd, SHUT_WR);
		session->moved_ns = proxy_now(session->proxy);
	}
	if (session->client_ended)
		session_end(session, false);
	return false;
}

static bool finish(struct session *session)
{
	switch (session->state) {
	case STATE_HEAD:
		if (session->client_ended)
			session_end(session, false);
		return false;
	case STATE_EXCHANGE:
		if (session->client_ended && session->up_part == PART_BODY && session->up.ready == session->up.end) {
			session_end(session, false); /* it left in the middle of its request */
			return false;
		}
		return finish_exchange(session);
	case STATE_TUNNEL:
		return finish_tunnel(session);
	case STATE_CLOSING:
		return finish_closing(session);
	case STATE_WAITING:
	case STATE_DEAD:
		break;
	}
	return false;
}

/* ---- turning the wheel ---- */

static uint32_t upstream_mask(const struct session *session)
{
	const struct upstream *upstream = session->upstream;
	uint32_t mask = 0;

	if (!upstream->watch.can_read && session->down.end - session->down.start < FLOW_SIZE)
		mask |= EPOLLIN;
	if (!upstream->watch.can_write)
		mask |= EPOLLOUT;
	return mask;
}

static void watch_for(struct session *session, struct watch *watch, uint32_t mask)
{
	if (mask == 0 && watch->is_hung)
		proxy_unwatch(session->proxy, watch);
	else
		proxy_watch(session->proxy, watch, mask);
}

static void watch_both(struct session *session)
{
	uint32_t mask = 0;

	if (session_wants_client(session) && !session->watch.can_read)
		mask |= EPOLLIN;
	if (!session->watch.can_write && !flow_is_empty(&session->down))
		mask |= EPOLLOUT;
	watch_for(session, &session->watch, mask);
	if (session->upstream)
		watch_for(session, &session->upstream->watch, upstream_mask(session));
}

static bool turn(struct session *session)
{
	bool moved = session_turn_up(session);

	moved |= session_turn_down(session);
	return finish(session) || moved;
}

void session_pump(struct session *session)
{
	int turns = 0;

	while (session->state != STATE_DEAD && turns++ < TURNS_MAX) {
		if (!turn(session))
			break;
	}
	if (session->state == STATE_DEAD)
		return;
	if (turns > TURNS_MAX)
		proxy_again(session->proxy, session);
	flow_rest(&session->up);
	flow_rest(&session->down);
	watch_both(session);
}

void session_granted(struct session *session, struct upstream *upstream)
{
	struct err ignored = ERR_INIT;

	session->upstream = upstream;
	session->moved_ns = proxy_now(session->proxy);
	upstream->watch.can_read = upstream->watch.can_write = true;
	session->state = STATE_EXCHANGE;
	if (session->sniff != SNIFF_NONE)
		session_begin_tunnel(session);
	if (session->sniff == SNIFF_TLS &&
	    buf_add(&session->down.head, established, sizeof(established) - 1, &ignored) < 0) {
		session_end(session, true);
		return;
	}
	proxy_again(session->proxy, session);
}

void session_event(struct session *session, struct watch *watch, uint32_t events)
{
	if (events & (EPOLLIN | EPOLLHUP | EPOLLERR | EPOLLRDHUP))
		watch->can_read = true;
	if (events & (EPOLLOUT | EPOLLHUP | EPOLLERR))
		watch->can_write = true;
	if (events & (EPOLLHUP | EPOLLERR))
		watch->is_hung = true;
	/* Gone altogether while nothing is read from it. */
	if (watch == &session->watch && (events & (EPOLLHUP | EPOLLERR)) && !session_wants_client(session)) {
		session_end(session, false);
		return;
	}
	session_pump(session);
}

/* ---- time ---- */

void session_tick(struct session *session)
{
	const int64_t still_ns = proxy_now(session->proxy) - session->moved_ns;
	const int64_t begun_ns = proxy_now(session->proxy) - session->begun_ns;
	bool is_over = false;

	switch (session->state) {
	case STATE_HEAD: /* one byte now and then does not prolong it */
		is_over = session_is_idle(session) ? still_ns > KEEP_ALIVE_NS : begun_ns > HEAD_TIMEOUT_NS;
		break;
	case STATE_EXCHANGE:
		is_over = still_ns > STALL_NS;
		break;
	case STATE_CLOSING:
		is_over = still_ns > (flow_is_empty(&session->down) ? LINGER_NS : STALL_NS);
		break;
	case STATE_TUNNEL: /* who says nothing holds a connection too */
		if (session->sniff != SNIFF_NONE)
			is_over = session->up.end == 0 ? still_ns > KEEP_ALIVE_NS : begun_ns > HEAD_TIMEOUT_NS;
		break;
	case STATE_WAITING: /* the pool's wait_ms */
	case STATE_DEAD:
		break;
	}
	if (session->upstream && upstream_is_too_old(session->upstream))
		is_over = true;
	if (is_over)
		session_end(session, session->state == STATE_EXCHANGE);
}
