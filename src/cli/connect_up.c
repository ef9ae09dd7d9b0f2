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
	session->is_judged = connect_request_judge(site, &head, request, &refusal) == 0;
	if (!session->is_judged) {
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

/* Who speaks TLS is answered in it, and whoever runs us is told. */
static bool refuse_tls(struct session *session, enum connect_event event, const char *name, const char *text)
{
	static const uint8_t alert[] = {0x15, 3, 3, 0, 2, 2, 49}; /* fatal, access_denied */
	const struct connect_proxy_options *options = proxy_options(session->proxy);
	struct err ignored = ERR_INIT;

	options->report(options->report_arg, event, name, text, NULL);
	if (buf_add(&session->down.head, alert, sizeof(alert), &ignored) < 0)
		session_end(session, true);
	else
		session_begin_closing(session);
	return true;
}

/* 1: the head of HTTP at data is whole and may pass; 0: more is needed; -1: *ret says why not. */
static int judge_raw_head(const struct session *session, const uint8_t *data, size_t size, struct connect_refusal *ret)
{
	struct http1_scan scan = {0};
	struct http1_head head;
	int status = BAD_REQUEST;
	const int found = http1_scan(&scan, data, size, &status);
	uint8_t *copy;

	*ret = (struct connect_refusal){BAD_REQUEST, "bad-request", "malformed request"};
	if (found == 0)
		return 0;
	/* Parsing cuts the head into pieces, and the app shall get it as it came. */
	copy = found > 0 ? malloc(scan.seen) : NULL;
	if (copy)
		memcpy(copy, data, scan.seen);
	status = copy && http1_proxy_request_parse(copy, scan.seen, &head, &status) == 0 &&
			 connect_raw_judge(session_site(session), &head, ret) == 0
		     ? 1
		     : -1;
	free(copy);
	return status;
}

bool session_is_http(const struct session *session, const uint8_t *data, size_t size)
{
	const bool may_be =
	    proxy_options(session->proxy)->speech == CONNECT_SPEAKS_HTTP || session_site(session)->name_count == 0;
	struct connect_refusal ignored;

	return may_be && judge_raw_head(session, data, size, &ignored) > 0;
}

static bool refuse_raw(struct session *session, const struct connect_refusal *refusal, bool is_tls)
{
	const struct connect_proxy_options *options = proxy_options(session->proxy);

	if (is_tls)
		return refuse_tls(session, CONNECT_EVENT_RAW_REFUSED, refusal->name, refusal->why);
	options->report(options->report_arg, CONNECT_EVENT_RAW_REFUSED, refusal->name, refusal->why, NULL);
	session->page = CONNECT_PAGE_TEXT;
	session_refuse(session, refusal->status, refusal->name, refusal->why);
	return true;
}

/* All that it will ever say is there. */
static bool pass_the_rest(struct session *session)
{
	if (session->client_ended)
		session->sniff = SNIFF_NONE;
	return session->client_ended;
}

static bool judge_raw(struct session *session, const uint8_t *data, size_t size)
{
	struct connect_refusal refusal;
	int found = 1;

	switch (connect_sniff(session_site(session), proxy_options(session->proxy)->speech, data, size, &refusal)) {
	case CONNECT_SNIFF_MORE:
		found = 0;
		break;
	case CONNECT_SNIFF_REFUSE:
		return refuse_raw(session, &refusal, data[0] == TLS_HANDSHAKE);
	case CONNECT_SNIFF_PASS:
		break;
	case CONNECT_SNIFF_HTTP:
		found = judge_raw_head(session, data, size, &refusal);
		if (found == 0 && session->client_ended)
			found = -1; /* a head that ends in the middle */
		break;
	}
	if (found < 0)
		return refuse_raw(session, &refusal, false);
	if (found == 0)
		return pass_the_rest(session);
	session->sniff = SNIFF_NONE;
	return true;
}

static bool judge_first_bytes(struct session *session, const uint8_t *data, size_t size)
{
	if (session->sniff == SNIFF_HTTP)
		return judge_raw(session, data, size);
	if (data[0] == TLS_HANDSHAKE)
		return refuse_tls(session, CONNECT_EVENT_TLS_INSIDE, "tls-inside",
				  "a client begins TLS of its own inside CONNECT");
	session->sniff = SNIFF_NONE;
	return true;
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
	if (session->up.start == session->up.end)
		session->begun_ns = proxy_now(session->proxy);
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
