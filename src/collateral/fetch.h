/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One GET with patience: what may pass (no connection, a cut answer, 408, 429, 5xx) is tried again after a pause that
 * doubles, or that the server asks for (Retry-After), until the time is up. Redirects are not followed.
 */
#ifndef MSE_COLLATERAL_FETCH_H
#define MSE_COLLATERAL_FETCH_H

#include <stdint.h>

#include "net/curl_client.h"

#define COLLATERAL_TRIES_MAX 6
#define COLLATERAL_TRIES_ABSENT 3 /* when nobody can be reached at all */

struct collateral_patience {
	int64_t deadline_ns; /* monotonic; no try begins after it, and none lasts longer */
	int delay_ms;        /* the first pause */
	unsigned tries_max;
	bool (*keep_going)(void *arg); /* NULL: always; asked some times a second */
	void *arg;
};

/* What the server said last; status 0: nothing (nobody there, a cut answer …). */
struct collateral_refusal {
	int status;
	int64_t retry_after; /* seconds; -1: it did not say */
};

#define COLLATERAL_REFUSAL_INIT ((struct collateral_refusal){.retry_after = -1})

/* What a status means: 0 for 200, else -1 with the error of collateral_fetch. */
must_check int collateral_fetch_status(int status, struct err *err);

/*
 * 0: status 200, *ret_response is the answer (the caller's to free in any case). ERR_NOT_FOUND for 404 and 410,
 * ERR_DENIED for 401 and 403, ERR_CANCELLED, ERR_LIMIT; ERR_UNAVAILABLE, ERR_TIMEOUT or ERR_IO when patience ended;
 * ERR_UNTRUSTED for a certificate that does not fit. *ret_refusal: set after a failure too.
 */
must_check int collateral_fetch(struct curl_client *client, const char *url, size_t size_max,
				const struct collateral_patience *patience, struct curl_response *ret_response,
				struct collateral_refusal *ret_refusal, struct err *err);

#endif
