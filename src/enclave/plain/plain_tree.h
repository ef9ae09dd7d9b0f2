/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an application's files look like, for --reload: the sum changes with names, times, sizes and places on the disk
 * of its .py files and of those that a pattern of a shell fits, through symbolic links too.
 * Reads the file system and keeps nothing: any thread.
 */
#ifndef MSE_ENCLAVE_PLAIN_TREE_H
#define MSE_ENCLAVE_PLAIN_TREE_H

#include <stdint.h>

/* patterns: ended by NULL. Folders that are hidden, or of nobody's editing, are left out, as is what is not there any
 * more. */
uint64_t plain_tree_look(const char *app_dir, const char *const *patterns);

#endif
