/* SPDX-License-Identifier: Apache-2.0 */
/* Bundles and saved exchanges (format/bundle.h) as files, with the hash that a saved exchange ends in. */
#ifndef MSE_CLI_BUNDLE_FILE_H
#define MSE_CLI_BUNDLE_FILE_H

#include <sys/types.h>

#include "format/bundle.h"

/*
 * ret: from bundle_init. *ret_intact: false if a saved exchange is not what was written: whoever judges it refuses it
 * then, but by what the change breaks, if it breaks anything. Messages name the path.
 */
must_check int bundle_file_load(const char *path, struct bundle *ret, bool *ret_intact, struct err *err);

/* All or nothing. */
must_check int bundle_file_save(const char *path, const struct bundle *bundle, mode_t mode, struct err *err);

#endif
