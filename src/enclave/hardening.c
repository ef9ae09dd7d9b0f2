/* SPDX-License-Identifier: Apache-2.0 */
#include "enclave/hardening.h"

#include <errno.h>
#include <jansson.h>
#include <malloc.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "enclave/no_chroot.h"

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
