/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The head of an HTTP/1 message: start line and fields. Pure. llhttp does the parsing; the checks around it are
 * stricter than llhttp's (RFC 9112): lines end in CR LF and nothing else, no folded fields, no blank before a colon,
 * one Host, one Content-Length and never beside Transfer-Encoding, chunked as the only transfer coding.
 */
#ifndef MSE_NET_HTTP1_HEAD_H
#define MSE_NET_HTTP1_HEAD_H

#include "net/http.h"

bool http_is_token_byte(uint8_t byte);

/* Where the search for the end of a head stands. All zero at its beginning. */
struct http1_scan {
	size_t seen;       /* bytes looked at */
	size_t line_start; /* where the present line begins */
	size_t lines;      /* whole lines before it */
	bool cr;           /* the last byte seen was CR */
	bool has_blank;    /* one empty line came before the start line (RFC 9112 2.2): it is passed over */
};

/*
 * Looks at bytes seen..size of a head that begins at data. 1: it ends at scan->seen (size of the head, with its empty
 * line). 0: needs more. -1: *ret_status (400, 414, 431) says what is wrong.
 */
must_check int http1_scan(struct http1_scan *scan, const uint8_t *data, size_t size, int *ret_status);

enum http1_framing { HTTP1_NO_BODY, HTTP1_SIZED, HTTP1_CHUNKED, HTTP1_UNTIL_CLOSE };

struct http1_head {
	const char *method; /* requests */
	const char *target;
	int status; /* responses */
	int minor_version;
	size_t header_count;
	enum http1_framing framing;
	uint64_t body_size; /* of HTTP1_SIZED, at most INT64_MAX */
	bool keep_alive;
	bool expects_continue;
	const char *host;                             /* requests: value of Host; "" if there is none (HTTP/1.0) */
	const char *problem;                          /* on failure: what is wrong, for diagnosis; static */
	struct http_header headers[HTTP_HEADERS_MAX]; /* the last: only header_count of them are ever written */
};

/*
 * Parses the whole head in data[0..size) (from http1_scan) and cuts it into C strings in place: what ret points to
 * lives in data. 0 done. -1: *ret_status is the answer to send (400, 414, 417, 431, 501, 505).
 */
must_check int http1_request_parse(uint8_t *data, size_t size, struct http1_head *ret, int *ret_status);

/* The same for a proxy: CONNECT with "HOST:PORT" as its target (RFC 9110 9.3.6) is taken too, without a body. */
must_check int http1_proxy_request_parse(uint8_t *data, size_t size, struct http1_head *ret, int *ret_status);

/* true if a comma-separated list in any field called name holds token. */
bool http1_head_lists(const struct http1_head *head, const char *name, const char *token);

/* The same for a response to request_method; -1 on anything malformed, with ret->problem. */
must_check int http1_response_parse(uint8_t *data, size_t size, const char *request_method, struct http1_head *ret);

#endif
