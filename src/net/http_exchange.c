/* SPDX-License-Identifier: Apache-2.0 */
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/number.h"
#include "net/http_priv.h"

#define BODY_MAX_DEFAULT (1u << 20)
#define BODY_READ_SIZE 16384
#define BODY_RESERVE_MAX (1u << 20)

/* ---- life ---- */

int http_exchange_new(struct http_conn *conn, const struct http_wire *wire, struct http_exchange **ret_exchange,
		      struct err *err)
{
	struct http_exchange *exchange = malloc(sizeof(*exchange));

	if (!exchange)
		return err_no_memory(err);
	/* Not calloc: the head's table of fields is large and is filled when it is parsed. */
	memset(exchange, 0, offsetof(struct http_exchange, head));
	memset((uint8_t *)exchange + offsetof(struct http_exchange, memory), 0,
	       sizeof(*exchange) - offsetof(struct http_exchange, memory));
	exchange->conn = conn;
	exchange->wire = wire;
	exchange->began_ns = conn->server->on_done ? clock_monotonic_ns() : 0;
	exchange->body_max = BODY_MAX_DEFAULT;
	exchange->out = BUF_INIT(SIZE_MAX / 2);
	atomic_init(&exchange->deferral, DEFERRAL_NONE);
	*ret_exchange = exchange;
	return 0;
}

/* A request that was never taken in (its head is wrong) has no path. */
static void say_done(const struct http_exchange *exchange)
{
	const struct http_server *server = exchange->conn->server;
	struct http_done done;

	if (!server || !server->on_done || !exchange->path)
		return;
	done = (struct http_done){
	    .status = exchange->status,
	    .body_size = exchange->reply_size,
	    .duration_ns = clock_monotonic_ns() - exchange->began_ns,
	};
	server->on_done(exchange, &done, server->arg);
}

void http_exchange_hold_much(struct http_exchange *exchange, bool holds_much)
{
	atomic_uint *count;

	if (exchange->holds_much == holds_much)
		return;
	count = &exchange->conn->server->much_held;
	exchange->holds_much = holds_much;
	if (holds_much)
		(void)atomic_fetch_add(count, 1);
	else
		(void)atomic_fetch_sub(count, 1);
}

void http_exchange_free(struct http_exchange *exchange)
{
	if (!exchange)
		return;
	http_exchange_hold_much(exchange, false);
	say_done(exchange);
	buf_done(&exchange->out);
	free(exchange->client);
	http_wipe_free(exchange->path);
	http_conn_take_back(exchange->conn, exchange->memory, exchange->memory_used, exchange->memory_capacity);
	free(exchange);
}

/* The path of an absolute target begins behind its authority. */
static const char *path_of(const char *target)
{
	const char *authority;

	if (*target == '/' || *target == '*')
		return target;
	authority = strstr(target, "://");
	return authority ? authority + 3 + strcspn(authority + 3, "/?") : target;
}

_Static_assert(HTTP_CHUNK_EXTENSION_MAX == HTTP1_CHUNK_EXTENSION_MAX, "one limit, for servers and parsers");
_Static_assert(HTTP_TRAILER_BYTES_MAX == HTTP1_TRAILER_MAX, "one limit, for servers and parsers");

/* "http://host?query" and "http://host" have an empty path, which means "/". NULL without memory. */
static char *copy_path(const char *path)
{
	char *copy;

	if (*path == '/' || *path == '*')
		return strdup(path);
	return asprintf(&copy, "/%s", path) < 0 ? NULL : copy;
}

int http_exchange_begin(struct http_exchange *exchange)
{
	const struct http_limits *limits = &exchange->conn->server->limits;

	http1_body_init(&exchange->body, exchange->head.framing, exchange->head.body_size);
	exchange->body.extension_max = limits->chunk_extension_bytes;
	exchange->body.trailer_max = limits->trailer_bytes;
	(void)atomic_fetch_add(&exchange->conn->server->requests, 1);
	exchange->is_first = exchange->conn->requests++ == 0;
	exchange->continue_wanted = exchange->head.expects_continue;
	exchange->close = !exchange->head.keep_alive;
	exchange->path = copy_path(path_of(exchange->head.target));
	if (!exchange->path)
		return -1;
	exchange->query = strchr(exchange->path, '?');
	if (exchange->query)
		*exchange->query++ = 0;
	return 0;
}

/* ---- the request ---- */

const char *http_method(const struct http_exchange *exchange)
{
	return exchange->head.method;
}

const char *http_target(const struct http_exchange *exchange)
{
	return exchange->head.target;
}

const char *http_path(const struct http_exchange *exchange)
{
	return exchange->path;
}

const char *http_query(const struct http_exchange *exchange)
{
	return exchange->query;
}

const char *http_host(const struct http_exchange *exchange)
{
	return exchange->head.host;
}

const char *http_version(const struct http_exchange *exchange)
{
	if (exchange->wire->version)
		return exchange->wire->version;
	return exchange->head.minor_version == 0 ? "1.0" : "1.1";
}

const char *http_header(const struct http_exchange *exchange, const char *name)
{
	return http_headers_find(exchange->head.headers, exchange->head.header_count, name);
}

size_t http_header_count(const struct http_exchange *exchange)
{
	return exchange->head.header_count;
}

const struct http_header *http_headers(const struct http_exchange *exchange)
{
	return exchange->head.headers;
}

/* ---- its body ---- */

int64_t http_body_size(const struct http_exchange *exchange)
{
	if (exchange->head.framing == HTTP1_CHUNKED)
		return -1;
	return exchange->head.framing == HTTP1_SIZED ? (int64_t)exchange->head.body_size : 0;
}

bool http_is_body_here(const struct http_exchange *exchange)
{
	const struct http_conn *conn = exchange->conn;

	if (exchange->body.done || exchange->stream)
		return exchange->body.done || http2_is_input_here(exchange->stream);
	return exchange->head.framing == HTTP1_SIZED && !exchange->continue_wanted &&
	       conn->in_end - conn->in_start >= exchange->head.body_size - exchange->body.taken;
}

void http_set_body_max(struct http_exchange *exchange, uint64_t max)
{
	exchange->body_max = max;
}

void http_exchange_begin_wait(struct http_exchange *exchange)
{
	if (exchange->wait_since_ns == 0)
		exchange->wait_since_ns = clock_monotonic_ns();
}

void http_exchange_end_wait(struct http_exchange *exchange)
{
	const int64_t most_ns = exchange->conn->server->body_timeout_ms * NS_PER_MS;
	int64_t waited_ns;

	if (exchange->wait_since_ns == 0)
		return;
	waited_ns = clock_monotonic_ns() - exchange->wait_since_ns;
	exchange->wait_since_ns = 0;
	/* Who waited longer was busy with something else. */
	exchange->body_waited_ns += waited_ns < most_ns ? waited_ns : most_ns;
}

int http_exchange_check_pace(struct http_exchange *exchange, size_t got, struct err *err)
{
	const int64_t grace_ns = exchange->conn->server->body_timeout_ms * NS_PER_MS;

	if (exchange->body_waited_ns > grace_ns &&
	    (exchange->body.taken + got) / exchange->conn->server->limits.rate_min <
		(uint64_t)((exchange->body_waited_ns - grace_ns) / NS_PER_SECOND))
		return err_set(err, ERR_TIMEOUT, "the body comes too slowly");
	return 0;
}

bool http_exchange_is_too_large(const struct http_exchange *exchange)
{
	return exchange->body.taken > exchange->body_max ||
	       (exchange->head.framing == HTTP1_SIZED && exchange->head.body_size > exchange->body_max);
}

int http_exchange_too_large(const struct http_exchange *exchange, struct err *err)
{
	return err_set(err, ERR_LIMIT, "the body is larger than %llu bytes", (unsigned long long)exchange->body_max);
}

static int read_body(struct http_exchange *exchange, void *ret_data, size_t size, size_t *ret_got, struct err *err)
{
	size_t got = 0;

	if (http_exchange_is_too_large(exchange))
		return http_exchange_too_large(exchange, err);
	if (exchange->wire->say_continue(exchange, err) < 0 ||
	    exchange->wire->read(exchange, ret_data, size, (int)exchange->conn->server->body_timeout_ms, &got, err) < 0)
		return -1;
	if (http_exchange_is_too_large(exchange))
		return http_exchange_too_large(exchange, err);
	*ret_got = got;
	return 0;
}

int http_read_body(struct http_exchange *exchange, void *ret_data, size_t size, size_t *ret_got, struct err *err)
{
	if (exchange->body_failed)
		return err_set(err, ERR_IO, "the body has failed before");
	if (size == 0 || exchange->body.done) {
		*ret_got = 0;
		return 0;
	}
	if (read_body(exchange, ret_data, size, ret_got, err) == 0)
		return 0;
	exchange->body_failed = true;
	exchange->close = true;
	return -1;
}

/* Into ret's own memory, without a copy on a stack that nobody wipes. */
int http_read_body_all(struct http_exchange *exchange, struct buf *ret, struct err *err)
{
	const size_t most = ret->max - ret->size;
	uint8_t *data;
	size_t got = 1;

	exchange->body_max = most;
	/* In one go if the size is known, so that growing leaves no pieces in freed memory. */
	if (exchange->head.framing == HTTP1_SIZED &&
	    buf_reserve(ret, size_min(size_min((size_t)exchange->head.body_size, most), BODY_RESERVE_MAX), &data, err) <
		0)
		return -1;
	while (got > 0) {
		uint8_t beyond; /* with no room left, to see the end, or that there is more */
		const size_t room = size_min(ret->max - ret->size, BODY_READ_SIZE);

		if (buf_reserve(ret, room, &data, err) < 0 ||
		    http_read_body(exchange, room > 0 ? data : &beyond, room > 0 ? room : 1, &got, err) < 0)
			return -1;
		ret->size += got;
		ret->data[ret->size] = 0;
	}
	return 0;
}

int http_body_status(const struct err *err)
{
	if (err->code == ERR_LIMIT)
		return 413;
	return err->code == ERR_TIMEOUT ? 408 : 400;
}

/* ---- the connection ---- */

void http_close_after(struct http_exchange *exchange)
{
	exchange->close = exchange->is_last = true;
}

void http_abort(struct http_exchange *exchange)
{
	exchange->aborted = true;
}

bool http_is_gone(const struct http_exchange *exchange)
{
	return exchange->aborted || (exchange->wire->is_gone && exchange->wire->is_gone(exchange));
}

bool http_is_first_request(const struct http_exchange *exchange)
{
	return exchange->is_first;
}

bool http_is_resumed(const struct http_exchange *exchange)
{
	return exchange->is_resumed;
}

void *http_slot(const struct http_exchange *exchange)
{
	struct http_conn *conn = exchange->conn;
	void *slot;

	if (!conn->http2)
		return conn->slot;
	http2_lock(conn->http2);
	slot = conn->slot;
	http2_unlock(conn->http2);
	return slot;
}

void http_set_slot(struct http_exchange *exchange, void *slot, void (*destroy)(void *slot))
{
	struct http_conn *conn = exchange->conn;

	if (conn->slot && conn->slot != slot && conn->slot_destroy)
		conn->slot_destroy(conn->slot);
	conn->slot = slot;
	conn->slot_destroy = destroy;
}

void *http_fill_slot(struct http_exchange *exchange, void *slot, void (*destroy)(void *slot))
{
	struct http_conn *conn = exchange->conn;
	void *kept;

	if (conn->http2)
		http2_lock(conn->http2);
	kept = conn->slot;
	if (!kept) {
		conn->slot = slot;
		conn->slot_destroy = destroy;
	}
	if (conn->http2)
		http2_unlock(conn->http2);
	if (kept && slot)
		destroy(slot);
	return kept ? kept : slot;
}

const struct proxy_v2_addresses *http_peer(const struct http_exchange *exchange)
{
	return exchange->client ? exchange->client : &exchange->conn->peer;
}

int http_set_client(struct http_exchange *exchange, const struct proxy_v2_addresses *client, struct err *err)
{
	struct proxy_v2_addresses *copy = malloc(sizeof(*copy));

	if (!copy)
		return err_no_memory(err);
	*copy = *client;
	free(exchange->client);
	exchange->client = copy;
	return 0;
}

bool http_is_https(const struct http_exchange *exchange)
{
	if (exchange->client)
		return exchange->client->is_tls;
	return exchange->conn->tls || exchange->conn->peer.is_tls;
}

bool http_is_tls(const struct http_exchange *exchange)
{
	return exchange->conn->tls != NULL;
}

const char *http_sni(const struct http_exchange *exchange)
{
	const char *name = exchange->conn->tls ? tls_conn_sni(exchange->conn->tls) : "";

	return *name ? name : NULL;
}

void http_tls_key(const struct http_exchange *exchange, uint8_t ret[static TLS_KEY_HASH_SIZE])
{
	memset(ret, 0, TLS_KEY_HASH_SIZE);
	if (exchange->conn->tls)
		memcpy(ret, tls_conn_own_key(exchange->conn->tls), TLS_KEY_HASH_SIZE);
}

int http_tls_exporter(struct http_exchange *exchange, const char *label, const void *context, size_t context_size,
		      uint8_t ret[static TLS_EXPORTER_SIZE], struct err *err)
{
	if (!exchange->conn->tls)
		return err_set(err, ERR_UNSUPPORTED, "TLS exporter: the connection is plain");
	return exchange->wire->exporter(exchange, label, context, context_size, ret, err);
}
