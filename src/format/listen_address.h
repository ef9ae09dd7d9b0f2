/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a server listens: "HOST:PORT" or "unix:PATH". HOST is a numeric address, IPv6 in brackets, or "localhost"
 * (127.0.0.1): no name is ever resolved. Port 0 leaves the choice to the system. Pure.
 */
#ifndef MSE_FORMAT_LISTEN_ADDRESS_H
#define MSE_FORMAT_LISTEN_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define LISTEN_HOST_SIZE 46 /* INET6_ADDRSTRLEN */
#define LISTEN_PATH_MAX 107 /* what sun_path holds with its zero byte */
#define LISTEN_TEXT_SIZE (LISTEN_PATH_MAX + 16)

struct listen_address {
	bool is_unix;
	bool is_ipv6;
	char path[LISTEN_PATH_MAX + 1]; /* unix */
	char host[LISTEN_HOST_SIZE];    /* else: without brackets */
	uint16_t port;
};

/* ERR_INVALID or ERR_LIMIT, saying what was wanted. */
must_check int listen_address_parse(const char *text, struct listen_address *ret, struct err *err);

/* The text again, with this port (as the system chose it). */
void listen_address_format(const struct listen_address *address, uint16_t port, char ret[static LISTEN_TEXT_SIZE]);

#endif
