/* SPDX-License-Identifier: Apache-2.0 */
/* mse cloud list (C7). */
#include <stdio.h>
#include <string.h>

#include "cli/app_view.h"
#include "cli/cmd.h"
#include "cli/cut_off.h"

/* Of several with one domain. */
static const char *whose(const struct app_view *view)
{
	if (view->replaced_by)
		return " (was taken over: it finishes what it has begun)";
	return view->replaces ? " (has yet to take it over)" : "";
}

static int print_rows(struct out *out, const json_t *apps, struct err *err)
{
	const json_t *app;
	size_t i;

	if (json_array_size(apps) == 0) {
		out_info(out, "No app is active");
		return 0;
	}
	out_bold(out, "%-36s | %-19s | %-12s | %s\n", "UUID", "CREATION DATE", "STATUS", "NAME");
	json_array_foreach (apps, i, app) {
		char date[APP_VIEW_DATE_SIZE];
		struct app_view view;

		if (app_view_read(app, &view, err) < 0)
			return -1;
		app_view_date(view.created_at, date);
		out_print(out, "%s | %-19s | %-12s | %s on %s%s\n", view.id, date, view.status, view.name,
			  view.domain_name, whose(&view));
	}
	return 0;
}

static int list(struct cmd_call *call, struct api *api, struct err *err)
{
	scoped(json_decrefp) json_t *apps = NULL;
	scoped(freep) char *project = NULL;
	scoped(freep) char *path = NULL;

	if (api_need_login(api, err) < 0 ||
	    (call->arg_count && app_view_project(api, call->args[0], &project, err) < 0))
		return -1;
	if (asprintf(&path, "/apps?%s%s%s",
		     cmd_has(call, "all") ? "status=spawning,initializing,running,stopped,on_error"
					  : "status=spawning,initializing,running",
		     project ? "&project=" : "", project ? project : "") < 0)
		return err_no_memory(err);
	if (app_view_list(api, path, &apps, err) < 0)
		return -1;
	cut_off_report(call, api, CUT_OFF_TELL);
	if (!cmd_has(call, "json"))
		return print_rows(call->out, apps, err);
	out_json(call->out, json_pack("{s:O}", "apps", apps));
	return 0;
}

int cmd_list(struct cmd_call *call, struct err *err)
{
	struct api api;
	int status;

	if (api_open(call->settings, &api, err) < 0)
		return -1;
	status = list(call, &api, err);
	api_close(&api);
	return status;
}
