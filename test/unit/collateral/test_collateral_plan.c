/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <string.h>

#include "collateral/plan.h"

static void test_what_each_needs(void **state)
{
	static const struct {
		enum attest_tee tee;
		bool vlek;
		size_t count;
		enum collateral_kind first;
	} rows[] = {
	    {ATTEST_TEE_SGX, false, 4, COLLATERAL_KIND_SGX_TCB_INFO},
	    {ATTEST_TEE_SGX, true, 4, COLLATERAL_KIND_SGX_TCB_INFO},
	    {ATTEST_TEE_TDX, false, 4, COLLATERAL_KIND_TDX_TCB_INFO},
	    {ATTEST_TEE_SEV_SNP, false, 3, COLLATERAL_KIND_VCEK_CHAIN},
	    {ATTEST_TEE_SEV_SNP, true, 2, COLLATERAL_KIND_VLEK_CHAIN},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		const struct attest_needs needs = {.tee = rows[i].tee, .vlek = rows[i].vlek, .ca = "platform"};
		struct collateral_wanted wanted[COLLATERAL_PLAN_MAX];

		assert_int_equal(collateral_plan(&needs, "Milan", wanted), rows[i].count);
		assert_int_equal(wanted[0].kind, rows[i].first);
		assert_ptr_equal(wanted[0].fmspc, needs.fmspc);
	}
}

static void test_products_to_try(void **state)
{
	static const struct {
		const char *product;
		const char *tried[3];
	} rows[] = {{NULL, {"Milan", "Genoa"}}, {"", {"Milan", "Genoa"}}, {"Turin", {"Turin"}}, {"Rome", {""}}};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		const struct attest_needs needs = {.tee = ATTEST_TEE_SEV_SNP, .product = rows[i].product};
		const char *const *tried = collateral_plan_products(&needs);
		size_t j = 0;

		for (; rows[i].tried[j]; j++)
			assert_string_equal(tried[j], rows[i].tried[j]);
		assert_null(tried[j]);
	}
}

static void test_places(void **state)
{
	struct collateral_items items;
	struct collateral_answer answer = COLLATERAL_ANSWER_INIT;
	struct err err = ERR_INIT;

	(void)state;
	collateral_items_init(&items);
	assert_ok(buf_add_text(&answer.body, "body", &err), &err);
	assert_ok(buf_add_text(&answer.chain, "chain", &err), &err);
	assert_ok(collateral_plan_place(COLLATERAL_KIND_TD_QE_IDENTITY, &answer, &items, &err), &err);
	assert_string_equal(buf_text(&items.items[COLLATERAL_ITEM_QE_IDENTITY]), "body");
	assert_string_equal(buf_text(&items.items[COLLATERAL_ITEM_QE_IDENTITY_ISSUER_CHAIN]), "chain");
	assert_int_equal(answer.body.size + answer.chain.size, 0);
	assert_int_equal(collateral_plan_place(COLLATERAL_KIND_VCEK_CHAIN, &answer, &items, &err), -1);
	collateral_answer_done(&answer);
	collateral_items_done(&items);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_what_each_needs),
	    cmocka_unit_test(test_products_to_try),
	    cmocka_unit_test(test_places),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
