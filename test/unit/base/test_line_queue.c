/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/line_queue.h"

#define PIPE_SIZE 4096
#define LINE 1000 /* bytes */

struct pipe_of {
	int read_fd, write_fd;
};

static struct pipe_of open_pipe(void)
{
	int fds[2];

	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	assert_true(fcntl(fds[1], F_SETPIPE_SZ, PIPE_SIZE) >= 0);
	return (struct pipe_of){fds[0], fds[1]};
}

static void read_until(int fd, struct buf *ret, const char *last)
{
	struct err err = ERR_INIT;

	while (!ret->data || !strstr(buf_text(ret), last)) {
		char piece[PIPE_SIZE];
		const ssize_t got = read(fd, piece, sizeof(piece));

		assert_true(got > 0);
		assert_ok(buf_add(ret, piece, (size_t)got, &err), &err);
	}
}

static void close_pipe(const struct pipe_of *ends)
{
	(void)close(ends->read_fd);
	(void)close(ends->write_fd);
}

static void lines_come_in_order(void **state)
{
	const struct pipe_of ends = open_pipe();
	scoped(buf_done) struct buf seen = BUF_INIT(LINE);
	struct line_queue *queue = NULL;
	struct err err = ERR_INIT;
	FILE *stream = NULL;

	(void)state;
	assert_ok(line_queue_new(ends.write_fd, false, &queue, &err), &err);
	assert_ok(line_queue_stream(queue, &stream, &err), &err);
	assert_true(fprintf(stream, "one\ntwo") > 0);
	assert_true(fprintf(stream, " %s\nlast", "three") > 0);
	assert_int_equal(fclose(stream), 0);
	assert_ok(line_queue_end(queue, 10000, &err), &err);
	read_until(ends.read_fd, &seen, "last\n");
	assert_string_equal(buf_text(&seen), "one\ntwo three\nlast\n");
	close_pipe(&ends);
}

static void add_lines(struct line_queue *queue, size_t count)
{
	char line[LINE];

	memset(line, 'x', sizeof(line));
	line[sizeof(line) - 1] = '\n';
	for (size_t i = 0; i < count; i++)
		line_queue_add(queue, line, sizeof(line));
}

static bool is_note(const char *text, bool is_json, size_t count)
{
	char note[100];

	if (is_json)
		(void)snprintf(note, sizeof(note), "{\"event\":\"dropped\",\"lines\":%zu}\n", count);
	else
		(void)snprintf(note, sizeof(note), "(%zu lines were left out here: nobody had read on)\n", count);
	return strcmp(text, note) == 0;
}

/* More than the queue holds: nobody waits, and what is missing is told in its place. */
static void what_finds_no_room_is_counted(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		const struct pipe_of ends = open_pipe();
		const size_t fits = LINE_QUEUE_SIZE_MAX / LINE, more = 500;
		scoped(buf_done) struct buf seen = BUF_INIT(4u * LINE_QUEUE_SIZE_MAX);
		struct line_queue *queue = NULL;
		struct err err = ERR_INIT;
		size_t lines = 0, dropped = 0;

		assert_ok(line_queue_new(ends.write_fd, i == 1, &queue, &err), &err);
		add_lines(queue, fits + more);
		read_until(ends.read_fd, &seen, i == 0 ? "read on)\n" : "}\n");
		assert_ok(line_queue_end(queue, 10000, &err), &err);
		for (const char *at = buf_text(&seen); *at == 'x'; at += LINE)
			lines++;
		for (size_t j = 1; j <= more && dropped == 0; j++)
			dropped = is_note(buf_text(&seen) + lines * LINE, i == 1, j) ? j : 0;
		/* The pipe and the line that is being written take some beside the queue. */
		assert_true(lines >= fits && lines <= fits + PIPE_SIZE / LINE + 1);
		assert_int_equal(lines + dropped, fits + more);
		close_pipe(&ends);
	}
}

static void a_full_pipe_holds_nobody(void **state)
{
	const struct pipe_of ends = open_pipe();
	struct line_queue *queue = NULL;
	struct err err = ERR_INIT;
	int64_t begin = clock_monotonic_ns();

	(void)state;
	assert_ok(line_queue_new(ends.write_fd, false, &queue, &err), &err);
	add_lines(queue, 5000);
	assert_ok(line_queue_end(queue, 50, &err), &err);
	assert_true(clock_monotonic_ns() - begin < 5000 * NS_PER_MS);
	close_pipe(&ends);
}

/* Who shares standard output may have made it non-blocking. */
static void a_full_pipe_that_does_not_block_is_waited_for(void **state)
{
	const struct pipe_of ends = open_pipe();
	const size_t count = 100;
	scoped(buf_done) struct buf seen = BUF_INIT(LINE_QUEUE_SIZE_MAX);
	struct line_queue *queue = NULL;
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(fcntl(ends.write_fd, F_SETFL, O_NONBLOCK), 0);
	assert_ok(line_queue_new(ends.write_fd, false, &queue, &err), &err);
	add_lines(queue, count);
	line_queue_add(queue, "end\n", 4);
	(void)usleep(20000); /* it is full */
	read_until(ends.read_fd, &seen, "end\n");
	assert_int_equal(seen.size, count * LINE + 4);
	assert_ok(line_queue_end(queue, 10000, &err), &err);
	close_pipe(&ends);
}

static void a_closed_pipe_is_an_error(void **state)
{
	const struct pipe_of ends = open_pipe();
	struct line_queue *queue = NULL;
	struct err err = ERR_INIT;

	(void)state;
	(void)signal(SIGPIPE, SIG_IGN);
	(void)close(ends.read_fd);
	assert_ok(line_queue_new(ends.write_fd, false, &queue, &err), &err);
	add_lines(queue, 1);
	assert_int_equal(line_queue_end(queue, 10000, &err), -1);
	(void)close(ends.write_fd);
}

/* A line that is longer than the queue, and one that fits exactly. */
static void lines_of_any_length(void **state)
{
	const struct pipe_of ends = open_pipe();
	scoped(buf_done) struct buf seen = BUF_INIT(2u * LINE_QUEUE_SIZE_MAX);
	char *text = calloc(1, LINE_QUEUE_SIZE_MAX + 2);
	struct line_queue *queue = NULL;
	struct err err = ERR_INIT;
	FILE *stream = NULL;

	(void)state;
	assert_non_null(text);
	memset(text, 'y', LINE_QUEUE_SIZE_MAX);
	text[LINE_QUEUE_SIZE_MAX] = '\n';
	assert_ok(line_queue_new(ends.write_fd, false, &queue, &err), &err);
	assert_ok(line_queue_stream(queue, &stream, &err), &err);
	assert_true(fputs(text, stream) >= 0);
	read_until(ends.read_fd, &seen, "on)\n");
	assert_string_equal(buf_text(&seen), "(1 lines were left out here: nobody had read on)\n");
	buf_clear(&seen);
	assert_true(fputs(text + 1, stream) >= 0);
	read_until(ends.read_fd, &seen, "\n");
	assert_int_equal(seen.size, LINE_QUEUE_SIZE_MAX);
	(void)fclose(stream);
	assert_ok(line_queue_end(queue, 10000, &err), &err);
	free(text);
	close_pipe(&ends);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(lines_come_in_order),      cmocka_unit_test(what_finds_no_room_is_counted),
	    cmocka_unit_test(a_full_pipe_holds_nobody), cmocka_unit_test(a_closed_pipe_is_an_error),
	    cmocka_unit_test(lines_of_any_length),      cmocka_unit_test(a_full_pipe_that_does_not_block_is_waited_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
