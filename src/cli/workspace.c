/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/workspace.h"

#include <stdlib.h>

#include "base/fs.h"

int workspace_open(const char *wanted, struct workspace *ret_workspace, struct err *err)
{
	const char *temporary = getenv("TMPDIR");
	char *path = NULL;

	if (!wanted) {
		if (fs_make_temp_dir(temporary && *temporary ? temporary : "/tmp", "mse-", &path, err) < 0)
			return -1;
		*ret_workspace = (struct workspace){.path = path};
		return 0;
	}
	if (fs_make_dirs(wanted, 0700, err) < 0)
		return -1;
	path = realpath(wanted, NULL);
	if (!path)
		return err_set_errno(err, "cannot use the workspace '%s'", wanted);
	*ret_workspace = (struct workspace){.path = path, .keep = true};
	return 0;
}

void workspace_done(struct workspace *workspace)
{
	struct err ignored = ERR_INIT;

	if (workspace->path && !workspace->keep)
		IGNORE_RESULT(fs_remove_tree(workspace->path, &ignored));
	free(workspace->path);
	*workspace = (struct workspace){0};
}
