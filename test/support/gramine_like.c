/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gramine_like [--eventfd] PROGRAM ARGV0 ARG…: runs a program under a filter that answers ENOSYS to what Gramine does
 * not have. With --eventfd it has that one (sys.insecure__allow_eventfd of a manifest). What a filter cannot see (an
 * epoll that watches an epoll) is the test's to look for in /proc.
 */
#include <errno.h>
#include <sched.h>
#include <seccomp.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/scoped.h"

#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#endif

static const int eventfds[] = {
#ifdef SYS_eventfd
    SYS_eventfd,
#endif
    SYS_eventfd2,
};
static const int refused[] = {
#ifdef SYS_signalfd
    SYS_signalfd, SYS_inotify_init, SYS_fork, SYS_vfork, SYS_utime, SYS_lchown, SYS_link, SYS_symlink,
#endif
    SYS_signalfd4, SYS_inotify_init1, SYS_timerfd_create, SYS_memfd_create, SYS_io_uring_setup, SYS_io_uring_enter,
    SYS_landlock_create_ruleset, SYS_userfaultfd, SYS_pidfd_open,
    /* what older versions have not: see sim/filter.c */
    SYS_close_range, SYS_mremap, SYS_flock, SYS_getrusage, SYS_times, SYS_getresuid, SYS_getresgid, SYS_rt_sigqueueinfo,
    SYS_sync, SYS_prctl, SYS_getxattr, SYS_clone3, /* its flags cannot be seen: the C library goes back to clone,
						      whose can */
};

static int refuse_all(scmp_filter_ctx filter, const int *calls, size_t count)
{
	int status = 0;

	for (size_t i = 0; status == 0 && i < count; i++)
		status = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), calls[i], 0);
	return status;
}

static int install(bool has_eventfd)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	int status = filter ? refuse_all(filter, refused, COUNT_OF(refused)) : -1;

	if (status == 0 && !has_eventfd)
		status = refuse_all(filter, eventfds, COUNT_OF(eventfds));
	/* A thread is fine, a process is not. */
	if (status == 0)
		status = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SYS_clone, 1,
					  SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, 0));
	if (status == 0)
		status = seccomp_load(filter);
	seccomp_release(filter);
	return status;
}

int main(int argc, char **argv)
{
	const bool has_eventfd = argc > 1 && strcmp(argv[1], "--eventfd") == 0;

	argc -= has_eventfd;
	argv += has_eventfd;
	if (argc < 3 || install(has_eventfd) != 0) {
		(void)fprintf(stderr, "gramine_like: cannot install the filter\n");
		return 125;
	}
	(void)execv(argv[1], argv + 2);
	return 126;
}
