/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sockets that the plain server listens on: its own, those that the starting process hands over (--bind fd:N, or
 * LISTEN_FDS of systemd), or a worker's, from its parent.
 */
#ifndef MSE_ENCLAVE_PLAIN_LISTEN_H
#define MSE_ENCLAVE_PLAIN_LISTEN_H

#include "enclave/plain/plain_options.h"

#define PLAIN_HOST_SIZE INET6_ADDRSTRLEN

struct plain_socket {
	int fd;
	char *path; /* of its file, absolute; NULL: none, or somebody else's */
	struct http_socket_file file;
};

struct plain_sockets {
	size_t count;
	struct plain_socket items[PLAIN_BINDS_MAX];
};

/*
 * Listens, and says where. ERR_INVALID: LISTEN_FDS contradicts the options; other errors: it cannot listen. The
 * variables of systemd are gone from the environment afterwards.
 */
must_check int plain_listen(const struct plain_options *options, struct plain_sockets *ret, struct err *err);

/* A worker's: those that its parent holds. */
must_check int plain_listen_worker(const struct plain_options *options, struct plain_sockets *ret, struct err *err);

/* The address of the first that has one; "localhost" for unix sockets alone. */
void plain_sockets_host(const struct plain_sockets *sockets, char ret[static PLAIN_HOST_SIZE]);

/* Removes the files while the sockets still listen: whoever starts at the same path meanwhile is refused, or comes
 * behind.
 */
void plain_sockets_leave(struct plain_sockets *sockets);

#endif
