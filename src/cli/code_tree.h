/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which files of the code folder belong to an app (mission K4): all but dotfiles (and what lies in dot folders) and
 * what .mseignore names. Sorted by path in byte order, so that the same folder is always the same list.
 *
 * .mseignore is as .gitignore: one pattern a line, # begins a comment, ! takes files back in, a trailing / means
 * folders only, a pattern with another / counts from the code folder, one without in every folder; * and ? do not
 * match /, ** does.
 */
#ifndef MSE_CLI_CODE_TREE_H
#define MSE_CLI_CODE_TREE_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define CODE_TREE_FILES_MAX 10000u
#define CODE_TREE_PATH_MAX 251u /* with ".enc" the 255 that a tar of ours holds */
#define CODE_TREE_DEPTH_MAX 32
#define CODE_TREE_SIZE_MAX (2ull << 30) /* all files together */
#define CODE_TREE_PATTERNS_MAX 1000u

struct code_file {
	char *path; /* relative, with / */
	uint64_t size;
};

struct code_tree {
	char *root;
	struct code_file *files;
	size_t count;
	uint64_t size;
};

/* ERR_INVALID for a link or device (named), ERR_LIMIT past a maximum, ERR_NOT_FOUND for a missing folder. */
must_check int code_tree_load(const char *root, struct code_tree *ret_tree, struct err *err);
void code_tree_done(struct code_tree *tree);

/* Fails with the original's sentence unless MODULE.py or MODULE/__init__.py is in the tree (dots are folders). */
must_check int code_tree_check_module(const struct code_tree *tree, const char *module, struct err *err);

/* Copies the files below dest, which is made. */
must_check int code_tree_copy(const struct code_tree *tree, const char *dest, struct err *err);

#endif
