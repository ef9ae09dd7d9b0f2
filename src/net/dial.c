/* SPDX-License-Identifier: Apache-2.0 */
#include "net/dial.h"

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/clock.h"
#include "base/fd.h"
#include "format/uri.h"
#include "net/resolve.h"

/* Rounded up, so that a wait never ends before the deadline and spins. */
static int left_ms(int64_t deadline_ns)
{
	const int64_t left_ns = deadline_ns - clock_monotonic_ns();

	if (left_ns <= 0)
		return 0;
	return left_ns / NS_PER_MS >= INT_MAX ? INT_MAX : (int)(left_ns / NS_PER_MS) + 1;
}

static _Thread_local int cancel_fd = -1;

void dial_set_cancel(int fd)
{
	cancel_fd = fd;
}

int dial_cancel_fd(void)
{
	return cancel_fd;
}

bool dial_is_cancelled(void)
{
	struct pollfd poll_fd = {.fd = cancel_fd, .events = POLLIN};

	return cancel_fd >= 0 && poll(&poll_fd, 1, 0) > 0;
}

int dial_check(int64_t deadline_ns, struct err *err)
{
	if (dial_is_cancelled())
		return err_set(err, ERR_CANCELLED, "no longer wanted");
	return clock_monotonic_ns() < deadline_ns ? 0 : err_set(err, ERR_TIMEOUT, "no answer in time");
}

int dial_wait(int fd, short events, int64_t deadline_ns, struct err *err)
{
	for (;;) {
		/* poll leaves out a negative descriptor */
		struct pollfd fds[] = {{.fd = fd, .events = events}, {.fd = cancel_fd, .events = POLLIN}};
		const int timeout_ms = left_ms(deadline_ns);
		const int got = timeout_ms > 0 ? poll(fds, COUNT_OF(fds), timeout_ms) : 0;

		if (got > 0 && fds[1].revents)
			return err_set(err, ERR_CANCELLED, "no longer wanted");
		if (got > 0)
			return 0;
		if (got < 0 && errno != EINTR)
			return err_set_errno(err, "cannot wait");
		if (got == 0)
			return err_set(err, ERR_TIMEOUT, "no answer in time");
	}
}

static int finish_connect(int fd, int64_t deadline_ns, struct err *err)
{
	int failed = 0;
	socklen_t size = sizeof(failed);

	if (dial_wait(fd, POLLOUT, deadline_ns, err) < 0)
		return -1;
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &failed, &size) < 0)
		return err_set_errno(err, "cannot connect");
	if (failed)
		return err_set(err, ERR_UNAVAILABLE, "%s", strerror(failed));
	return 0;
}

static int connect_one(const struct sockaddr *address, socklen_t size, int64_t deadline_ns, int *ret_fd,
		       struct err *err)
{
	const int on = 1;

	scoped(fd_closep) int fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return err_set_errno(err, "cannot make a socket");
	if (address->sa_family != AF_UNIX)
		(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (connect(fd, address, size) < 0) {
		if (errno != EINPROGRESS)
			return err_set(err, ERR_UNAVAILABLE, "%s", strerror(errno));
		if (finish_connect(fd, deadline_ns, err) < 0)
			return -1;
	}
	*ret_fd = TAKE_FD(fd);
	return 0;
}

static int dial_loopback(uint16_t port, int64_t deadline_ns, int *ret_fd, struct err *err)
{
	struct sockaddr_in inet = {.sin_family = AF_INET, .sin_port = htons(port)};
	struct sockaddr_in6 inet6 = {.sin6_family = AF_INET6, .sin6_port = htons(port), .sin6_addr = in6addr_loopback};
	struct err second = ERR_INIT;

	inet.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (connect_one((const struct sockaddr *)&inet, sizeof(inet), deadline_ns, ret_fd, err) == 0)
		return 0;
	return connect_one((const struct sockaddr *)&inet6, sizeof(inet6), deadline_ns, ret_fd, &second);
}

static void freeaddrinfop(struct addrinfo **list)
{
	if (*list)
		freeaddrinfo(*list);
}

static int dial_name(const char *host, uint16_t port, int64_t deadline_ns, int *ret_fd, struct err *err)
{
	scoped(freeaddrinfop) struct addrinfo *list = NULL;

	if (resolve_name(host, port, deadline_ns, &list, err) < 0)
		return -1;
	for (const struct addrinfo *each = list; each; each = each->ai_next) {
		if (connect_one(each->ai_addr, each->ai_addrlen, deadline_ns, ret_fd, err) == 0)
			return 0;
	}
	return -1; /* there is at least one, so err is set */
}

int dial_tcp(const char *host, uint16_t port, int64_t deadline_ns, int *ret_fd, struct err *err)
{
	const int done = host_is_loopback_name(host) ? dial_loopback(port, deadline_ns, ret_fd, err)
						     : dial_name(host, port, deadline_ns, ret_fd, err);

	return done < 0 ? err_prefix(err, "cannot connect to '%s' port %u", host, port) : 0;
}

int dial_unix(const char *path, int64_t deadline_ns, int *ret_fd, struct err *err)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	if (strlen(path) >= sizeof(address.sun_path))
		return err_set(err, ERR_LIMIT, "socket path '%s' is longer than %zu bytes", path,
			       sizeof(address.sun_path) - 1);
	memcpy(address.sun_path, path, strlen(path));
	if (connect_one((const struct sockaddr *)&address, sizeof(address), deadline_ns, ret_fd, err) < 0)
		return err_prefix(err, "cannot connect to '%s'", path);
	return 0;
}
