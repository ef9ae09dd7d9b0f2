/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include <strings.h>

#include "net/http_priv.h"

/* ---- heads ---- */

static bool is_ours(const char *name)
{
	return http_name_is(name, "content-length") || http_name_is(name, "transfer-encoding") ||
	       http_name_is(name, "connection");
}

int http_reply_check_fields(const struct http_header *headers, size_t count, struct err *err)
{
	for (size_t i = 0; i < count; i++) {
		if (!http_header_is_valid(headers[i].name, headers[i].value))
			return err_set(err, ERR_INVALID, "header '%.64s' cannot be sent", headers[i].name);
		if (is_ours(headers[i].name))
			return err_set(err, ERR_INVALID, "header '%s' is the server's", headers[i].name);
	}
	return 0;
}

void http_reply_reason(struct http_exchange *exchange, const char *reason)
{
	exchange->reason = http_header_is_valid("reason", reason) ? reason : NULL;
}

static int make_head(struct http_exchange *exchange, int status, const struct http_header *headers, size_t count,
		     int64_t body_size, struct err *err)
{
	if (exchange->started)
		return err_set(err, ERR_INTERNAL, "the reply was started before");
	if (status < 200 || status > 599)
		return err_set(err, ERR_INVALID, "status %d cannot be sent", status);
	if (http_reply_check_fields(headers, count, err) < 0)
		return -1;
	exchange->bodiless =
	    strcmp(exchange->head.method, "HEAD") == 0 || status == 204 || status == 205 || status == 304;
	/* RFC 9110 15.3.6: 205 has no content, and says so, since it would be read else. */
	return exchange->wire->make_head(exchange, status, headers, count, status == 205 ? 0 : body_size, err);
}

static int begin(struct http_exchange *exchange, int status, const struct http_header *headers, size_t count,
		 int64_t body_size, struct err *err)
{
	const int made = make_head(exchange, status, headers, count, body_size, err);

	/* It is not another reply's. */
	exchange->reason = NULL;
	if (made < 0)
		return -1;
	exchange->started = true;
	exchange->status = status;
	return 0;
}

/* ---- at once ---- */

int http_reply(struct http_exchange *exchange, int status, const struct http_header *headers, size_t header_count,
	       const void *body, size_t body_size, struct err *err)
{
	if (begin(exchange, status, headers, header_count, (int64_t)body_size, err) < 0)
		return -1;
	exchange->ended = true;
	exchange->reply_size = exchange->bodiless ? 0 : body_size;
	return exchange->wire->reply(exchange, body, body_size, err);
}

int http_reply_part(struct http_exchange *exchange, int status, const struct http_header *headers, size_t header_count,
		    const void *body, size_t body_size, bool *ret_is_parted, struct err *err)
{
	exchange->is_ending = exchange->wire->part && exchange->body.done;
	*ret_is_parted = false;
	if (http_reply(exchange, status, headers, header_count, body, body_size, err) < 0)
		return -1;
	*ret_is_parted = exchange->is_ending && exchange->wire->part(exchange);
	return 0;
}

/* ---- in pieces ---- */

int http_reply_start(struct http_exchange *exchange, int status, const struct http_header *headers, size_t header_count,
		     int64_t body_size, struct err *err)
{
	if (begin(exchange, status, headers, header_count, body_size, err) < 0)
		return -1;
	exchange->sized = body_size >= 0;
	exchange->reply_left = exchange->sized ? (uint64_t)body_size : 0;
	return 0;
}

int http_reply_count(struct http_exchange *exchange, size_t size, struct err *err)
{
	if (!exchange->started || exchange->ended)
		return err_set(err, ERR_INTERNAL, "no reply is open");
	if (exchange->aborted)
		return err_set(err, ERR_IO, "the client is gone");
	if (exchange->sized) {
		if (size > exchange->reply_left)
			return err_set(err, ERR_INVALID, "%zu bytes more than the reply's length",
				       size - (size_t)exchange->reply_left);
		exchange->reply_left -= size;
	}
	exchange->reply_size += exchange->bodiless ? 0 : size;
	return 0;
}

int http_reply_write(struct http_exchange *exchange, const void *data, size_t size, struct err *err)
{
	if (http_reply_count(exchange, size, err) < 0)
		return -1;
	return exchange->wire->write(exchange, data, exchange->bodiless ? 0 : size, err);
}

int http_reply_count_end(struct http_exchange *exchange, struct err *err)
{
	if (http_reply_count(exchange, 0, err) < 0)
		return -1;
	if (exchange->sized && exchange->reply_left > 0 && !exchange->bodiless)
		return err_set(err, ERR_INVALID, "the reply is shorter than its length");
	exchange->ended = true;
	return 0;
}

int http_reply_end(struct http_exchange *exchange, struct err *err)
{
	return http_reply_count_end(exchange, err) < 0 ? -1 : exchange->wire->end(exchange, err);
}

bool http_reply_is_started(const struct http_exchange *exchange)
{
	return exchange->started;
}

/* ---- deferred ---- */

static void prepare(struct http_exchange *exchange, int status, const struct http_header *headers, size_t header_count,
		    const void *body, size_t body_size)
{
	struct err ignored = ERR_INIT;

	if (body_size <= HTTP_COMPLETE_MAX &&
	    begin(exchange, status, headers, header_count, (int64_t)body_size, &ignored) == 0 &&
	    (exchange->bodiless || buf_add(&exchange->out, body, body_size, &ignored) == 0)) {
		exchange->ended = true;
		exchange->reply_size = exchange->bodiless ? 0 : body_size;
		return;
	}
	exchange->started = false;
	exchange->close = true;
	buf_clear(&exchange->out);
	exchange->ended = begin(exchange, 500, NULL, 0, 0, &ignored) == 0;
	exchange->aborted = !exchange->ended;
}

/* The handler has not returned yet: its thread goes on. Else the exchange is ours. */
static bool take_parked(struct http_exchange *exchange, enum deferral deferral)
{
	return atomic_exchange(&exchange->deferral, (int)deferral) == DEFERRAL_PARKED;
}

void http_complete(struct http_exchange *exchange, int status, const struct http_header *headers, size_t header_count,
		   const void *body, size_t body_size)
{
	prepare(exchange, status, headers, header_count, body, body_size);
	if (take_parked(exchange, DEFERRAL_COMPLETED))
		exchange->wire->completed(exchange);
}

void http_resume(struct http_exchange *exchange)
{
	if (take_parked(exchange, DEFERRAL_RESUMED))
		exchange->wire->resumed(exchange);
}

void http_release(struct http_exchange *exchange)
{
	if (!exchange->ended)
		exchange->aborted = true;
	if (take_parked(exchange, DEFERRAL_COMPLETED))
		exchange->wire->released(exchange);
}
