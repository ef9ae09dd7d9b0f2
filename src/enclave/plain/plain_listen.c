/* SPDX-License-Identifier: Apache-2.0 */
#include "enclave/plain/plain_listen.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/number.h"
#include "enclave/process/operator_log.h"

#define LISTEN_FDS_START 3 /* sd_listen_fds(3) */
#define SAID_SIZE (LISTEN_TEXT_SIZE + 64)

union socket_address {
	struct sockaddr any;
	struct sockaddr_in inet;
	struct sockaddr_in6 inet6;
	struct sockaddr_un local;
};

/* ---- sockets of others ---- */

static int check_socket(int fd, struct err *err)
{
	int type = 0;
	int listens = 0;
	socklen_t size = sizeof(type);

	if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) < 0)
		return err_set_errno(err, "descriptor %d is no socket", fd);
	size = sizeof(listens);
	if (type != SOCK_STREAM || getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) < 0 || !listens)
		return err_set(err, ERR_INVALID, "descriptor %d is no stream socket that listens", fd);
	return 0;
}

/* Of no process that the application starts. */
static int take_socket(int fd, struct plain_socket *ret, struct err *err)
{
	const int flags = fcntl(fd, F_GETFL);

	if (check_socket(fd, err) < 0)
		return -1;
	if (fcntl(fd, F_SETFD, FD_CLOEXEC) < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
		return err_set_errno(err, "cannot take descriptor %d", fd);
	*ret = (struct plain_socket){.fd = fd};
	return 0;
}

/* How many systemd hands over; 0: none, or they are for another process. */
static int read_listen_fds(size_t *ret, struct err *err)
{
	const char *pid_text = getenv("LISTEN_PID");
	const char *count_text = getenv("LISTEN_FDS");
	struct err ignored = ERR_INIT;
	uint64_t pid = 0;
	uint64_t count = 0;

	*ret = 0;
	if (!pid_text || !count_text || number_parse_u64(pid_text, 1, INT32_MAX, &pid, &ignored) < 0 ||
	    pid != (uint64_t)getpid())
		return 0;
	if (number_parse_u64(count_text, 1, PLAIN_BINDS_MAX, &count, err) < 0)
		return err_prefix(err, "LISTEN_FDS");
	*ret = (size_t)count;
	return 0;
}

static int check_listen_fds(const struct plain_options *options, size_t count, struct err *err)
{
	if (count == 0 || !options->has_bind)
		return 0;
	for (size_t i = 0; i < options->bind_count; i++) {
		if (options->binds[i].fd != PLAIN_NO_FD)
			return 0;
	}
	return err_set(
	    err, ERR_INVALID,
	    "LISTEN_FDS hands sockets over (%zu), and '--bind' names others: leave it out, or say '--bind fd:3'",
	    count);
}

/* ---- what is said ---- */

static void describe_file(const struct plain_options *options, char *ret)
{
	const bool has_group = *options->socket_group_name != 0;

	(void)snprintf(ret, SAID_SIZE, " (mode %04o%s%.32s%s)", (unsigned)options->socket_mode,
		       has_group ? ", group " : "", options->socket_group_name,
		       options->socket_mode == 0600 ? ": for this user alone, see --socket-mode" : "");
}

static void describe_unix(const char *path, size_t size, char *ret)
{
	if (size == 0)
		(void)snprintf(ret, SAID_SIZE, "unix:");
	else
		(void)snprintf(ret, SAID_SIZE, "unix:%s%.*s", path[0] ? "" : "@", (int)(path[0] ? size : size - 1),
			       path + (path[0] ? 0 : 1));
}

static const char *host_of(const union socket_address *address, char ret[static PLAIN_HOST_SIZE])
{
	if (address->any.sa_family == AF_INET)
		return inet_ntop(AF_INET, &address->inet.sin_addr, ret, PLAIN_HOST_SIZE);
	if (address->any.sa_family == AF_INET6)
		return inet_ntop(AF_INET6, &address->inet6.sin6_addr, ret, PLAIN_HOST_SIZE);
	return NULL;
}

/* Of a socket that somebody else has opened. */
static void describe_socket(int fd, char *ret)
{
	union socket_address address = {0};
	socklen_t size = sizeof(address);
	char host[PLAIN_HOST_SIZE];

	if (getsockname(fd, &address.any, &size) < 0)
		(void)snprintf(ret, SAID_SIZE, "descriptor %d", fd);
	else if (host_of(&address, host))
		(void)snprintf(ret, SAID_SIZE, strchr(host, ':') ? "[%s]:%u" : "%s:%u", host, http_listen_port(fd));
	else if (address.any.sa_family == AF_UNIX)
		describe_unix(address.local.sun_path, size - offsetof(struct sockaddr_un, sun_path), ret);
}

static bool is_every_ipv6(const struct listen_address *address)
{
	return address->is_ipv6 && strcmp(address->host, "::") == 0;
}

/* "[::]" is IPv6 alone here, as under uvicorn, and other than under gunicorn. */
static const char *about_families(const struct plain_options *options, const struct plain_bind *bind)
{
	if (bind->fd != PLAIN_NO_FD || bind->address.is_unix || !is_every_ipv6(&bind->address))
		return "";
	for (size_t i = 0; i < options->bind_count; i++) {
		const struct listen_address *other = &options->binds[i].address;

		if (!other->is_unix && !other->is_ipv6 && options->binds[i].fd == PLAIN_NO_FD)
			return "";
	}
	return " (IPv6 alone: --bind 0.0.0.0:PORT too for both)";
}

static void say(const struct plain_options *options, const struct plain_bind *bind, const struct plain_socket *socket)
{
	const char *scheme = options->cert ? "https://" : "http://";
	char where[SAID_SIZE] = "";
	char file[SAID_SIZE] = "";

	if (bind->fd != PLAIN_NO_FD) {
		describe_socket(socket->fd, where);
		operator_log("listening on %s%s (descriptor %d, handed over)",
			     strncmp(where, "unix:", 5) == 0 ? "" : scheme, where, socket->fd);
		return;
	}
	listen_address_format(&bind->address, http_listen_port(socket->fd), where);
	if (bind->address.is_unix)
		describe_file(options, file);
	operator_log("listening on %s%s%s%s", bind->address.is_unix ? "" : scheme, where, file,
		     about_families(options, bind));
}

/* ---- listening ---- */

static int listen_on(const struct plain_options *options, const struct plain_bind *bind, struct plain_socket *ret,
		     struct err *err)
{
	const struct listen_address *address = &bind->address;
	const struct http_listener listener = {
	    .unix_path = address->is_unix ? address->path : NULL,
	    .unix_mode = options->socket_mode,
	    .unix_group = options->socket_group,
	    .address = address->host,
	    .port = address->port,
	};

	if (bind->fd != PLAIN_NO_FD)
		return take_socket(bind->fd, ret, err) < 0 ? err_prefix(err, "'--bind'") : 0;
	*ret = (struct plain_socket){0};
	if (http_listen(&listener, &ret->fd, err) < 0)
		return -1;
	/* Taken while the working directory is still the one that the path is relative to. */
	ret->path = address->is_unix ? realpath(address->path, NULL) : NULL;
	http_socket_file_of(ret->path, &ret->file);
	return 0;
}

static int listen_on_all(const struct plain_options *options, struct plain_sockets *ret, struct err *err)
{
	for (size_t i = 0; i < options->bind_count; i++) {
		if (listen_on(options, &options->binds[i], &ret->items[i], err) < 0)
			return -1;
		ret->count++;
	}
	for (size_t i = 0; i < ret->count; i++)
		say(options, &options->binds[i], &ret->items[i]);
	return 0;
}

static int take_from(int first, size_t count, struct plain_sockets *ret, struct err *err)
{
	for (size_t i = 0; i < count; i++) {
		if (take_socket(first + (int)i, &ret->items[i], err) < 0)
			return -1;
		ret->count++;
	}
	return 0;
}

int plain_listen(const struct plain_options *options, struct plain_sockets *ret, struct err *err)
{
	size_t given;

	*ret = (struct plain_sockets){0};
	if (read_listen_fds(&given, err) < 0 || check_listen_fds(options, given, err) < 0)
		return -1;
	(void)unsetenv("LISTEN_PID");
	(void)unsetenv("LISTEN_FDS");
	(void)unsetenv("LISTEN_FDNAMES");
	operator_log("plain server: no TEE, nothing is measured, attested or sealed");
	if (given == 0 || options->has_bind)
		return listen_on_all(options, ret, err);
	if (take_from(LISTEN_FDS_START, given, ret, err) < 0)
		return err_prefix(err, "LISTEN_FDS");
	for (size_t i = 0; i < given; i++)
		say(options, &(struct plain_bind){.fd = ret->items[i].fd}, &ret->items[i]);
	return 0;
}

int plain_listen_worker(const struct plain_options *options, struct plain_sockets *ret, struct err *err)
{
	*ret = (struct plain_sockets){0};
	return take_from(options->worker_fd, options->worker_fds, ret, err);
}

void plain_sockets_host(const struct plain_sockets *sockets, char ret[static PLAIN_HOST_SIZE])
{
	for (size_t i = 0; i < sockets->count; i++) {
		union socket_address address = {0};
		socklen_t size = sizeof(address);

		if (getsockname(sockets->items[i].fd, &address.any, &size) == 0 && host_of(&address, ret))
			return;
	}
	(void)snprintf(ret, PLAIN_HOST_SIZE, "localhost");
}

void plain_sockets_leave(struct plain_sockets *sockets)
{
	for (size_t i = 0; i < sockets->count; i++) {
		http_socket_file_remove(sockets->items[i].path, &sockets->items[i].file);
		free(TAKE_PTR(sockets->items[i].path));
	}
}
