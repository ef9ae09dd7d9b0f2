/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The end of a plain server that does not come: a thread that waits for the stop to be asked for, gives it its time,
 * and then ends the process with 0, with a line that says what did not end and where each thread of Python's was. It
 * needs neither the main thread nor the GIL: an application may hold both for ever.
 */
#ifndef MSE_ENCLAVE_STOP_LIMIT_H
#define MSE_ENCLAVE_STOP_LIMIT_H

#include "base/err.h"
#include "enclave/serve/app_server.h"

struct stop_limit {
	unsigned drain_ms;      /* for requests; none after SIGQUIT */
	unsigned exit_ms;       /* then */
	struct app_server *app; /* lets in who waited before the stop, until drain_ms are over */
};

/* Starts the thread, which lives as long as the process. *limit is copied. */
must_check int stop_limit_start(const struct stop_limit *limit, struct err *err);

/* Requests have ended: from now on it is the application's threads and exit functions that are waited for. */
void stop_limit_requests_ended(void);

/* All that may last is over: the process ends by itself. */
void stop_limit_end(void);

#endif
