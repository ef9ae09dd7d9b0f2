/* SPDX-License-Identifier: Apache-2.0 */
#include "enclave/serve/access_log_file.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"

#define MODE 0640

static int open_file(const char *path, struct err *err)
{
	const int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, MODE);

	return fd < 0 ? err_set_errno(err, "cannot open '%s'", path) : fd;
}

static int make_absolute(const char *path, char ret[static PATH_MAX], struct err *err)
{
	char dir[PATH_MAX] = "";

	if (*path != '/' && !getcwd(dir, sizeof(dir)))
		return err_set_errno(err, "the working directory");
	if (snprintf(ret, PATH_MAX, "%s%s%s", dir, *dir ? "/" : "", path) >= PATH_MAX)
		return err_set(err, ERR_LIMIT, "'%s' is longer than %d bytes", path, PATH_MAX - 1);
	return 0;
}

int access_log_file_open(const char *path, struct access_log_file *ret, struct err *err)
{
	if (make_absolute(path, ret->path, err) < 0)
		return -1;
	ret->fd = open_file(ret->path, err);
	return ret->fd < 0 ? -1 : 0;
}

int access_log_file_reopen(const struct access_log_file *file, struct err *err)
{
	scoped(fd_closep) int fresh = open_file(file->path, err);

	if (fresh < 0)
		return -1;
	if (dup3(fresh, file->fd, O_CLOEXEC) < 0)
		return err_set_errno(err, "cannot open '%s'", file->path);
	return 0;
}
