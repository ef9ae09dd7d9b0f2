/* SPDX-License-Identifier: Apache-2.0 */
#include "temp_dir.h"

#include <string.h>

#include "cli/context_expect.h"

static void trust_cloud(const struct settings *settings)
{
	char url[] = "https://api.one.example", domain[] = "one.example", pem[] = "PEM", root[] = "ROOT", hash[] = "00";
	const struct trust trust = {.url = url,
				    .ca = pem,
				    .ca_sha256 = hash,
				    .simulation_root = root,
				    .simulation_root_sha256 = hash,
				    .base_domain = domain};
	struct err err = ERR_INIT;

	assert_ok(trust_save(settings, &trust, &err), &err);
}

static void expect_app(const struct settings *settings, const struct attest_options *judged, struct context_expect *ret)
{
	const struct context_expect_options options = {.address = "app.one.example", .mode = COLLATERAL_OFFLINE};
	struct err err = ERR_INIT;

	assert_ok(context_expect_init(settings, &options, ret, &err), &err);
	context_expect_judge_by(ret, judged);
	assert_ptr_equal(ret->policy, &judged->policy);
	assert_ptr_equal(ret->hardware_roots, &judged->roots);
}

/* It neither replaces the roots that the policy names nor adds one where it names none. */
static void test_a_trusted_cloud_does_not_loosen_a_policy(void **state)
{
	const struct settings settings = {.conf_path = *state};
	const struct attest_bytes named = {(const uint8_t *)"OTHER", 5};
	struct attest_policy file = {0};
	struct attest_options judged = {0};
	struct context_expect expect;

	trust_cloud(&settings);
	expect_app(&settings, &judged, &expect);
	assert_int_equal(expect.roots.count, 1);
	assert_memory_equal(expect.roots.roots[0].data, "ROOT", 4);
	context_expect_done(&expect);

	judged.file_policy = &file;
	expect_app(&settings, &judged, &expect);
	assert_int_equal(expect.roots.count, 0);
	context_expect_done(&expect);

	judged.policy.simulation_roots = &named;
	judged.policy.simulation_root_count = 1;
	expect_app(&settings, &judged, &expect);
	assert_int_equal(expect.roots.count, 0);
	assert_ptr_equal(expect.policy->simulation_roots, &named);
	context_expect_done(&expect);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_a_trusted_cloud_does_not_loosen_a_policy, temp_dir_make,
					    temp_dir_drop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
