/* SPDX-License-Identifier: Apache-2.0 */
/* The app on this machine, for localtest: in our plain server (docs/plain-server.md), on the loopback, in a workspace.
 */
#ifndef MSE_CLI_LOCAL_APP_H
#define MSE_CLI_LOCAL_APP_H

#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

struct local_app {
	pid_t pid; /* 0 once it ended */
	uint16_t port;
	char *log; /* path: its stdout and stderr */
};

struct local_app_options {
	const char *workspace; /* holds mse-app/ with the code; the rest is made here */
	const char *application;
	const char *secrets; /* files, or NULL */
	const char *sealed_secrets;
};

/* Starts it on 127.0.0.1:5000, or another free port when that is taken. */
must_check int local_app_start(const struct local_app_options *options, struct local_app *ret_app, struct err *err);

/*
 * Asks GET endpoint until the answer, *ret_status, is below 500 (as msed does) or timeout_ms pass. ERR_CONFLICT when
 * the app ended.
 */
must_check int local_app_wait_healthy(struct local_app *app, const char *endpoint, int timeout_ms, int *ret_status,
				      struct err *err);

/* The last of its output, at most 64 KiB, on the heap; "" when there is none. */
char *local_app_output(const struct local_app *app);

void local_app_end(struct local_app *app);

#endif
