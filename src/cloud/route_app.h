/* SPDX-License-Identifier: Apache-2.0 */
/* What the routes of apps share. */
#ifndef MSE_CLOUD_ROUTE_APP_H
#define MSE_CLOUD_ROUTE_APP_H

#include "cloud/api.h"
#include "store/store_app.h"

/* The whole App (A2 and our additions: instance, fingerprint, port, reason, …). NULL: out of memory. */
json_t *app_json(const struct cloud *cloud, const struct app *app);

/* The app that {id} names, if it is the user's. A4's text otherwise. */
must_check int app_of_request(const struct request *request, struct app *ret, struct err *err);

#endif
