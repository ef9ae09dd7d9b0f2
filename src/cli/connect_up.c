/* SPDX-License-Identifier: Apache-2.0 */
/* From the client to the app: which requests pass, and their bytes. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/number.h"
#include "cli/connect_priv.h"

#define BAD_REQUEST 400
#define UNAVAILABLE 503
#define TLS_HANDSHAKE 0x16

/* A whole head lies at data. */
static void take_request(struct session *session, uint8_t *data, size_t size)
{
	const struct connect_site *site = session_site(session);
	struct connect_request *request = &session->request;
	struct connect_refusal refusal;
	struct http1_head head;
	struct err err = ERR_INIT;
	int status = BAD_REQUEST;

	*request = (struct connect_request){.has_answer_1_0 = true};
	session->page = CONNECT_PAGE_TEXT;
	if (http1_proxy_request_parse(data, size, &head, &status) < 0) {
		session_refuse(session, status, "bad-request", head.problem ? head.problem : "malformed request");
		return;
	}
	session->page = connect_page_choose(http_headers_find(head.headers, head.header_count, "accept"));
	if (connect_request_judge(site, &head, request, &refusal) < 0) {
		session_refuse(session, refusal.status, refusal.name, refusal.why);
		return;
	}
	if (session->is_surplus) {
		session_refuse(session, UNAVAILABLE, "busy", "too many clients are connected");
		return;
	}
	if (request->form != CONNECT_FORM_TUNNEL &&
	    connect_request_format(site, &head, request, &session->up.head, &err) < 0) {
		session_refuse(session, 431, "bad-request", err.text);
		return;
	}
	session->sniff = request->form == CONNECT_FORM_TUNNEL ? SNIFF_TLS : SNIFF_NONE;
	http1_body_init(&session->up_body, head.framing, head.body_size);
	session->up_part = session->up_body.done ? PART_DONE : PART_BODY;
	flow_drop(&session->up, size);
	session_wait(session);
}

static bool judge_head(struct session *session)
{
	size_t size;
	uint8_t *data = flow_unjudged(&session->up, &size);
	const size_t before = session->up_scan.seen;
	int status;
	int found;

	if (size == 0)
		return false;
	found = http1_scan(&session->up_scan, data, size, &status);
	if (found < 0) {
		session->page = CONNECT_PAGE_TEXT;
		session->request.is_head = false;
		session_refuse(session, status, "bad-request", "malformed request");
	} else if (found > 0) {
		take_request(session, data, session->up_scan.seen);
	}
	return found != 0 || session->up_scan.seen != before;
}

/* TLS inside CONNECT would end in nothing: the app's TLS is ours, attested. */
static bool refuse_tls_inside(struct session *session)
{
	static const uint8_t alert[] = {0x15, 3, 3, 0, 2, 2, 49}; /* fatal, access_denied */
	const struct connect_proxy_options *options = proxy_options(session->proxy);
	struct err ignored = ERR_INIT;

	options->report(options->report_arg, CONNECT_EVENT_TLS_INSIDE, "tls-inside",
			"a client begins TLS of its own inside CONNECT", NULL);
	if (buf_add(&session->down.head, alert, sizeof(alert), &ignored) < 0)
		session_end(session, true);
	else
		session_begin_closing(session);
	return true;
}

/* 1: a head of HTTP was judged and may pass, or it is none; 0: more is needed; -1: refused. */
static int judge_raw_head(struct session *session, const uint8_t *data, size_t size)
{
	struct connect_refusal refusal = {BAD_REQUEST, "bad-request", "malformed request"};
	struct http1_head head;
	int status = BAD_REQUEST;
	const int found = http1_scan(&session->up_scan, data, size, &status);
	uint8_t *copy;

	if (found == 0)
		return 0;
	/* Parsing cuts the head into pieces, and the app shall get it as it came. */
	copy = found > 0 ? malloc(session->up_scan.seen) : NULL;
	if (copy)
		memcpy(copy, data, session->up_scan.seen);
	if (copy && http1_proxy_request_parse(copy, session->up_scan.seen, &head, &status) == 0 &&
	    connect_raw_judge(session_site(session), &head, &refusal) == 0) {
		free(copy);
		return 1;
	}
	free(copy);
	session->page = CONNECT_PAGE_TEXT;
	session_refuse(session, refusal.status, refusal.name, refusal.why);
	return -1;
}

/* All that it will ever say is there. */
static bool pass_the_rest(struct session *session)
{
	if (session->client_ended)
		session->sniff = SNIFF_NONE;
	return session->client_ended;
}

static bool judge_first_bytes(struct session *session, const uint8_t *data, size_t size)
{
	if (session->sniff == SNIFF_TLS) {
		if (data[0] == TLS_HANDSHAKE)
			return refuse_tls_inside(session);
		session->sniff = SNIFF_NONE;
		return true;
	}
	switch (connect_sniff(data, size)) {
	case CONNECT_SNIFF_MORE:
		return pass_the_rest(session);
	case CONNECT_SNIFF_OTHER:
		session->sniff = SNIFF_NONE;
		return true;
	case CONNECT_SNIFF_HTTP:
		break;
	}
	switch (judge_raw_head(session, data, size)) {
	case 0:
		return pass_the_rest(session);
	case 1:
		session->sniff = SNIFF_NONE;
		return true;
	default:
		return true;
	}
}

static bool judge_up(struct session *session)
{
	size_t size;
	const uint8_t *data = flow_unjudged(&session->up, &size);

	switch (session->state) {
	case STATE_HEAD:
		return judge_head(session);
	case STATE_EXCHANGE:
		return session_judge_body(session, &session->up, &session->up_body, &session->up_part);
	case STATE_TUNNEL:
		if (size == 0)
			return false;
		if (session->sniff != SNIFF_NONE)
			return judge_first_bytes(session, data, size);
		flow_pass(&session->up, size);
		return true;
	case STATE_CLOSING:
		flow_drop(&session->up, size);
		return false;
	case STATE_WAITING:
	case STATE_DEAD:
		break;
	}
	return false;
}

static bool read_client(struct session *session)
{
	struct err ignored = ERR_INIT;
	uint8_t *room;
	size_t size;
	ssize_t got;

	if (!session_wants_client(session) || !session->watch.can_read)
		return false;
	if (flow_room(&session->up, &room, &size, &ignored) < 0) {
		session_end(session, true);
		return false;
	}
	if (size == 0)
		return false;
	got = recv(session->watch.fd, room, size, 0);
	if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
		session->watch.can_read = false;
		return false;
	}
	if (got < 0) {
		session_end(session, true);
		return false;
	}
	session->client_ended = got == 0;
	flow_added(&session->up, (size_t)got);
	session->moved_ns = proxy_now(session->proxy);
	return true;
}

static bool write_upstream(struct session *session)
{
	struct upstream *upstream = session->upstream;
	struct err err = ERR_INIT;
	size_t size, put = 0;
	const uint8_t *data = flow_out(&session->up, &size);

	if (!upstream || size == 0 || !upstream->watch.can_write || session->up_failed)
		return false;
	switch (tls_client_try_write(upstream->tls, data, size, &put, &err)) {
	case TLS_STEP_DONE:
		flow_sent(&session->up, put);
		session->moved_ns = proxy_now(session->proxy);
		return true;
	case TLS_STEP_WANT_READ:
	case TLS_STEP_WANT_WRITE:
		upstream->watch.can_write = false;
		return false;
	case TLS_STEP_CLOSED:
	case TLS_STEP_FAILED:
		break;
	}
	session->up_failed = true; /* reading tells whether there is an answer all the same */
	upstream->watch.can_read = true;
	return true;
}

bool session_turn_up(struct session *session)
{
	bool moved = read_client(session);

	moved |= judge_up(session);
	while (write_upstream(session)) /* a record of TLS at a time */
		moved = true;
	return moved;
}
