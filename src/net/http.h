/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What server and clients share: header fields, their limits, status texts.
 *
 * Names compare without regard to ASCII case. Values are the bytes of the wire without surrounding blanks; they hold
 * no CR, LF or zero byte (checked on the way in and on the way out), so they are C strings.
 */
#ifndef MSE_NET_HTTP_H
#define MSE_NET_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <strings.h>

#include "base/buf.h"
#include "base/err.h"

#define HTTP_HEADERS_MAX 100             /* fields in one request or response */
#define HTTP_HEADER_BYTES_MAX (64 << 10) /* request or status line and all fields, with their line ends */
#define HTTP_TARGET_MAX (16 << 10)       /* request target */
#define HTTP_METHOD_MAX 32

/* Both belong to whoever gives them. */
struct http_header {
	const char *name;
	const char *value;
};

/* Are they the same name? Most are not, and differ in their first letter. */
static inline bool http_name_is(const char *name, const char *wanted)
{
	return ((name[0] ^ wanted[0]) & 0xdf) == 0 && strcasecmp(name, wanted) == 0;
}

/* Value of the first field called name; NULL if there is none. */
const char *http_headers_find(const struct http_header *headers, size_t count, const char *name);

/* true if name is a token (RFC 9110 5.6.2) and value holds no control bytes but tab. */
bool http_header_is_valid(const char *name, const char *value);

/* Is token one of the comma-separated list (RFC 9110 5.6.1), whatever its case and its parameters? */
bool http_list_has(const char *list, const char *token);

/* Fields of one connection of HTTP/1 (RFC 9110 7.6.1, RFC 9113 8.2.2): the server's own, and nothing in HTTP/2. */
bool http_field_is_of_connection(const char *name);

/* false for what frames, routes or describes a message and so comes too late behind it (RFC 9110 6.5.1). */
bool http_field_may_trail(const char *name);

/* "Not Found" for 404; "Unknown" for a status nobody registered. */
const char *http_status_text(int status);

/* "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110 5.6.7) for Unix seconds. */
#define HTTP_DATE_SIZE 32
void http_format_date(int64_t seconds, char ret_text[static HTTP_DATE_SIZE]);

#endif
