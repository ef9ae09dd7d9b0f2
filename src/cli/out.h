/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What people and programs see of mse. Results go to stdout; everything that tells about the work (information,
 * success, advice, warnings, errors, progress) goes to stderr, so that a pipe gets results only. Colour, links and
 * spinners appear on a terminal only, unless asked for with --color; NO_COLOR (no-color.org) counts. Control
 * characters in what is printed become '?', but for line ends and tabs (out_json escapes them).
 */
#ifndef MSE_CLI_OUT_H
#define MSE_CLI_OUT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/err.h"

enum out_color { OUT_COLOR_AUTO, OUT_COLOR_ALWAYS, OUT_COLOR_NEVER };

struct out {
	bool result_color; /* escapes may be written to stdout */
	bool color;        /* escapes may be written to stderr */
	bool moving;       /* stderr is a terminal: lines may be rewritten */
	bool quiet;        /* --json: no information, success, advice or progress */
	bool no_memory;    /* a result could not be made */
	bool line_open;    /* a progress line waits for its end */
	int64_t step_ns;   /* when the running step began */
	/* Where to: stdout and stderr themselves, or the queues between out_begin_queues and out_end_queues. */
	FILE *result, *news;
	struct line_queue *queues[2];
};

void out_init(struct out *out, enum out_color color);

/* stdout. Write errors (a closed pipe, a full disk) are found by out_finish. */
void out_print(struct out *out, const char *format, ...) format_like(2, 3);
void out_bold(struct out *out, const char *format, ...) format_like(2, 3);
/* Takes value over, writes it as one indented JSON text. NULL (out of memory) is an error of out_finish. */
void out_json(struct out *out, json_t *value);

/* Any text as JSON: what is no printable UTF-8 becomes '?' (base/text.h). NULL when out of memory. */
json_t *out_text_json(const char *text);

/* stderr, one line each with its sign. */
void out_info(struct out *out, const char *format, ...) format_like(2, 3);
void out_success(struct out *out, const char *format, ...) format_like(2, 3);
void out_advice(struct out *out, const char *format, ...) format_like(2, 3);
void out_warning(struct out *out, const char *format, ...) format_like(2, 3);
void out_error(struct out *out, const char *format, ...) format_like(2, 3);

/* A step of a longer work: what begins, how it goes on (terminal only), that it ended and how long it took. */
void out_step(struct out *out, const char *format, ...) format_like(2, 3);
void out_step_progress(struct out *out, const char *format, ...) format_like(2, 3);
void out_step_done(struct out *out);

/* Information with a link in it: a terminal shows text, else it is "text (url)", or the URL alone when equal. */
void out_info_link(struct out *out, const char *before, const char *url, const char *text, const char *after);

/*
 * For commands that serve: from now on nothing printed here waits for who reads. Whole lines go through queues of
 * LINE_QUEUE_SIZE_MAX bytes each; what finds no room is left out, counted and told about later. out_end_queues gives
 * what waits so many ms, and prints directly again; -1 when a result could not be written.
 */
must_check int out_begin_queues(struct out *out, struct err *err);
int out_end_queues(struct out *out, int ms, struct err *err);

void out_flush(struct out *out); /* stdout, between results */

/* Flushes stdout. -1 when a result could not be written. */
must_check int out_finish(struct out *out, struct err *err);

#endif
