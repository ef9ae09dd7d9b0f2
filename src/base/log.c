/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"

#define RECORD_MAX 8192

static enum log_level g_max_level = LOG_INFO;
static enum log_format g_format = LOG_FORMAT_TEXT;
static const char *const level_texts[] = {"error", "warning", "info", "debug"};

void log_setup(enum log_level max_level, enum log_format format)
{
	g_max_level = max_level;
	g_format = format;
}

static int add_quoted(struct buf *record, const char *text, struct err *err)
{
	if (buf_add_byte(record, '"', err) < 0)
		return -1;
	for (; *text; text++) {
		const unsigned char c = (unsigned char)*text;
		int status;

		if (c == '"' || c == '\\')
			status = buf_addf(record, err, "\\%c", c);
		else if (c < 0x20 || c == 0x7f)
			status = buf_addf(record, err, "\\u%04x", c);
		else
			status = buf_add_byte(record, c, err);
		if (status < 0)
			return -1;
	}
	return buf_add_byte(record, '"', err);
}

static bool is_plain(const char *text)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.:/@+,%";

	return *text && strspn(text, plain) == strlen(text);
}

static int add_field(struct buf *record, const char *key, const char *value, struct err *err)
{
	if (g_format == LOG_FORMAT_JSON)
		return buf_addf(record, err, ",\"%s\":", key) < 0 ? -1 : add_quoted(record, value, err);
	if (buf_addf(record, err, " %s=", key) < 0)
		return -1;
	return is_plain(value) ? buf_add_text(record, value, err) : add_quoted(record, value, err);
}

static int add_head(struct buf *record, enum log_level level, const char *event, struct err *err)
{
	char now[CLOCK_TEXT_SIZE];

	clock_format_utc(clock_now_seconds(), now);
	if (g_format == LOG_FORMAT_TEXT)
		return buf_addf(record, err, "%s %s %s", now, level_texts[level], event);
	return buf_addf(record, err, "{\"time\":\"%s\",\"level\":\"%s\",\"event\":\"%s\"", now, level_texts[level],
			event);
}

void log_event(enum log_level level, const char *event, ...)
{
	scoped(buf_done) struct buf record = BUF_INIT(RECORD_MAX);
	struct err err = ERR_INIT;
	va_list args;
	int status;

	if (level > g_max_level)
		return;
	status = add_head(&record, level, event, &err);
	va_start(args, event);
	for (const char *key = va_arg(args, const char *); key && status == 0; key = va_arg(args, const char *)) {
		const char *value = va_arg(args, const char *);

		if (!value)
			break;
		status = add_field(&record, key, value, &err);
	}
	va_end(args);
	/* A record that is too long is cut, but ends its line all the same. */
	record.max = RECORD_MAX + 8;
	if (buf_add_text(&record, g_format == LOG_FORMAT_JSON ? "}\n" : "\n", &err) == 0) {
		const ssize_t put = write(STDERR_FILENO, record.data, record.size);
		(void)put; /* a log that cannot be written has nowhere to be reported */
	}
}
