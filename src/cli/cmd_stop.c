/* SPDX-License-Identifier: Apache-2.0 */
/* mse cloud stop (C10). The context goes with the app, and this is said (D10). */

#include "cli/app_view.h"
#include "cli/cmd.h"
#include "cli/context_store.h"
#include "cli/cut_off.h"
#include "cli/prompt.h"

static int stop_one(struct cmd_call *call, struct api *api, const char *uuid, struct err *err)
{
	scoped(json_decrefp) json_t *app = NULL;
	scoped(freep) char *path = NULL;
	struct err absent = ERR_INIT;
	struct app_view view;

	out_step(call->out, "Stopping and destroying app %s", uuid);
	if (app_view_get(api, uuid, &app, &view, err) < 0 || app_view_stop(api, uuid, err) < 0)
		return -1;
	if (view.project_id && !app_view_is_final(&view) &&
	    cut_off_forget(call, api, view.project_id, view.name, err) < 0)
		return -1;
	out_step_done(call->out);
	out_success(call->out, "App %s has been stopped", uuid);
	if (context_store_path(call->settings, uuid, &path, &absent) < 0)
		return 0;
	if (context_store_remove(call->settings, uuid, err) < 0)
		return err_prefix(err, "app %s is stopped, but its context is still there", uuid);
	out_info(call->out, "Its context has been removed from this machine: the app cannot be resumed");
	return 0;
}

static int stop_all(struct cmd_call *call, struct api *api, struct err *err)
{
	for (size_t i = 0; i < call->arg_count; i++) {
		if (!context_is_uuid(call->args[i]))
			return err_set(err, ERR_INVALID, "'%.60s' is not a uuid", call->args[i]);
	}
	if (api_need_login(api, err) < 0)
		return -1;
	if (!cmd_has(call, "yes") && prompt_is_possible()) {
		out_warning(call->out, "A stopped app cannot be resumed, and its context will be removed");
		if (prompt_agree(call->out, "Stop?", err) < 0)
			return -1;
	}
	for (size_t i = 0; i < call->arg_count; i++) {
		if (stop_one(call, api, call->args[i], err) < 0)
			return -1;
	}
	return 0;
}

int cmd_stop(struct cmd_call *call, struct err *err)
{
	struct api api;
	int status;

	if (api_open(call->settings, &api, err) < 0)
		return -1;
	status = stop_all(call, &api, err);
	api_close(&api);
	return status;
}
