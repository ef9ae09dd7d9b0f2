/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One request to the API as handlers see it, and the ways to answer. A handler returns 0 after it has replied,
 * API_DEFERRED when somebody else completes the exchange, or -1 with err set: then the dispatcher answers with
 * {"error": code, "message": text, "request_id": id}. Texts of errors that are not the client's own fault never leave
 * the process: the client gets the request id, the log the text.
 */
#ifndef MSE_CLOUD_API_H
#define MSE_CLOUD_API_H

#include <jansson.h>

#include "base/buf.h"
#include "cloud/cloud.h"
#include "domain/user.h"
#include "net/http_server.h"

#define API_DEFERRED 1
#define API_PARAMS_MAX 2
#define API_PARAM_SIZE 128
#define API_REQUEST_ID_SIZE 17
#define API_JSON_DEPTH 8
#define API_REPLY_HEADERS_MAX 8

struct route;

struct request {
	struct cloud *cloud;
	struct http_exchange *exchange;
	const struct route *route;
	char id[API_REQUEST_ID_SIZE];
	char params[API_PARAMS_MAX][API_PARAM_SIZE]; /* decoded {…} of the route's pattern */
	struct user user;                            /* signed in, when the route wants that */
	int64_t now;
	int status; /* what was replied, for the log; set before: what an error is answered with */
};

/* All of these send the whole reply; a client that went away is not an error of ours. */
must_check int api_reply_json(struct request *request, int status, const json_t *value, struct err *err);
must_check int api_reply_text(struct request *request, int status, const char *type, const char *text, struct err *err);
must_check int api_reply_html(struct request *request, int status, const struct buf *page, struct err *err);
/* A page with a cookie (NULL: without). */
must_check int api_reply_page(struct request *request, int status, const struct buf *page, const char *cookie,
			      struct err *err);
must_check int api_reply_redirect(struct request *request, const char *location, const char *cookie, struct err *err);
must_check int api_reply_full(struct request *request, int status, const struct http_header *headers,
			      size_t header_count, const void *body, size_t size, struct err *err);

/* The answer for err. */
void api_reply_err(struct request *request, const struct err *err);
int api_status_of(const struct err *err);
/* Whether the client may read the text. */
bool api_is_clients_fault(const struct err *err);

/* json_pack's result: NULL is out of memory. */
must_check int api_json(json_t *value, json_t **ret, struct err *err);

/* 1 and the decoded value of a query parameter, 0 if absent. ERR_INVALID names it. */
must_check int api_query(const struct request *request, const char *name, size_t size_max, struct buf *ret,
			 struct err *err);
must_check int api_query_int(const struct request *request, const char *name, int64_t min, int64_t max,
			     int64_t fallback, int64_t *ret, struct err *err);

/* The body as JSON object, at most the route's limit. */
must_check int api_read_json(struct request *request, json_t **ret, struct err *err);
/* The body as form text, "a=b&c=d". It may hold a password or a token: end it with api_form_done. */
must_check int api_read_form(struct request *request, struct buf *ret, struct err *err);
void api_form_done(struct buf *form); /* wipes */

/* "YYYY-MM-DDTHH:MM:SSZ", or null for 0. */
json_t *api_json_time(int64_t seconds);

/* A random text of count bytes in base64url; count at most 64. */
must_check int api_random_text(size_t count, struct buf *ret, struct err *err);
/* SHA-256 in lower hex. */
void api_hash_text(const char *text, char ret[static STORE_HASH_SIZE]);

#endif
