/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Have files or folders changed since the last look? By what stat(2) says of them (device, inode, size, times), folders
 * with all that is below them, links not followed. What is not there is something too: it changes when it comes or
 * goes. One thread at a time.
 */
#ifndef MSE_CLI_FILE_WATCH_H
#define MSE_CLI_FILE_WATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FILE_WATCH_PATHS_MAX 8
#define FILE_WATCH_ENTRIES_MAX 20000 /* of all folders; more are not looked at */
#define FILE_WATCH_DEPTH_MAX 32

struct file_watch {
	const char *paths[FILE_WATCH_PATHS_MAX]; /* borrowed */
	size_t count;
	uint8_t seen[32];
};

/* path: NULL is none. */
void file_watch_add(struct file_watch *watch, const char *path);

/* True also at the first call. What changes after this call shows at the next. */
bool file_watch_changed(struct file_watch *watch);

#endif
