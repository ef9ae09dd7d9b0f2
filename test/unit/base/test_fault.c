/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fault.h"

static void pass(void)
{
	fault_point("here");
}

static void note(const char *name, void *arg)
{
	*(bool *)arg |= strcmp(name, "here") == 0;
}

static void points_are_listed(void **state)
{
	bool seen = false;

	(void)state;
	fault_list(note, &seen);
	assert_true(seen);
}

static void the_second_hit_kills(void **state)
{
	struct err err = ERR_INIT;
	int status;
	pid_t child;

	(void)state;
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		if (fault_arm("here:2", &err) < 0)
			_exit(9);
		pass();
		if (write(STDOUT_FILENO, "", 0) < 0)
			_exit(8);
		pass();
		_exit(7);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGKILL);
}

static void wrong_specs_are_refused(void **state)
{
	struct err err = ERR_INIT;

	(void)state;
	assert_fails(fault_arm("here", &err), &err, ERR_INVALID, "NAME:N");
	assert_fails(fault_arm(":1", &err), &err, ERR_INVALID, "NAME:N");
	assert_fails(fault_arm("here:0", &err), &err, ERR_INVALID, "here:0");
	assert_fails(fault_arm("here:x", &err), &err, ERR_INVALID, "here:x");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(points_are_listed),
	    cmocka_unit_test(the_second_hit_kills),
	    cmocka_unit_test(wrong_specs_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
