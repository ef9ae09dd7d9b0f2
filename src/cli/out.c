/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/out.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
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
	    .moving = isatty(STDERR_FILENO) && terminal && strcmp(terminal, "dumb") != 0,
	};
}

static void end_line(struct out *out)
{
	if (out->line_open)
		(void)fputs(out->moving ? CLEAR_LINE : "\n", stderr);
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
	(void)fputs(sign, stderr);
	if (out->color && *color)
		(void)fputs(color, stderr);
	put(stderr, format, args);
	(void)fputs(out->color && *color ? RESET "\n" : "\n", stderr);
}

void out_print(struct out *out, const char *format, ...)
{
	va_list args;

	(void)out;
	va_start(args, format);
	put(stdout, format, args);
	va_end(args);
}

void out_bold(struct out *out, const char *format, ...)
{
	va_list args;

	(void)fputs(out->result_color ? BOLD : "", stdout);
	va_start(args, format);
	put(stdout, format, args);
	va_end(args);
	(void)fputs(out->result_color ? RESET : "", stdout);
}

void out_json(struct out *out, json_t *value)
{
	char *text = json_dumps(value, JSON_INDENT(2) | JSON_ENCODE_ANY);

	if (text)
		(void)printf("%s\n", text);
	else
		out->no_memory = true;
	free(text);
	json_decref(value);
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
	put(stderr, format, args);
	va_end(args);
	(void)fputs("...", stderr);
	(void)fflush(stderr);
	out->line_open = true;
}

void out_step_progress(struct out *out, const char *format, ...)
{
	va_list args;

	if (out->quiet || !out->moving)
		return;
	(void)fputs(CLEAR_LINE, stderr);
	va_start(args, format);
	put(stderr, format, args);
	va_end(args);
	(void)fflush(stderr);
	out->line_open = true;
}

void out_step_done(struct out *out)
{
	const double ms = (double)(clock_monotonic_ns() - out->step_ns) / 1e6;

	if (out->quiet)
		return;
	(void)fprintf(stderr, "%s%s(%.0f ms)%s\n", out->line_open ? " " : "... ", out->color ? DIM : "", ms,
		      out->color ? RESET : "");
	out->line_open = false;
}

static void put_text(const char *format, ...) format_like(1, 2);

static void put_text(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	put(stderr, format, args);
	va_end(args);
}

void out_info_link(struct out *out, const char *before, const char *url, const char *text, const char *after)
{
	if (out->quiet)
		return;
	end_line(out);
	put_text("%s", before);
	if (out->color) {
		(void)fputs("\x1b]8;;", stderr);
		put_text("%s", url);
		(void)fputs("\x1b\\", stderr);
		put_text("%s", text);
		(void)fputs("\x1b]8;;\x1b\\", stderr);
	} else {
		put_text("%s", text);
		if (strcmp(url, text) != 0)
			put_text(" (%s)", url);
	}
	put_text("%s\n", after);
}

int out_finish(struct out *out, struct err *err)
{
	end_line(out);
	if (out->no_memory)
		return err_no_memory(err);
	if (fflush(stdout) != 0 || ferror(stdout))
		return err_set_errno(err, "cannot write the result");
	return 0;
}
