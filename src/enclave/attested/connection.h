/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the runtime remembers of one connection (the slot of net/http_server.h): its attestation requests. Counted: a
 * leaf that waits for its quote holds it too.
 */
#ifndef MSE_ENCLAVE_CONNECTION_H
#define MSE_ENCLAVE_CONNECTION_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "net/http_server.h"

#define CONNECTION_RATE_MAX 12 /* attestation requests in a minute */

struct connection {
	atomic_int refs;
	atomic_bool is_queued;                 /* an attestation request of it is under way (attestation.c) */
	int64_t times_ns[CONNECTION_RATE_MAX]; /* of the last attestation requests, a ring; of who set is_queued */
	size_t next;
};

/* The connection's, made at its first need; NULL without memory. Valid while the exchange is. */
struct connection *connection_of(struct http_exchange *exchange);

void connection_ref(struct connection *connection);
void connection_unref(void *connection);

/* Counts an attestation request; false if it is one too many. */
bool connection_rate_take(struct connection *connection, int64_t now_ns);

#endif
