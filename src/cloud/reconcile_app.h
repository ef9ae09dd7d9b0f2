/* SPDX-License-Identifier: Apache-2.0 */
/* One step for one app: what is to be done now, and when to look again. */
#ifndef MSE_CLOUD_RECONCILE_APP_H
#define MSE_CLOUD_RECONCILE_APP_H

#include "cloud/cloud.h"
#include "domain/app.h"

#define RECONCILE_DONE (-1) /* nothing more for this app */

/* Milliseconds until the next step, or RECONCILE_DONE. Failures are logged and tried again. */
int reconcile_app(struct cloud *cloud, const char *app_id);

/* Ends it in the engine and takes its names from the proxy, with fault points around the calls. */
must_check int reconcile_end(struct cloud *cloud, const struct app *app, struct err *err);

/* Moves and tells everybody; ERR_CONFLICT when somebody else was faster. */
must_check int reconcile_move(struct cloud *cloud, const struct app *app, enum app_state next, const char *reason,
			      struct err *err);

#endif
