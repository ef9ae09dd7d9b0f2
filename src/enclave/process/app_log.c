/* SPDX-License-Identifier: Apache-2.0 */
#include "enclave/process/app_log.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/fd.h"
#include "crypto/sealedbox.h"
#include "enclave/process/operator_log.h"
#include "format/base64.h"

#define PAUSE_MS 50                            /* a line without its end goes out after this */
#define SETTLE_MS 1000                         /* lost lines wait to be told: how often there is a look for room */
#define LINE_SIZE_MAX (2u * APP_LOG_CHUNK_MAX) /* base64 of a full box with prefix */
#define UTF8_TAIL_MAX 3                        /* continuation bytes after the first */
#define STOP_BYTES_MAX (128u << 10)            /* what is still read of one who writes on: more than a pipe holds */
#define DRAIN_MS_MAX (OPERATOR_LOG_WAIT_MS + 500)
#define FLUSH_MS_MAX 200 /* for a thread that prints, or stopped within: it keeps the lock, or gets it again first */
#define FD_BASE 64       /* our own descriptors stay out of the way of small numbers */

struct app_log {
	enum app_log_mode mode;
	uint8_t key[X25519_KEY_SIZE];
	int real_fd;
	int read_fd;
	int write_fd;     /* of our own: the application may close or move 1 and 2 */
	int stop_pipe[2]; /* wakes the thread */
	pthread_t thread;
	atomic_bool is_running;
	atomic_bool is_stopping;
	atomic_bool has_ended;     /* the thread; nothing more goes out */
	size_t read_when_stopping; /* bytes */
	size_t size;
	uint8_t chunk[APP_LOG_CHUNK_MAX];
};

static struct app_log app_log = {.write_fd = -1};

size_t app_log_cut(const uint8_t *data, size_t size, bool is_paused)
{
	const uint8_t *end = memrchr(data, '\n', size);
	size_t cut = size;

	if (end)
		return (size_t)(end - data) + 1;
	if (size < APP_LOG_CHUNK_MAX)
		return is_paused ? size : 0;
	/* Full: leave an incomplete last character to the next chunk. */
	for (size_t back = 1; back <= UTF8_TAIL_MAX; back++) {
		const uint8_t byte = data[size - back];

		if ((byte & 0xc0) == 0x80)
			continue;
		if (byte >= 0xc0 && byte < 0xf8 && back < (byte >= 0xf0 ? 4u : byte >= 0xe0 ? 3u : 2u))
			cut = size - back;
		break;
	}
	return cut;
}

static int format_sealed(const uint8_t *data, size_t size, struct buf *ret, struct err *err)
{
	scoped(buf_done) struct buf box = BUF_INIT(APP_LOG_CHUNK_MAX + SEALEDBOX_OVERHEAD);

	if (sealedbox_seal(app_log.key, data, size, &box, err) < 0 || buf_add_text(ret, APP_LOG_PREFIX, err) < 0 ||
	    base64_encode(box.data, box.size, ret, err) < 0)
		return -1;
	return buf_add_byte(ret, '\n', err);
}

static void emit(const uint8_t *data, size_t size)
{
	scoped(buf_done) struct buf line = BUF_INIT(LINE_SIZE_MAX);
	struct err err = ERR_INIT;

	switch (app_log.mode) {
	case APP_LOG_PLAIN:
		operator_log_bytes(data, size);
		break;
	case APP_LOG_SEALED:
		if (format_sealed(data, size, &line, &err) < 0)
			operator_log("a piece of the application's log is lost: %s", err.text);
		else
			operator_log_bytes(line.data, line.size);
		break;
	case APP_LOG_DISCARD:
		break;
	}
}

static void emit_ready(bool is_paused)
{
	while (app_log.size > 0) {
		const size_t cut = app_log_cut(app_log.chunk, app_log.size, is_paused);

		if (cut == 0)
			return;
		emit(app_log.chunk, cut);
		memmove(app_log.chunk, app_log.chunk + cut, app_log.size - cut);
		app_log.size -= cut;
	}
}

/* How long the thread may sleep when nothing comes: for ever, unless something waits to be said. */
static int pause_ms(void)
{
	if (atomic_load(&app_log.is_stopping))
		return 0;
	if (app_log.size > 0)
		return PAUSE_MS;
	return operator_log_settle() ? -1 : SETTLE_MS;
}

static bool read_chunk(void)
{
	const ssize_t got = read(app_log.read_fd, app_log.chunk + app_log.size, sizeof(app_log.chunk) - app_log.size);

	if (got <= 0)
		return got < 0 && errno == EINTR;
	app_log.size += (size_t)got;
	emit_ready(false);
	if (atomic_load(&app_log.is_stopping))
		app_log.read_when_stopping += (size_t)got;
	return app_log.read_when_stopping < STOP_BYTES_MAX;
}

/* false at the end of the pipe, or when there is nothing more to read while stopping. */
static bool read_some(void)
{
	const bool is_stopping = atomic_load(&app_log.is_stopping);
	struct pollfd fds[] = {{.fd = app_log.read_fd, .events = POLLIN},
			       {.fd = is_stopping ? -1 : app_log.stop_pipe[0], .events = POLLIN}};
	const int ready = poll(fds, COUNT_OF(fds), pause_ms());

	if (ready < 0)
		return errno == EINTR;
	if (ready == 0) {
		emit_ready(true);
		return !is_stopping;
	}
	return fds[0].revents ? read_chunk() : true;
}

static void *reader_thread(void *arg)
{
	(void)arg;
	while (read_some()) {
	}
	emit_ready(true);
	explicit_bzero(app_log.chunk, sizeof(app_log.chunk));
	atomic_store(&app_log.has_ended, true);
	return NULL;
}

/* Puts the pipe in the place of 1 and 2. */
static int redirect(struct err *err)
{
	int pipe_fds[2];

	if (pipe2(pipe_fds, O_CLOEXEC) < 0)
		return err_set_errno(err, "cannot make a pipe");
	app_log.real_fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, FD_BASE);
	app_log.read_fd = fcntl(pipe_fds[0], F_DUPFD_CLOEXEC, FD_BASE);
	app_log.write_fd = fcntl(pipe_fds[1], F_DUPFD_CLOEXEC, FD_BASE);
	fd_close(pipe_fds[0]);
	if (app_log.real_fd < 0 || app_log.read_fd < 0 || app_log.write_fd < 0 ||
	    dup2(pipe_fds[1], STDOUT_FILENO) < 0 || dup2(pipe_fds[1], STDERR_FILENO) < 0) {
		fd_close(pipe_fds[1]);
		return err_set_errno(err, "cannot redirect the standard output");
	}
	fd_close(pipe_fds[1]);
	operator_log_set_fd(app_log.real_fd);
	return 0;
}

/* No signal is for this thread: a handler may wait for it. */
static int create_thread(void)
{
	sigset_t all;
	sigset_t before;
	int status;

	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	status = pthread_create(&app_log.thread, NULL, reader_thread, NULL);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	return status;
}

int app_log_start(enum app_log_mode mode, const uint8_t *log_key, struct err *err)
{
	int status;

	app_log.mode = mode;
	if (mode == APP_LOG_SEALED)
		memcpy(app_log.key, log_key, sizeof(app_log.key));
	if (redirect(err) < 0)
		return -1;
	if (pipe2(app_log.stop_pipe, O_CLOEXEC) < 0)
		return err_set_errno(err, "cannot make a pipe");
	status = create_thread();
	if (status != 0) {
		errno = status;
		return err_set_errno(err, "cannot start the log's thread");
	}
	atomic_store(&app_log.is_running, true);
	return 0;
}

int app_log_fd(void)
{
	return app_log.write_fd;
}

static void ask_to_stop(void)
{
	if (!atomic_exchange(&app_log.is_stopping, true))
		(void)close(app_log.stop_pipe[1]);
}

void app_log_drain(void)
{
	const struct timespec step = {.tv_nsec = NS_PER_MS};
	const int saved = errno;

	if (!atomic_load(&app_log.is_running) || pthread_equal(pthread_self(), app_log.thread))
		return;
	ask_to_stop();
	for (int waited = 0; waited < DRAIN_MS_MAX && !atomic_load(&app_log.has_ended); waited++)
		(void)nanosleep(&step, NULL);
	errno = saved;
}

/* What C code printed may still be in its buffers; whoever has their lock writes them out itself. */
static void flush(FILE *stream)
{
	const struct timespec step = {.tv_nsec = NS_PER_MS};

	for (int waited = 0; waited < FLUSH_MS_MAX; waited++) {
		if (ftrylockfile(stream) == 0) {
			(void)fflush_unlocked(stream);
			funlockfile(stream);
			return;
		}
		(void)nanosleep(&step, NULL);
	}
}

void app_log_stop(void)
{
	if (!atomic_exchange(&app_log.is_running, false))
		return;
	flush(stdout);
	flush(stderr);
	if (app_log.mode == APP_LOG_PLAIN) {
		(void)dup2(app_log.real_fd, STDOUT_FILENO);
		(void)dup2(app_log.real_fd, STDERR_FILENO);
	}
	ask_to_stop();
	(void)pthread_join(app_log.thread, NULL);
	/* Threads of the application may write on, into a pipe without an end: never to the host. */
	fd_closep(&app_log.read_fd);
	(void)operator_log_settle();
}
