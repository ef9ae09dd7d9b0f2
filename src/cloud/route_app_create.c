/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"
#include "cloud/deploy.h"
#include "cloud/notifier.h"
#include "cloud/reconciler.h"
#include "cloud/route_app.h"
#include "cloud/routes.h"

static int create(struct request *request, struct upload *upload, struct app *ret, struct err *err)
{
	if (upload_receive(request, upload, err) < 0)
		return -1;
	return deploy(request->cloud, &request->user, upload, request->now, ret, err);
}

int route_app_create(struct request *request, struct err *err)
{
	scoped(json_decrefp) json_t *value = NULL;
	scoped(upload_done) struct upload upload = {.tar_fd = -1};
	struct app app;

	if (create(request, &upload, &app, err) < 0)
		return -1;
	log_event(LOG_INFO, "app_deployed", "request_id", request->id, "app", app.id, "name", app.name, "domain",
		  app.domain_name, "fingerprint", app.fingerprint, NULL);
	reconciler_wake(request->cloud->reconciler, app.id);
	if (api_json(app_json(request->cloud, &app), &value, err) < 0)
		return -1;
	return api_reply_json(request, 200, value, err);
}
