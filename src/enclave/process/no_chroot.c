/* SPDX-License-Identifier: Apache-2.0 */
#include "enclave/process/no_chroot.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/syscall.h>
#include <unistd.h>

static atomic_bool is_refused;

void no_chroot(void)
{
	atomic_store(&is_refused, true);
}

/* unistd.h declares it; the linker exports it because libpython refers to it. */
__attribute__((visibility("default"))) int chroot(const char *path)
{
	if (!atomic_load(&is_refused))
		return (int)syscall(SYS_chroot, path);
	errno = EPERM;
	return -1;
}
