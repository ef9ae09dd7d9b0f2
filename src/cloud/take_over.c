/* SPDX-License-Identifier: Apache-2.0 */
#include "cloud/take_over.h"

#include "base/log.h"
#include "cloud/edge.h"
#include "cloud/reconciler.h"
#include "store/store_app.h"

#define SETTLE_SECONDS 2 /* what haproxy sent to the old one at the last moment has been accepted by then */

/* The one that it replaces goes on whatever happens here, and the reconciler repeats it. */
static void switch_domain(struct cloud *cloud, const struct app *app)
{
	struct err err = ERR_INIT;

	fault_point("take-over-switch:before");
	if (edge_set(cloud, app->id, &err) < 0)
		log_event(LOG_WARNING, "take_over_proxy", "app", app->id, "error", err_code_text(err.code), "message",
			  err.text, NULL);
	fault_point("take-over-switch:after");
}

int take_over(struct cloud *cloud, const char *app_id, struct err *err)
{
	struct app app;

	if (store_app_take_over(cloud->store, app_id, cloud_now(cloud), &app, err) < 0)
		return -1;
	if (!*app.replaces)
		return 0;
	log_event(LOG_INFO, "app_took_over", "app", app.id, "name", app.name, "domain", app.domain_name, "replaced",
		  app.replaces, NULL);
	switch_domain(cloud, &app);
	reconciler_wake(cloud->reconciler, app.replaces);
	return 0;
}

const char *take_over_lateness(const struct cloud *cloud, const struct app *app)
{
	const int64_t now = cloud_now(cloud);

	if (!*app->replaces)
		return NULL;
	if (now - app->created_at > TAKE_OVER_START_SECONDS)
		return "it did not take over within a day";
	if (app->state == APP_RUNNING && now - app->ready_at > TAKE_OVER_WAIT_SECONDS)
		return "its owner did not let it take over within 10 minutes";
	return NULL;
}

/* Connections that a reload of haproxy left with its former worker are not seen: they have what the stop gives them. */
static int has_connections(struct cloud *cloud, const struct app *app, struct err *err)
{
	struct edge_stats stats = {0};

	if (edge_stats(cloud, app, &stats, err) < 0)
		return -1;
	return stats.connections > 0;
}

int take_over_drain(struct cloud *cloud, const struct app *app, struct err *err)
{
	const int64_t age = cloud_now(cloud) - app->replaced_at;
	int busy;

	if (age < SETTLE_SECONDS)
		return 0;
	if (edge_set(cloud, app->replaced_by, err) < 0)
		return -1;
	if (age >= cloud->config.drain_seconds)
		return 1;
	busy = has_connections(cloud, app, err);
	return busy < 0 ? -1 : !busy;
}
