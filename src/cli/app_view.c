/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/app_view.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "cli/interrupt.h"
#include "cli/local_zone.h"
#include "domain/context.h"
#include "format/json.h"
#include "format/uri.h"

#define PAGE_SIZE 100
#define PAGES_MAX 1000
#define STOP_TIMEOUT_NS (60 * NS_PER_SECOND)
#define STOP_POLL_MS 50

struct row {
	const char *name;
	size_t offset;
	bool required;
};

#define FIELD(field, required) \
	{ \
#field, offsetof(struct app_view, field), required \
	}

static const struct row rows[] = {
    FIELD(id, true),
    FIELD(name, true),
    FIELD(project_id, false),
    FIELD(domain_name, true),
    FIELD(config_domain_name, false),
    FIELD(docker, false),
    FIELD(status, true),
    FIELD(hardware_name, false),
    FIELD(ssl_certificate_origin, false),
    FIELD(python_application, false),
    FIELD(healthcheck_endpoint, false),
    FIELD(created_at, false),
    FIELD(ready_at, false),
    FIELD(stopped_at, false),
    FIELD(expires_at, false),
    FIELD(reason, false),
    FIELD(replaces, false),
    FIELD(replaced_by, false),
};

int app_view_read(const json_t *app, struct app_view *ret_view, struct err *err)
{
	struct app_view view = {0};

	if (!json_is_object(app))
		return err_set(err, ERR_INVALID, "the cloud's answer is no app");
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		const char **field = (const char **)(void *)((char *)&view + rows[i].offset);

		if (json_is_null(json_object_get(app, rows[i].name)))
			continue;
		if ((rows[i].required ? json_get_text(app, rows[i].name, APP_VIEW_TEXT_MAX, field, err)
				      : json_find_text(app, rows[i].name, APP_VIEW_TEXT_MAX, field, err)) < 0)
			return err_prefix(err, "the cloud's answer");
	}
	if (!view.id || !view.status || !view.name || !view.domain_name)
		return err_set(err, ERR_INVALID, "the cloud's answer is no whole app");
	*ret_view = view;
	return 0;
}

bool app_view_is_final(const struct app_view *view)
{
	return strcmp(view->status, "stopped") == 0 || strcmp(view->status, "on_error") == 0;
}

int64_t app_view_seconds(const char *text)
{
	struct err ignored = ERR_INIT;
	struct date date;

	if (!text || date_parse(text, &date, &ignored) < 0)
		return 0;
	return date_to_unix(&date, 0); /* the API's naive dates are UTC */
}

void app_view_date(const char *text, char ret[static APP_VIEW_DATE_SIZE])
{
	const int64_t seconds = app_view_seconds(text);
	struct date date;

	(void)snprintf(ret, APP_VIEW_DATE_SIZE, "%s", text ? text : "-");
	if (seconds == 0)
		return;
	date = local_date_from_unix(seconds);
	date_format(&date, ret);
}

int app_view_get(struct api *api, const char *uuid, json_t **ret_app, struct app_view *ret_view, struct err *err)
{
	scoped(json_decrefp) json_t *app = NULL;

	if (!context_is_uuid(uuid))
		return err_set(err, ERR_INVALID, "'%.60s' is not a uuid", uuid);
	if (api_get(api, &app, err, "/apps/%s", uuid) < 0 || app_view_read(app, ret_view, err) < 0)
		return -1;
	*ret_app = TAKE_PTR(app);
	return 0;
}

/* A list is an array, or an object that holds it as "items". */
static int append_page(struct api *api, const char *path, int page, json_t *all, size_t *ret_count, struct err *err)
{
	scoped(json_decrefp) json_t *answer = NULL;
	const json_t *items;

	if (api_get(api, &answer, err, "%s&page=%d&per_page=%d", path, page, PAGE_SIZE) < 0)
		return -1;
	items = json_is_array(answer) ? answer : json_object_get(answer, "items");
	if (!json_is_array(items))
		return err_set(err, ERR_INVALID, "the cloud's answer to %s is no list", path);
	*ret_count = json_array_size(items);
	return json_array_extend(all, (json_t *)(uintptr_t)items) < 0 ? err_no_memory(err) : 0;
}

int app_view_list(struct api *api, const char *path, json_t **ret_array, struct err *err)
{
	scoped(json_decrefp) json_t *all = json_array();
	size_t count = PAGE_SIZE;

	for (int page = 1; count == PAGE_SIZE && page <= PAGES_MAX; page++) {
		if (append_page(api, path, page, all, &count, err) < 0)
			return -1;
	}
	*ret_array = TAKE_PTR(all);
	return 0;
}

int app_view_named(struct api *api, const char *project_id, const char *name, json_t **ret_array, struct err *err)
{
	scoped(buf_done) struct buf path = BUF_INIT(URI_TEXT_MAX);
	scoped(json_decrefp) json_t *listed = NULL;
	scoped(json_decrefp) json_t *named = json_array();
	json_t *app;
	size_t i;

	if (buf_addf(&path, err, "/apps?status=spawning,initializing,running&project=%s&name=", project_id) < 0 ||
	    uri_encode(name, strlen(name), &path, err) < 0 || app_view_list(api, buf_text(&path), &listed, err) < 0)
		return -1;
	json_array_foreach (listed, i, app) {
		struct app_view view;

		if (app_view_read(app, &view, err) < 0)
			return -1;
		if (strcmp(view.name, name) == 0 && json_array_append(named, app) < 0)
			return err_no_memory(err);
	}
	*ret_array = TAKE_PTR(named);
	return 0;
}

int app_view_project(struct api *api, const char *name, char **ret_id, struct err *err)
{
	scoped(buf_done) struct buf path = BUF_INIT(URI_TEXT_MAX);
	scoped(json_decrefp) json_t *projects = NULL;
	const json_t *project;
	size_t i;

	if (buf_add_text(&path, "/projects?name=", err) < 0 || uri_encode(name, strlen(name), &path, err) < 0 ||
	    app_view_list(api, buf_text(&path), &projects, err) < 0)
		return -1;
	json_array_foreach (projects, i, project) {
		const char *id = NULL;
		const char *found = NULL;

		if (json_get_text(project, "id", APP_VIEW_TEXT_MAX, &id, err) < 0 ||
		    json_get_text(project, "name", APP_VIEW_TEXT_MAX, &found, err) < 0)
			return err_prefix(err, "the cloud's answer");
		if (strcmp(found, name) != 0)
			continue;
		if (!context_is_uuid(id))
			return err_set(err, ERR_INVALID, "the cloud's answer: project id '%.60s' is not a uuid", id);
		*ret_id = strdup(id);
		return *ret_id ? 0 : err_no_memory(err);
	}
	return err_set(err, ERR_NOT_FOUND, "Project %s does not exist", name);
}

int app_view_stop(struct api *api, const char *uuid, struct err *err)
{
	const int64_t until = clock_monotonic_ns() + STOP_TIMEOUT_NS;
	scoped(freep) char *path = NULL;

	if (!context_is_uuid(uuid))
		return err_set(err, ERR_INVALID, "'%.60s' is not a uuid", uuid);
	if (asprintf(&path, "/apps/%s/stop", uuid) < 0)
		return err_no_memory(err);
	if (api_call(api, &(struct api_request){.method = "POST", .path = path}, NULL, err) < 0)
		return -1;
	while (clock_monotonic_ns() < until) {
		scoped(json_decrefp) json_t *app = NULL;
		struct app_view view;

		if (app_view_get(api, uuid, &app, &view, err) < 0)
			return -1;
		if (app_view_is_final(&view))
			return 0;
		if (interrupt_sleep_ms(STOP_POLL_MS, err) < 0)
			return -1;
	}
	return err_set(err, ERR_TIMEOUT, "app %s has not stopped within 60 s", uuid);
}
