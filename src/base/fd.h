/* SPDX-License-Identifier: Apache-2.0 */
/* File descriptors: always CLOEXEC, closed by scoped(fd_closep), whole reads and writes. */
#ifndef MSE_BASE_FD_H
#define MSE_BASE_FD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

void fd_close(int fd); /* nothing for a negative fd; keeps errno */
void fd_closep(int *fd);

must_check int fd_write_all(int fd, const void *data, size_t size, struct err *err);
/* Exactly size bytes; ERR_UNAVAILABLE when the end comes first. */
must_check int fd_read_exact(int fd, void *ret_data, size_t size, struct err *err);
must_check int fd_set_nonblocking(int fd, bool nonblocking, struct err *err);

#endif
