/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connected sockets with a deadline (nanoseconds of clock_monotonic_ns). "localhost" and names under it are the
 * loopback, 127.0.0.1 then ::1, without asking anyone; other names go to getaddrinfo (resolve.h).
 */
#ifndef MSE_NET_DIAL_H
#define MSE_NET_DIAL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

/* Non-blocking, TCP_NODELAY. ERR_UNAVAILABLE (nobody there, no such name), ERR_TIMEOUT. */
must_check int dial_tcp(const char *host, uint16_t port, int64_t deadline_ns, int *ret_fd, struct err *err);
must_check int dial_unix(const char *path, int64_t deadline_ns, int *ret_fd, struct err *err);

/*
 * From now on every wait of this thread, here and in tls_client, also ends when fd becomes readable: ERR_CANCELLED.
 * -1: no more. The descriptor stays the caller's.
 */
void dial_set_cancel(int fd);
int dial_cancel_fd(void);     /* -1: none */
bool dial_is_cancelled(void); /* for who waits by other means on this thread */

/* For who need not wait: -1 when the deadline has passed (ERR_TIMEOUT) or nobody wants it (ERR_CANCELLED). */
must_check int dial_check(int64_t deadline_ns, struct err *err);

/* poll(2) for events until the deadline. */
must_check int dial_wait(int fd, short events, int64_t deadline_ns, struct err *err);

#endif
