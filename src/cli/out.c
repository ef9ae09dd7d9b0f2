/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/out.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/line_queue.h"
#include "base/text.h"
#include "cli/log_text.h"

#define BOLD "\x1b[1m"
#define GREEN "\x1b[32m"
#define YELLOW "\x1b[33m"
#define RED "\x1b[31m"
#define DIM "\x1b[2m"
#define RESET "\x1b[0m"
#define CLEAR_LINE "\r\x1b[K"

static bool wants_color(enum out_color color, int fd)
{
	const char *no_color = getenv("NO_COLOR");

	switch (color) {
	case OUT_COLOR_ALWAYS:
		return true;
	case OUT_COLOR_NEVER:
		return false;
	case OUT_COLOR_AUTO:
		return isatty(fd) && !(no_color && *no_color);
	}
	return false;
}

void out_init(struct out *out, enum out_color color)
{
	const char *terminal = getenv("TERM");

	*out = (struct out){
	    .result_color = wants_color(color, STDOUT_FILENO),
	    .color = wants_color(color, STDERR_FILENO),
	    .result = stdout,
	    .news = stderr,
	    .moving = isatty(STDERR_FILENO) && terminal && strcmp(terminal, "dumb") != 0,
	};
}

static void end_line(struct out *out)
{
	if (out->line_open)
		(void)fputs(out->moving ? CLEAR_LINE : "\n", out->news);
	out->line_open = false;
}

/*
 * Names, sentences and reasons come from clouds, contexts and enclaves that may be hostile: nothing in them may steer
 * the terminal. Only this file writes escapes.
 */
static void put(FILE *to, const char *format, va_list args) format_like(2, 0);

static void put(FILE *to, const char *format, va_list args)
{
	char *text = NULL;
	const int size = vasprintf(&text, format, args);

	if (size < 0)
		return;
	log_text_tame(text, (size_t)size);
	(void)fputs(text, to);
	free(text);
}

static void say(struct out *out, const char *sign, const char *color, const char *format, va_list args)
    format_like(4, 0);

static void say(struct out *out, const char *sign, const char *color, const char *format, va_list args)
{
	end_line(out);
	(void)fputs(sign, out->news);
	if (out->color && *color)
		(void)fputs(color, out->news);
	put(out->news, format, args);
	(void)fputs(out->color && *color ? RESET "\n" : "\n", out->news);
}

void out_print(struct out *out, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	put(out->result, format, args);
	va_end(args);
}

void out_bold(struct out *out, const char *format, ...)
{
	va_list args;

	(void)fputs(out->result_color ? BOLD : "", out->result);
	va_start(args, format);
	put(out->result, format, args);
	va_end(args);
	(void)fputs(out->result_color ? RESET : "", out->result);
}

void out_json(struct out *out, json_t *value)
{
	char *text = json_dumps(value, JSON_INDENT(2) | JSON_ENCODE_ANY);

	if (text)
		(void)fprintf(out->result, "%s\n", text);
	else
		out->no_memory = true;
	free(text);
	json_decref(value);
}

json_t *out_text_json(const char *text)
{
	scoped(freep) char *clean = strdup(text);

	if (!clean)
		return NULL;
	text_clean(clean, clean, strlen(clean) + 1);
	return json_string(clean);
}

#define SAY(sign, color) \
	do { \
		va_list args; \
		va_start(args, format); \
		say(out, sign, color, format, args); \
		va_end(args); \
	} while (0)

void out_info(struct out *out, const char *format, ...)
{
	if (!out->quiet)
		SAY("", "");
}

void out_success(struct out *out, const char *format, ...)
{
	if (!out->quiet)
		SAY("\u2705 ", GREEN);
}

void out_advice(struct out *out, const char *format, ...)
{
	if (!out->quiet)
		SAY("\U0001f4a1 ", "");
}

void out_warning(struct out *out, const char *format, ...)
{
	SAY("\U0001f6a8 ", YELLOW);
}

void out_error(struct out *out, const char *format, ...)
{
	SAY("\u274c ", RED);
}

void out_step(struct out *out, const char *format, ...)
{
	va_list args;

	out->step_ns = clock_monotonic_ns();
	if (out->quiet)
		return;
	end_line(out);
	va_start(args, format);
	put(out->news, format, args);
	va_end(args);
	(void)fputs("...", out->news);
	(void)fflush(out->news);
	out->line_open = true;
}

void out_step_progress(struct out *out, const char *format, ...)
{
	va_list args;

	if (out->quiet || !out->moving)
		return;
	(void)fputs(CLEAR_LINE, out->news);
	va_start(args, format);
	put(out->news, format, args);
	va_end(args);
	(void)fflush(out->news);
	out->line_open = true;
}

void out_step_done(struct out *out)
{
	const double ms = (double)(clock_monotonic_ns() - out->step_ns) / 1e6;

	if (out->quiet)
		return;
	(void)fprintf(out->news, "%s%s(%.0f ms)%s\n", out->line_open ? " " : "... ", out->color ? DIM : "", ms,
		      out->color ? RESET : "");
	out->line_open = false;
}

static void put_text(struct out *out, const char *format, ...) format_like(2, 3);

static void put_text(struct out *out, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	put(out->news, format, args);
	va_end(args);
}

void out_info_link(struct out *out, const char *before, const char *url, const char *text, const char *after)
{
	if (out->quiet)
		return;
	end_line(out);
	put_text(out, "%s", before);
	if (out->color) {
		(void)fputs("\x1b]8;;", out->news);
		put_text(out, "%s", url);
		(void)fputs("\x1b\\", out->news);
		put_text(out, "%s", text);
		(void)fputs("\x1b]8;;\x1b\\", out->news);
	} else {
		put_text(out, "%s", text);
		if (strcmp(url, text) != 0)
			put_text(out, " (%s)", url);
	}
	put_text(out, "%s\n", after);
}

int out_finish(struct out *out, struct err *err)
{
	end_line(out);
	if (out->no_memory)
		return err_no_memory(err);
	if (fflush(out->result) != 0 || ferror(out->result))
		return err_set_errno(err, "cannot write the result");
	return 0;
}

void out_flush(struct out *out)
{
	(void)fflush(out->result);
}

int out_begin_queues(struct out *out, struct err *err)
{
	FILE *result = NULL, *news = NULL;

	out_flush(out);
	if (line_queue_new(STDOUT_FILENO, out->quiet, &out->queues[0], err) < 0 ||
	    line_queue_new(STDERR_FILENO, false, &out->queues[1], err) < 0 ||
	    line_queue_stream(out->queues[0], &result, err) < 0 || line_queue_stream(out->queues[1], &news, err) < 0) {
		if (result)
			(void)fclose(result);
		IGNORE_RESULT(out_end_queues(out, 0, err));
		return -1;
	}
	out->result = result;
	out->news = news;
	return 0;
}

int out_end_queues(struct out *out, int ms, struct err *err)
{
	struct err ignored = ERR_INIT;
	int status;

	if (out->result != stdout)
		(void)fclose(out->result);
	if (out->news != stderr)
		(void)fclose(out->news);
	out->result = stdout;
	out->news = stderr;
	status = line_queue_end(TAKE_PTR(out->queues[0]), ms, err);
	/* There is nobody to tell when errors cannot be written. */
	IGNORE_RESULT(line_queue_end(TAKE_PTR(out->queues[1]), ms, &ignored));
	return status;
}
