/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cut_off.h"

#include <string.h>

#include "base/clock.h"
#include "cli/app_view.h"
#include "cli/context_pending.h"
#include "cli/context_store.h"
#include "format/json.h"

#define FINGERPRINT_TEXT_MAX 128
#define MADE_WITHIN_SECONDS 600 /* until then the cloud may still be making the app it was asked for */

struct looking {
	struct cmd_call *call;
	struct api *api;
	enum cut_off_left left;
};

/* An active app of that name: 1 when it is the one that was begun and has no context, else 0. */
static int find_left_over(struct looking *looking, const struct context_begun *begun, const struct app_view *view,
			  struct err *err)
{
	scoped(json_decrefp) json_t *app = NULL;
	scoped(freep) char *path = NULL;
	struct err absent = ERR_INIT;
	const char *fingerprint = NULL;
	struct app_view whole;

	if (context_store_path(looking->call->settings, view->id, &path, &absent) == 0)
		return 0;
	if (app_view_get(looking->api, view->id, &app, &whole, err) < 0 ||
	    json_get_text(app, "fingerprint", FINGERPRINT_TEXT_MAX, &fingerprint, err) < 0)
		return -1;
	return strcmp(fingerprint, begun->fingerprint) == 0;
}

/* Nobody has the name: forgotten once the cloud cannot come up with the app any more, if this is the same user. */
static int may_be_forgotten(struct looking *looking, const struct context_begun *begun, struct err *err)
{
	scoped(json_decrefp) json_t *project = NULL;

	if (clock_now_seconds() - begun->at < MADE_WITHIN_SECONDS)
		return 0;
	return !begun->name || api_get(looking->api, &project, err, "/projects/%s", begun->project_id) == 0 ? 1 : -1;
}

/* 1: it stays. One that was to replace another never had users; 0: it has been stopped. */
static int handle_left_over(struct looking *looking, const struct context_begun *begun, const struct app_view *view,
			    struct err *err)
{
	struct out *out = looking->call->out;

	if (looking->left == CUT_OFF_STOP_REPLACING && view->replaces) {
		if (app_view_stop(looking->api, view->id, err) < 0)
			return -1;
		out_info(out, "An earlier deployment of '%s' was cut off; its app %s has been stopped", begun->name,
			 view->id);
		return 0;
	}
	out_warning(out, "an earlier deployment of '%s' was cut off; its app is %s (%s): `mse cloud stop %s` ends it",
		    begun->name, view->id, view->status, view->id);
	return 1;
}

static int look_at(const struct context_begun *begun, void *arg, struct err *err)
{
	struct looking *looking = arg;
	scoped(json_decrefp) json_t *apps = NULL;
	const json_t *app;
	bool any = false;
	size_t i;

	if (!begun->name)
		return may_be_forgotten(looking, begun, err);
	if (strcmp(begun->cloud_url, looking->api->url) != 0 || !context_is_uuid(begun->project_id))
		return 0;
	if (app_view_named(looking->api, begun->project_id, begun->name, &apps, err) < 0)
		return -1;
	if (json_array_size(apps) == 0)
		return may_be_forgotten(looking, begun, err);
	json_array_foreach (apps, i, app) {
		struct app_view view;
		int left = app_view_read(app, &view, err) < 0 ? -1 : find_left_over(looking, begun, &view, err);

		if (left == 1)
			left = handle_left_over(looking, begun, &view, err);
		if (left < 0)
			return -1;
		any = any || left == 1;
	}
	return !any; /* somebody else has the name: then ours has ended */
}

void cut_off_report(struct cmd_call *call, struct api *api, enum cut_off_left left)
{
	struct looking looking = {.call = call, .api = api, .left = left};
	struct err err = ERR_INIT;

	if (context_pending_each(call->settings, look_at, &looking, &err) < 0)
		out_warning(call->out, "cannot tell what became of a deployment that was cut off: %s", err.text);
}

struct forgetting {
	const char *cloud_url, *project_id, *name;
};

static int is_of(const struct context_begun *begun, void *arg, struct err *err)
{
	const struct forgetting *forgetting = arg;

	(void)err;
	return begun->name && strcmp(begun->cloud_url, forgetting->cloud_url) == 0 &&
	       strcmp(begun->project_id, forgetting->project_id) == 0 && strcmp(begun->name, forgetting->name) == 0;
}

int cut_off_forget(struct cmd_call *call, const struct api *api, const char *project_id, const char *name,
		   struct err *err)
{
	struct forgetting forgetting = {.cloud_url = api->url, .project_id = project_id, .name = name};

	return context_pending_each(call->settings, is_of, &forgetting, err);
}
