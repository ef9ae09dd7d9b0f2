/* SPDX-License-Identifier: Apache-2.0 */
/* Another protocol behind a request of HTTP/1.1 (RFC 9110 7.8): see net/http_server.h. */
#include <string.h>

#include "base/number.h"
#include "net/http1_wire.h"

const char *http1_upgrade_asked(const struct http_exchange *exchange)
{
	const struct http1_head *head = &exchange->head;

	/* RFC 9110 7.8: Upgrade counts in HTTP/1.1 only, and only if Connection names it; RFC 6455 4.1: with GET. */
	if (head->minor_version == 0 || strcmp(head->method, "GET") != 0 ||
	    !http1_head_lists(head, "connection", "upgrade") || !http1_head_lists(head, "upgrade", "websocket"))
		return NULL;
	return "websocket";
}

static int add_head(struct http_exchange *exchange, const char *protocol, const struct http_header *headers,
		    size_t count, struct err *err)
{
	struct buf *out = &exchange->out;

	if (http1_add_status(out, 101, NULL, err) < 0 || buf_add_text(out, "Upgrade: ", err) < 0 ||
	    buf_add_text(out, protocol, err) < 0 || buf_add_text(out, "\r\nConnection: Upgrade\r\n", err) < 0)
		return -1;
	return http1_add_fields(out, headers, count, err) < 0 ? -1 : buf_add_text(out, "\r\n", err);
}

int http1_make_upgrade(struct http_exchange *exchange, const char *protocol, const struct http_header *headers,
		       size_t count, struct err *err)
{
	const size_t before = exchange->out.size;

	if (!exchange->body.done)
		return err_set(err, ERR_INTERNAL, "an upgrade behind a request that has a body");
	if (add_head(exchange, protocol, headers, count, err) < 0) {
		exchange->out.size = before;
		return -1;
	}
	exchange->close = true;
	exchange->status = 101;
	/* It may be silent for hours. */
	http_watch_cool(exchange->conn);
	return 0;
}

/* What came behind the head, before it was a tunnel. */
static size_t take_input(struct http_conn *conn, void *ret_data, size_t size)
{
	const size_t part = size_min(size, conn->in_end - conn->in_start);

	memcpy(ret_data, conn->in + conn->in_start, part);
	conn->in_start += part;
	http_conn_release_input(conn);
	return part;
}

/* As http_conn_read, but the client's end is DONE with nothing. */
enum http_step http1_tunnel_read(struct http_exchange *exchange, void *ret_data, size_t size, size_t *ret_got,
				 struct err *err)
{
	struct http_conn *conn = exchange->conn;
	enum tls_io io;

	*ret_got = 0;
	if (conn->in_start < conn->in_end) {
		*ret_got = take_input(conn, ret_data, size);
		return HTTP_STEP_DONE;
	}
	io = http_conn_read(conn, ret_data, size, ret_got, err);
	if (io == TLS_IO_CLOSED)
		*ret_got = 0;
	return io == TLS_IO_CLOSED ? HTTP_STEP_DONE : http1_step_of(io);
}
