/* SPDX-License-Identifier: Apache-2.0 */
/* Absolute http(s) URLs, HOST[:PORT] and request targets (RFC 3986, RFC 9112 3.2). Pure. */
#ifndef MSE_FORMAT_URI_H
#define MSE_FORMAT_URI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

#define URI_HOST_MAX 253
#define URI_TEXT_MAX 16384

/* RFC 9110 4.2: of http and https. */
#define HTTP_PORT 80
#define HTTPS_PORT 443

/* host is in lower case, an IPv6 address without its brackets. */
struct hostport {
	char host[URI_HOST_MAX + 1];
	uint16_t port;
	bool has_port; /* false: port is the default that was given */
	bool is_ipv6;
};

/* "HOST", "HOST:PORT", "[::1]:PORT". Host: a DNS name (labels of letters, digits, '-', '_') or an address. */
must_check int hostport_parse(const char *text, uint16_t default_port, struct hostport *ret, struct err *err);

/* "HOST", or "HOST:PORT" unless port is default_port; brackets around IPv6. */
must_check int hostport_format(const struct hostport *hostport, uint16_t default_port, struct buf *ret,
			       struct err *err);

/* true for "localhost" and names under ".localhost" (RFC 6761 6.3: the loopback, without asking DNS). */
bool host_is_loopback_name(const char *host);
bool host_is_address(const char *host); /* numeric IPv4 or IPv6, without brackets */

struct uri {
	bool is_https;
	struct hostport authority; /* HTTPS_PORT or HTTP_PORT by default */
	char *target;              /* path with query, at least "/"; raw */
};

/* "http[s]://HOST[:PORT][/PATH][?QUERY]"; a fragment or user information is ERR_INVALID. */
must_check int uri_parse(const char *text, struct uri *ret, struct err *err);
void uri_done(struct uri *uri);

/* "%41" → "A". Malformed escapes and zero bytes are ERR_INVALID. plus_is_space: as in forms and queries. */
must_check int uri_decode(const char *data, size_t size, bool plus_is_space, struct buf *ret, struct err *err);
/* Everything but unreserved characters is escaped. */
must_check int uri_encode(const void *data, size_t size, struct buf *ret, struct err *err);

/*
 * Value of the first NAME in "a=b&c=d", decoded as in forms; "" for a name without '='.
 * 1 found, 0 absent, -1 malformed. Names are decoded too before they are compared.
 */
must_check int uri_query_find(const char *query, const char *name, struct buf *ret, struct err *err);

#endif
