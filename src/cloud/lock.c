/* SPDX-License-Identifier: Apache-2.0 */
#include "cloud/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <time.h>

#include "base/fd.h"
#include "cloud/files.h"

#define STEP_MS 50

/* flock itself cannot wait for a time. */
static int lock_within(int fd, int wait_ms)
{
	const struct timespec step = {.tv_nsec = STEP_MS * 1000000L};

	for (; flock(fd, LOCK_EX | LOCK_NB) < 0; wait_ms -= STEP_MS) {
		if (errno != EWOULDBLOCK || wait_ms <= 0)
			return -1;
		(void)nanosleep(&step, NULL);
	}
	return 0;
}

int data_dir_lock(const char *data_dir, int wait_ms, int *ret_fd, struct err *err)
{
	scoped(freep) char *path = NULL;
	scoped(fd_closep) int fd = -1;

	if (file_path(data_dir, &path, err, FILE_LOCK) < 0)
		return -1;
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_set_errno(err, "cannot open '%s'", path);
	if (lock_within(fd, wait_ms) < 0)
		return errno == EWOULDBLOCK ? err_set(err, ERR_CONFLICT, "another msed serves '%s'", data_dir)
					    : err_set_errno(err, "cannot lock '%s'", path);
	*ret_fd = TAKE_FD(fd);
	return 0;
}
