/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one way out for text: the descriptor that was stdout when the process started, read by the host. Lines of the
 * runtime itself ("mse-enclave: …", plain, nothing of the application in them) and the encrypted lines of app_log.h go
 * through here, whole and never mixed.
 *
 * A host that does not read cannot stop the enclave: what cannot be written within OPERATOR_LOG_WAIT_MS is dropped, and
 * the number of lost lines is said once there is room again. Thread-safe.
 */
#ifndef MSE_ENCLAVE_OPERATOR_LOG_H
#define MSE_ENCLAVE_OPERATOR_LOG_H

#include <stdbool.h>
#include <stddef.h>

#include "base/scoped.h"

#define OPERATOR_LOG_WAIT_MS 1000
#define OPERATOR_LINE_MAX 1400 /* bytes of one of the runtime's own lines */
#define OPERATOR_NAME_MAX 15

/* Before this, lines go to descriptor 1. fd is borrowed and stays open. */
void operator_log_set_fd(int fd);

/* What own lines begin with, instead of "mse-enclave". Before there is a second thread; too long a name is cut. */
void operator_log_set_name(const char *name);

/* "NAME: "; as long as the process. */
const char *operator_log_prefix(void);

/* "mse-enclave: TEXT\n"; too long a text is cut. */
void operator_log(const char *format, ...) format_like(1, 2);

/* data as it is; it should end in a newline. */
void operator_log_bytes(const void *data, size_t size);

/* Says how many lines were lost, if some were and there is room by now; without waiting. false: it is still to be said.
 */
bool operator_log_settle(void);

#endif
