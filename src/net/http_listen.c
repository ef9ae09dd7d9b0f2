/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fd.h"
#include "net/http_priv.h"

#define BACKLOG 4096
#define UNIX_MODE 0600
#define LOCK_TRIES 100
#define LOCK_PAUSE_MS 10

union address {
	struct sockaddr any;
	struct sockaddr_in inet;
	struct sockaddr_in6 inet6;
	struct sockaddr_un local;
};

/*
 * Servers that start or stop at one path take turns: the lock of its directory, in which nothing is written. -1: there
 * is none (no permission, a system without flock, somebody who keeps it); then there are no turns to take.
 */
static int lock_directory(const char *path)
{
	const char *slash = strrchr(path, '/');
	scoped(freep) char *directory = slash ? strndup(path, (size_t)(slash - path) + 1) : strdup(".");
	scoped(fd_closep) int fd = directory ? open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;

	for (int i = 0; fd >= 0 && i < LOCK_TRIES; i++) {
		if (flock(fd, LOCK_EX | LOCK_NB) == 0)
			return TAKE_FD(fd);
		if (errno != EWOULDBLOCK)
			break;
		(void)poll(NULL, 0, LOCK_PAUSE_MS);
	}
	return -1;
}

/* A socket file whose server is gone is removed; one that answers is somebody else's. */
static int clear_stale(const struct sockaddr_un *address, struct err *err)
{
	struct stat st;
	scoped(fd_closep) int fd = -1;

	if (lstat(address->sun_path, &st) < 0)
		return errno == ENOENT ? 0 : err_set_errno(err, "cannot look at '%s'", address->sun_path);
	if (!S_ISSOCK(st.st_mode))
		return err_set(err, ERR_CONFLICT, "'%s' exists and is not a socket", address->sun_path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return err_set_errno(err, "cannot make a socket");
	if (connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0 || errno == EAGAIN)
		return err_set(err, ERR_CONFLICT, "something already listens on '%s'", address->sun_path);
	if (unlink(address->sun_path) < 0 && errno != ENOENT)
		return err_set_errno(err, "cannot remove the stale socket '%s'", address->sun_path);
	return 0;
}

static int open_to_others(const struct http_listener *listener, struct err *err)
{
	const char *path = listener->unix_path;

	if (listener->unix_group && lchown(path, (uid_t)-1, listener->unix_group) < 0)
		return err_set_errno(err, "cannot give '%s' to group %u (only a member of it can)", path,
				     (unsigned)listener->unix_group);
	if (chmod(path, listener->unix_mode ? listener->unix_mode : UNIX_MODE) < 0)
		return err_set_errno(err, "cannot set the mode of '%s'", path);
	return 0;
}

static int bind_unix(const struct http_listener *listener, int *ret_fd, struct err *err)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	if (strlen(listener->unix_path) >= sizeof(address.sun_path))
		return err_set(err, ERR_LIMIT, "socket path '%s' is longer than %zu bytes", listener->unix_path,
			       sizeof(address.sun_path) - 1);
	memcpy(address.sun_path, listener->unix_path, strlen(listener->unix_path));
	scoped(fd_closep) int lock = lock_directory(listener->unix_path);
	(void)lock;
	if (clear_stale(&address, err) < 0)
		return -1;
	scoped(fd_closep) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return err_set_errno(err, "cannot make a socket");
	/* The file is born with the socket's mode, so it is never open to others, not even before it has its group. */
	(void)fchmod(fd, UNIX_MODE);
	if (bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		return err_set_errno(err, "cannot listen on '%s'", listener->unix_path);
	if (open_to_others(listener, err) < 0 || listen(fd, BACKLOG) < 0) {
		(void)unlink(listener->unix_path);
		return err->code ? -1 : err_set_errno(err, "cannot listen on '%s'", listener->unix_path);
	}
	*ret_fd = TAKE_FD(fd);
	return 0;
}

void http_socket_file_of(const char *path, struct http_socket_file *ret)
{
	struct stat st;

	*ret = (struct http_socket_file){0};
	if (path && lstat(path, &st) == 0)
		*ret = (struct http_socket_file){.device = st.st_dev, .inode = st.st_ino};
}

void http_socket_file_remove(const char *path, const struct http_socket_file *file)
{
	scoped(fd_closep) int lock = path ? lock_directory(path) : -1;
	struct stat st;

	(void)lock;
	if (path && lstat(path, &st) == 0 && S_ISSOCK(st.st_mode) && st.st_dev == file->device &&
	    st.st_ino == file->inode)
		(void)unlink(path);
}

static int parse_address(const struct http_listener *listener, union address *ret, socklen_t *ret_size, struct err *err)
{
	if (inet_pton(AF_INET, listener->address, &ret->inet.sin_addr) == 1) {
		ret->inet.sin_family = AF_INET;
		ret->inet.sin_port = htons(listener->port);
		*ret_size = sizeof(ret->inet);
		return 0;
	}
	if (inet_pton(AF_INET6, listener->address, &ret->inet6.sin6_addr) == 1) {
		ret->inet6.sin6_family = AF_INET6;
		ret->inet6.sin6_port = htons(listener->port);
		*ret_size = sizeof(ret->inet6);
		return 0;
	}
	return err_set(err, ERR_INVALID, "'%s' is not a numeric address", listener->address);
}

/* What its owner can do about it, in words. */
static int cannot_listen(const struct http_listener *listener, int reason, struct err *err)
{
	const bool is_ipv6 = strchr(listener->address, ':') != NULL;
	char where[INET6_ADDRSTRLEN + 16];

	(void)snprintf(where, sizeof(where), is_ipv6 ? "[%s]:%u" : "%s:%u", listener->address, listener->port);
	errno = reason;
	switch (reason) {
	case EADDRINUSE:
		return err_set(err, ERR_CONFLICT, "cannot listen on %s: something already listens there", where);
	case EACCES:
		return err_set(err, ERR_DENIED,
			       "cannot listen on %s: a port below 1024 needs root or CAP_NET_BIND_SERVICE", where);
	case EADDRNOTAVAIL:
		return err_set(err, ERR_INVALID, "cannot listen on %s: not an address of this machine", where);
	default:
		return err_set_errno(err, "cannot listen on %s", where);
	}
}

static int bind_tcp(const struct http_listener *listener, int *ret_fd, struct err *err)
{
	union address address = {0};
	socklen_t address_size = 0;
	const int on = 1;

	if (parse_address(listener, &address, &address_size, err) < 0)
		return -1;
	scoped(fd_closep) int fd = socket(address.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return err_set_errno(err, "cannot make a socket");
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (address.any.sa_family == AF_INET6)
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	if (bind(fd, &address.any, address_size) < 0 || listen(fd, BACKLOG) < 0)
		return cannot_listen(listener, errno, err);
	*ret_fd = TAKE_FD(fd);
	return 0;
}

int http_listen(const struct http_listener *listener, int *ret_fd, struct err *err)
{
	if (listener->fd > 0) {
		*ret_fd = listener->fd;
		return 0;
	}
	if (listener->unix_path)
		return bind_unix(listener, ret_fd, err);
	return bind_tcp(listener, ret_fd, err);
}

uint16_t http_server_port(const struct http_server *server, size_t listener_index)
{
	return http_listen_port(server->listen_fds[listener_index]);
}

uint16_t http_listen_port(int fd)
{
	union address address = {0};
	socklen_t size = sizeof(address);

	if (getsockname(fd, &address.any, &size) < 0)
		return 0;
	if (address.any.sa_family == AF_INET)
		return ntohs(address.inet.sin_port);
	return address.any.sa_family == AF_INET6 ? ntohs(address.inet6.sin6_port) : 0;
}
