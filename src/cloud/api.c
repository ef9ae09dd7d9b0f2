/* SPDX-License-Identifier: Apache-2.0 */
#include "cloud/api.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/number.h"
#include "cloud/routes.h"
#include "crypto/hash.h"
#include "crypto/random.h"
#include "crypto/secret.h"
#include "format/base64.h"
#include "format/hex.h"
#include "format/json.h"
#include "format/uri.h"

#define REPLY_MAX (64u << 20)
#define RANDOM_MAX 64

static const struct http_header common_headers[] = {
    {"Cache-Control", "no-store"},
    {"X-Content-Type-Options", "nosniff"},
};

int api_reply_full(struct request *request, int status, const struct http_header *headers, size_t header_count,
		   const void *body, size_t size, struct err *err)
{
	struct http_header all[API_REPLY_HEADERS_MAX + COUNT_OF(common_headers) + 1];
	size_t count = 0;

	if (header_count > API_REPLY_HEADERS_MAX)
		return err_set(err, ERR_INTERNAL, "too many headers in a reply");
	for (size_t i = 0; i < header_count; i++)
		all[count++] = headers[i];
	for (size_t i = 0; i < COUNT_OF(common_headers); i++)
		if (!http_headers_find(headers, header_count, common_headers[i].name))
			all[count++] = common_headers[i];
	all[count++] = (struct http_header){"X-Request-Id", request->id};
	request->status = status;
	if (http_reply(request->exchange, status, all, count, body, size, err) == 0)
		return 0;
	/* Gone, or too slow: nobody is left to be told. */
	return err->code == ERR_INVALID ? err_set(err, ERR_INTERNAL, "a reply with a header that cannot be sent") : 0;
}

int api_reply_json(struct request *request, int status, const json_t *value, struct err *err)
{
	static const struct http_header type[] = {{"Content-Type", "application/json"}};
	scoped(buf_done) struct buf text = BUF_INIT(REPLY_MAX);

	if (json_format(value, &text, err) < 0)
		return -1;
	return api_reply_full(request, status, type, COUNT_OF(type), text.data, text.size, err);
}

int api_reply_text(struct request *request, int status, const char *type, const char *text, struct err *err)
{
	const struct http_header header = {"Content-Type", type};

	return api_reply_full(request, status, &header, 1, text, strlen(text), err);
}

int api_reply_page(struct request *request, int status, const struct buf *page, const char *cookie, struct err *err)
{
	/* No script, no frame: what a sign-in page needs and no more. */
	const struct http_header headers[] = {
	    {"Content-Type", "text/html; charset=utf-8"},
	    {"Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; "
					"base-uri 'none'"},
	    {"X-Frame-Options", "DENY"},
	    {"Referrer-Policy", "no-referrer"},
	    {"Set-Cookie", cookie},
	};

	return api_reply_full(request, status, headers, COUNT_OF(headers) - (cookie ? 0 : 1), page->data, page->size,
			      err);
}

int api_reply_html(struct request *request, int status, const struct buf *page, struct err *err)
{
	return api_reply_page(request, status, page, NULL, err);
}

int api_reply_redirect(struct request *request, const char *location, const char *cookie, struct err *err)
{
	const struct http_header headers[] = {{"Location", location}, {"Set-Cookie", cookie}};

	return api_reply_full(request, 302, headers, cookie ? 2 : 1, "", 0, err);
}

bool api_is_clients_fault(const struct err *err)
{
	if (err->os_errno)
		return false;
	switch (err->code) {
	case ERR_INTERNAL:
	case ERR_NO_MEMORY:
	case ERR_IO:
		return false;
	case ERR_INVALID:
	case ERR_LIMIT:
	case ERR_NOT_FOUND:
	case ERR_CONFLICT:
	case ERR_UNAUTHENTICATED:
	case ERR_DENIED:
	case ERR_UNTRUSTED:
	case ERR_UNAVAILABLE:
	case ERR_TIMEOUT:
	case ERR_UNSUPPORTED:
	case ERR_CANCELLED:
		return true;
	}
	return false;
}

int api_status_of(const struct err *err)
{
	if (err->os_errno)
		return err->os_errno == ENOSPC || err->os_errno == EDQUOT ? 507 : 500;
	switch (err->code) {
	case ERR_INTERNAL:
	case ERR_IO:
		return 500;
	case ERR_NO_MEMORY:
	case ERR_UNAVAILABLE:
		return 503;
	case ERR_INVALID:
	case ERR_CANCELLED:
		return 400;
	case ERR_LIMIT:
		return 413;
	case ERR_NOT_FOUND:
		return 404;
	case ERR_CONFLICT:
		return 409;
	case ERR_UNAUTHENTICATED:
		return 401;
	case ERR_DENIED:
		return 403;
	case ERR_UNTRUSTED:
	case ERR_UNSUPPORTED:
		return 422;
	case ERR_TIMEOUT:
		return 408;
	}
	return 500;
}

static const char *message_of(const struct err *err)
{
	if (err->os_errno == ENOSPC || err->os_errno == EDQUOT)
		return "the cloud's disk is full";
	return api_is_clients_fault(err) ? err->text : "internal error; the operator finds it by the request id";
}

void api_reply_err(struct request *request, const struct err *err)
{
	static const struct http_header challenge[] = {{"Content-Type", "application/json"},
						       {"WWW-Authenticate", "Bearer"}};
	const int status = request->status ? request->status : api_status_of(err);
	scoped(buf_done) struct buf text = BUF_INIT(65536);
	scoped(json_decrefp) json_t *value = NULL;
	struct err failure = ERR_INIT;

	log_event(status >= 500 ? LOG_ERROR : LOG_INFO, "refused", "request_id", request->id, "error",
		  err_code_text(err->code), "message", err->text, NULL);
	value = json_pack("{s:s, s:s, s:s}", "error",
			  api_is_clients_fault(err) ? err_code_text(err->code) : err_code_text(ERR_INTERNAL), "message",
			  message_of(err), "request_id", request->id);
	/* A text that is not UTF-8 cannot be packed: the code alone then. */
	if (!value)
		value = json_pack("{s:s, s:s, s:s}", "error", err_code_text(err->code), "message", "invalid input",
				  "request_id", request->id);
	if (!value || json_format(value, &text, &failure) < 0)
		return;
	IGNORE_RESULT(
	    api_reply_full(request, status, challenge, status == 401 ? 2 : 1, text.data, text.size, &failure) < 0);
}

int api_json(json_t *value, json_t **ret, struct err *err)
{
	if (!value)
		return err_no_memory(err);
	*ret = value;
	return 0;
}

int api_query(const struct request *request, const char *name, size_t size_max, struct buf *ret, struct err *err)
{
	const char *query = http_query(request->exchange);
	int found;

	if (!query)
		return 0;
	ret->max = size_max;
	found = uri_query_find(query, name, ret, err);
	if (found < 0)
		return err_prefix(err, "query parameter '%s'", name);
	return found;
}

int api_query_int(const struct request *request, const char *name, int64_t min, int64_t max, int64_t fallback,
		  int64_t *ret, struct err *err)
{
	scoped(buf_done) struct buf text = BUF_INIT(0);
	const int found = api_query(request, name, 20, &text, err);

	if (found < 0)
		return -1;
	if (found == 0) {
		*ret = fallback;
		return 0;
	}
	if (number_parse_i64(buf_text(&text), min, max, ret, err) < 0)
		return err_prefix(err, "query parameter '%s'", name);
	return 0;
}

/*
 * A short body of known size is here before its handler runs. Whoever sends another kind could hold a thread for as
 * long as he likes, and need not even be signed in.
 */
static int read_body(struct request *request, struct buf *ret, struct err *err)
{
	if (http_body_size(request->exchange) < 0 || http_header(request->exchange, "Expect"))
		return err_set(err, ERR_INVALID, "the body must come at once, with a Content-Length");
	ret->max = request->route->body_max;
	if (http_read_body_all(request->exchange, ret, err) < 0)
		return err_prefix(err, "body");
	return 0;
}

int api_read_json(struct request *request, json_t **ret, struct err *err)
{
	scoped(buf_done) struct buf body = BUF_INIT(0);

	if (read_body(request, &body, err) < 0)
		return -1;
	if (json_parse_strict(buf_text(&body), body.size, API_JSON_DEPTH, ret, err) < 0)
		return err_prefix(err, "body");
	if (!json_is_object(*ret)) {
		json_decref(*ret);
		*ret = NULL;
		return err_set(err, ERR_INVALID, "the body must be a JSON object");
	}
	return 0;
}

void api_form_done(struct buf *form)
{
	if (form->data)
		secret_wipe(form->data, form->capacity);
	buf_done(form);
}

int api_read_form(struct request *request, struct buf *ret, struct err *err)
{
	const char *type = http_header(request->exchange, "Content-Type");

	if (!type || strncmp(type, "application/x-www-form-urlencoded", 33) != 0)
		return err_set(err, ERR_INVALID, "the body must be application/x-www-form-urlencoded");
	return read_body(request, ret, err);
}

json_t *api_json_time(int64_t seconds)
{
	char text[CLOCK_TEXT_SIZE];

	if (seconds == 0)
		return json_null();
	clock_format_utc(seconds, text);
	return json_string(text);
}

int api_random_text(size_t count, struct buf *ret, struct err *err)
{
	uint8_t bytes[RANDOM_MAX];

	if (count > sizeof(bytes))
		return err_set(err, ERR_INTERNAL, "too much randomness asked for");
	random_bytes(bytes, count);
	return base64url_encode(bytes, count, ret, err);
}

void api_hash_text(const char *text, char ret[static STORE_HASH_SIZE])
{
	uint8_t hash[SHA256_SIZE];

	sha256(text, strlen(text), hash);
	hex_encode(hash, sizeof(hash), ret);
}
