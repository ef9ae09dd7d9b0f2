/* SPDX-License-Identifier: Apache-2.0 */
/* Why an app did not start is mostly in its own output, which only its owner can read. */
#include <string.h>

#include "cli/deploy.h"
#include "cli/log_text.h"
#include "cli/project_key.h"
#include "format/json.h"

#define SHOWN_MAX 4096

static int read_log(struct deploy *deploy, struct log_key *key, struct buf *ret, struct err *err)
{
	scoped(json_decrefp) json_t *answer = NULL;
	const char *stored = NULL;
	struct log_count count;

	if (api_get(&deploy->api, &answer, err, "/apps/%s/logs", deploy->uuid) < 0 ||
	    json_get_text(answer, "stdout", LOG_TEXT_SIZE_MAX, &stored, err) < 0 ||
	    project_key_log(&deploy->project_key, key->public_key, &key->secret_key, err) < 0)
		return -1;
	return log_text_open(stored, strlen(stored), key, ret, &count, err);
}

void deploy_show_log(struct deploy *deploy)
{
	scoped(buf_done) struct buf text = BUF_INIT(LOG_TEXT_SIZE_MAX);
	struct log_key key = {.secret_key = SECRET_INIT};
	struct err ignored = ERR_INIT;

	if (!deploy->project_key.data || read_log(deploy, &key, &text, &ignored) < 0)
		text.size = 0;
	secret_done(&key.secret_key);
	if (text.size == 0)
		return;
	if (text.size > SHOWN_MAX)
		buf_consume(&text, text.size - SHOWN_MAX);
	log_text_tame((char *)text.data, text.size);
	out_error(deploy->call->out, "The application's output:\n%s", buf_text(&text));
}
