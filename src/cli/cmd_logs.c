/* SPDX-License-Identifier: Apache-2.0 */
/* mse cloud logs (C9): the last 64 kB, opened with the project's log key. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/app_view.h"
#include "cli/cmd.h"
#include "cli/log_text.h"
#include "cli/project_key.h"
#include "format/json.h"

static int show(struct cmd_call *call, const char *stored, const struct log_key *key, struct err *err)
{
	scoped(buf_done) struct buf text = BUF_INIT(LOG_TEXT_SIZE_MAX);
	struct log_count count;

	if (log_text_open(stored, strlen(stored), key, &text, &count, err) < 0)
		return -1;
	if (text.size && isatty(STDOUT_FILENO))
		log_text_tame((char *)text.data, text.size);
	if (text.size)
		(void)fwrite(text.data, 1, text.size, stdout);
	if (count.unreadable && !key->secret_key.data)
		out_warning(call->out,
			    "%zu pieces are encrypted to the app's owner, whose project key is not on this "
			    "machine",
			    count.unreadable);
	else if (count.unreadable)
		out_warning(call->out, "%zu pieces are cut, or encrypted to another key", count.unreadable);
	if (count.repeated)
		out_warning(call->out, "%zu pieces were there twice, and are left out: the host has copied them",
			    count.repeated);
	if (count.clear && !count.opened && !count.unreadable && !count.repeated)
		out_warning(call->out, "nothing of it is encrypted: the host may have written any line");
	return 0;
}

static int logs(struct cmd_call *call, struct api *api, struct log_key *key, struct err *err)
{
	scoped(json_decrefp) json_t *app = NULL;
	scoped(json_decrefp) json_t *answer = NULL;
	scoped(secret_done) struct secret project = SECRET_INIT;
	const char *stored = NULL;
	struct app_view view;
	int found = 0;

	if (api_need_login(api, err) < 0 || app_view_get(api, call->args[0], &app, &view, err) < 0 ||
	    api_get(api, &answer, err, "/apps/%s/logs", view.id) < 0 ||
	    json_get_text(answer, "stdout", LOG_TEXT_SIZE_MAX, &stored, err) < 0)
		return -1;
	if (view.project_id)
		found = project_key_find(call->settings, view.project_id, &project, err);
	if (found < 0 || (found > 0 && project_key_log(&project, key->public_key, &key->secret_key, err) < 0))
		return -1;
	return show(call, stored, key, err);
}

int cmd_logs(struct cmd_call *call, struct err *err)
{
	struct log_key key = {.secret_key = SECRET_INIT};
	struct api api;
	int status;

	if (api_open(call->settings, &api, err) < 0)
		return -1;
	status = logs(call, &api, &key, err);
	secret_done(&key.secret_key);
	api_close(&api);
	return status;
}
