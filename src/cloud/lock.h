/* SPDX-License-Identifier: Apache-2.0 */
/* One msed for one data directory: a lock that ends with the process, however it ends. */
#ifndef MSE_CLOUD_LOCK_H
#define MSE_CLOUD_LOCK_H

#include "base/err.h"

/* ERR_CONFLICT if another msed has it and keeps it for wait_ms. The caller keeps *ret_fd open. */
must_check int data_dir_lock(const char *data_dir, int wait_ms, int *ret_fd, struct err *err);

#endif
