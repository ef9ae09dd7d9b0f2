/* SPDX-License-Identifier: Apache-2.0 */
/* What the filters do to a process is tried in test/e2e/test_sim_sandbox.py. */
#include "unit.h"

#include <linux/filter.h>

#include "sim/filter.h"

static void filters_are_whole_programs_that_the_kernel_takes(void **state)
{
	(void)state;
	struct err err = ERR_INIT;
	scoped(buf_done) struct buf calls = BUF_INIT(FILTER_SIZE_MAX);
	scoped(buf_done) struct buf refusals = BUF_INIT(FILTER_SIZE_MAX);

	assert_ok(filter_make_calls(&calls, &err), &err);
	assert_ok(filter_make_refusals(&refusals, &err), &err);
	assert_true(calls.size > refusals.size && refusals.size > 0);
	assert_int_equal(calls.size % sizeof(struct sock_filter), 0);
	assert_int_equal(refusals.size % sizeof(struct sock_filter), 0);
	assert_true(calls.size / sizeof(struct sock_filter) <= BPF_MAXINSNS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(filters_are_whole_programs_that_the_kernel_takes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
