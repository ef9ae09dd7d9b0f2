/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP/1.1 requests on one TLS connection that is kept: the client's side of the attested channel. No redirects, no
 * retries, no second connection: what was said about this connection (a verdict) holds for every request.
 * One thread at a time.
 */
#ifndef MSE_NET_HTTP_CLIENT_H
#define MSE_NET_HTTP_CLIENT_H

#include "net/http.h"
#include "net/tls_client.h"

struct http_client;

/* Takes client over, also when it fails. host is sent as Host (with the port, if it is not 443). */
must_check int http_client_new(struct tls_client *client, const char *host, struct http_client **ret_client,
			       struct err *err);
void http_client_free(struct http_client *client);
DEFINE_SCOPED_PTR(struct http_client, http_client_free);

struct tls_client *http_client_tls(struct http_client *client); /* borrowed */

/* false once the server said "close", or anything failed. */
bool http_client_is_open(const struct http_client *client);

struct http_request {
	const char *method;                /* NULL: GET */
	const char *target;                /* "/path?query" */
	const struct http_header *headers; /* Host, Content-Length and Transfer-Encoding are ours, unless keep_host */
	size_t header_count;
	bool keep_host; /* headers have a Host */
	const void *body;
	size_t body_size;
	/* If set, instead of body: next piece into data, 0 at the end. body_length as the whole, -1: chunked. */
	int (*read_body)(void *arg, void *data, size_t size, size_t *ret_got, struct err *err);
	void *read_arg;
	int64_t body_length;
	int timeout_ms;  /* whole exchange, or without a piece of either body if streamed; 0: 30 s */
	size_t body_max; /* of the response when it is collected; 0: 1 MiB */
};

struct http_response {
	int status;
	struct http_header headers[HTTP_HEADERS_MAX];
	size_t header_count;
	struct buf body;   /* empty if streamed */
	struct buf memory; /* names and values live here */
};

#define HTTP_RESPONSE_INIT ((struct http_response){.status = 0})
void http_response_done(struct http_response *response);
const char *http_response_header(const struct http_response *response, const char *name); /* NULL: none */

/* Sends and collects. ERR_LIMIT if the body is longer than body_max; ERR_INVALID for malformed HTTP; the connection is
 * then no longer open. */
must_check int http_client_request(struct http_client *client, const struct http_request *request,
				   struct http_response *ret_response, struct err *err);

/* As it comes: on_head once (status and headers stand in response), on_body for each piece. Failing stops. */
struct http_response_sink {
	int (*on_head)(void *arg, const struct http_response *response, struct err *err); /* may be NULL */
	int (*on_body)(void *arg, const void *data, size_t size, struct err *err);
	void *arg;
};

must_check int http_client_stream(struct http_client *client, const struct http_request *request,
				  const struct http_response_sink *sink, struct http_response *ret_response,
				  struct err *err);

#endif
