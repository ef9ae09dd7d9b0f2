/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the main thread waits for, as bytes in a pipe (Gramine has no signalfd): the owner came, or a signal asks
 * for an orderly stop. One per process.
 */
#ifndef MSE_ENCLAVE_WAKE_H
#define MSE_ENCLAVE_WAKE_H

#include <stdbool.h>

#include "base/err.h"

enum wake {
	WAKE_STOP = 'S',
	WAKE_ACCEPTED = 'A',
	WAKE_TIMEOUT = 'T',
	WAKE_FAILED = 'F', /* the application can be served no more */
	WAKE_CHILD = 'C',  /* see wake_setup_parent */
	WAKE_RELOAD = 'R', /* see wake_setup_parent */
};

/* Makes the pipe and takes over SIGTERM, SIGINT and SIGHUP (the terminal is gone), which ask for an orderly stop. */
must_check int wake_setup(struct err *err);

/* A parent of workers hears of their end (SIGCHLD), and that it shall start them anew (SIGHUP). After wake_setup. */
must_check int wake_setup_parent(struct err *err);

/* From any thread, and from signal handlers. */
void wake_send(enum wake reason);

/* The next reason to act. seconds: WAKE_TIMEOUT after so many; 0: waits without end. */
enum wake wake_wait(unsigned seconds);

/* Readable when wake_wait would not wait. */
int wake_fd(void);

/* Meanwhile a signal ends the process at once with exit code 0: an import may never end, and nothing is served yet. */
void wake_set_loading(bool is_loading);

/* From now on the process ends with code after seconds, or at the next SIGTERM, whatever it does then. */
void wake_limit_stop(unsigned seconds, int code);

#endif
