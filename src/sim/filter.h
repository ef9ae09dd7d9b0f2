/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The system calls an enclave has: those that Gramine 1.5 to 1.9 offers, less making processes (mission E5: no fork,
 * no subprocess; threads are fine), and a few that are harmless and that C libraries use at start. All others, newer
 * ones too, fail with ENOSYS as in Gramine: timerfd, signalfd, memfd, inotify, io_uring, landlock, mount, ptrace,
 * keys, bpf, userfaultfd, namespaces. execve stays: Landlock leaves it nothing but the bill's files.
 */
#ifndef MSE_SIM_FILTER_H
#define MSE_SIM_FILTER_H

#include "base/buf.h"

#define FILTER_SIZE_MAX ((size_t)64 << 10)

/* Both append struct sock_filter[]: what may be called; and with which arguments not. The second goes in first. */
must_check int filter_make_calls(struct buf *ret, struct err *err);
must_check int filter_make_refusals(struct buf *ret, struct err *err);

#endif
