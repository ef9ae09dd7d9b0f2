/* SPDX-License-Identifier: Apache-2.0 */
/* Files: bounded reads, writes that are all or nothing, directories. Every message names the path. */
#ifndef MSE_BASE_FS_H
#define MSE_BASE_FS_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/buf.h"

/* Reads a regular file into ret (already initialised with its maximum). */
must_check int fs_read(const char *path, struct buf *ret, struct err *err);

/*
 * Writes PATH.tmp-XXXXXX, syncs it, renames it over path and syncs the directory: after a crash path holds the old
 * or the new content, never a part.
 */
must_check int fs_write_atomic(const char *path, const void *data, size_t size, mode_t mode, struct err *err);

/* The same without the syncs, for what can be made again: after a crash of the machine it may be anything. */
must_check int fs_write_replace(const char *path, const void *data, size_t size, mode_t mode, struct err *err);

/* Writes a new file and fails with ERR_CONFLICT if it exists. Synced. */
must_check int fs_write_new(const char *path, const void *data, size_t size, mode_t mode, struct err *err);

/* Creates path and missing parents. An existing directory is fine. */
must_check int fs_make_dirs(const char *path, mode_t mode, struct err *err);

/* Creates DIR/PREFIXxxxxxx (0700); the caller frees *ret_path. */
must_check int fs_make_temp_dir(const char *dir, const char *prefix, char **ret_path, struct err *err);

/* Removes a tree without following links. Absent is fine. */
must_check int fs_remove_tree(const char *path, struct err *err);

/* Everything written so far to the file system that path is on. */
must_check int fs_sync_all(const char *path, struct err *err);
must_check int fs_sync_dir(const char *path, struct err *err);
bool fs_exists(const char *path);
bool fs_is_dir(const char *path);

/* DIR/NAME as a heap string; *ret_path is freed by the caller. */
must_check int fs_join(const char *dir, const char *name, char **ret_path, struct err *err);

/* "~" and "~/…" are replaced by $HOME; a relative path is put behind base_dir (unless NULL). Caller frees. */
must_check int fs_expand(const char *path, const char *base_dir, char **ret_path, struct err *err);

/* Calls visit for each entry but . and .., in byte order of names. Stops and fails when visit fails. */
must_check int fs_each_entry(const char *dir, int (*visit)(const char *name, void *arg, struct err *err), void *arg,
			     struct err *err);

#endif
