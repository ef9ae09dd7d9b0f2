/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Those who wait for news of an app (GET /apps/{id}/events?wait=N). A waiting request costs no thread: its exchange
 * is deferred, and one thread of the notifier completes it when something changed or its time is over.
 */
#ifndef MSE_CLOUD_NOTIFIER_H
#define MSE_CLOUD_NOTIFIER_H

#include "cloud/api.h"

#define NOTIFIER_WAITERS_MAX 4096
#define NOTIFIER_WAIT_SECONDS_MAX 30

must_check int notifier_start(struct cloud *cloud, struct notifier **ret, struct err *err);
/* Completes every waiter with what there is, which may be nothing; from then on nobody can wait. NULL is fine. */
void notifier_close(struct notifier *notifier);
void notifier_free(struct notifier *notifier); /* closes first */

/* Something about some app changed. Any thread. NULL is fine. */
void notifier_wake(struct notifier *notifier);

/* Takes the exchange over; ERR_UNAVAILABLE above NOTIFIER_WAITERS_MAX (then it is still the caller's). */
must_check int notifier_wait(struct notifier *notifier, struct http_exchange *exchange, const char *app_id,
			     int64_t after, int wait_seconds, struct err *err);

/* {"events": [{"number","from","status","reason","at"}…], "last": number}; events are those above after. */
must_check int notifier_events(struct cloud *cloud, const char *app_id, int64_t after, json_t **ret, size_t *ret_count,
			       struct err *err);

#endif
