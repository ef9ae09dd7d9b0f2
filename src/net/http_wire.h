/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an exchange asks of its protocol. Private to net/http*.c: handlers know exchanges only, and what is the same for
 * every protocol (phases of a reply, counting, limits of a body) is done before a row is called.
 */
#ifndef MSE_NET_HTTP_WIRE_H
#define MSE_NET_HTTP_WIRE_H

#include "net/http_server.h"

struct http_wire {
	const char *version; /* NULL: as the request says */

	/* ---- the request ---- */
	/* One piece of the body, waiting at most timeout_ms (0: not at all) before ERR_TIMEOUT. 0 bytes: its end. */
	int (*read)(struct http_exchange *exchange, void *ret_data, size_t size, int timeout_ms, size_t *ret_got,
		    struct err *err);
	/* "100 Continue", if it is still wanted and of use. */
	int (*say_continue)(struct http_exchange *exchange, struct err *err);
	enum http_step (*step_continue)(struct http_exchange *exchange, struct err *err);
	enum http_step (*watch)(struct http_exchange *exchange, struct err *err);
	bool (*is_gone)(const struct http_exchange *exchange); /* NULL: it cannot tell without reading */

	/* ---- the reply ---- */
	/* Of checked fields; decides how the body is framed. On failure nothing has changed. */
	int (*make_head)(struct http_exchange *exchange, int status, const struct http_header *headers, size_t count,
			 int64_t body_size, struct err *err);
	/* The head that was made and a whole body; without one if the exchange is bodiless. */
	int (*reply)(struct http_exchange *exchange, const void *body, size_t size, struct err *err);
	/* Behind reply, with is_ending: true if the exchange is gone, to be sent later. NULL: it never is. */
	bool (*part)(struct http_exchange *exchange);
	int (*write)(struct http_exchange *exchange, const void *data, size_t size, struct err *err);
	int (*end)(struct http_exchange *exchange, struct err *err);
	int (*informational)(struct http_exchange *exchange, int status, const struct http_header *headers,
			     size_t count, struct err *err);
	enum http_step (*step_write)(struct http_exchange *exchange, const void *data, size_t size, struct err *err);
	/* http_step_room; NULL: the most. */
	size_t (*step_room)(const struct http_exchange *exchange);
	/* Trailers are sent or dropped; ended is set before. */
	enum http_step (*step_end)(struct http_exchange *exchange, const struct http_header *trailers, size_t count,
				   struct err *err);
	enum http_step (*step_flush)(struct http_exchange *exchange, struct err *err);

	/* ---- tunnels ---- */
	const char *(*upgrade_asked)(const struct http_exchange *exchange);
	/* The head that says yes; http_step_flush sends it. */
	int (*make_upgrade)(struct http_exchange *exchange, const char *protocol, const struct http_header *headers,
			    size_t count, struct err *err);
	enum http_step (*tunnel_read)(struct http_exchange *exchange, void *ret_data, size_t size, size_t *ret_got,
				      struct err *err);

	/* ---- of a parked exchange: nobody else has it ---- */
	void (*completed)(struct http_exchange *exchange);
	void (*resumed)(struct http_exchange *exchange);
	void (*released)(struct http_exchange *exchange);
	int (*descriptor)(const struct http_exchange *exchange);

	/* ---- the connection ---- */
	int (*exporter)(struct http_exchange *exchange, const char *label, const void *context, size_t context_size,
			uint8_t ret[static TLS_EXPORTER_SIZE], struct err *err);
};

extern const struct http_wire http1_wire;
extern const struct http_wire http2_wire;

#endif
