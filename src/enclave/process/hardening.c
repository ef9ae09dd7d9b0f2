/* SPDX-License-Identifier: Apache-2.0 */
#include "enclave/process/hardening.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <malloc.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "enclave/process/no_chroot.h"

#define INHERITED_DEVICE_FD 3 /* tee_sim.c */
#define OPEN_MAX_UNKNOWN 65536

/* The provisioning request is JSON with keys in it: jansson wipes what it gives back. */
static void free_wiped(void *ptr)
{
	if (ptr)
		explicit_bzero(ptr, malloc_usable_size(ptr));
	free(ptr);
}

int hardening_apply(struct err *err)
{
	const struct rlimit none = {0, 0};
	struct sigaction ignore = {.sa_handler = SIG_IGN};

	(void)umask(077);
	no_chroot();
	if (setrlimit(RLIMIT_CORE, &none) < 0)
		return err_set_errno(err, "cannot switch core dumps off");
	/* Gramine has no such call; there the enclave's memory is not the host's to read. */
	if (prctl(PR_SET_DUMPABLE, 0) < 0 && errno != ENOSYS)
		return err_set_errno(err, "cannot forbid tracing");
	if (sigaction(SIGPIPE, &ignore, NULL) < 0)
		return err_set_errno(err, "cannot ignore SIGPIPE");
	json_set_alloc_funcs(malloc, free_wiped);
	return 0;
}

/* Gramine 1.5 has no close_range. */
static void close_from(int first)
{
	struct rlimit limit = {.rlim_cur = OPEN_MAX_UNKNOWN};

	if (syscall(SYS_close_range, (unsigned)first, ~0U, 0U) == 0)
		return;
	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur > OPEN_MAX_UNKNOWN)
		limit.rlim_cur = OPEN_MAX_UNKNOWN;
	for (int fd = first; fd < (int)limit.rlim_cur; fd++)
		(void)close(fd);
}

int hardening_drop_descriptors(bool is_device_inherited, struct err *err)
{
	int fd;

	close_from(is_device_inherited ? INHERITED_DEVICE_FD + 1 : INHERITED_DEVICE_FD);
	fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (fd < 0 || dup2(fd, STDIN_FILENO) < 0) {
		fd_close(fd);
		return err_set_errno(err, "cannot put /dev/null in the place of the standard input");
	}
	if (fd != STDIN_FILENO)
		fd_close(fd);
	return 0;
}
