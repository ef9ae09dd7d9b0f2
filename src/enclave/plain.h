/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The plain server: the runtime's HTTP engine and Python protocols as an ordinary application server, without a TEE,
 * provisioning or any of the enclave's own (docs/plain-server.md). Beside main.c, since it is a program of its own.
 */
#ifndef MSE_ENCLAVE_PLAIN_H
#define MSE_ENCLAVE_PLAIN_H

#include "enclave/exit_code.h"
#include "enclave/plain_options.h"

/* argv: what follows "--plain". */
enum exit_code plain_run(char *const *argv);

/* mse-test: argv is what follows the name (plain_test.c). */
enum exit_code plain_test_run(char *const *argv);

/* What a server listens on, and its file if it has one. */
struct plain_socket {
	int fd;
	char *path; /* absolute; NULL: none, or a worker's, whose parent has it */
	struct http_socket_file file;
};

/* Removes the file while the socket still listens: whoever starts at the same path meanwhile is refused, or comes
 * behind.
 */
void plain_socket_leave(struct plain_socket *listening);

/* The parent of several workers, or of one that is started anew when files change (plain_workers.c). */
enum exit_code plain_workers_run(const struct plain_options *options, char *const *argv,
				 struct plain_socket *listening);

/* "mse-enclave: NAME: TEXT" to stderr; returns code. */
enum exit_code plain_fail(enum exit_code code, const struct err *err);

#endif
