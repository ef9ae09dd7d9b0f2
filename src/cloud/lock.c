/* SPDX-License-Identifier: Apache-2.0 */
#include "cloud/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>

#include "base/fd.h"
#include "cloud/files.h"

int data_dir_lock(const char *data_dir, int *ret_fd, struct err *err)
{
	scoped(freep) char *path = NULL;
	scoped(fd_closep) int fd = -1;

	if (file_path(data_dir, &path, err, FILE_LOCK) < 0)
		return -1;
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_set_errno(err, "cannot open '%s'", path);
	if (flock(fd, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK)
		return err_set(err, ERR_CONFLICT, "another msed serves '%s'", data_dir);
	*ret_fd = TAKE_FD(fd);
	return 0;
}
