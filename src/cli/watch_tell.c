/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/watch.h"

#define LINE_MAX_SIZE (1u << 20)

static void print_happening(const struct watch_happening *happening)
{
	struct watch *watch = happening->host->watch;
	struct out *out = watch->call->out;
	scoped(buf_done) struct buf text = BUF_INIT(LINE_MAX_SIZE);
	scoped(freep) char *line = watch->is_json ? watch_happening_json(happening, false) : NULL;
	struct err err = ERR_INIT;
	const bool is_news = happening->event != WATCH_NOTHING;

	if (!is_news && !cmd_has(watch->call, "verbose"))
		return;
	if (!line && watch_happening_text(happening, &text, &err) < 0)
		return;
	(void)pthread_mutex_lock(&watch->lock);
	if (is_news && happening->look->result == WATCH_ACCEPTED)
		attest_report_warn(out, happening->host->label, happening->verdict);
	out_print(out, "%s\n", line ? line : buf_text(&text));
	out_flush(out);
	(void)pthread_mutex_unlock(&watch->lock);
}

static void warn(struct watch *watch, const struct err *err)
{
	(void)pthread_mutex_lock(&watch->lock);
	out_warning(watch->call->out, "%s", err->text);
	(void)pthread_mutex_unlock(&watch->lock);
}

/* What went wrong is told after the line itself. */
static void notify_others(const struct watch_happening *happening, struct err *ret_program, struct err *ret_webhook)
{
	struct watch_host *host = happening->host;
	const bool is_news = happening->event == WATCH_ALARM || happening->event == WATCH_RECOVERY;
	scoped(freep) char *line = is_news ? watch_happening_json(happening, true) : NULL;
	const struct watch_message message = {host->label, happening->event, happening->look, line ? line : ""};
	pid_t pid = 0;

	/* Neither waits for the other. The environment tells the program even where there is no line. */
	if (is_news)
		IGNORE_RESULT(watch_notify_program(&host->notify, &message, &pid, ret_program));
	IGNORE_RESULT(watch_notify_webhook(&host->notify, line, ret_webhook));
	IGNORE_RESULT(watch_notify_wait(&host->notify, pid, ret_program));
}

void watch_tell(const struct watch_happening *happening)
{
	struct watch *watch = happening->host->watch;
	struct err program = ERR_INIT, webhook = ERR_INIT;

	notify_others(happening, &program, &webhook);
	print_happening(happening);
	if (*program.text)
		warn(watch, &program);
	if (*webhook.text && webhook.code != ERR_CANCELLED)
		warn(watch, &webhook);
}
