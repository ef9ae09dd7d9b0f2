/* SPDX-License-Identifier: Apache-2.0 */
/* Apps: lists, one, stop, events. Forms as the original's client reads them (mission A1, A2). */
#include "cloud/route_app.h"

#include <stdio.h>
#include <string.h>

#include "cloud/notifier.h"
#include "cloud/reconciler.h"
#include "cloud/route_list.h"
#include "cloud/routes.h"
#include "cloud/take_over.h"
#include "store/store_project.h"

#define STATUS_LIST_MAX 128

static json_t *text_or_null(const char *text)
{
	return *text ? json_string(text) : json_null();
}

static json_t *partial_json(const struct app *app)
{
	return json_pack("{s:s, s:s, s:s, s:s, s:o, s:o, s:o, s:o, s:s, s:s, s:o, s:o}", "id", app->id, "name",
			 app->name, "domain_name", app->domain_name, "project_id", app->project_id, "created_at",
			 api_json_time(app->created_at), "ready_at", api_json_time(app->ready_at), "stopped_at",
			 api_json_time(app->stopped_at), "expires_at", api_json_time(app->expires_at), "status",
			 app_state_text(app->state), "hardware_name", app->hardware_name, "replaces",
			 text_or_null(app->replaces), "replaced_by", text_or_null(app->replaced_by));
}

json_t *app_json(const struct cloud *cloud, const struct app *app)
{
	json_t *value = partial_json(app);
	json_t *more = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:s, s:s}", "owner_id",
				 app->owner_id, "config_domain_name", app->config_domain_name, "docker", app->docker,
				 "ssl_certificate_origin", app_tls_text(app->tls), "python_application",
				 app->python_application, "healthcheck_endpoint", app->healthcheck_endpoint,
				 "fingerprint", app->fingerprint, "instance", app->instance, "reason", app->reason,
				 "port", (json_int_t)cloud->config.public_port, "memory", (json_int_t)app->memory_mib,
				 "cores", (json_int_t)app->cores, "egress", app->egress, "logs", app->logs);

	if (!value || !more || json_object_update(value, more) < 0) {
		json_decref(value);
		value = NULL;
	}
	json_decref(more);
	return value;
}

int app_of_request(const struct request *request, struct app *ret, struct err *err)
{
	const char *id = request->params[0];
	const int found = uuid_is_valid(id) ? store_app_find(request->cloud->store, id, ret, err) : 0;

	if (found < 0)
		return -1;
	/* Somebody else's app is as absent as one that never was. */
	if (found == 0 || strcmp(ret->owner_id, request->user.id) != 0)
		return err_set(err, ERR_NOT_FOUND, "Cannot find the app with id %s", id);
	return 0;
}

static int parse_statuses(const char *text, unsigned *ret, struct err *err)
{
	char word[APP_MODE_SIZE];
	unsigned states = 0;

	while (*text) {
		const size_t size = strcspn(text, ",");
		enum app_state state;

		if (size >= sizeof(word))
			return err_set(err, ERR_INVALID, "'status' has a word that is no status of an app");
		memcpy(word, text, size);
		word[size] = 0;
		if (app_state_parse(word, &state, err) < 0)
			return -1;
		states |= 1U << state;
		text += size + (text[size] == ',');
	}
	*ret = states;
	return 0;
}

static int add_partial(const struct app *app, void *arg, struct err *err)
{
	return json_array_append_new(arg, partial_json(app)) < 0 ? err_no_memory(err) : 0;
}

int route_apps(struct request *request, struct err *err)
{
	scoped(buf_done) struct buf status = BUF_INIT(0);
	scoped(buf_done) struct buf project = BUF_INIT(0);
	scoped(buf_done) struct buf name = BUF_INIT(0);
	scoped(json_decrefp) json_t *list = json_array();
	struct store_app_filter filter = {.owner_id = request->user.id};
	struct store_page page;

	if (!list)
		return err_no_memory(err);
	if (api_query(request, "status", STATUS_LIST_MAX, &status, err) < 0 ||
	    api_query(request, "project", UUID_TEXT_SIZE, &project, err) < 0 ||
	    api_query(request, "name", APP_NAME_SIZE - 1, &name, err) < 0 ||
	    parse_statuses(buf_text(&status), &filter.states, err) < 0 || route_page(request, &page, err) < 0)
		return -1;
	filter.project_id = project.size ? buf_text(&project) : NULL;
	filter.name = name.size ? buf_text(&name) : NULL;
	if (store_app_each(request->cloud->store, &filter, &page, add_partial, list, err) < 0)
		return -1;
	return api_reply_json(request, 200, list, err);
}

int route_apps_default(struct request *request, struct err *err)
{
	const struct images *images = request->cloud->images;
	scoped(json_decrefp) json_t *value = NULL;
	const char *docker = images->count > 0 ? images->items[0].name : "";

	for (size_t i = 0; i < images->count; i++)
		if (strncmp(images->items[i].name, "mse-flask:", 10) == 0)
			docker = images->items[i].name;
	if (api_json(json_pack("{s:s, s:s, s:s}", "project", PROJECT_DEFAULT_NAME, "docker", docker, "hardware",
			       HARDWARE_FREE_NAME),
		     &value, err) < 0)
		return -1;
	return api_reply_json(request, 200, value, err);
}

static int reply_app(struct request *request, const struct app *app, struct err *err)
{
	scoped(json_decrefp) json_t *value = NULL;

	if (api_json(app_json(request->cloud, app), &value, err) < 0)
		return -1;
	return api_reply_json(request, 200, value, err);
}

int route_app(struct request *request, struct err *err)
{
	struct app app;

	return app_of_request(request, &app, err) < 0 ? -1 : reply_app(request, &app, err);
}

int route_app_stop(struct request *request, struct err *err)
{
	struct app app;
	bool noted = false;
	int found;

	if (app_of_request(request, &app, err) < 0 ||
	    store_app_want_stop(request->cloud->store, app.id, "stopped by its owner", &noted, err) < 0)
		return -1;
	reconciler_wake(request->cloud->reconciler, app.id);
	found = store_app_find(request->cloud->store, app.id, &app, err);
	return found < 0 ? -1 : reply_app(request, &app, err);
}

int route_app_take_over(struct request *request, struct err *err)
{
	struct app app;
	int found;

	if (app_of_request(request, &app, err) < 0 || take_over(request->cloud, app.id, err) < 0)
		return -1;
	found = store_app_find(request->cloud->store, app.id, &app, err);
	return found < 0 ? -1 : reply_app(request, &app, err);
}

int route_app_events(struct request *request, struct err *err)
{
	scoped(json_decrefp) json_t *value = NULL;
	int64_t after, wait;
	size_t count = 0;
	struct app app;

	if (app_of_request(request, &app, err) < 0 ||
	    api_query_int(request, "after", 0, INT64_MAX, 0, &after, err) < 0 ||
	    api_query_int(request, "wait", 0, NOTIFIER_WAIT_SECONDS_MAX, 0, &wait, err) < 0 ||
	    notifier_events(request->cloud, app.id, after, &value, &count, err) < 0)
		return -1;
	if (count > 0 || wait == 0)
		return api_reply_json(request, 200, value, err);
	if (notifier_wait(request->cloud->notifier, request->exchange, app.id, after, (int)wait, err) < 0)
		return -1;
	return API_DEFERRED;
}
