/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines for a descriptor that may be full: a thread writes them, so whoever adds one never waits for who reads. What
 * finds no room is left out, and told about in its place once there is room again.
 */
#ifndef MSE_BASE_LINE_QUEUE_H
#define MSE_BASE_LINE_QUEUE_H

#include <stdbool.h>
#include <stdio.h>

#include "base/err.h"

#define LINE_QUEUE_SIZE_MAX (1u << 20) /* bytes that wait */

struct line_queue;

/* is_json: what is said of dropped lines is {"event":"dropped","lines":N}. fd stays the caller's. */
must_check int line_queue_new(int fd, bool is_json, struct line_queue **ret, struct err *err);

/* Any thread. text is one line with its end. */
void line_queue_add(struct line_queue *queue, const char *text, size_t size);

/* The errno of a line that could not be written, if the one before it could; told once. 0: nothing is new. Any thread.
 */
int line_queue_trouble(struct line_queue *queue);

/* A stream whose lines are added; closed before the queue ends. What has no line end yet is not added. */
must_check int line_queue_stream(struct line_queue *queue, FILE **ret, struct err *err);

/* Lines get so many ms to be written; then the rest is left out. NULL is fine. -1: writing has failed. */
int line_queue_end(struct line_queue *queue, int ms, struct err *err);

#endif
