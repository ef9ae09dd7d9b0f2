/* SPDX-License-Identifier: Apache-2.0 */
#include "base/line_queue.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"

#define NOTE_MAX 96

struct line {
	struct line *next;
	size_t size;
	char text[];
};

struct line_queue {
	int fd;
	bool is_json;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed; /* monotonic clock */
	struct line *first, **last;
	size_t size;      /* of all lines that wait */
	unsigned dropped; /* lines not yet told about */
	bool is_writing, is_ending;
	int failed; /* errno */
	bool is_failing;
	int untold; /* errno of a failure behind a success */
};

/* ---- the thread ---- */

static struct line *make_line(const char *text, size_t size)
{
	struct line *line = malloc(sizeof(*line) + size);

	if (!line)
		return NULL;
	*line = (struct line){.size = size};
	memcpy(line->text, text, size);
	return line;
}

/* What shares the descriptor may have made it non-blocking. */
static void wait_for_room(int fd)
{
	struct pollfd room = {.fd = fd, .events = POLLOUT};

	(void)poll(&room, 1, -1);
}

/* The only place that waits; without the lock. Where thread is cancelled. */
static int write_all(int fd, const struct line *line)
{
	size_t at = 0;

	while (at < line->size) {
		const ssize_t put = write(fd, line->text + at, line->size - at);

		if (put < 0 && errno == EAGAIN)
			wait_for_room(fd);
		else if (put < 0 && errno != EINTR)
			return errno;
		at += put > 0 ? (size_t)put : 0;
	}
	return 0;
}

static struct line *take_note(struct line_queue *queue)
{
	const unsigned count = queue->dropped;
	char text[NOTE_MAX];
	int size;

	if (queue->is_json)
		size = snprintf(text, sizeof(text), "{\"event\":\"dropped\",\"lines\":%u}\n", count);
	else
		size = snprintf(text, sizeof(text), "(%u lines were left out here: nobody had read on)\n", count);
	queue->dropped = 0;
	return count ? make_line(text, (size_t)size) : NULL;
}

/* Lines are dropped until none waits any more, so the note stands where they would have. */
static struct line *take_line(struct line_queue *queue)
{
	struct line *line = queue->first;

	if (!line)
		return take_note(queue);
	queue->first = line->next;
	queue->last = queue->first ? queue->last : &queue->first;
	queue->size -= line->size;
	return line;
}

static void unlock(void *queue)
{
	(void)pthread_mutex_unlock(&((struct line_queue *)queue)->lock);
}

static void write_line(struct line_queue *queue, struct line *line)
{
	int failed = 0;

	queue->is_writing = true;
	(void)pthread_mutex_unlock(&queue->lock);
	pthread_cleanup_push(free, line);
	failed = write_all(queue->fd, line);
	pthread_cleanup_pop(1);
	(void)pthread_mutex_lock(&queue->lock);
	queue->is_writing = false;
	if (failed)
		queue->failed = failed;
	if (failed && !queue->is_failing)
		queue->untold = failed;
	queue->is_failing = failed != 0;
}

static void *run(void *arg)
{
	struct line_queue *queue = arg;

	(void)pthread_mutex_lock(&queue->lock);
	for (;;) {
		struct line *line = take_line(queue);

		if (line) {
			write_line(queue, line);
			continue;
		}
		(void)pthread_cond_broadcast(&queue->changed); /* all is written: line_queue_end may wait for that */
		if (queue->is_ending)
			break;
		pthread_cleanup_push(unlock, queue);
		(void)pthread_cond_wait(&queue->changed, &queue->lock);
		pthread_cleanup_pop(0);
	}
	(void)pthread_mutex_unlock(&queue->lock);
	return NULL;
}

/* ---- for others ---- */

/* Signals are for others. */
static int start(struct line_queue *queue, struct err *err)
{
	sigset_t all, before;
	int failed;

	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	failed = pthread_create(&queue->thread, NULL, run, queue);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	return failed ? err_set(err, ERR_IO, "cannot start a thread: %s", strerror(failed)) : 0;
}

static void queue_free(struct line_queue *queue)
{
	while (queue->first) {
		struct line *line = queue->first;

		queue->first = line->next;
		free(line);
	}
	(void)pthread_cond_destroy(&queue->changed);
	(void)pthread_mutex_destroy(&queue->lock);
	free(queue);
}

int line_queue_new(int fd, bool is_json, struct line_queue **ret, struct err *err)
{
	struct line_queue *queue = calloc(1, sizeof(*queue));
	pthread_condattr_t attributes;

	if (!queue)
		return err_no_memory(err);
	queue->fd = fd;
	queue->is_json = is_json;
	queue->last = &queue->first;
	(void)pthread_mutex_init(&queue->lock, NULL);
	(void)pthread_condattr_init(&attributes);
	(void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&queue->changed, &attributes);
	(void)pthread_condattr_destroy(&attributes);
	if (start(queue, err) < 0) {
		queue_free(queue);
		return -1;
	}
	*ret = queue;
	return 0;
}

void line_queue_add(struct line_queue *queue, const char *text, size_t size)
{
	struct line *line = make_line(text, size);

	(void)pthread_mutex_lock(&queue->lock);
	if (!line || queue->dropped > 0 || size > LINE_QUEUE_SIZE_MAX - queue->size) {
		queue->dropped++;
		free(line);
	} else {
		*queue->last = line;
		queue->last = &line->next;
		queue->size += size;
	}
	(void)pthread_cond_broadcast(&queue->changed);
	(void)pthread_mutex_unlock(&queue->lock);
}

int line_queue_trouble(struct line_queue *queue)
{
	int failed;

	(void)pthread_mutex_lock(&queue->lock);
	failed = queue->untold;
	queue->untold = 0;
	(void)pthread_mutex_unlock(&queue->lock);
	return failed;
}

static bool is_done(const struct line_queue *queue)
{
	return !queue->first && !queue->is_writing && queue->dropped == 0;
}

static struct timespec moment_in(int ms)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	now.tv_sec += ms / 1000;
	now.tv_nsec += ms % 1000 * NS_PER_MS;
	if (now.tv_nsec >= NS_PER_SECOND) {
		now.tv_sec++;
		now.tv_nsec -= NS_PER_SECOND;
	}
	return now;
}

int line_queue_end(struct line_queue *queue, int ms, struct err *err)
{
	const struct timespec end = moment_in(ms);
	int failed;

	if (!queue)
		return 0;
	(void)pthread_mutex_lock(&queue->lock);
	queue->is_ending = true;
	(void)pthread_cond_broadcast(&queue->changed);
	while (!is_done(queue) && pthread_cond_timedwait(&queue->changed, &queue->lock, &end) == 0)
		;
	(void)pthread_mutex_unlock(&queue->lock);
	/* Whom nobody reads from waits in write, where it can be stopped. */
	(void)pthread_cancel(queue->thread);
	(void)pthread_join(queue->thread, NULL);
	failed = queue->failed;
	queue_free(queue);
	errno = failed;
	return failed ? err_set_errno(err, "cannot write the result") : 0;
}

/* ---- as a stream ---- */

struct stream {
	struct line_queue *queue;
	struct buf begun; /* a line without its end */
	bool is_lost;     /* it is too long, or there is no memory for it */
};

static void drop(struct line_queue *queue)
{
	(void)pthread_mutex_lock(&queue->lock);
	queue->dropped++;
	(void)pthread_cond_broadcast(&queue->changed);
	(void)pthread_mutex_unlock(&queue->lock);
}

static void add_piece(struct stream *stream, const char *text, size_t size, bool is_end)
{
	struct err ignored = ERR_INIT;

	stream->is_lost = stream->is_lost || buf_add(&stream->begun, text, size, &ignored) < 0;
	if (!is_end)
		return;
	if (stream->is_lost)
		drop(stream->queue);
	else
		line_queue_add(stream->queue, (const char *)stream->begun.data, stream->begun.size);
	buf_clear(&stream->begun);
	stream->is_lost = false;
}

static ssize_t write_stream(void *arg, const char *text, size_t size)
{
	struct stream *stream = arg;
	size_t at = 0;

	while (at < size) {
		const char *end = memchr(text + at, '\n', size - at);
		const size_t piece = end ? (size_t)(end - (text + at)) + 1 : size - at;

		add_piece(stream, text + at, piece, end != NULL);
		at += piece;
	}
	return (ssize_t)size;
}

static int close_stream(void *arg)
{
	struct stream *stream = arg;

	if (stream->begun.size)
		add_piece(stream, "\n", 1, true);
	buf_done(&stream->begun);
	free(stream);
	return 0;
}

int line_queue_stream(struct line_queue *queue, FILE **ret, struct err *err)
{
	const cookie_io_functions_t functions = {.write = write_stream, .close = close_stream};
	struct stream *stream = calloc(1, sizeof(*stream));

	if (!stream)
		return err_no_memory(err);
	*stream = (struct stream){.queue = queue, .begun = BUF_INIT(LINE_QUEUE_SIZE_MAX)};
	*ret = fopencookie(stream, "w", functions);
	if (!*ret) {
		free(stream);
		return err_no_memory(err);
	}
	(void)setvbuf(*ret, NULL, _IOLBF, BUFSIZ);
	return 0;
}
