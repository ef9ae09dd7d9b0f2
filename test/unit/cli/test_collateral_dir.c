/* SPDX-License-Identifier: Apache-2.0 */
/* Which files of a folder are collateral. */
#include "temp_dir.h"

#include <string.h>

#include "cli/collateral_dir.h"

static void put(void **state, const char *name, const char *text)
{
	struct err err = ERR_INIT;
	scoped(freep) char *path = temp_dir_path(state, name);

	assert_ok(fs_write_new(path, text, strlen(text), 0600, &err), &err);
}

static void each_item_has_its_file(void **state)
{
	struct err err = ERR_INIT;
	struct collateral_items items;

	for (enum collateral_item item = 0; item < COLLATERAL_ITEM_COUNT; item++)
		put(state, collateral_item_file(item), collateral_item_text(item));
	put(state, "case.toml", "something else");
	collateral_items_init(&items);
	assert_ok(collateral_dir_read(*state, &items, &err), &err);
	for (enum collateral_item item = 0; item < COLLATERAL_ITEM_COUNT; item++)
		assert_string_equal(buf_text(&items.items[item]), collateral_item_text(item));
	collateral_items_done(&items);
}

static void a_vlek_takes_the_place_of_a_vcek(void **state)
{
	struct err err = ERR_INIT;
	struct collateral_items items;

	put(state, COLLATERAL_VLEK_FILE, "vlek");
	collateral_items_init(&items);
	assert_ok(collateral_dir_read(*state, &items, &err), &err);
	assert_string_equal(buf_text(&items.items[COLLATERAL_ITEM_VEK]), "vlek");
	assert_int_equal(items.items[COLLATERAL_ITEM_ASK].size, 0);
	collateral_items_done(&items);

	put(state, collateral_item_file(COLLATERAL_ITEM_VEK), "vcek");
	collateral_items_init(&items);
	assert_int_equal(collateral_dir_read(*state, &items, &err), -1);
	assert_int_equal(err.code, ERR_INVALID);
	collateral_items_done(&items);
}

static void check_refused(void **state, enum err_code code)
{
	struct err err = ERR_INIT;
	struct collateral_items items;

	collateral_items_init(&items);
	assert_int_equal(collateral_dir_read(*state, &items, &err), -1);
	assert_int_equal(err.code, code);
	collateral_items_done(&items);
}

static void a_folder_without_any_is_no_collateral(void **state)
{
	put(state, "quote.bin", "x");
	check_refused(state, ERR_NOT_FOUND);
}

static void an_empty_file_is_no_absent_item(void **state)
{
	put(state, collateral_item_file(COLLATERAL_ITEM_ARK_CRL), "");
	check_refused(state, ERR_INVALID);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(each_item_has_its_file, temp_dir_make, temp_dir_drop),
	    cmocka_unit_test_setup_teardown(a_vlek_takes_the_place_of_a_vcek, temp_dir_make, temp_dir_drop),
	    cmocka_unit_test_setup_teardown(a_folder_without_any_is_no_collateral, temp_dir_make, temp_dir_drop),
	    cmocka_unit_test_setup_teardown(an_empty_file_is_no_absent_item, temp_dir_make, temp_dir_drop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
