/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/filter.h"

#include <errno.h>
#include <netinet/in.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"

#define LOW_WORD 0xffffffffULL /* the kernel looks at 32 bits of an int argument, so must we */

static const uint64_t refused_ioctls[] = {TIOCSTI, TIOCLINUX}; /* typing into the terminal of whoever started us */

/*
 * gramine libos/src/arch/x86_64/libos_table.c, rows that are not "not supported" in some version. Older ones have no
 * mremap, flock, utime, lchown, getrusage, times, getresuid, rt_sigqueueinfo and prctl: the runtime itself is tested
 * without them (test/support/gramine_like.c).
 */
static const char *const allowed[] = {
    /* files */
    "read", "write", "open", "openat", "close", "creat", "stat", "fstat", "lstat", "newfstatat", "lseek", "pread64",
    "pwrite64", "readv", "writev", "preadv", "pwritev", "access", "faccessat", "faccessat2", "dup", "dup2", "dup3",
    "pipe", "pipe2", "sendfile", "fcntl", "flock", "ioctl", "fsync", "fdatasync", "sync", "truncate", "ftruncate",
    "fallocate", "getdents", "getdents64", "getcwd", "chdir", "fchdir", "rename", "renameat", "renameat2", "mkdir",
    "mkdirat", "rmdir", "unlink", "unlinkat", "readlink", "readlinkat", "chmod", "fchmod", "fchmodat", "chown",
    "fchown", "lchown", "fchownat", "umask", "statfs", "fstatfs", "utime", "utimes", "utimensat", "fadvise64", "mknod",
    "mknodat", "close_range", "chroot",
    /* waiting */
    "poll", "ppoll", "select", "pselect6", "epoll_create", "epoll_create1", "epoll_ctl", "epoll_wait", "epoll_pwait",
    "eventfd", "eventfd2", "nanosleep", "clock_nanosleep", "pause", "alarm", "getitimer", "setitimer",
    /* memory */
    "mmap", "mprotect", "munmap", "brk", "mremap", "msync", "mincore", "madvise", "mlock", "mlock2", "munlock",
    "mlockall", "munlockall", "mbind", "get_mempolicy",
    /* sockets: families are checked below */
    "connect", "accept", "accept4", "sendto", "recvfrom", "sendmsg", "recvmsg", "sendmmsg", "recvmmsg", "shutdown",
    "bind", "listen", "getsockname", "getpeername", "getsockopt", "setsockopt",
    /* threads and signals */
    "rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "rt_sigpending", "rt_sigtimedwait", "rt_sigsuspend",
    "rt_sigqueueinfo", "sigaltstack", "kill", "tkill", "tgkill", "futex", "set_tid_address", "set_robust_list",
    "get_robust_list", "rseq", "membarrier", "sched_yield", "sched_setparam", "sched_getparam", "sched_setscheduler",
    "sched_getscheduler", "sched_get_priority_max", "sched_get_priority_min", "sched_rr_get_interval",
    "sched_setaffinity", "sched_getaffinity", "getpriority", "setpriority", "getcpu", "restart_syscall",
    /* the process itself */
    "execve", "exit", "exit_group", "wait4", "waitid", "getpid", "getppid", "gettid", "getpgid", "getpgrp", "setpgid",
    "setsid", "getsid", "getuid", "geteuid", "getgid", "getegid", "getgroups", "getresuid", "getresgid", "getrlimit",
    "setrlimit", "prlimit64", "getrusage", "times", "sysinfo", "uname", "arch_prctl", "prctl",
    /* clocks and randomness */
    "time", "gettimeofday", "clock_gettime", "clock_getres", "getrandom"};

static const int families[] = {AF_UNIX, AF_INET, AF_INET6};

/* Ways to send past the routes that hold the egress rules. */
static const struct {
	int level, option;
} refused_options[] = {
    {SOL_SOCKET, SO_BINDTODEVICE},   {SOL_SOCKET, SO_BINDTOIFINDEX}, {IPPROTO_IP, IP_UNICAST_IF},
    {IPPROTO_IPV6, IPV6_UNICAST_IF}, {IPPROTO_IP, IP_OPTIONS},       {SOL_SOCKET, SO_MARK},
};

static int check(int result, const char *name, struct err *err)
{
	if (result == 0)
		return 0;
	errno = -result;
	return err_set_errno(err, "cannot filter system call '%s'", name);
}

static int allow_plain(scmp_filter_ctx filter, struct err *err)
{
	for (size_t i = 0; i < COUNT_OF(allowed); i++) {
		const int number = seccomp_syscall_resolve_name(allowed[i]);

		if (number == __NR_SCMP_ERROR)
			continue; /* not of this architecture */
		if (check(seccomp_rule_add(filter, SCMP_ACT_ALLOW, number, 0), allowed[i], err) < 0)
			return -1;
	}
	return 0;
}

/* Threads, but no process: fork and a clone that is none fail with EPERM, clone3 (flags in memory) with ENOSYS. */
static int allow_threads(scmp_filter_ctx filter, struct err *err)
{
	const struct scmp_arg_cmp thread = SCMP_A0_64(SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD);
	const struct scmp_arg_cmp process = SCMP_A0_64(SCMP_CMP_MASKED_EQ, CLONE_THREAD, 0);
	const struct scmp_arg_cmp files = SCMP_A0_64(SCMP_CMP_EQ, CLONE_FILES);

	if (check(seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1, thread), "clone", err) < 0 ||
	    check(seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(clone), 1, process), "clone", err) < 0 ||
	    check(seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(fork), 0), "fork", err) < 0 ||
	    check(seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(vfork), 0), "vfork", err) < 0)
		return -1;
	return check(seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(unshare), 1, files), "unshare", err);
}

static int allow_sockets(scmp_filter_ctx filter, struct err *err)
{
	for (size_t i = 0; i < COUNT_OF(families); i++) {
		const struct scmp_arg_cmp family = SCMP_A0_64(SCMP_CMP_MASKED_EQ, LOW_WORD, (uint64_t)families[i]);

		if (check(seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(socket), 1, family), "socket", err) < 0 ||
		    check(seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(socketpair), 1, family), "socketpair",
			  err) < 0)
			return -1;
	}
	return 0;
}

static int refuse_options(scmp_filter_ctx filter, struct err *err)
{
	for (size_t i = 0; i < COUNT_OF(refused_options); i++) {
		const struct scmp_arg_cmp level =
		    SCMP_A1_64(SCMP_CMP_MASKED_EQ, LOW_WORD, (uint64_t)refused_options[i].level);
		const struct scmp_arg_cmp option =
		    SCMP_A2_64(SCMP_CMP_MASKED_EQ, LOW_WORD, (uint64_t)refused_options[i].option);

		if (check(seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(setsockopt), 2, level, option),
			  "setsockopt", err) < 0)
			return -1;
	}
	return 0;
}

static int refuse_ioctls(scmp_filter_ctx filter, struct err *err)
{
	for (size_t i = 0; i < COUNT_OF(refused_ioctls); i++) {
		const struct scmp_arg_cmp request = SCMP_A1_64(SCMP_CMP_MASKED_EQ, LOW_WORD, refused_ioctls[i]);

		if (check(seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(ioctl), 1, request), "ioctl", err) <
		    0)
			return -1;
	}
	return 0;
}

static int export(scmp_filter_ctx filter, struct buf *ret, struct err *err)
{
	scoped(fd_closep) int fd = memfd_create("filter", MFD_CLOEXEC);

	if (fd < 0 || seccomp_export_bpf(filter, fd) < 0 || lseek(fd, 0, SEEK_SET) < 0)
		return err_set_errno(err, "cannot export the system call filter");
	return buf_read_fd(ret, fd, err);
}

int filter_make_refusals(struct buf *ret, struct err *err)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	int result;

	if (!filter)
		return err_no_memory(err);
	result = refuse_options(filter, err);
	if (result == 0)
		result = refuse_ioctls(filter, err);
	if (result == 0)
		result = export(filter, ret, err);
	seccomp_release(filter);
	return result;
}

int filter_make_calls(struct buf *ret, struct err *err)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(ENOSYS));
	int result;

	if (!filter)
		return err_no_memory(err);
	result = allow_plain(filter, err);
	if (result == 0)
		result = allow_threads(filter, err);
	if (result == 0)
		result = allow_sockets(filter, err);
	if (result == 0)
		result = export(filter, ret, err);
	seccomp_release(filter);
	return result;
}
