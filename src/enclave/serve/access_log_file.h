/* SPDX-License-Identifier: Apache-2.0 */
/* A file that the access log goes to, opened anew when it was moved away (logrotate). Main thread. */
#ifndef MSE_ENCLAVE_ACCESS_LOG_FILE_H
#define MSE_ENCLAVE_ACCESS_LOG_FILE_H

#include <limits.h>

#include "base/err.h"

struct access_log_file {
	int fd; /* the same number for ever, whatever it leads to */
	char path[PATH_MAX];
};

/* Appends; 0640 if it is made. A relative path is one of now's working directory. The descriptor lives on. */
must_check int access_log_file_open(const char *path, struct access_log_file *ret, struct err *err);

/* Others may be writing. On failure it leads where it did. */
must_check int access_log_file_reopen(const struct access_log_file *file, struct err *err);

#endif
