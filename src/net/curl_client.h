/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libcurl for requests to APIs: pinned CA or the system's roots, retries, uploads from files, unix sockets.
 * One client serves one thread at a time and keeps its connections. HTTP statuses are results, not errors.
 * "localhost" and names under ".localhost" are the loopback, without asking anyone. No redirect is followed.
 */
#ifndef MSE_NET_CURL_CLIENT_H
#define MSE_NET_CURL_CLIENT_H

#include "net/http.h"

#define CURL_CLIENT_TRIES_MAX 6 /* the first and five more, after 502 and 503 */

struct curl_client_options {
	const void *ca_pem; /* only this CA counts; NULL: the system's roots */
	size_t ca_pem_size;
	const char *unix_path;  /* connect there instead (the URL names the host all the same) */
	const char *user_agent; /* NULL: "mse/VERSION" */
	int connect_timeout_ms; /* 0: 10 s */
	int retry_delay_ms;     /* first delay, doubled each time; 0: 500 ms. Retry-After (≤ 30 s) wins */
	bool insecure;          /* certificate not checked: only to fetch a CA that is then compared by its hash */
};

struct curl_client;

must_check int curl_client_new(const struct curl_client_options *options, struct curl_client **ret_client,
			       struct err *err);
void curl_client_free(struct curl_client *client);
DEFINE_SCOPED_PTR(struct curl_client, curl_client_free);

/* One part of multipart/form-data: a file, streamed from its path, or data. */
struct curl_part {
	const char *name;
	const char *path; /* NULL: data */
	const void *data;
	size_t data_size;
	const char *content_type; /* NULL: none */
	const char *file_name;    /* NULL: none */
};

struct curl_request {
	const char *method; /* NULL: GET */
	const char *url;
	const struct http_header *headers;
	size_t header_count;
	const void *body;
	size_t body_size;
	const struct curl_part *parts; /* instead of body */
	size_t part_count;
	int timeout_ms;      /* one try; 0: 30 s */
	size_t response_max; /* 0: 16 MiB; more is ERR_LIMIT */
	bool no_retry;
	/* Called some times a second; returning false ends with ERR_CANCELLED. Totals are 0 while unknown. */
	bool (*progress)(void *arg, uint64_t sent, uint64_t send_total, uint64_t received, uint64_t receive_total);
	void *progress_arg;
};

struct curl_response {
	int status;
	struct http_header headers[HTTP_HEADERS_MAX]; /* of the final response; further ones are dropped */
	size_t header_count;
	struct buf body;
	struct buf memory; /* names and values live here */
};

#define CURL_RESPONSE_INIT ((struct curl_response){.status = 0})
void curl_response_done(struct curl_response *response);
const char *curl_response_header(const struct curl_response *response, const char *name); /* NULL: none */

/*
 * ERR_UNAVAILABLE (nobody there), ERR_UNTRUSTED (certificate), ERR_TIMEOUT, ERR_LIMIT, ERR_CANCELLED, ERR_INVALID
 * (URL). ret_response is initialised by the caller, and cleared first.
 */
must_check int curl_client_request(struct curl_client *client, const struct curl_request *request,
				   struct curl_response *ret_response, struct err *err);

#endif
