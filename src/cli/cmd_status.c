/* SPDX-License-Identifier: Apache-2.0 */
/* mse cloud status (C8). */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "cli/app_view.h"
#include "cli/cmd.h"
#include "format/json.h"
#include "format/uri.h"

#define DAY_SECONDS 86400
#define SHORT_SECONDS (2 * DAY_SECONDS) /* below, hours and minutes are told */

static void row(struct out *out, const char *name, const char *value)
{
	out_print(out, "\t%-21s = %s\n", name, value && *value ? value : "-");
}

static void remaining(const char *expires_at, char *ret, size_t size)
{
	const int64_t left = app_view_seconds(expires_at) - clock_now_seconds();

	if (!expires_at)
		(void)snprintf(ret, size, "never");
	else if (left <= 0)
		(void)snprintf(ret, size, "expired");
	else if (left < SHORT_SECONDS)
		(void)snprintf(ret, size, "%lld h %lld m %lld s remaining", (long long)(left / 3600),
			       (long long)(left / 60 % 60), (long long)(left % 60));
	else
		(void)snprintf(ret, size, "%lld days remaining", (long long)(left / DAY_SECONDS));
}

static void print_since(struct out *out, const struct app_view *view)
{
	char date[APP_VIEW_DATE_SIZE];

	if (strcmp(view->status, "running") == 0) {
		app_view_date(view->ready_at, date);
		row(out, "Online since", date);
	} else if (strcmp(view->status, "stopped") == 0) {
		app_view_date(view->stopped_at, date);
		row(out, "Stopped since", date);
	} else if (strcmp(view->status, "on_error") == 0) {
		app_view_date(view->stopped_at, date);
		row(out, "On error since", date);
		row(out, "Reason", view->reason);
	}
}

static void print_app(struct out *out, const struct app_view *view, const json_t *hardware)
{
	char date[APP_VIEW_DATE_SIZE];
	char left[64];
	char text[160];
	const json_t *memory = json_object_get(hardware, "memory");
	const json_t *cores = json_object_get(hardware, "cores");

	out_bold(out, "Microservice\n");
	row(out, "Name", view->name);
	row(out, "Domain name", view->domain_name);
	row(out, "Hardware", view->hardware_name);
	row(out, "Application", view->python_application);
	row(out, "Docker", view->docker);
	row(out, "Healthcheck", view->healthcheck_endpoint);
	out_bold(out, "Deployment status\n");
	row(out, "UUID", view->id);
	row(out, "Certificate origin", view->ssl_certificate_origin);
	if (json_is_integer(memory) && json_is_integer(cores)) {
		(void)snprintf(text, sizeof(text), "%lld MB", (long long)json_integer_value(memory));
		row(out, "Memory size", text);
		(void)snprintf(text, sizeof(text), "%lld", (long long)json_integer_value(cores));
		row(out, "CPU cores", text);
	}
	app_view_date(view->created_at, date);
	row(out, "Created at", date);
	app_view_date(view->expires_at, date);
	remaining(view->expires_at, left, sizeof(left));
	(void)snprintf(text, sizeof(text), "%s (%s)", date, left);
	row(out, "Expires at", text);
	row(out, "Status", view->status);
	if (view->replaces)
		row(out, "Is to replace", view->replaces);
	if (view->replaced_by)
		row(out, "Replaced by", view->replaced_by);
	print_since(out, view);
}

struct metric {
	const char *name;
	const char *label;
	double scale; /* of what is shown; the API has seconds, bytes and percent */
	const char *unit;
};

static const struct metric metrics_rows[] = {
    {"average_queue_time", "Average queue time", 1e3, "ms"},
    {"average_connect_time", "Average connect time", 1e3, "ms"},
    {"average_response_time", "Average response time", 1e3, "ms"},
    {"average_query_time", "Average query time", 1e3, "ms"},
    {"amount_of_connection", "Connections", 1, ""},
    {"cpu_usage", "CPU usage", 1, "%"},
    {"memory_usage", "Memory usage", 1e-6, "MB"},
    {"fs_usage", "FS usage", 1e-6, "MB"},
    {"throughput_in", "Throughput in", 1e-3, "kB"},
    {"throughput_out", "Throughput out", 1e-3, "kB"},
};

/* Each metric is a pair [time, value]; only those that are known are there. */
static void print_metrics(struct out *out, const json_t *metrics)
{
	out_bold(out, "Metrics\n");
	for (size_t i = 0; i < COUNT_OF(metrics_rows); i++) {
		const struct metric *metric = &metrics_rows[i];
		const json_t *value = json_array_get(json_object_get(metrics, metric->name), 1);
		char text[64];

		if (!json_is_number(value))
			continue;
		(void)snprintf(text, sizeof(text), "%.6g %s", json_number_value(value) * metric->scale, metric->unit);
		row(out, metric->label, text);
	}
}

/* What is missing for the picture is left out: the app itself is what was asked for. */
static json_t *get_optional(struct api *api, const char *format, const char *part)
{
	scoped(buf_done) struct buf escaped = BUF_INIT(URI_TEXT_MAX);
	struct err ignored = ERR_INIT;
	json_t *answer = NULL;
	char path[512];

	if (!part || uri_encode(part, strlen(part), &escaped, &ignored) < 0)
		return NULL;
	(void)snprintf(path, sizeof(path), "%s%.200s%s", format, buf_text(&escaped),
		       strcmp(format, "/apps/") == 0 ? "/metrics" : "");
	return api_get(api, &answer, &ignored, "%s", path) < 0 ? NULL : answer;
}

static int status(struct cmd_call *call, struct api *api, struct err *err)
{
	scoped(json_decrefp) json_t *app = NULL;
	scoped(json_decrefp) json_t *hardware = NULL;
	scoped(json_decrefp) json_t *metrics = NULL;
	struct app_view view;

	if (api_need_login(api, err) < 0 || app_view_get(api, call->args[0], &app, &view, err) < 0)
		return -1;
	hardware = get_optional(api, "/hardwares/", view.hardware_name);
	if (strcmp(view.status, "running") == 0)
		metrics = get_optional(api, "/apps/", view.id);
	if (cmd_has(call, "json")) {
		if ((hardware && json_object_set(app, "hardware", hardware) < 0) ||
		    (metrics && json_object_set(app, "metrics", metrics) < 0))
			return err_no_memory(err);
		out_json(call->out, json_incref(app));
		return 0;
	}
	print_app(call->out, &view, hardware);
	if (json_is_object(metrics))
		print_metrics(call->out, metrics);
	return 0;
}

int cmd_status(struct cmd_call *call, struct err *err)
{
	struct api api;
	int result;

	if (api_open(call->settings, &api, err) < 0)
		return -1;
	result = status(call, &api, err);
	api_close(&api);
	return result;
}
