/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which paths are the runtime's own: the TEE's device, the sealed state, the host's input, the encrypted code, the
 * listening socket, the process in /proc. A path is followed as the system would, to what is there or would be made
 * there.
 */
#ifndef MSE_ENCLAVE_PROTECTED_PATH_H
#define MSE_ENCLAVE_PROTECTED_PATH_H

#include <stdbool.h>

#include "enclave/process/settings.h"

#define PROTECTED_PATH_HERE (-1) /* relative to the working directory */

/* Remembers the protected trees by device and inode too, for names that lead to them another way. Once. */
void protected_path_learn(const struct settings *settings);

/*
 * Is path in a protected tree? dir_fd: what a relative one is relative to. is_moved: also if a protected tree is in it.
 * Pure but for looking at files.
 */
bool protected_path_refuses(const struct settings *settings, int dir_fd, const char *path, bool is_moved);

/* The same, relative to the working directory or any open directory: for who cannot say which. */
bool protected_path_refuses_anywhere(const struct settings *settings, const char *path);

#endif
