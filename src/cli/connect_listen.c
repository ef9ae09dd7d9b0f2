/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/connect_listen.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/number.h"

#define BACKLOG 1024
#define UNIX_PREFIX "unix:"
#define LOOPBACK "127.0.0.1"

union any_address {
	struct sockaddr any;
	struct sockaddr_in inet;
	struct sockaddr_in6 inet6;
	struct sockaddr_un local;
};

/* ---- parsing ---- */

static bool is_ipv6(const struct connect_listen *where)
{
	return strchr(where->address, ':') != NULL;
}

static bool is_loopback(const struct connect_listen *where)
{
	struct in6_addr inet6;
	struct in_addr inet;

	if (is_ipv6(where))
		return inet_pton(AF_INET6, where->address, &inet6) == 1 && IN6_IS_ADDR_LOOPBACK(&inet6);
	return inet_pton(AF_INET, where->address, &inet) == 1 && ntohl(inet.s_addr) >> 24 == 127;
}

/* Every address of this machine, so the address of none. */
static bool is_wildcard(const struct connect_listen *where)
{
	struct in6_addr inet6;
	struct in_addr inet;

	if (is_ipv6(where))
		return inet_pton(AF_INET6, where->address, &inet6) == 1 &&
		       (IN6_IS_ADDR_UNSPECIFIED(&inet6) || (IN6_IS_ADDR_V4MAPPED(&inet6) && inet6.s6_addr32[3] == 0));
	return inet_pton(AF_INET, where->address, &inet) == 1 && inet.s_addr == 0;
}

static int parse_path(const char *path, struct connect_listen *ret, struct err *err)
{
	if (*path == '\0' || strlen(path) > CONNECT_PATH_MAX)
		return err_set(err, ERR_INVALID, "path '%.120s' is empty or longer than %d bytes", path,
			       CONNECT_PATH_MAX);
	(void)snprintf(ret->path, sizeof(ret->path), "%s", path);
	return 0;
}

/* A port behind the last colon; 0 is allowed and means any. */
static int parse_port(const char *text, uint16_t *ret, struct err *err)
{
	uint64_t port;

	if (number_parse_u64(text, 0, UINT16_MAX, &port, err) < 0)
		return err_prefix(err, "port");
	*ret = (uint16_t)port;
	return 0;
}

static int parse_address(const char *text, struct connect_listen *ret, struct err *err)
{
	const char *colon = strrchr(text, ':');
	const char *first = text;
	size_t size = colon ? (size_t)(colon - text) : 0;

	if (!colon || size >= sizeof(ret->address))
		return err_set(err, ERR_INVALID, "'%.120s' is not ADDRESS:PORT or unix:PATH", text);
	if (size >= 2 && text[0] == '[' && text[size - 1] == ']') {
		first++;
		size -= 2;
	}
	(void)snprintf(ret->address, sizeof(ret->address), "%.*s", (int)size, first);
	if (strcasecmp(ret->address, "localhost") == 0)
		(void)snprintf(ret->address, sizeof(ret->address), "%s", LOOPBACK);
	if (!host_is_address(ret->address))
		return err_set(err, ERR_INVALID, "'%.120s' has no numeric address", text);
	return parse_port(colon + 1, &ret->port, err);
}

static bool is_number(const char *text)
{
	return *text && text[strspn(text, "0123456789")] == '\0';
}

int connect_listen_parse(const char *text, const char *expose, struct connect_listen *ret, struct err *err)
{
	int status;

	*ret = (struct connect_listen){.address = LOOPBACK};
	if (strncmp(text, UNIX_PREFIX, strlen(UNIX_PREFIX)) == 0) {
		*ret->address = '\0';
		status = parse_path(text + strlen(UNIX_PREFIX), ret, err);
	} else if (is_number(text)) {
		status = parse_port(text, &ret->port, err);
	} else {
		status = parse_address(text, ret, err);
	}
	if (status < 0)
		return -1;
	ret->is_open = *ret->address && !is_loopback(ret);
	if (ret->is_open && !expose)
		return err_set(err, ERR_DENIED,
			       "'%s' is not the loopback: whoever reaches it would use the attested connection "
			       "without any check. If that is meant, --expose NAME says under which name",
			       text);
	if (expose && !ret->is_open)
		return err_set(err, ERR_INVALID, "--expose goes with an address that is not the loopback");
	return 0;
}

/* ---- opening ---- */

static socklen_t make_address(const struct connect_listen *where, union any_address *ret)
{
	memset(ret, 0, sizeof(*ret));
	if (*where->path) {
		ret->local.sun_family = AF_UNIX;
		memcpy(ret->local.sun_path, where->path, strlen(where->path));
		return sizeof(ret->local);
	}
	if (is_ipv6(where)) {
		ret->inet6.sin6_family = AF_INET6;
		ret->inet6.sin6_port = htons(where->port);
		(void)inet_pton(AF_INET6, where->address, &ret->inet6.sin6_addr);
		return sizeof(ret->inet6);
	}
	ret->inet.sin_family = AF_INET;
	ret->inet.sin_port = htons(where->port);
	(void)inet_pton(AF_INET, where->address, &ret->inet.sin_addr);
	return sizeof(ret->inet);
}

/* A socket file that nobody listens on is of a run that was killed. */
static int remove_stale(const struct connect_listen *where, const union any_address *address, socklen_t size,
			struct err *err)
{
	struct stat found;

	if (lstat(where->path, &found) < 0)
		return errno == ENOENT ? 0 : err_set_errno(err, "cannot look at '%s'", where->path);
	if (!S_ISSOCK(found.st_mode))
		return err_set(err, ERR_CONFLICT, "'%s' is there and is no socket", where->path);
	scoped(fd_closep) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return err_set_errno(err, "cannot make a socket");
	if (connect(fd, &address->any, size) == 0)
		return err_set(err, ERR_CONFLICT, "somebody listens on '%s' already", where->path);
	if (unlink(where->path) < 0 && errno != ENOENT)
		return err_set_errno(err, "cannot remove '%s'", where->path);
	return 0;
}

static int bind_and_listen(struct connect_listen *where, int *ret_fd, struct err *err)
{
	union any_address address;
	socklen_t size = make_address(where, &address);
	const int on = 1;

	scoped(fd_closep) int fd = socket(address.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return err_set_errno(err, "cannot make a socket");
	if (*where->path && remove_stale(where, &address, size, err) < 0)
		return -1;
	if (!*where->path)
		(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (*where->path)
		(void)fchmod(fd, S_IRUSR | S_IWUSR); /* from the first moment on; bind applies it */
	if (bind(fd, &address.any, size) < 0 || (*where->path && chmod(where->path, S_IRUSR | S_IWUSR) < 0) ||
	    listen(fd, BACKLOG) < 0)
		return err_set_errno(err, "cannot listen on '%s'", *where->path ? where->path : where->address);
	if (!*where->path && getsockname(fd, &address.any, &size) < 0)
		return err_set_errno(err, "cannot read the port");
	if (!*where->path)
		where->port = ntohs(is_ipv6(where) ? address.inet6.sin6_port : address.inet.sin_port);
	*ret_fd = TAKE_FD(fd);
	return 0;
}

static void add_name(struct connect_site *site, const char *host, uint16_t port)
{
	const char *open = strchr(host, ':') ? "[" : "", *close = *open ? "]" : "";

	(void)snprintf(site->names[site->name_count++], CONNECT_NAME_SIZE, "%s%.*s%s:%u", open, URI_HOST_MAX, host,
		       close, port);
}

int connect_listen_open(struct connect_listen *where, const char *expose, struct connect_site *site, int *ret_fd,
			struct err *err)
{
	struct hostport named;

	if (expose && hostport_parse(expose, 0, &named, err) < 0)
		return err_prefix(err, "--expose");
	if (bind_and_listen(where, ret_fd, err) < 0)
		return -1;
	site->name_count = 0;
	if (*where->path)
		return 0;
	/* A browser takes "0.0.0.0" for this machine, from any page: it is nobody's Host. */
	if (is_wildcard(where))
		add_name(site, is_ipv6(where) ? "::1" : LOOPBACK, where->port);
	else
		add_name(site, where->address, where->port);
	if (!where->is_open || is_wildcard(where))
		add_name(site, "localhost", where->port);
	if (expose)
		add_name(site, named.host, named.has_port ? named.port : where->port);
	return 0;
}

void connect_listen_close(const struct connect_listen *where, int fd)
{
	if (fd >= 0 && *where->path)
		(void)unlink(where->path);
	fd_close(fd);
}

int connect_listen_text(const struct connect_listen *where, struct buf *ret, struct err *err)
{
	if (*where->path)
		return buf_addf(ret, err, "%s%s", UNIX_PREFIX, where->path);
	return buf_addf(ret, err, is_ipv6(where) ? "[%s]:%u" : "%s:%u", where->address, where->port);
}
