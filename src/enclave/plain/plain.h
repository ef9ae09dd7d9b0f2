/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The plain server: the runtime's HTTP engine and Python protocols as an ordinary application server, without a TEE,
 * provisioning or any of the enclave's own (docs/plain-server.md).
 */
#ifndef MSE_ENCLAVE_PLAIN_H
#define MSE_ENCLAVE_PLAIN_H

#include "enclave/plain/plain_listen.h"
#include "enclave/plain/plain_options.h"
#include "enclave/process/exit_code.h"

/* argv: what follows "--plain". */
enum exit_code plain_run(char *const *argv);

/* mse-test: argv is what follows the name (plain_test.c). */
enum exit_code plain_test_run(char *const *argv);

/* The parent of several workers, or of one that is started anew when files change (plain_workers.c). */
enum exit_code plain_workers_run(const struct plain_options *options, char *const *argv,
				 struct plain_sockets *listening);

/* What a worker writes to its parent, at --worker-ready-fd. */
#define PLAIN_WORKER_SERVES 'R'
#define PLAIN_WORKER_LEAVES 'L' /* by itself: others shall take its place */

/* "mse-serve: NAME: TEXT" to stderr, without "NAME: " for a mistake of whoever started it; returns code. */
enum exit_code plain_fail(enum exit_code code, const struct err *err);

#endif
