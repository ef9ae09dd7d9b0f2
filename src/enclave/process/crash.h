/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A crash of the application's native code ends the process by its signal. Before that what was written to the log goes
 * out; Python's faulthandler, which is asked first, has written where it was.
 */
#ifndef MSE_ENCLAVE_CRASH_H
#define MSE_ENCLAVE_CRASH_H

#include "base/err.h"

/* Once, after app_log_start and before Python starts. */
must_check int crash_setup(struct err *err);

#endif
