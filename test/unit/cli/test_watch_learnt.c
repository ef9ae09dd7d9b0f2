/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <string.h>

#include "cli/watch.h"

static const struct attest_verdict seen = {
    .accepted = true, .deployed = 2000, .has_identity = true, .identity = {1, 2, 3}};

static void test_deployments_are_of_one_owner(void **state)
{
	struct attest_expect expect = {.has_owner_key = true, .owner_key = {1}};
	struct watch_learnt learnt = {0};

	(void)state;
	watch_learnt_begin(&learnt, 0, &expect);
	watch_learnt_add(&learnt, &expect, &seen);
	watch_learnt_begin(&learnt, 1, &expect);
	assert_int_equal(learnt.deployed_seen, 2000);
	expect.owner_key[31] = 1; /* whose first deployment may be older */
	watch_learnt_begin(&learnt, 2, &expect);
	assert_int_equal(learnt.deployed_seen, 0);
	watch_learnt_add(&learnt, &expect, &seen);
	expect.has_owner_key = false;
	watch_learnt_begin(&learnt, 3, &expect);
	assert_int_equal(learnt.deployed_seen, 0);
	assert_false(learnt.has_identity);
}

static void test_the_newest_deployment_counts(void **state)
{
	struct attest_expect expect = {.has_owner_key = true};
	struct attest_verdict older = seen;
	struct watch_learnt learnt = {0};

	(void)state;
	older.deployed = 1000;
	watch_learnt_begin(&learnt, 0, &expect);
	watch_learnt_add(&learnt, &expect, &seen);
	watch_learnt_add(&learnt, &expect, &older);
	assert_int_equal(learnt.deployed_seen, 2000);
}

/* A policy that was changed means the same instance; a context or release perhaps another one. */
static void test_the_first_instance_is_the_one_that_is_meant(void **state)
{
	struct attest_expect expect = {.has_app = false};
	struct attest_verdict other = seen;
	struct watch_learnt learnt = {0};

	(void)state;
	other.identity[0] = 9;
	watch_learnt_begin(&learnt, 0, &expect);
	watch_learnt_add(&learnt, &expect, &seen);
	watch_learnt_add(&learnt, &expect, &other);
	assert_memory_equal(learnt.identity, seen.identity, sizeof(seen.identity));
	watch_learnt_begin(&learnt, 1, &expect);
	assert_true(learnt.has_identity);
	expect.has_app = true;
	watch_learnt_begin(&learnt, 1, &expect);
	assert_true(learnt.has_identity);
	watch_learnt_begin(&learnt, 2, &expect);
	assert_false(learnt.has_identity);
}

/* Who waits for its keys shows no ticket: the owner's key does not say which instance it is. */
static void test_an_instance_without_ticket_is_remembered(void **state)
{
	const struct attest_expect expect = {.has_owner_key = true};
	struct attest_verdict verdict = seen;
	struct watch_learnt learnt = {0};

	(void)state;
	verdict.role = ATTEST_ROLE_APPLICATION;
	watch_learnt_begin(&learnt, 0, &expect);
	watch_learnt_add(&learnt, &expect, &verdict);
	assert_false(learnt.has_identity);
	verdict.role = ATTEST_ROLE_CONFIGURATION;
	watch_learnt_add(&learnt, &expect, &verdict);
	assert_true(learnt.has_identity);
	assert_memory_equal(learnt.identity, seen.identity, sizeof(seen.identity));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_an_instance_without_ticket_is_remembered),
	    cmocka_unit_test(test_deployments_are_of_one_owner),
	    cmocka_unit_test(test_the_newest_deployment_counts),
	    cmocka_unit_test(test_the_first_instance_is_the_one_that_is_meant),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
