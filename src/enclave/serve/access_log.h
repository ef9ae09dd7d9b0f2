/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One line for each reply, in the formats that tools read: Common Log Format, its "combined" form with referer and user
 * agent, or JSON. Whatever a client sent is escaped: a line is always one line of printable ASCII.
 */
#ifndef MSE_ENCLAVE_ACCESS_LOG_H
#define MSE_ENCLAVE_ACCESS_LOG_H

#include "net/http_server.h"

#define ACCESS_LOG_TEXT_MAX (16u << 10) /* bytes of a target, referer, or user agent; then "..." */
#define ACCESS_LOG_LINE_MAX \
	(3 * 6 * ACCESS_LOG_TEXT_MAX + 4096) /* each of three texts escaped as \u00HH, and the rest */

#define ACCESS_LOG_FORMATS(X) X(NONE, "none") X(COMMON, "common") X(COMBINED, "combined") X(JSON, "json")

enum access_log_format {
#define X(name, text) ACCESS_LOG_##name,
	ACCESS_LOG_FORMATS(X)
#undef X
};

must_check int access_log_format_parse(const char *text, enum access_log_format *ret, struct err *err);

/* What a line tells. Texts are borrowed; NULL or "" where nothing is known. */
struct access_log_entry {
	const char *client;
	const char *method;
	const char *target;
	const char *version;
	const char *referer;
	const char *user_agent;
	int64_t now; /* Unix seconds */
	struct http_done done;
};

/* The line with its newline; nothing for ACCESS_LOG_NONE. */
must_check int access_log_format_line(enum access_log_format format, const struct access_log_entry *entry,
				      struct buf *ret, struct err *err);

/* The entry of an exchange that is done. */
void access_log_entry_of(const struct http_exchange *exchange, const struct http_done *done, int64_t now,
			 struct access_log_entry *ret);

#endif
