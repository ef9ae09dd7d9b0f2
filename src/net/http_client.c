/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http_client.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/number.h"
#include "net/http1_body.h"
#include "net/http1_head.h"

#define TIMEOUT_MS 30000
#define BODY_MAX (1u << 20)
#define PIECE 16384
#define INTERIM_MAX 8 /* responses 1xx before the final one */
#define CHUNK_ROOM 20 /* for a chunk's size line */

struct http_client {
	struct tls_client *tls;
	char *host;
	bool is_open;
	uint8_t in[PIECE]; /* read and not yet used: in[in_start..in_end) */
	size_t in_start;
	size_t in_end;
};

/* One request under way. */
struct call {
	struct http_client *client;
	const struct http_request *request;
	const struct http_response_sink *sink;
	struct http_response *response;
	bool is_streamed;
	int64_t fixed_deadline_ns;
};

int http_client_new(struct tls_client *tls, const char *host, struct http_client **ret_client, struct err *err)
{
	struct http_client *client = calloc(1, sizeof(*client));

	if (client)
		client->host = strdup(host);
	if (!client || !client->host || !http_header_is_valid("Host", host)) {
		free(client ? client->host : NULL);
		free(client);
		tls_client_close(tls);
		return err_set(err, ERR_INVALID, "'%.64s' cannot be sent as Host", host);
	}
	client->tls = tls;
	client->is_open = true;
	*ret_client = client;
	return 0;
}

void http_client_free(struct http_client *client)
{
	if (!client)
		return;
	tls_client_close(client->tls);
	free(client->host);
	free(client);
}

struct tls_client *http_client_tls(struct http_client *client)
{
	return client->tls;
}

bool http_client_is_open(const struct http_client *client)
{
	/* Between two requests a server has nothing to say: whatever comes means the end. */
	return client->is_open && client->in_start == client->in_end && !tls_client_is_readable(client->tls);
}

void http_response_done(struct http_response *response)
{
	buf_done(&response->body);
	buf_done(&response->memory);
	response->status = 0;
	response->header_count = 0;
}

const char *http_response_header(const struct http_response *response, const char *name)
{
	return http_headers_find(response->headers, response->header_count, name);
}

static int64_t deadline(const struct call *call)
{
	const int timeout_ms = call->request->timeout_ms > 0 ? call->request->timeout_ms : TIMEOUT_MS;

	return call->is_streamed ? clock_monotonic_ns() + timeout_ms * NS_PER_MS : call->fixed_deadline_ns;
}

/* ---- sending ---- */

static bool target_is_valid(const char *target)
{
	for (const char *at = target; *at; at++) {
		if ((uint8_t)*at <= 0x20 || (uint8_t)*at >= 0x7f)
			return false;
	}
	return *target == '/' || strcmp(target, "*") == 0;
}

static bool is_ours(const struct http_request *request, const char *name)
{
	return strcasecmp(name, "content-length") == 0 || strcasecmp(name, "transfer-encoding") == 0 ||
	       (strcasecmp(name, "host") == 0 && !request->keep_host);
}

static int add_headers(const struct call *call, struct buf *out, struct err *err)
{
	const struct http_request *request = call->request;

	if (!request->keep_host && buf_addf(out, err, "Host: %s\r\n", call->client->host) < 0)
		return -1;
	for (size_t i = 0; i < request->header_count; i++) {
		const struct http_header *header = &request->headers[i];

		if (!http_header_is_valid(header->name, header->value) || is_ours(request, header->name))
			return err_set(err, ERR_INVALID, "header '%.64s' cannot be sent", header->name);
		if (buf_addf(out, err, "%s: %s\r\n", header->name, header->value) < 0)
			return -1;
	}
	return 0;
}

static int add_framing(const struct http_request *request, const char *method, struct buf *out, struct err *err)
{
	const bool may_be_silent = strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;

	if (request->read_body && request->body_length < 0)
		return buf_add_text(out, "Transfer-Encoding: chunked\r\n", err);
	if (request->read_body)
		return buf_addf(out, err, "Content-Length: %lld\r\n", (long long)request->body_length);
	if (request->body_size == 0 && may_be_silent)
		return 0;
	return buf_addf(out, err, "Content-Length: %zu\r\n", request->body_size);
}

static int make_head(const struct call *call, struct buf *out, struct err *err)
{
	const struct http_request *request = call->request;
	const char *method = request->method ? request->method : "GET";

	if (!http_header_is_valid(method, "") || !target_is_valid(request->target))
		return err_set(err, ERR_INVALID, "method or target cannot be sent");
	if (buf_addf(out, err, "%s %s HTTP/1.1\r\n", method, request->target) < 0 || add_headers(call, out, err) < 0 ||
	    add_framing(request, method, out, err) < 0)
		return -1;
	return buf_add(out, "\r\n", 2, err);
}

static int send_bytes(struct call *call, const void *data, size_t size, struct err *err)
{
	return tls_client_write(call->client->tls, data, size, deadline(call), err);
}

/* Pieces of the body from request->read_body, framed. Stops early if the server already answers. */
static int send_streamed(struct call *call, struct err *err)
{
	const struct http_request *request = call->request;
	const bool chunked = request->body_length < 0;
	int64_t left = chunked ? INT64_MAX : request->body_length;

	for (;;) {
		uint8_t room[CHUNK_ROOM + PIECE + 2];
		char size_line[CHUNK_ROOM];
		size_t got = 0;
		size_t line_size = 0;

		if (tls_client_is_readable(call->client->tls)) {
			call->client->is_open = false;
			return 0;
		}
		if (request->read_body(request->read_arg, room + CHUNK_ROOM, PIECE, &got, err) < 0)
			return -1;
		if ((int64_t)got > left || (got == 0 && !chunked && left > 0))
			return err_set(err, ERR_INVALID, "the body is not as long as was said");
		left -= (int64_t)got;
		if (got == 0)
			return chunked ? send_bytes(call, "0\r\n\r\n", 5, err) : 0;
		if (chunked) {
			line_size = (size_t)snprintf(size_line, sizeof(size_line), "%zx\r\n", got);
			memcpy(room + CHUNK_ROOM - line_size, size_line, line_size);
			memcpy(room + CHUNK_ROOM + got, "\r\n", 2);
			got += 2;
		}
		if (send_bytes(call, room + CHUNK_ROOM - line_size, line_size + got, err) < 0)
			return -1;
	}
}

static int send_fixed(struct call *call, struct buf *head, struct err *err)
{
	const struct http_request *request = call->request;
	const uint8_t *next = request->body;
	size_t left = request->body_size;

	/* A short body goes out with its head. */
	if (left <= PIECE) {
		if (buf_add(head, next, left, err) < 0)
			return -1;
		return send_bytes(call, head->data, head->size, err);
	}
	if (send_bytes(call, head->data, head->size, err) < 0)
		return -1;
	while (left > 0) {
		const size_t size = size_min(left, PIECE);

		if (tls_client_is_readable(call->client->tls)) {
			call->client->is_open = false;
			return 0;
		}
		if (send_bytes(call, next, size, err) < 0)
			return -1;
		next += size;
		left -= size;
	}
	return 0;
}

/* 0 sent. -1 nothing was sent, or the caller's body failed. 1: writing failed, but an answer may be there. */
static int send_request(struct call *call, struct err *err)
{
	scoped(buf_done) struct buf head = BUF_INIT(HTTP_HEADER_BYTES_MAX + PIECE);

	if (make_head(call, &head, err) < 0)
		return -1;
	if (!call->request->read_body)
		return send_fixed(call, &head, err) < 0 ? 1 : 0;
	if (send_bytes(call, head.data, head.size, err) < 0)
		return 1;
	return send_streamed(call, err);
}

/* ---- receiving ---- */

/* More bytes into the buffer, which is empty. *ret_more false: the server has closed in order. */
static int fill(struct call *call, bool *ret_more, struct err *err)
{
	struct http_client *client = call->client;
	size_t got = 0;

	if (tls_client_read(client->tls, client->in, sizeof(client->in), &got, deadline(call), err) < 0)
		return -1;
	client->in_start = 0;
	client->in_end = got;
	*ret_more = got > 0;
	return 0;
}

/* Collects one head in memory; its bytes are taken off the input. */
static int read_head(struct call *call, struct buf *memory, struct err *err)
{
	struct http_client *client = call->client;
	struct http1_scan scan = {0};

	for (;;) {
		const size_t before = memory->size;
		int status;
		int found;
		bool more = true;

		if (client->in_start == client->in_end && fill(call, &more, err) < 0)
			return -1;
		if (!more)
			return err_set(err, ERR_UNAVAILABLE, "the server has closed the connection");
		if (buf_add(memory, client->in + client->in_start, client->in_end - client->in_start, err) < 0)
			return -1;
		found = http1_scan(&scan, memory->data, memory->size, &status);
		if (found < 0)
			return err_set(err, status == 431 ? ERR_LIMIT : ERR_INVALID, "malformed response head");
		if (found > 0) {
			client->in_start += scan.seen - before;
			memory->size = scan.seen;
			return 0;
		}
		client->in_start = client->in_end;
	}
}

/* The final head: 1xx are skipped. */
static int receive_head(struct call *call, struct http1_head *ret, struct err *err)
{
	struct http_response *response = call->response;
	const char *method = call->request->method ? call->request->method : "GET";

	for (int i = 0; i < INTERIM_MAX; i++) {
		buf_clear(&response->memory);
		if (read_head(call, &response->memory, err) < 0)
			return -1;
		if (http1_response_parse(response->memory.data, response->memory.size, method, ret) < 0)
			return err_set(err, ERR_INVALID, "%s", ret->problem);
		if (ret->status == 101)
			return err_set(err, ERR_INVALID, "the server changes the protocol unasked");
		if (ret->status >= 200) {
			response->status = ret->status;
			response->header_count = ret->header_count;
			memcpy(response->headers, ret->headers, ret->header_count * sizeof(ret->headers[0]));
			return 0;
		}
	}
	return err_set(err, ERR_LIMIT, "more than %d interim responses", INTERIM_MAX);
}

static int give_piece(struct call *call, const uint8_t *data, size_t size, struct err *err)
{
	if (size == 0)
		return 0;
	if (call->sink)
		return call->sink->on_body(call->sink->arg, data, size, err);
	return buf_add(&call->response->body, data, size, err);
}

static int receive_body(struct call *call, struct http1_body *body, struct err *err)
{
	struct http_client *client = call->client;

	while (!body->done) {
		const uint8_t *piece;
		size_t size;
		size_t used;
		bool more = true;

		if (client->in_start == client->in_end && fill(call, &more, err) < 0)
			return -1;
		if (!more)
			return http1_body_ended(body, err);
		if (http1_body_take(body, client->in + client->in_start, client->in_end - client->in_start, PIECE,
				    &used, &piece, &size, err) < 0)
			return -1;
		client->in_start += used;
		if (give_piece(call, piece, size, err) < 0)
			return -1;
	}
	return 0;
}

static int receive(struct call *call, struct err *err)
{
	struct http1_head head;
	struct http1_body body;

	if (receive_head(call, &head, err) < 0)
		return -1;
	if (call->sink && call->sink->on_head && call->sink->on_head(call->sink->arg, call->response, err) < 0)
		return -1;
	http1_body_init(&body, head.framing, head.body_size);
	if (receive_body(call, &body, err) < 0)
		return -1;
	if (!head.keep_alive)
		call->client->is_open = false;
	return 0;
}

static int run(struct call *call, struct err *err)
{
	struct err late = ERR_INIT;
	const int sent = send_request(call, err);

	if (sent < 0)
		return -1;
	/* A server that refuses a long body answers and closes: its answer counts for more than our failed write. */
	if (sent > 0)
		call->client->is_open = false;
	if (receive(call, sent > 0 ? &late : err) < 0)
		return -1;
	return 0;
}

int http_client_stream(struct http_client *client, const struct http_request *request,
		       const struct http_response_sink *sink, struct http_response *ret_response, struct err *err)
{
	const int timeout_ms = request->timeout_ms > 0 ? request->timeout_ms : TIMEOUT_MS;
	struct call call = {
	    .client = client,
	    .request = request,
	    .sink = sink,
	    .response = ret_response,
	    .is_streamed = sink || request->read_body,
	    .fixed_deadline_ns = clock_monotonic_ns() + timeout_ms * NS_PER_MS,
	};

	http_response_done(ret_response);
	ret_response->memory.max = HTTP_HEADER_BYTES_MAX + PIECE;
	ret_response->body.max = request->body_max ? request->body_max : BODY_MAX;
	if (!client->is_open)
		return err_set(err, ERR_UNAVAILABLE, "the connection is closed");
	if (run(&call, err) == 0)
		return 0;
	client->is_open = false;
	http_response_done(ret_response);
	return -1;
}

int http_client_request(struct http_client *client, const struct http_request *request,
			struct http_response *ret_response, struct err *err)
{
	return http_client_stream(client, request, NULL, ret_response, err);
}
