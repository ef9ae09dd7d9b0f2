/* SPDX-License-Identifier: Apache-2.0 */
/* A deferred exchange without blocking: see net/http_server.h. */
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "net/http_priv.h"

#define NO_WAIT 0

int http_descriptor(const struct http_exchange *exchange)
{
	return exchange->wire->descriptor(exchange);
}

unsigned http_step_timeout_ms(const struct http_exchange *exchange, bool is_write)
{
	const struct http_server *server = exchange->conn->server;

	return is_write ? server->write_timeout_ms : server->body_timeout_ms;
}

/* ---- the request's body ---- */

static enum http_step read_step(struct http_exchange *exchange, void *ret_data, size_t size, size_t *ret_got,
				struct err *err)
{
	enum http_step step;

	if (http_exchange_is_too_large(exchange)) {
		(void)http_exchange_too_large(exchange, err);
		return HTTP_STEP_FAILED;
	}
	step = exchange->wire->step_continue(exchange, err);
	if (step != HTTP_STEP_DONE)
		return step;
	/* Before the pace is looked at: a body that is here is not late, however late it is asked for. */
	if (exchange->wire->read(exchange, ret_data, size, NO_WAIT, ret_got, err) == 0) {
		http_exchange_end_wait(exchange);
		if (!http_exchange_is_too_large(exchange))
			return HTTP_STEP_DONE;
		(void)http_exchange_too_large(exchange, err);
		return HTTP_STEP_FAILED;
	}
	http_exchange_end_wait(exchange);
	if (err->code != ERR_TIMEOUT || http_exchange_check_pace(exchange, 0, err) < 0)
		return HTTP_STEP_FAILED;
	http_exchange_begin_wait(exchange);
	return HTTP_STEP_WANT_READ;
}

enum http_step http_step_read(struct http_exchange *exchange, void *ret_data, size_t size, size_t *ret_got,
			      struct err *err)
{
	enum http_step step;

	*ret_got = 0;
	if (exchange->is_tunnel)
		return exchange->wire->tunnel_read(exchange, ret_data, size, ret_got, err);
	if (exchange->body_failed) {
		(void)err_set(err, ERR_IO, "the body has failed before");
		return HTTP_STEP_FAILED;
	}
	if (size == 0 || exchange->body.done)
		return HTTP_STEP_DONE;
	step = read_step(exchange, ret_data, size, ret_got, err);
	if (step == HTTP_STEP_FAILED) {
		exchange->body_failed = true;
		exchange->close = true;
	}
	return step;
}

void http_step_ready(struct http_exchange *exchange)
{
	http_exchange_end_wait(exchange);
}

enum http_step http_step_watch(struct http_exchange *exchange, struct err *err)
{
	return exchange->aborted ? HTTP_STEP_FAILED : exchange->wire->watch(exchange, err);
}

/* ---- the reply ---- */

int http_step_informational(struct http_exchange *exchange, int status, const struct http_header *headers, size_t count,
			    struct err *err)
{
	if (status < 100 || status > 199 || status == 101)
		return err_set(err, ERR_INVALID, "status %d cannot be sent before the reply", status);
	if (exchange->started)
		return err_set(err, ERR_INTERNAL, "the reply was started before");
	return exchange->wire->informational(exchange, status, headers, count, err);
}

enum http_step http_step_flush(struct http_exchange *exchange, struct err *err)
{
	if (!exchange->aborted)
		return exchange->wire->step_flush(exchange, err);
	(void)err_set(err, ERR_IO, "the client is gone");
	return HTTP_STEP_FAILED;
}

size_t http_step_room(const struct http_exchange *exchange)
{
	return exchange->wire->step_room ? exchange->wire->step_room(exchange) : HTTP_STEP_ROOM_MAX;
}

enum http_step http_step_write(struct http_exchange *exchange, const void *data, size_t size, struct err *err)
{
	if (http_reply_count(exchange, size, err) < 0)
		return HTTP_STEP_FAILED;
	return exchange->wire->step_write(exchange, data, exchange->bodiless ? 0 : size, err);
}

void http_step_announce_end(struct http_exchange *exchange)
{
	exchange->is_ending = true;
}

/* Those that may come; none but for "TE: trailers", perhaps among other codings (RFC 9110 10.1.4). */
static size_t keep_trailers(const struct http_exchange *exchange, const struct http_header *trailers, size_t count,
			    struct http_header ret[static HTTP_HEADERS_MAX])
{
	size_t kept = 0;

	if (!http1_head_lists(&exchange->head, "te", "trailers"))
		return 0;
	for (size_t i = 0; i < count && kept < HTTP_HEADERS_MAX; i++) {
		if (http_field_may_trail(trailers[i].name))
			ret[kept++] = trailers[i];
	}
	return kept;
}

enum http_step http_step_end(struct http_exchange *exchange, const struct http_header *trailers, size_t trailer_count,
			     struct err *err)
{
	struct http_header kept[HTTP_HEADERS_MAX];

	if (http_reply_count_end(exchange, err) == 0)
		return exchange->wire->step_end(exchange, kept, keep_trailers(exchange, trailers, trailer_count, kept),
						err);
	exchange->aborted = true;
	return HTTP_STEP_FAILED;
}

/* ---- tunnels ---- */

const char *http_upgrade(const struct http_exchange *exchange)
{
	return exchange->wire->upgrade_asked(exchange);
}

enum http_step http_step_upgrade(struct http_exchange *exchange, const struct http_header *headers, size_t header_count,
				 struct err *err)
{
	const char *protocol = http_upgrade(exchange);

	if (!protocol || exchange->started) {
		(void)err_set(err, ERR_INTERNAL, "nothing to upgrade to");
		return HTTP_STEP_FAILED;
	}
	if (exchange->wire->make_upgrade(exchange, protocol, headers, header_count, err) < 0)
		return HTTP_STEP_FAILED;
	exchange->is_tunnel = true;
	exchange->started = true;
	return http_step_flush(exchange, err);
}
