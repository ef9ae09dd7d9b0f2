/* SPDX-License-Identifier: Apache-2.0 */
#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

void fd_close(int fd)
{
	const int saved = errno;

	if (fd >= 0)
		(void)close(fd);
	errno = saved;
}

void fd_closep(int *fd)
{
	fd_close(*fd);
	*fd = -1;
}

int fd_write_all(int fd, const void *data, size_t size, struct err *err)
{
	const uint8_t *next = data;

	while (size > 0) {
		const ssize_t put = write(fd, next, size);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return err_set_errno(err, "cannot write");
		next += put;
		size -= (size_t)put;
	}
	return 0;
}

int fd_read_exact(int fd, void *ret_data, size_t size, struct err *err)
{
	uint8_t *next = ret_data;
	size_t left = size;

	while (left > 0) {
		const ssize_t got = read(fd, next, left);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return err_set_errno(err, "cannot read");
		if (got == 0)
			return err_set(err, ERR_UNAVAILABLE, "ended after %zu of %zu bytes", size - left, size);
		next += got;
		left -= (size_t)got;
	}
	return 0;
}

int fd_set_nonblocking(int fd, bool nonblocking, struct err *err)
{
	const int flags = fcntl(fd, F_GETFL);

	if (flags < 0 || fcntl(fd, F_SETFL, nonblocking ? flags | O_NONBLOCK : flags & ~O_NONBLOCK) < 0)
		return err_set_errno(err, "cannot change the mode of a descriptor");
	return 0;
}
