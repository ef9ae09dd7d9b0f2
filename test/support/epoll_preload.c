/* SPDX-License-Identifier: Apache-2.0 */
/* Preloaded into mse-enclave by test/e2e/test_enclave_gramine_like.py: an epoll that watches an epoll, which no filter
 * of system calls can see, is refused from first to last, as Gramine does, and told on standard error. */
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/scoped.h"

#define EXPORTED __attribute__((visibility("default")))

static int is_epoll(int fd)
{
	char link[64];
	char target[64] = "";

	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	return readlink(link, target, sizeof(target) - 1) > 0 && strstr(target, "eventpoll") != NULL;
}

EXPORTED int epoll_ctl(int epoll_fd, int op, int fd, struct epoll_event *event)
{
	static int (*real)(int, int, int, struct epoll_event *);

	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "epoll_ctl");
	if (!is_epoll(fd))
		return real(epoll_fd, op, fd, event);
	IGNORE_RESULT(write(STDERR_FILENO, "NESTED EPOLL\n", 13));
	errno = EINVAL;
	return -1;
}
