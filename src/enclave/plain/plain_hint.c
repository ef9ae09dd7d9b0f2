/* SPDX-License-Identifier: Apache-2.0 */
#include "enclave/plain/plain_hint.h"

#include <stdio.h>
#include <string.h>

#include "base/number.h"

#define UNKNOWN "unknown option '"
#define WORD_MAX 40
#define DISTANCE_MAX 2

/* Of gunicorn, uvicorn and hypercorn: an option of ours, or what to know instead. */
static const char *const others[][2] = {
    {"--host", "'--bind HOST:PORT'"},
    {"--port", "'--bind HOST:PORT'"},
    {"-p", "'--bind HOST:PORT'"},
    {"--uds", "'--bind unix:PATH'"},
    {"--fd", "'--bind fd:N'"},
    {"--umask", "'--socket-mode'"},
    {"--chdir", "'--app-dir'"},
    {"--pythonpath", "'--app-dir', or PYTHONPATH"},
    {"--certfile", "'--cert'"},
    {"--ssl-certfile", "'--cert'"},
    {"--keyfile", "'--key'"},
    {"--ssl-keyfile", "'--key'"},
    {"--access-logfile", "'--access-log', to stdout, or '--access-log-file'"},
    {"--access-logformat", "'--access-log common', 'combined' or 'json'"},
    {"--worker-class", "not needed: WSGI or ASGI is found out ('--interface' overrides)"},
    {"-k", "not needed: WSGI or ASGI is found out ('--interface' overrides)"},
    {"--reload-dir", "'--app-dir', and what links in it lead to"},
    {"--loop", "not needed: uvloop is used if it is installed"},
    {"--http", "not needed: the server has one of its own"},
    {"--proxy-headers", "'--forwarded-allow-ips'"},
    {"--proxy-protocol", "'--proxy'"},
    {"--worker-connections", "'--connections'"},
    {"--limit-concurrency", "'--connections'"},
    {"--backlog", "not needed: it is 4096"},
    {"--timeout", "'--request-timeout', and '--graceful-timeout' at a stop"},
    {"-t", "'--request-timeout', and '--graceful-timeout' at a stop"},
    {"--timeout-keep-alive", "'--idle-timeout'"},
    {"--keep-alive", "'--idle-timeout'"},
    {"--timeout-graceful-shutdown", "'--graceful-timeout'"},
    {"--limit-request-line", "'--target-max'"},
    {"--limit-request-fields", "'--headers-max'"},
    {"--ws-max-size", "'--websocket-max'"},
    {"--ws-ping-interval", "'--websocket-ping'"},
    {"--log-level", "not needed: the server says only what happens to it"},
    {"--env-file", "not here: systemd does it (EnvironmentFile=), or the container"},
    {"--config", "not here: options come by the command line or the environment (MSE_SERVE_THREADS=4)"},
    {"-c", "not here: options come by the command line or the environment (MSE_SERVE_THREADS=4)"},
    {"--preload", "not here: each worker loads the application"},
    {"--daemon", "not here: systemd does it, or nohup"},
    {"--pid", "not here: systemd knows it (MAINPID)"},
    {"--user", "not here: systemd does it (User=)"},
    {"-u", "not here: systemd does it (User=)"},
    {"--group", "not here: systemd does it (Group=)"},
};

/* Letters to be put in, taken out or replaced. */
static size_t distance(const char *a, const char *b)
{
	size_t row[WORD_MAX + 1];
	const size_t size = strlen(b);

	for (size_t i = 0; i <= size; i++)
		row[i] = i;
	for (size_t line = 1; *a; a++, line++) {
		size_t corner = row[0];

		row[0] = line;
		for (size_t i = 1; i <= size; i++) {
			const size_t above = row[i];

			row[i] = size_min(corner + (*a != b[i - 1]), size_min(above, row[i - 1]) + 1);
			corner = above;
		}
	}
	return row[size];
}

static const char *nearest(const char *word, const struct argument *rows, size_t count)
{
	size_t least = DISTANCE_MAX + 1;
	const char *found = NULL;

	for (size_t i = 0; i < count && strlen(word) > 4; i++) {
		if (!rows[i].name || !rows[i].help[0] || strlen(rows[i].name) > WORD_MAX ||
		    distance(word, rows[i].name) >= least)
			continue;
		least = distance(word, rows[i].name);
		found = rows[i].name;
	}
	return found;
}

int plain_hint_add(const struct argument *rows, size_t count, struct err *err)
{
	char word[WORD_MAX + 1];
	const char *text = err->text + strlen(UNKNOWN);
	const char *near;
	size_t size;

	if (strncmp(err->text, UNKNOWN, strlen(UNKNOWN)) != 0)
		return -1;
	size = strcspn(text, "='");
	if (size > WORD_MAX)
		return -1;
	memcpy(word, text, size);
	word[size] = 0;
	for (size_t i = 0; i < COUNT_OF(others); i++) {
		if (strcmp(others[i][0], word) == 0)
			return err_set(err, ERR_INVALID, UNKNOWN "%s': %s%s", word,
				       others[i][1][0] == '\'' ? "here it is " : "", others[i][1]);
	}
	near = nearest(word, rows, count);
	if (near)
		return err_set(err, ERR_INVALID, UNKNOWN "%s': did you mean '%s'?", word, near);
	return err_set(err, ERR_INVALID, UNKNOWN "%s', see --help", word);
}
