/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/number.h"
#include "cli/watch.h"

#define INTERVAL_SECONDS 300
#define INTERVAL_SECONDS_MAX (7 * 86400)
#define FAILURES 2
#define FAILURES_MAX 1000
#define WEBHOOK_SIZE_MAX 4096

static int read_number(const struct cmd_call *call, const char *name, uint64_t max, uint64_t by_default, uint64_t *ret,
		       struct err *err)
{
	const char *text = cmd_value(call, name);

	*ret = by_default;
	if (text && number_parse_u64(text, 1, max, ret, err) < 0)
		return err_prefix(err, "--%s", name);
	return 0;
}

/* ---- the webhook ---- */

/* Some keep a secret in the URL, so it is in no message; on a command line everybody on the machine can read it. */
static int read_webhook_file(const char *path, struct buf *ret, struct err *err)
{
	if (fs_read(path, ret, err) < 0)
		return err_prefix(err, "webhook");
	while (ret->size && isspace(ret->data[ret->size - 1]))
		ret->size--;
	if (ret->size == 0 || memchr(ret->data, '\0', ret->size))
		return err_set(err, ERR_INVALID, "'%s' has no URL in it", path);
	return 0;
}

/* An alarm that others could suppress or forge on the way is none. */
static int check_webhook(const char *url, struct err *err)
{
	scoped(uri_done) struct uri uri = {0};
	const char *host = uri.authority.host;
	struct err failed = ERR_INIT;

	if (uri_parse(url, &uri, &failed) < 0)
		return err_set(err, ERR_INVALID, "--webhook: not of the form https://HOST[:PORT]/…");
	if (uri.is_https || host_is_loopback_name(host) || strcmp(host, "127.0.0.1") == 0 || strcmp(host, "::1") == 0)
		return 0;
	return err_set(err, ERR_INVALID, "--webhook: '%s' is not https, and not the loopback", host);
}

static int take_webhook(struct watch *watch, const char *url, size_t size, struct err *err)
{
	watch->webhook = strndup(url, size);
	return watch->webhook ? check_webhook(watch->webhook, err) : err_no_memory(err);
}

static int read_webhook(struct watch *watch, struct err *err)
{
	const char *url = cmd_value(watch->call, "webhook");
	const char *path = cmd_value(watch->call, "webhook-file");
	scoped(buf_done) struct buf file = BUF_INIT(WEBHOOK_SIZE_MAX);

	if (url && path)
		return err_set(err, ERR_INVALID, "--webhook and --webhook-file do not go together");
	if (!path)
		path = getenv("MSE_WEBHOOK_FILE");
	if (url)
		return take_webhook(watch, url, strlen(url), err);
	if (!path || !*path)
		return 0;
	if (read_webhook_file(path, &file, err) < 0)
		return -1;
	return take_webhook(watch, buf_text(&file), file.size, err);
}

/* ---- the program ---- */

static bool is_program(const char *path)
{
	struct stat info;

	return stat(path, &info) == 0 && S_ISREG(info.st_mode) && access(path, X_OK) == 0;
}

/* As execvp looks for it. */
static bool is_in_path(const char *name)
{
	const char *folders = getenv("PATH");
	char path[PATH_MAX];

	for (; folders && *folders; folders += strspn(folders, ":")) {
		const int size = (int)strcspn(folders, ":");

		if (snprintf(path, sizeof(path), "%.*s/%s", size, folders, name) < (int)sizeof(path) &&
		    is_program(path))
			return true;
		folders += size;
	}
	return false;
}

/* A program that is not there would show only when there is an alarm. */
static int check_program(const char *program, struct err *err)
{
	if (!program || (*program && (strchr(program, '/') ? is_program(program) : is_in_path(program))))
		return 0;
	return err_set(err, ERR_INVALID, "--exec: '%s' is no program", program);
}

/* ---- the hosts ---- */

static int read_host(struct watch *watch, size_t index, struct err *err)
{
	struct cmd_call *call = watch->call;
	struct watch_host *host = &watch->hosts[index];
	scoped(buf_done) struct buf label = BUF_INIT(WATCH_LABEL_SIZE - 1);

	host->watch = watch;
	if (hostport_parse(call->args[index], HTTPS_PORT, &host->address, err) < 0 ||
	    hostport_format(&host->address, 0, &label, err) < 0)
		return -1;
	memcpy(host->label, buf_text(&label), label.size + 1);
	for (size_t i = 0; i < index; i++) {
		if (strcmp(watch->hosts[i].label, host->label) == 0)
			return err_set(err, ERR_INVALID, "'%s' is given twice", host->label);
	}
	host->notify = (struct watch_notify){
	    .program = cmd_value(call, "exec"), .webhook = watch->webhook, .keep_going = watch_goes_on, .arg = watch};
	watch->metrics[index].host = host->label;
	return 0;
}

static int read_hosts(struct watch *watch, struct err *err)
{
	const size_t count = watch->call->arg_count;

	watch->hosts = calloc(count, sizeof(*watch->hosts));
	watch->metrics = calloc(count, sizeof(*watch->metrics));
	if (!watch->hosts || !watch->metrics)
		return err_no_memory(err);
	watch->host_count = count;
	for (size_t i = 0; i < count; i++) {
		if (read_host(watch, i, err) < 0)
			return -1;
	}
	return 0;
}

int watch_options_read(struct watch *watch, struct err *err)
{
	struct cmd_call *call = watch->call;
	uint64_t interval, failures;

	watch->is_json = cmd_has(call, "json");
	watch->is_once = cmd_has(call, "once");
	watch->role = ATTEST_ROLE_APPLICATION;
	if (read_number(call, "interval", INTERVAL_SECONDS_MAX, INTERVAL_SECONDS, &interval, err) < 0 ||
	    read_number(call, "failures", FAILURES_MAX, FAILURES, &failures, err) < 0 ||
	    attest_expect_role(call, &watch->role, err) < 0 || read_webhook(watch, err) < 0 ||
	    check_program(cmd_value(call, "exec"), err) < 0 || read_hosts(watch, err) < 0)
		return -1;
	watch->interval = (int64_t)interval;
	watch->failures_max = (unsigned)failures;
	watch->renewed = clock_now_seconds();
	return 0;
}
