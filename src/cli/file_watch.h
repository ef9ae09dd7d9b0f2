/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Have files or folders changed since the last look? By what stat(2) says of them (device, inode, size, times), folders
 * with all that is below them, links not followed; folders in them whose names begin with a dot are left out, as code
 * packages leave them out. What is not there is something too: it changes when it comes or goes. One thread at a time.
 */
#ifndef MSE_CLI_FILE_WATCH_H
#define MSE_CLI_FILE_WATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define FILE_WATCH_PATHS_MAX 8
#define FILE_WATCH_ENTRIES_MAX 100000 /* of all folders */
#define FILE_WATCH_DEPTH_MAX 64

struct file_watch {
	const char *paths[FILE_WATCH_PATHS_MAX]; /* borrowed */
	size_t count;
	size_t entries_max; /* 0: FILE_WATCH_ENTRIES_MAX */
	uint8_t seen[32];
};

/* path: NULL is none. */
void file_watch_add(struct file_watch *watch, const char *path);

/*
 * Changed also at the first call. What changes after this call shows at the next. ERR_LIMIT: more than can be watched;
 * nothing is known then.
 */
must_check int file_watch_look(struct file_watch *watch, bool *ret_changed, struct err *err);

#endif
