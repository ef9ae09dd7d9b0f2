/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <string.h>

#include "sim/policy.h"

static void records_come_back_in_order(void **state)
{
	(void)state;
	struct err err = ERR_INIT;
	scoped(buf_done) struct buf policy = BUF_INIT(1000);
	struct policy_record record;
	const uint8_t on = 1;
	size_t at = 0;

	assert_ok(policy_add(&policy, POLICY_LANDLOCK, &on, 1, &err), &err);
	assert_ok(policy_add_text(&policy, POLICY_ARGUMENT, "", &err), &err);
	assert_ok(policy_add_path(&policy, POLICY_ACCESS_LIST, "/usr", &err), &err);
	assert_int_equal(policy_next(policy.data, policy.size, &at, &record, &err), 1);
	assert_int_equal(record.type, POLICY_LANDLOCK);
	assert_int_equal(policy_next(policy.data, policy.size, &at, &record, &err), 1);
	assert_int_equal(record.type, POLICY_ARGUMENT);
	assert_string_equal((const char *)record.data, "");
	assert_int_equal(policy_next(policy.data, policy.size, &at, &record, &err), 1);
	assert_int_equal(record.data[0], POLICY_ACCESS_LIST);
	assert_string_equal((const char *)record.data + 1, "/usr");
	assert_int_equal(policy_next(policy.data, policy.size, &at, &record, &err), 0);
}

static void a_cut_policy_is_refused_at_every_byte(void **state)
{
	(void)state;
	struct err err = ERR_INIT;
	scoped(buf_done) struct buf policy = BUF_INIT(1000);
	struct policy_record record;

	assert_ok(policy_add_path(&policy, POLICY_ACCESS_FILE, "/usr/bin/x", &err), &err);
	for (size_t size = 1; size < policy.size; size++) {
		size_t at = 0;

		assert_fails(policy_next(policy.data, size, &at, &record, &err), &err, ERR_INVALID, "sandbox policy");
	}
}

static void what_is_no_record_is_refused(void **state)
{
	(void)state;
	static const struct {
		uint8_t bytes[8];
		size_t size;
	} wrong[] = {
	    {{'Z', 1, 0, 0, 0, 0}, 6},                /* no such type */
	    {{'X', 1, 0, 0, 0, 'x'}, 6},              /* no zero byte */
	    {{'X', 0, 0, 0, 0}, 5},                   /* not even one */
	    {{'P', 1, 0, 0, 0, 0}, 6},                /* access without a path */
	    {{'L', 2, 0, 0, 0, 1, 1}, 7},             /* more than a byte */
	    {{'N', 1, 0, 0, 0, 1}, 6},                /* less than a network */
	    {{'X', 0xff, 0xff, 0xff, 0xff, 0, 0}, 7}, /* longer than all */
	};
	struct err err = ERR_INIT;
	struct policy_record record;

	for (size_t i = 0; i < COUNT_OF(wrong); i++) {
		size_t at = 0;

		assert_fails(policy_next(wrong[i].bytes, wrong[i].size, &at, &record, &err), &err, ERR_INVALID,
			     "sandbox policy: byte 0");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(records_come_back_in_order),
	    cmocka_unit_test(a_cut_policy_is_refused_at_every_byte),
	    cmocka_unit_test(what_is_no_record_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
