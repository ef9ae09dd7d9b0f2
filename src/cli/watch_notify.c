/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/watch_notify.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/spawn.h"
#include "base/text.h"
#include "cli/child.h"
#include "format/uri.h"

#define PIECE_MS 50
#define ANSWER_MAX (64u << 10)

void watch_notify_done(struct watch_notify *notify)
{
	curl_client_free(notify->client);
	free(notify->pending);
	notify->client = NULL;
	notify->pending = NULL;
}

/* ---- the program ---- */

static int set_environment(const struct watch_message *message, struct child_env *env, struct err *err)
{
	const struct watch_look *look = message->look;
	char text[WATCH_MESSAGE_SIZE], time[CLOCK_TEXT_SIZE];
	const struct {
		const char *name, *value;
	} rows[] = {
	    {"MSE_WATCH_HOST", message->host},
	    {"MSE_WATCH_EVENT", watch_event_text(message->event)},
	    {"MSE_WATCH_VERDICT", watch_result_text(look->result)},
	    {"MSE_WATCH_ERROR", look->error},
	    {"MSE_WATCH_MESSAGE", text},
	    {"MSE_WATCH_TIME", time},
	};

	/* What a host said must not steer the program's terminal or log. */
	text_clean(look->message, text, sizeof(text));
	clock_format_utc(look->time, time);
	if (child_env_inherit(env, err) < 0)
		return -1;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		if (child_env_set(env, rows[i].name, rows[i].value, err) < 0)
			return -1;
	}
	return 0;
}

/* The message as a file, so that a program which does not read it blocks nobody. */
static int open_message(const struct watch_message *message, int *ret_fd, struct err *err)
{
	scoped(fd_closep) int fd = memfd_create("watch", MFD_CLOEXEC);

	if (fd < 0)
		return err_set_errno(err, "cannot make the message");
	if (fd_write_all(fd, message->json, strlen(message->json), err) < 0 || fd_write_all(fd, "\n", 1, err) < 0)
		return -1;
	if (lseek(fd, 0, SEEK_SET) < 0)
		return err_set_errno(err, "cannot rewind the message");
	*ret_fd = TAKE_FD(fd);
	return 0;
}

int watch_notify_wait(const struct watch_notify *notify, pid_t pid, struct err *err)
{
	const int64_t until_ns = clock_monotonic_ns() + WATCH_PROGRAM_MS * NS_PER_MS;
	int status;

	if (pid == 0)
		return 0;
	for (;;) {
		struct err waiting = ERR_INIT;

		if (spawn_wait(pid, PIECE_MS, &status, &waiting) == 0)
			break;
		if (waiting.code != ERR_TIMEOUT) {
			*err = waiting;
			return -1;
		}
		if (clock_monotonic_ns() < until_ns && notify->keep_going(notify->arg))
			continue;
		child_end(pid);
		return err_set(err, ERR_TIMEOUT, "'%s' was ended before its end", notify->program);
	}
	return status == 0 ? 0 : err_set(err, ERR_IO, "'%s' ended with status %d", notify->program, status);
}

int watch_notify_program(const struct watch_notify *notify, const struct watch_message *message, pid_t *ret_pid,
			 struct err *err)
{
	scoped(child_env_done) struct child_env env = {.count = 0};
	scoped(fd_closep) int input = -1;
	const char *const argv[] = {notify->program, NULL};
	struct spawn_options options = SPAWN_OPTIONS_INIT;

	*ret_pid = 0;
	if (!notify->program)
		return 0;
	if (set_environment(message, &env, err) < 0 || open_message(message, &input, err) < 0)
		return -1;
	options.argv = argv;
	options.env = (const char *const *)env.items;
	options.stdin_fd = input;
	options.stdout_fd = STDERR_FILENO; /* our own standard output is for results */
	options.stderr_fd = SPAWN_INHERIT;
	options.die_with_parent = true;
	return spawn_start(&options, ret_pid, err);
}

/* ---- the webhook ---- */

static bool go_on(void *arg, uint64_t sent, uint64_t send_total, uint64_t received, uint64_t receive_total)
{
	const struct watch_notify *notify = arg;

	(void)sent, (void)send_total, (void)received, (void)receive_total;
	return notify->keep_going(notify->arg);
}

static int post(struct watch_notify *notify, struct err *err)
{
	const struct http_header type = {"Content-Type", "application/json"};
	const struct curl_client_options options = {.connect_timeout_ms = WATCH_WEBHOOK_MS};
	struct curl_response response = CURL_RESPONSE_INIT;
	const struct curl_request request = {.method = "POST",
					     .url = notify->webhook,
					     .headers = &type,
					     .header_count = 1,
					     .body = notify->pending,
					     .body_size = strlen(notify->pending),
					     .timeout_ms = WATCH_WEBHOOK_MS,
					     .response_max = ANSWER_MAX,
					     .progress = go_on,
					     .progress_arg = notify};
	int status;

	if (!notify->client && curl_client_new(&options, &notify->client, err) < 0)
		return -1;
	status = curl_client_request(notify->client, &request, &response, err);
	if (status == 0 && (response.status < 200 || response.status > 299))
		status = err_set(err, ERR_UNAVAILABLE, "it answers with HTTP status %d", response.status);
	curl_response_done(&response);
	return status;
}

/* By scheme and host: what follows may be a secret. */
static int name_webhook(const struct watch_notify *notify, struct err *err)
{
	scoped(uri_done) struct uri uri = {0};
	scoped(buf_done) struct buf host = BUF_INIT(URI_HOST_MAX + 16);
	struct err ignored = ERR_INIT;

	if (uri_parse(notify->webhook, &uri, &ignored) < 0 ||
	    hostport_format(&uri.authority, uri.is_https ? 443 : 80, &host, &ignored) < 0)
		return err_prefix(err, "webhook");
	return err_prefix(err, "webhook %s://%s", uri.is_https ? "https" : "http", buf_text(&host));
}

int watch_notify_webhook(struct watch_notify *notify, const char *json, struct err *err)
{
	if (!notify->webhook)
		return 0;
	if (json) {
		free(notify->pending);
		notify->pending = strdup(json);
		if (!notify->pending)
			return err_no_memory(err);
	}
	if (!notify->pending)
		return 0;
	if (post(notify, err) < 0)
		return name_webhook(notify, err);
	free(notify->pending);
	notify->pending = NULL;
	return 0;
}
