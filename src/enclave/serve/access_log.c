/* SPDX-License-Identifier: Apache-2.0 */
#include "enclave/serve/access_log.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"

#define COMMON_TIME_SIZE 40

int access_log_format_parse(const char *text, enum access_log_format *ret, struct err *err)
{
#define X(name, value) \
	if (strcmp(text, value) == 0) { \
		*ret = ACCESS_LOG_##name; \
		return 0; \
	}
	ACCESS_LOG_FORMATS(X)
#undef X
	return err_set(err, ERR_INVALID, "'%s' is no access log format: none, common, combined or json", text);
}

/*
 * Printable ASCII stays, but for '"' and '\\', which get a '\\'; the rest becomes PREFIX and two hex digits. A long
 * text is cut: no client keeps its request out of the log by what it sends.
 */
static int add_escaped(struct buf *ret, const char *text, const char *prefix, struct err *err)
{
	for (const char *const end = text + ACCESS_LOG_TEXT_MAX; *text; text++) {
		const uint8_t byte = (uint8_t)*text;
		int status;

		if (text == end)
			return buf_add(ret, "...", 3, err);
		if (byte == '"' || byte == '\\')
			status = buf_addf(ret, err, "\\%c", byte);
		else if (byte < ' ' || byte > '~')
			status = buf_addf(ret, err, "%s%02x", prefix, byte);
		else
			status = buf_add_byte(ret, byte, err);
		if (status < 0)
			return -1;
	}
	return 0;
}

static const char *or_dash(const char *text)
{
	return text && *text ? text : "-";
}

static int add_quoted(struct buf *ret, const char *text, struct err *err)
{
	if (buf_add_byte(ret, '"', err) < 0 || add_escaped(ret, or_dash(text), "\\x", err) < 0)
		return -1;
	return buf_add_byte(ret, '"', err);
}

/* "10/Oct/2000:13:55:36 +0000": month names are fixed, whatever the locale. */
static void format_common_time(int64_t seconds, char ret[static COMMON_TIME_SIZE])
{
	static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
					     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
	const time_t time = (time_t)seconds;
	struct tm parts = {0};

	(void)gmtime_r(&time, &parts);
	(void)snprintf(ret, COMMON_TIME_SIZE, "%02d/%s/%04d:%02d:%02d:%02d +0000", parts.tm_mday, months[parts.tm_mon],
		       parts.tm_year + 1900, parts.tm_hour, parts.tm_min, parts.tm_sec);
}

static int add_common(const struct access_log_entry *entry, struct buf *ret, struct err *err)
{
	char time[COMMON_TIME_SIZE];

	format_common_time(entry->now, time);
	if (buf_addf(ret, err, "%s - - [%s] \"", or_dash(entry->client), time) < 0 ||
	    add_escaped(ret, entry->method, "\\x", err) < 0 || buf_add_byte(ret, ' ', err) < 0 ||
	    add_escaped(ret, entry->target, "\\x", err) < 0)
		return -1;
	return buf_addf(ret, err, " HTTP/%s\" %03d %llu", entry->version, entry->done.status,
			(unsigned long long)entry->done.body_size);
}

static int add_combined(const struct access_log_entry *entry, struct buf *ret, struct err *err)
{
	if (add_common(entry, ret, err) < 0 || buf_add_byte(ret, ' ', err) < 0 ||
	    add_quoted(ret, entry->referer, err) < 0 || buf_add_byte(ret, ' ', err) < 0)
		return -1;
	return add_quoted(ret, entry->user_agent, err);
}

/* Bytes above ASCII as the Latin-1 characters they are on the wire. */
static int add_json_text(struct buf *ret, const char *name, const char *text, struct err *err)
{
	if (buf_addf(ret, err, ",\"%s\":\"", name) < 0 || add_escaped(ret, text ? text : "", "\\u00", err) < 0)
		return -1;
	return buf_add_byte(ret, '"', err);
}

static int add_json(const struct access_log_entry *entry, struct buf *ret, struct err *err)
{
	char time[CLOCK_TEXT_SIZE];

	clock_format_utc(entry->now, time);
	if (buf_addf(ret, err, "{\"time\":\"%s\"", time) < 0 || add_json_text(ret, "client", entry->client, err) < 0 ||
	    add_json_text(ret, "method", entry->method, err) < 0 ||
	    add_json_text(ret, "target", entry->target, err) < 0)
		return -1;
	if (buf_addf(ret, err, ",\"protocol\":\"HTTP/%s\",\"status\":%d,\"bytes\":%llu,\"duration_ms\":%.3f",
		     entry->version, entry->done.status, (unsigned long long)entry->done.body_size,
		     (double)entry->done.duration_ns / NS_PER_MS) < 0)
		return -1;
	if (add_json_text(ret, "referer", entry->referer, err) < 0 ||
	    add_json_text(ret, "user_agent", entry->user_agent, err) < 0)
		return -1;
	return buf_add_byte(ret, '}', err);
}

int access_log_format_line(enum access_log_format format, const struct access_log_entry *entry, struct buf *ret,
			   struct err *err)
{
	int status = 0;

	switch (format) {
	case ACCESS_LOG_NONE:
		return 0;
	case ACCESS_LOG_COMMON:
		status = add_common(entry, ret, err);
		break;
	case ACCESS_LOG_COMBINED:
		status = add_combined(entry, ret, err);
		break;
	case ACCESS_LOG_JSON:
		status = add_json(entry, ret, err);
		break;
	}
	return status < 0 ? -1 : buf_add_byte(ret, '\n', err);
}

void access_log_entry_of(const struct http_exchange *exchange, const struct http_done *done, int64_t now,
			 struct access_log_entry *ret)
{
	*ret = (struct access_log_entry){
	    .client = http_peer(exchange)->source,
	    .method = http_method(exchange),
	    .target = http_target(exchange),
	    .version = http_version(exchange),
	    .referer = http_header(exchange, "referer"),
	    .user_agent = http_header(exchange, "user-agent"),
	    .now = now,
	    .done = *done,
	};
}
