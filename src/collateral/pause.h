/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Services that asked to be left alone, or said that they have no such thing: until when they are not asked again, by
 * any process that shares the cache (without a cache: by this client). A 404 is of one item; 429 and 5xx are of the
 * service.
 */
#ifndef MSE_COLLATERAL_PAUSE_H
#define MSE_COLLATERAL_PAUSE_H

#include "collateral/cache.h"

#define COLLATERAL_PAUSE_SECONDS 10       /* the first; doubled with each that follows */
#define COLLATERAL_PAUSE_SECONDS_MAX 3600 /* also of what a server asks for (Retry-After) */
#define COLLATERAL_PAUSE_GROWN_MAX 600    /* of what we double ourselves */
#define COLLATERAL_PAUSE_ABSENT 60        /* an item that is not there may be soon */
#define COLLATERAL_PAUSE_UNPROVEN_MAX 60  /* of whatever may have come from anybody on the way */

struct collateral_pause {
	int status; /* of HTTP: why */
	unsigned failures;
	int64_t since; /* Unix seconds */
	int64_t until;
};

/* Is it a status of the service, or of the one item? */
bool collateral_pause_is_of_service(int status);

/*
 * The next pause after before (all zero: there was none) and a refusal with this status. retry_after: seconds, or -1.
 * is_authentic: TLS has shown who says so.
 */
struct collateral_pause collateral_pause_after(const struct collateral_pause *before, int status, int64_t retry_after,
					       bool is_authentic, int64_t now);

/* Does it hold now? A pause that a wrong clock made does not. */
bool collateral_pause_holds(const struct collateral_pause *pause, int64_t now);

/* In the cache; name: of the item or the service. */
bool collateral_pause_find(const struct collateral_cache *cache, const char *name, struct collateral_pause *ret);
void collateral_pause_put(const struct collateral_cache *cache, const char *name, const struct collateral_pause *pause);
void collateral_pause_drop(const struct collateral_cache *cache, const char *name);

#endif
