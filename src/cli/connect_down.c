/* SPDX-License-Identifier: Apache-2.0 */
/* From the app to the client: answers, and what is left when the app goes. */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "cli/connect_priv.h"

#define BAD_GATEWAY 502

/* The server went before it said anything: once more, on a connection that is attested as every other. */
static void lost_before_answer(struct session *session, const char *why)
{
	const bool once_more = session->request.is_repeatable && !session->needs_new;

	session_drop_upstream(session);
	if (!once_more) {
		session_refuse(session, BAD_GATEWAY, "upstream-closed", why);
		return;
	}
	flow_rewind(&session->up);
	session->needs_new = true;
	session->up_failed = false;
	flow_drop(&session->down, session->down.end - session->down.ready);
	session->down_scan = (struct http1_scan){0};
	session_wait(session);
}

void session_lost(struct session *session, const char *why)
{
	const bool is_answered =
	    session->down_part != PART_HEAD || session->down.head.size > 0 || session->down.start < session->down.end;

	if (session->state == STATE_EXCHANGE && !is_answered)
		lost_before_answer(session, why);
	else if (session->state == STATE_EXCHANGE && session->down_part == PART_HEAD && session->down.head.size == 0)
		session_refuse(session, BAD_GATEWAY, "upstream-malformed", "the app's answer is cut");
	else
		session_end(session, true);
}

static bool read_upstream(struct session *session)
{
	struct upstream *upstream = session->upstream;
	struct err err = ERR_INIT;
	uint8_t *room;
	size_t size, got = 0;

	if (!upstream || upstream->is_ended || session->down_part == PART_DONE || !upstream->watch.can_read)
		return false;
	if (flow_room(&session->down, &room, &size, &err) < 0) {
		session_end(session, true);
		return false;
	}
	if (size == 0)
		return false;
	switch (tls_client_try_read(upstream->tls, room, size, &got, &err)) {
	case TLS_STEP_DONE:
		flow_added(&session->down, got);
		session->moved_ns = proxy_now(session->proxy);
		return true;
	case TLS_STEP_CLOSED:
		upstream->is_ended = true;
		return true;
	case TLS_STEP_WANT_READ:
	case TLS_STEP_WANT_WRITE:
		upstream->watch.can_read = false;
		return false;
	case TLS_STEP_FAILED:
		break;
	}
	session_lost(session, err.text);
	return true;
}

static void take_response(struct session *session, uint8_t *data, size_t size)
{
	const struct connect_request *request = &session->request;
	struct http1_head head;
	struct err err = ERR_INIT;
	const bool is_parsed = http1_response_parse(data, size, request->is_head ? "HEAD" : "GET", &head) == 0;

	if (!is_parsed || (head.status == 101 && !connect_upgrade_fits(request, &head)) ||
	    (head.framing == HTTP1_CHUNKED && request->has_answer_1_0)) {
		session_refuse(session, BAD_GATEWAY, "upstream-malformed",
			       "the app's answer is no HTTP that was asked for");
		return;
	}
	if ((head.status >= 200 || head.status == 101 || !request->has_answer_1_0) &&
	    connect_response_format(session_site(session), &head, request, &session->down.head, &err) < 0) {
		session_end(session, true);
		return;
	}
	flow_drop(&session->down, size);
	session->down_scan = (struct http1_scan){0};
	if (head.status == 101) {
		session_begin_tunnel(session);
	} else if (head.status >= 200) {
		http1_body_init(&session->down_body, head.framing, head.body_size);
		session->down_part = session->down_body.done ? PART_DONE : PART_BODY;
		session->up_reusable = head.keep_alive;
		session->request.keep_alive = request->keep_alive && head.framing != HTTP1_UNTIL_CLOSE;
	}
}

static bool judge_response_head(struct session *session)
{
	size_t size;
	uint8_t *data = flow_unjudged(&session->down, &size);
	int status;
	int found;

	if (size == session->down_scan.seen)
		return false;
	found = http1_scan(&session->down_scan, data, size, &status);
	if (found < 0)
		session_lost(session, "the app's answer is malformed");
	else if (found > 0)
		take_response(session, data, session->down_scan.seen);
	return true;
}

static bool judge_down(struct session *session)
{
	size_t size;

	(void)flow_unjudged(&session->down, &size);
	if (session->state == STATE_TUNNEL && size > 0) {
		flow_pass(&session->down, size);
		return true;
	}
	if (session->state != STATE_EXCHANGE)
		return false;
	if (session->down_part == PART_HEAD)
		return judge_response_head(session);
	return session_judge_body(session, &session->down, &session->down_body, &session->down_part);
}

static bool write_client(struct session *session)
{
	size_t size;
	const uint8_t *data = flow_out(&session->down, &size);
	ssize_t put;

	if (size == 0 || !session->watch.can_write || session->state == STATE_DEAD)
		return false;
	put = send(session->watch.fd, data, size, MSG_NOSIGNAL);
	if (put < 0 && (errno == EAGAIN || errno == EINTR)) {
		session->watch.can_write = false;
		return false;
	}
	if (put < 0) {
		session_end(session, false);
		return false;
	}
	flow_sent(&session->down, (size_t)put);
	session->moved_ns = proxy_now(session->proxy);
	return true;
}

bool session_turn_down(struct session *session)
{
	bool moved = false;

	while (read_upstream(session)) /* a record of TLS at a time, as far as there is room */
		moved = true;
	moved |= judge_down(session);
	moved |= write_client(session);
	return moved;
}
