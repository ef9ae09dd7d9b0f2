/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether files have changed, without reading them: a sum over the names, inodes, sizes and times (of content and of
 * inode, which no program can set) of files and of all below folders. Links are followed at the top only; folders whose
 * names begin with a dot are left out, as code packages leave them out.
 */
#ifndef MSE_CLI_CONNECT_STAMP_H
#define MSE_CLI_CONNECT_STAMP_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define CONNECT_STAMP_FILES_MAX 100000
#define CONNECT_STAMP_DEPTH_MAX 64

/* NULL entries count for nothing, what is not there for itself. ERR_LIMIT: more files than can be watched. */
must_check int connect_stamp(const char *const *paths, size_t count, uint64_t *ret, struct err *err);

#endif
