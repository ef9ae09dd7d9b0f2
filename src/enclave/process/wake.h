/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the main thread waits for, as bytes in a pipe (Gramine has no signalfd): the owner came, or a signal asks
 * for something. One per process. The handlers are for any thread, and do nothing in a child that an application forks:
 * there a signal has its default action.
 *
 * Who asks for the stop again, WAKE_AGAIN_MS later or more, ends the process at once. Not a worker: its parent decides,
 * since a signal for the whole group (a terminal, systemd) reaches both.
 */
#ifndef MSE_ENCLAVE_WAKE_H
#define MSE_ENCLAVE_WAKE_H

#include <stdbool.h>

#include "base/err.h"

#define WAKE_AGAIN_MS 200

enum wake {
	WAKE_STOP = 'S',
	WAKE_QUIT = 'Q', /* a stop that waits for no request */
	WAKE_ACCEPTED = 'A',
	WAKE_TIMEOUT = 'T',
	WAKE_FAILED = 'F', /* the application can be served no more */
	WAKE_CHILD = 'C',
	WAKE_RELOAD = 'R',
	WAKE_REOPEN = 'O', /* log files */
	WAKE_UNUSED = 'U', /* a signal that means nothing here: wake_unused_name */
};

enum wake_role {
	WAKE_ENCLAVE, /* docs/formats/enclave-exit.md has the table */
	WAKE_ALONE,   /* the plain server: docs/plain-server.md has the table */
	WAKE_PARENT,
	WAKE_WORKER,
};

/* Makes the pipe and takes over the signals of an enclave. SIGPIPE is ignored. */
must_check int wake_setup(struct err *err);

/* Takes over those of the role. has_log_file: SIGUSR1 opens it anew. After wake_setup. */
must_check int wake_set_role(enum wake_role role, bool has_log_file, struct err *err);

/*
 * After code of others has run: puts the handlers back which it replaced, and tells of each. What only says that a
 * signal is not used here stays replaced. Main thread.
 */
void wake_keep(void (*tell)(const char *name));

/* As a signal would. From any thread. */
void wake_ask_stop(void);

/* From any thread, and from signal handlers. */
void wake_send(enum wake reason);

/* The next reason to act. seconds: WAKE_TIMEOUT after so many; 0: waits without end. */
enum wake wake_wait(unsigned seconds);

/* Readable when wake_wait would not wait. */
int wake_fd(void);

/* Of the last WAKE_UNUSED. */
const char *wake_unused_name(void);

/* Meanwhile a stop ends the process at once with exit code 0: an import may never end, and nothing is served yet. */
void wake_set_loading(bool is_loading);

/* Waits, on a thread of its own, until a stop is asked for: WAKE_STOP or WAKE_QUIT. Only once. */
enum wake wake_await_stop(void);

/* From now on the process ends with code after seconds (0: not by itself), or when the stop is asked for again. */
void wake_limit_stop(unsigned seconds, int code);

#endif
