/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/applog.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "format/enclave_lines.h"

#define OWNERS_PREFIX "mse-log-1 " /* encrypted to the owner */

static const char *const own_prefixes[] = {ENCLAVE_LINE_PREFIX, "mse-sim-init: ", "bwrap: "};

static void reopen(struct applog *log)
{
	struct stat st;

	log->fd = open(log->path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	log->size = log->fd >= 0 && fstat(log->fd, &st) == 0 ? (size_t)st.st_size : 0;
}

int applog_open(struct applog *log, const char *path, struct err *err)
{
	log->path = strdup(path);
	if (!log->path || asprintf(&log->older_path, "%s.1", path) < 0) {
		log->older_path = NULL;
		return err_no_memory(err);
	}
	reopen(log);
	if (log->fd < 0)
		return err_set_errno(err, "cannot open log '%s'", path);
	return 0;
}

static bool starts_with(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

static void end_line(struct applog *log)
{
	log->line[log->line_size] = '\0';
	if (strcmp(log->line, ENCLAVE_LINE_LOADING) == 0)
		log->is_application = true;
	for (size_t i = 0; i < COUNT_OF(own_prefixes); i++) {
		if (starts_with(log->line, own_prefixes[i]))
			memcpy(log->last_own, log->line, log->line_size + 1);
	}
	if (log->line_size > 0 && !starts_with(log->line, OWNERS_PREFIX))
		memcpy(log->last_plain, log->line, log->line_size + 1);
	log->line_size = 0;
}

/* Anything that is not printable ASCII becomes '?': the line goes into JSON and onto terminals. */
static void take_lines(struct applog *log, const uint8_t *data, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		if (data[i] == '\n')
			end_line(log);
		else if (log->line_size < APPLOG_LINE_MAX)
			log->line[log->line_size++] = data[i] >= ' ' && data[i] < 0x7f ? (char)data[i] : '?';
	}
}

static void rotate(struct applog *log)
{
	fd_close(log->fd);
	(void)rename(log->path, log->older_path);
	reopen(log);
}

void applog_add(struct applog *log, const void *data, size_t size)
{
	const uint8_t *bytes = data;

	take_lines(log, bytes, size);
	if (log->fd < 0)
		reopen(log);
	if (log->fd >= 0 && log->size > 0 && log->size + size > APPLOG_MAX)
		rotate(log);
	while (size > 0 && log->fd >= 0) {
		const ssize_t put = write(log->fd, bytes, size);

		if (put < 0 && errno == EINTR)
			continue;
		if (put <= 0)
			return;
		bytes += put;
		size -= (size_t)put;
		log->size += (size_t)put;
	}
}

const char *applog_last(struct applog *log)
{
	if (log->line_size > 0)
		end_line(log);
	if (log->is_application)
		return "";
	return log->last_own[0] ? log->last_own : log->last_plain;
}

void applog_done(struct applog *log)
{
	fd_closep(&log->fd);
	free(log->path);
	free(log->older_path);
	*log = APPLOG_INIT;
}
