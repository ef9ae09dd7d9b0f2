/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The log of programs (never of layers below them). One line a record on stderr:
 *   2026-11-22T01:02:03Z level event key=value key="value with spaces"
 * or, with LOG_FORMAT_JSON, one JSON object. Thread-safe: a record is one write(2). Never log a secret.
 */
#ifndef MSE_BASE_LOG_H
#define MSE_BASE_LOG_H

#include <stdbool.h>

#include "base/err.h"

enum log_level {
	LOG_ERROR,   /* something the operator must act on */
	LOG_WARNING, /* unexpected, handled */
	LOG_INFO,    /* state changes, starts, stops */
	LOG_DEBUG,   /* what a developer wants */
};

enum log_format { LOG_FORMAT_TEXT, LOG_FORMAT_JSON };

void log_setup(enum log_level max_level, enum log_format format);

/* Fields are pairs (const char *key, const char *value), ended by NULL. Keys are [a-z_]. A NULL value ends the list
 * too. */
void log_event(enum log_level level, const char *event, ...) __attribute__((sentinel));

#endif
