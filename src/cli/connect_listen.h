/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where `mse connect` listens: "ADDRESS:PORT", "localhost:PORT", "PORT", "[::1]:PORT" or "unix:PATH". What is not the
 * loopback lets strangers in: refused unless expose names it.
 */
#ifndef MSE_CLI_CONNECT_LISTEN_H
#define MSE_CLI_CONNECT_LISTEN_H

#include <stdbool.h>

#include "cli/connect_rules.h"

#define CONNECT_PATH_MAX 107 /* of sun_path */

struct connect_listen {
	char address[URI_HOST_MAX + 1]; /* numeric; "" with path */
	uint16_t port;                  /* 0: the system chooses */
	char path[CONNECT_PATH_MAX + 1];
	bool is_open; /* not the loopback: others than this machine get in */
};

/* expose: name by which others ask for us (their Host), or NULL. */
must_check int connect_listen_parse(const char *text, const char *expose, struct connect_listen *ret, struct err *err);

/* Binds and listens; fills port, and the names of site. A stale socket file is replaced, a live one ERR_CONFLICT. */
must_check int connect_listen_open(struct connect_listen *where, const char *expose, struct connect_site *site,
				   int *ret_fd, struct err *err);
void connect_listen_close(const struct connect_listen *where, int fd); /* removes the socket file */

/* "127.0.0.1:8080", "[::1]:8080" or "unix:PATH". */
must_check int connect_listen_text(const struct connect_listen *where, struct buf *ret, struct err *err);

#endif
