/* SPDX-License-Identifier: Apache-2.0 */
/* A thread that watches over the others: it takes no signal, since a handler may hold what it waits for. */
#ifndef MSE_ENCLAVE_QUIET_THREAD_H
#define MSE_ENCLAVE_QUIET_THREAD_H

#include "base/err.h"

/* Runs run(NULL), detached, with a stack of 256 KiB; it lives as long as the process or returns by itself. Any thread.
 */
must_check int quiet_thread_start(void *(*run)(void *arg), struct err *err);

#endif
