/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The cloud's use of the proxy: which names of an app lead where. All calls are idempotent and do nothing when there
 * is no proxy (the fake engine of tests).
 */
#ifndef MSE_CLOUD_EDGE_H
#define MSE_CLOUD_EDGE_H

#include "cloud/cloud.h"
#include "domain/app.h"

must_check int edge_open(struct cloud *cloud, struct err *err);
void edge_close(struct cloud *cloud);

/*
 * The names that are the app's by what the store says now; none if it has ended or is to end. Its domain is not while
 * it has yet to take over, nor after having been replaced.
 */
must_check int edge_set(struct cloud *cloud, const char *app_id, struct err *err);
/* Not those that another active app has by now. */
must_check int edge_remove(struct cloud *cloud, const struct app *app, struct err *err);

/* Makes the proxy's entries those of the active apps, and no others. */
must_check int edge_reconcile(struct cloud *cloud, struct err *err);

/* After a renewal of the operator's certificate. */
must_check int edge_reload(struct cloud *cloud, struct err *err);

struct edge_stats {
	double queue_seconds, connect_seconds, response_seconds, total_seconds; /* averages */
	uint64_t connections;
	uint64_t bytes_in, bytes_out;
};

/* 1 found, 0: the proxy has no figures of it. */
must_check int edge_stats(struct cloud *cloud, const struct app *app, struct edge_stats *ret, struct err *err);

/* Ends the proxy itself, for stop-all. */
must_check int edge_shutdown(struct cloud *cloud, struct err *err);

#endif
