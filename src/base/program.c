/* SPDX-License-Identifier: Apache-2.0 */
#include "base/program.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"

#define PATH_SIZE_MAX 4096

int program_own_path(char **ret_path, struct err *err)
{
	char path[PATH_SIZE_MAX];
	const ssize_t size = readlink("/proc/self/exe", path, sizeof(path));

	if (size < 0)
		return err_set_errno(err, "cannot read /proc/self/exe");
	if ((size_t)size == sizeof(path))
		return err_set(err, ERR_LIMIT, "the path of this program is longer than %d bytes", PATH_SIZE_MAX);
	*ret_path = strndup(path, (size_t)size);
	return *ret_path ? 0 : err_no_memory(err);
}

int program_find(const char *name, char **ret_path, struct err *err)
{
	/* The first three are installations, the rest build folders: links at the top, programs in src/FOLDER. */
	static const char *const places[] = {".",      "../libexec/mse", "../lib/mse", "../enclave",
					     "../sim", "../cloud",       "../cli",     "../.."};
	scoped(freep) char *dir = NULL;
	char *slash;

	if (program_own_path(&dir, err) < 0)
		return -1;
	slash = strrchr(dir, '/');
	if (slash)
		*slash = '\0';
	for (size_t i = 0; i < COUNT_OF(places); i++) {
		scoped(freep) char *path = NULL;

		if (asprintf(&path, "%s/%s/%s", dir, places[i], name) < 0) {
			path = NULL;
			return err_no_memory(err);
		}
		if (access(path, X_OK) < 0 || fs_is_dir(path))
			continue;
		*ret_path = realpath(path, NULL);
		return *ret_path ? 0 : err_set_errno(err, "cannot resolve '%s'", path);
	}
	return err_set(err, ERR_NOT_FOUND, "there is no '%s' beside '%s', nor in '../libexec/mse' of it", name, dir);
}
