/* SPDX-License-Identifier: Apache-2.0 */
#include "enclave/attested/connection.h"

#include <stdlib.h>

#define RATE_WINDOW_NS (60 * 1000000000LL)

void connection_ref(struct connection *connection)
{
	(void)atomic_fetch_add(&connection->refs, 1);
}

void connection_unref(void *arg)
{
	struct connection *connection = arg;

	if (atomic_fetch_sub(&connection->refs, 1) == 1)
		free(connection);
}

struct connection *connection_of(struct http_exchange *exchange)
{
	struct connection *connection = http_slot(exchange);

	if (connection)
		return connection;
	connection = calloc(1, sizeof(*connection));
	if (!connection)
		return NULL;
	atomic_init(&connection->refs, 1);
	/* Another request of the same connection (HTTP/2) may have been quicker. */
	return http_fill_slot(exchange, connection, connection_unref);
}

bool connection_rate_take(struct connection *connection, int64_t now_ns)
{
	int64_t *oldest = &connection->times_ns[connection->next];

	if (*oldest != 0 && now_ns - *oldest < RATE_WINDOW_NS)
		return false;
	*oldest = now_ns;
	connection->next = (connection->next + 1) % CONNECTION_RATE_MAX;
	return true;
}
