/* SPDX-License-Identifier: Apache-2.0 */
#include "enclave/process/operator_log.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/number.h"
#include "format/enclave_lines.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* guards all below */
static int out_fd = STDOUT_FILENO;
static char prefix[OPERATOR_NAME_MAX + 3] = ENCLAVE_LINE_PREFIX;
static unsigned long dropped;
static bool is_cut; /* a line went out in part: the next must begin on a line of its own */

void operator_log_set_fd(int fd)
{
	(void)pthread_mutex_lock(&lock);
	out_fd = fd;
	(void)pthread_mutex_unlock(&lock);
}

void operator_log_set_name(const char *name)
{
	(void)pthread_mutex_lock(&lock);
	(void)snprintf(prefix, sizeof(prefix), "%.*s: ", OPERATOR_NAME_MAX, name);
	(void)pthread_mutex_unlock(&lock);
}

const char *operator_log_prefix(void)
{
	return prefix;
}

/* A pipe that polls writable takes PIPE_BUF bytes without blocking (POSIX), so no piece is longer. */
static bool write_pieces(const uint8_t *data, size_t size, int64_t deadline_ns)
{
	while (size > 0) {
		const int64_t left_ms = (deadline_ns - clock_monotonic_ns()) / NS_PER_MS;
		struct pollfd poll_fd = {.fd = out_fd, .events = POLLOUT};
		ssize_t put;

		if (poll(&poll_fd, 1, left_ms > 0 ? (int)left_ms : 0) <= 0 || !(poll_fd.revents & POLLOUT))
			return false;
		put = write(out_fd, data, size_min(size, PIPE_BUF));
		if (put < 0 && errno != EINTR && errno != EAGAIN)
			return false;
		if (put > 0) {
			is_cut = true;
			data += put;
			size -= (size_t)put;
		}
	}
	is_cut = false;
	return true;
}

/* A line that went out in part is ended, and the lost ones are told. false: no room. */
static bool settle(int64_t deadline_ns)
{
	char note[80];
	int size;

	if (is_cut && !write_pieces((const uint8_t *)"\n", 1, deadline_ns))
		return false;
	if (dropped == 0)
		return true;
	size = snprintf(note, sizeof(note), "%s%lu log lines were dropped\n", prefix, dropped);
	if (!write_pieces((const uint8_t *)note, (size_t)size, deadline_ns))
		return false;
	dropped = 0;
	return true;
}

static void write_line(const void *data, size_t size)
{
	/* A host that did not read the last line is not waited for again until it reads. */
	const int64_t deadline_ns = clock_monotonic_ns() + (dropped > 0 ? 0 : OPERATOR_LOG_WAIT_MS * NS_PER_MS);

	if (!settle(deadline_ns) || !write_pieces(data, size, deadline_ns))
		dropped++;
}

bool operator_log_settle(void)
{
	bool is_settled;

	(void)pthread_mutex_lock(&lock);
	is_settled = settle(0);
	(void)pthread_mutex_unlock(&lock);
	return is_settled;
}

void operator_log_bytes(const void *data, size_t size)
{
	(void)pthread_mutex_lock(&lock);
	write_line(data, size);
	(void)pthread_mutex_unlock(&lock);
}

void operator_log(const char *format, ...)
{
	char line[OPERATOR_LINE_MAX];
	const size_t start = strlen(prefix);
	va_list args;
	int size;

	memcpy(line, prefix, start);
	va_start(args, format);
	size = vsnprintf(line + start, sizeof(line) - start - 1, format, args);
	va_end(args);
	if (size < 0)
		return;
	size = (int)size_min((size_t)size, sizeof(line) - start - 2);
	/* One line: text of others (an error that names a path) must not begin another. */
	for (int i = 0; i < size; i++) {
		if ((unsigned char)line[start + (size_t)i] < 0x20)
			line[start + (size_t)i] = ' ';
	}
	line[start + (size_t)size] = '\n';
	operator_log_bytes(line, start + (size_t)size + 1);
}
