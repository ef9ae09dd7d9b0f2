/* SPDX-License-Identifier: Apache-2.0 */
/*
 * getaddrinfo with a deadline, which it has not itself: it asks on a thread of its own, which is left to its own end
 * when nobody waits any more. Numeric addresses need no thread.
 */
#ifndef MSE_NET_RESOLVE_H
#define MSE_NET_RESOLVE_H

#include <stdint.h>

#include "base/err.h"

struct addrinfo;

#define RESOLVE_THREADS_MAX 64 /* left behind or waited for, in the whole program; then ERR_LIMIT */

/* *ret_list: at least one, TCP; freed with freeaddrinfo. ERR_UNAVAILABLE, ERR_TIMEOUT, ERR_CANCELLED (dial.h). */
must_check int resolve_name(const char *host, uint16_t port, int64_t deadline_ns, struct addrinfo **ret_list,
			    struct err *err);

#endif
