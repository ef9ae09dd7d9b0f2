/* SPDX-License-Identifier: Apache-2.0 */
/* The addresses of both ends of a connection. */
#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>

#include "net/http_priv.h"

static uint16_t port_of(const struct sockaddr_storage *address)
{
	if (address->ss_family == AF_INET)
		return ntohs(((const struct sockaddr_in *)address)->sin_port);
	return ntohs(((const struct sockaddr_in6 *)address)->sin6_port);
}

static void text_of(const struct sockaddr_storage *address, char ret[static INET6_ADDRSTRLEN])
{
	const void *bytes = &((const struct sockaddr_in6 *)address)->sin6_addr;

	if (address->ss_family == AF_INET)
		bytes = &((const struct sockaddr_in *)address)->sin_addr;
	(void)inet_ntop(address->ss_family, bytes, ret, INET6_ADDRSTRLEN);
}

/* A socket for both families, as another process may have opened it, has IPv4 clients as ::ffff:a.b.c.d. */
static void unmap(struct sockaddr_storage *address)
{
	const struct sockaddr_in6 from = *(const struct sockaddr_in6 *)address;
	struct sockaddr_in *to = (struct sockaddr_in *)address;

	if (from.sin6_family != AF_INET6 || !IN6_IS_ADDR_V4MAPPED(&from.sin6_addr))
		return;
	to->sin_family = AF_INET;
	to->sin_port = from.sin6_port;
	memcpy(&to->sin_addr, &from.sin6_addr.s6_addr[12], sizeof(to->sin_addr));
}

void http_conn_find_peer(struct http_conn *conn)
{
	struct sockaddr_storage source = {0};
	struct sockaddr_storage destination = {0};
	socklen_t source_size = sizeof(source);
	socklen_t destination_size = sizeof(destination);

	if (conn->listener->unix_path) {
		conn->peer.family = PROXY_V2_UNIX;
		return;
	}
	if (getpeername(conn->fd, (struct sockaddr *)&source, &source_size) < 0 ||
	    getsockname(conn->fd, (struct sockaddr *)&destination, &destination_size) < 0)
		return;
	if (source.ss_family == AF_UNIX) {
		conn->peer.family = PROXY_V2_UNIX;
		return;
	}
	unmap(&source);
	unmap(&destination);
	conn->peer.family = source.ss_family == AF_INET ? PROXY_V2_INET : PROXY_V2_INET6;
	text_of(&source, conn->peer.source);
	text_of(&destination, conn->peer.destination);
	conn->peer.source_port = port_of(&source);
	conn->peer.destination_port = port_of(&destination);
}
