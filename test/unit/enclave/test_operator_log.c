/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "enclave/process/operator_log.h"

#define PIECE 4096

static char got[256 << 10];

static void fill(int fd)
{
	static const char piece[PIECE];
	struct err err = ERR_INIT;

	assert_ok(fd_set_nonblocking(fd, true, &err), &err);
	while (write(fd, piece, sizeof(piece)) > 0) {
	}
	assert_ok(fd_set_nonblocking(fd, false, &err), &err);
}

static size_t empty(int fd)
{
	size_t size = 0;
	ssize_t part;
	struct err err = ERR_INIT;

	assert_ok(fd_set_nonblocking(fd, true, &err), &err);
	while ((part = read(fd, got + size, sizeof(got) - 1 - size)) > 0)
		size += (size_t)part;
	got[size] = 0;
	return size;
}

static void lost_lines_are_told_as_soon_as_there_is_room(void **state)
{
	int fds[2];

	(void)state;
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	operator_log_set_fd(fds[1]);
	assert_true(operator_log_settle());
	fill(fds[1]);
	operator_log("one");
	operator_log("two");
	assert_false(operator_log_settle());
	assert_true(empty(fds[0]) > 0);
	/* Nobody has to log a third line for it. */
	assert_true(operator_log_settle());
	assert_true(empty(fds[0]) > 0);
	assert_string_equal(got, "mse-enclave: 2 log lines were dropped\n");
	assert_true(operator_log_settle());
	operator_log("three");
	assert_true(empty(fds[0]) > 0);
	assert_string_equal(got, "mse-enclave: three\n");
	fd_close(fds[0]);
	fd_close(fds[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(lost_lines_are_told_as_soon_as_there_is_room)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
