/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of HTTP/1 (net/http_wire.h), split over http1_{input,reply_head,output,tunnel}.c. */
#ifndef MSE_NET_HTTP1_WIRE_H
#define MSE_NET_HTTP1_WIRE_H

#include "net/http_priv.h"

enum http_step http1_step_of(enum tls_io io);

/* ---- http1_input.c ---- */
#define HTTP1_SKIP_MAX (256u << 10) /* of a body that nobody read, so that the connection goes on */
/* More of the body is on its way than is thrown away, or it cannot be read. */
bool http1_body_is_given_up(const struct http_exchange *exchange);
must_check int http1_read(struct http_exchange *exchange, void *ret_data, size_t size, int timeout_ms, size_t *ret_got,
			  struct err *err);
must_check int http1_say_continue(struct http_exchange *exchange, struct err *err);
enum http_step http1_step_continue(struct http_exchange *exchange, struct err *err);
enum http_step http1_watch(struct http_exchange *exchange, struct err *err);
int http1_descriptor(const struct http_exchange *exchange);

/* ---- http1_reply_head.c ---- */
/* reason is NULL for the registered one. */
must_check int http1_add_status(struct buf *out, int status, const char *reason, struct err *err);
/* "NAME: VALUE\r\n" for each, checked. */
must_check int http1_add_fields(struct buf *out, const struct http_header *headers, size_t count, struct err *err);
must_check int http1_make_head(struct http_exchange *exchange, int status, const struct http_header *headers,
			       size_t count, int64_t body_size, struct err *err);
must_check int http1_informational(struct http_exchange *exchange, int status, const struct http_header *headers,
				   size_t count, struct err *err);

/* ---- http1_output.c ---- */
enum http_step http1_step_flush(struct http_exchange *exchange, struct err *err);

/* ---- http1_tunnel.c ---- */
const char *http1_upgrade_asked(const struct http_exchange *exchange);
must_check int http1_make_upgrade(struct http_exchange *exchange, const char *protocol,
				  const struct http_header *headers, size_t count, struct err *err);
enum http_step http1_tunnel_read(struct http_exchange *exchange, void *ret_data, size_t size, size_t *ret_got,
				 struct err *err);

#endif
