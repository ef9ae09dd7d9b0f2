/* SPDX-License-Identifier: Apache-2.0 */
/* One msed for one data directory: a lock that ends with the process, however it ends. */
#ifndef MSE_CLOUD_LOCK_H
#define MSE_CLOUD_LOCK_H

#include "base/err.h"

/* ERR_CONFLICT while another msed has it. The caller keeps *ret_fd open. */
must_check int data_dir_lock(const char *data_dir, int *ret_fd, struct err *err);

#endif
