/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an application's files look like, for --reload: the sum changes with names, times and sizes of its .py files.
 * Reads the file system and keeps nothing: any thread.
 */
#ifndef MSE_ENCLAVE_PLAIN_TREE_H
#define MSE_ENCLAVE_PLAIN_TREE_H

#include <stdint.h>

/* Hidden directories and __pycache__ are left out, as is what is not there any more. */
uint64_t plain_tree_look(const char *app_dir);

#endif
