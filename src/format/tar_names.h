/* SPDX-License-Identifier: Apache-2.0 */
/* The paths that a tar has shown so far, with the directories they imply: finds doubles and file-directory clashes. */
#ifndef MSE_FORMAT_TAR_NAMES_H
#define MSE_FORMAT_TAR_NAMES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

struct tar_names {
	void *tree; /* tsearch(3): balanced, so crafted names cost no more than others */
	size_t entry_count;
	size_t dir_count;
};

void tar_names_done(struct tar_names *names);

/* Adds a checked path and its parents. ERR_INVALID for a double or a clash, ERR_LIMIT above the maxima of tar.h. */
must_check int tar_names_add(struct tar_names *names, const char *path, bool is_dir, struct err *err);

#endif
