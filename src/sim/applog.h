/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The log of one app: what the enclave writes to stdout and stderr, in PATH (0600), moved to PATH.1 at APPLOG_MAX.
 * Remembers the last line meant for the operator, for the reason of an exit. A disk that is full loses lines, never
 * blocks the enclave. One thread.
 */
#ifndef MSE_SIM_APPLOG_H
#define MSE_SIM_APPLOG_H

#include <stdbool.h>

#include "base/err.h"

#define APPLOG_MAX ((size_t)1 << 20)
#define APPLOG_LINE_MAX 480

struct applog {
	char *path, *older_path;
	int fd; /* -1 while it cannot be written */
	size_t size;
	char line[APPLOG_LINE_MAX + 1]; /* the line under way, cut */
	size_t line_size;
	char last_own[APPLOG_LINE_MAX + 1];   /* the last "mse-enclave: …" or "bwrap: …" */
	char last_plain[APPLOG_LINE_MAX + 1]; /* the last that is not encrypted */
	bool is_application; /* from here on the application may have written what is read: nothing is remembered */
};

#define APPLOG_INIT ((struct applog){.fd = -1})

must_check int applog_open(struct applog *log, const char *path, struct err *err);
void applog_add(struct applog *log, const void *data, size_t size);
/*
 * The last operator line, else the last plain one, printable UTF-8; "" if none, or if the application runs already
 * (format/enclave_lines.h). Valid until the next call.
 */
const char *applog_last(struct applog *log);
void applog_done(struct applog *log);

#endif
