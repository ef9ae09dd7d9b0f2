/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A deployment that takes name and domain over from a running one (docs/decisions/0010-renewal.md). The store decides
 * whose they are, in one transaction; the proxy follows. The one that was replaced is stopped when its connections
 * have ended, or when the drain limit of msed.toml is over, and never before the proxy leads to the new one.
 */
#ifndef MSE_CLOUD_TAKE_OVER_H
#define MSE_CLOUD_TAKE_OVER_H

#include "cloud/cloud.h"
#include "domain/app.h"

#define TAKE_OVER_WAIT_SECONDS 600 /* a running app whose owner does not let it take over */
#define TAKE_OVER_START_SECONDS 86400

/*
 * app_id must be running. What has taken over already is left alone: asking twice is fine. A proxy that does not
 * answer is no failure: the reconciler tells it later.
 */
must_check int take_over(struct cloud *cloud, const char *app_id, struct err *err);

/* Why an app that is to replace another is given up; NULL: it may go on. */
const char *take_over_lateness(const struct cloud *cloud, const struct app *app);

/* One step for an app that was replaced: 1 it may be stopped, 0 later. */
must_check int take_over_drain(struct cloud *cloud, const struct app *app, struct err *err);

#endif
