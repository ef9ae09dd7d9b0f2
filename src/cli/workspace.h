/* SPDX-License-Identifier: Apache-2.0 */
/* The folder for files made on the way (mission F2): /tmp/mse-…, or what --workspace names. */
#ifndef MSE_CLI_WORKSPACE_H
#define MSE_CLI_WORKSPACE_H

#include <stdbool.h>

#include "base/err.h"

struct workspace {
	char *path; /* absolute */
	bool keep;  /* workspace_done leaves it (deploy says where), else removes it */
};

/* A new folder below $TMPDIR or /tmp; with wanted: that folder, made when absent, and kept. */
must_check int workspace_open(const char *wanted, struct workspace *ret_workspace, struct err *err);
void workspace_done(struct workspace *workspace);

#endif
