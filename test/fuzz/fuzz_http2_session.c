/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A session of HTTP/2 as the server drives it: bytes behind the preface in, requests to a handler, replies out. What a
 * handler is given must hold what HTTP/1 promises too, and nothing may be left behind.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/http2_priv.h"

#define INPUT_MAX 60000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0";

static void check(bool holds)
{
	if (!holds)
		abort();
}

static enum http_result handle(struct http_exchange *exchange, void *arg)
{
	const struct http_header *headers = http_headers(exchange);
	struct err err = ERR_INIT;
	uint8_t piece[64];
	size_t got;

	(void)arg;
	check(*http_host(exchange) && *http_target(exchange) && *http_method(exchange) && *http_path(exchange));
	check(http_header_count(exchange) <= HTTP_HEADERS_MAX && http_header(exchange, "host"));
	for (size_t i = 0; i < http_header_count(exchange); i++)
		check(http_header_is_valid(headers[i].name, headers[i].value));
	if (strlen(http_path(exchange)) % 2 == 0)
		IGNORE_RESULT(http_read_body(exchange, piece, sizeof(piece), &got, &err));
	IGNORE_RESULT(http_reply(exchange, 200, NULL, 0, "hello", 5, &err));
	return HTTP_HANDLED;
}

static void run_ready(struct http2_session *session)
{
	struct http_exchange *exchange = TAKE_PTR(session->ready);
	struct http_exchange *next;

	session->ready_end = &session->ready;
	(void)pthread_mutex_unlock(&session->lock);
	for (; exchange; exchange = next) {
		next = exchange->next;
		http2_run(exchange);
	}
}

/* The connection is never armed: this thread drives it all the time. */
static void serve(struct http_conn *conn)
{
	struct http2_session *session = conn->http2;

	session->is_driven = true;
	for (int i = 0; i < 64 && !session->is_dead && !session->is_ending; i++) {
		http2_lock(session);
		http2_drive(session);
		run_ready(session);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct http_listener listener;
	static struct http_server server;
	struct http_conn conn = {.server = &server, .listener = &listener};
	struct err err = ERR_INIT;
	int fds[2];

	server.handler = handle;
	atomic_store(&server.takes_tunnels, true);
	server.stream_waits_max = 1;
	server.body_timeout_ms = 1;
	server.header_timeout_ms = server.idle_timeout_ms = server.write_timeout_ms = 1000;
	server.limits = (struct http_limits){.target_bytes = HTTP_TARGET_MAX,
					     .header_bytes = HTTP_HEADER_BYTES_MAX,
					     .header_count = HTTP_HEADERS_MAX,
					     .rate_min = 1};
	server.http2_memory = HTTP2_MEMORY;
	server.http2 = (struct http2_limits){.streams = 10,
					     .header_table = 4096,
					     .continuations = HTTP2_CONTINUATIONS,
					     .acks = HTTP2_ACKS,
					     .queue = HTTP2_QUEUE,
					     .resets = 20,
					     .pings = 20,
					     .settings = 20,
					     .empty_data = 20,
					     .window_updates = 20,
					     .others = 20};
	if (size > INPUT_MAX || socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) < 0)
		return 0;
	conn.fd = fds[0];
	check(send(fds[1], preface, sizeof(preface), 0) > 0 && (size == 0 || send(fds[1], data, size, 0) >= 0));
	(void)shutdown(fds[1], SHUT_WR);
	if (http2_session_new(&conn, &err) == 0) {
		serve(&conn);
		http2_session_free(conn.http2);
	}
	(void)close(fds[0]);
	(void)close(fds[1]);
	return 0;
}
