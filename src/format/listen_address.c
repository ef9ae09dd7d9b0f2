/* SPDX-License-Identifier: Apache-2.0 */
#include "format/listen_address.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "base/number.h"

#define UNIX_PREFIX "unix:"
#define PORT_MAX 65535
#define PORT_DIGITS_MAX 5

static int parse_unix(const char *path, struct listen_address *ret, struct err *err)
{
	if (!*path)
		return err_set(err, ERR_INVALID, "'unix:' without a path");
	if (strlen(path) > LISTEN_PATH_MAX)
		return err_set(err, ERR_LIMIT, "a socket's path of more than %d bytes", LISTEN_PATH_MAX);
	ret->is_unix = true;
	memcpy(ret->path, path, strlen(path) + 1);
	return 0;
}

/* HOST as it stands, without brackets, in host[0..size). */
static int set_host(const char *host, size_t size, bool in_brackets, struct listen_address *ret, struct err *err)
{
	uint8_t ignored[sizeof(struct in6_addr)];

	if (size == 0)
		return err_set(err, ERR_INVALID, "no address: 127.0.0.1 is this machine alone, 0.0.0.0 all of its");
	if (size >= LISTEN_HOST_SIZE)
		return err_set(err, ERR_INVALID, "'%.*s' is not an address", (int)(size < 64 ? size : 64), host);
	memcpy(ret->host, host, size);
	ret->host[size] = 0;
	ret->is_ipv6 = in_brackets;
	if (!in_brackets && strcmp(ret->host, "localhost") == 0)
		memcpy(ret->host, "127.0.0.1", sizeof("127.0.0.1"));
	if (inet_pton(in_brackets ? AF_INET6 : AF_INET, ret->host, ignored) == 1)
		return 0;
	return err_set(err, ERR_INVALID, "'%s' is not an %s address", ret->host,
		       in_brackets ? "IPv6" : "IPv4 (IPv6 goes in brackets)");
}

static int parse_port(const char *text, struct listen_address *ret, struct err *err)
{
	uint64_t port;

	if (strlen(text) > PORT_DIGITS_MAX || number_parse_u64(text, 0, PORT_MAX, &port, err) < 0)
		return err_set(err, ERR_INVALID, "'%.16s' is not a port (0 to %d)", text, PORT_MAX);
	ret->port = (uint16_t)port;
	return 0;
}

int listen_address_parse(const char *text, struct listen_address *ret, struct err *err)
{
	const bool in_brackets = *text == '[';
	const char *host = in_brackets ? text + 1 : text;
	const size_t size = strcspn(host, in_brackets ? "]" : ":");
	const char *rest = host + size;

	*ret = (struct listen_address){0};
	if (strncmp(text, UNIX_PREFIX, strlen(UNIX_PREFIX)) == 0)
		return parse_unix(text + strlen(UNIX_PREFIX), ret, err);
	if (in_brackets && *rest++ != ']')
		return err_set(err, ERR_INVALID, "'%.64s': no ']'", text);
	if (*rest != ':')
		return err_set(err, ERR_INVALID, "'%.64s', expected 'HOST:PORT' or 'unix:PATH'", text);
	if (!in_brackets && strchr(rest + 1, ':'))
		return err_set(err, ERR_INVALID, "'%.64s': an IPv6 address goes in brackets, as in '[::1]:8000'", text);
	if (set_host(host, size, in_brackets, ret, err) < 0)
		return -1;
	return parse_port(rest + 1, ret, err);
}

void listen_address_format(const struct listen_address *address, uint16_t port, char ret[static LISTEN_TEXT_SIZE])
{
	if (address->is_unix)
		(void)snprintf(ret, LISTEN_TEXT_SIZE, UNIX_PREFIX "%s", address->path);
	else if (address->is_ipv6)
		(void)snprintf(ret, LISTEN_TEXT_SIZE, "[%s]:%u", address->host, port);
	else
		(void)snprintf(ret, LISTEN_TEXT_SIZE, "%s:%u", address->host, port);
}
