/* SPDX-License-Identifier: Apache-2.0 */
/* Over services and processes: test/e2e/test_collateral_keeping.py. */
#include "unit.h"

#include "collateral/pause.h"

#define NOW 1000000

static void test_whose_status(void **state)
{
	static const struct {
		int status;
		bool of_service;
	} rows[] = {{404, false}, {410, false}, {400, false}, {403, false}, {302, false},
		    {407, false}, {408, true},  {428, false}, {429, true},  {430, false},
		    {499, false}, {500, true},  {503, true},  {599, true},  {600, false}};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		assert_int_equal(collateral_pause_is_of_service(rows[i].status), rows[i].of_service);
}

static void test_how_long(void **state)
{
	static const struct {
		struct collateral_pause before;
		int status;
		int64_t retry_after;
		int64_t seconds; /* from who is authentic; up to a minute of it from others */
		unsigned failures;
	} rows[] = {
	    {{0}, 500, -1, 10, 1},
	    {{0}, 404, -1, 60, 1},
	    {{0}, 429, 9, 10, 1},
	    {{0}, 429, 11, 11, 1},
	    {{0}, 429, 3600, 3600, 1},
	    {{0}, 429, 3601, 3600, 1},
	    {{0}, 404, 100, 100, 1},
	    {{500, 1, NOW - 10, NOW}, 500, -1, 20, 2},
	    {{500, 6, NOW - 10, NOW}, 500, -1, 600, 7},
	    {{500, 5, NOW - 10, NOW}, 500, -1, 320, 6},
	    {{500, 1000, NOW - 10, NOW}, 500, -1, 600, 1000},
	    {{500, 5, NOW - 4000, NOW - 3600}, 500, -1, 320, 6},
	    {{500, 5, NOW - 4000, NOW - 3601}, 500, -1, 10, 1}, /* long ago */
	    {{500, 5, NOW + 1, NOW + 100}, 500, -1, 10, 1},     /* of a wrong clock */
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		const struct collateral_pause pause =
		    collateral_pause_after(&rows[i].before, rows[i].status, rows[i].retry_after, true, NOW);
		const struct collateral_pause unproven =
		    collateral_pause_after(&rows[i].before, rows[i].status, rows[i].retry_after, false, NOW);

		assert_int_equal(pause.until - NOW, rows[i].seconds);
		assert_int_equal(unproven.until - NOW, rows[i].seconds < 60 ? rows[i].seconds : 60);
		assert_int_equal(unproven.failures, rows[i].failures);
		assert_int_equal(pause.failures, rows[i].failures);
		assert_int_equal(pause.since, NOW);
		assert_int_equal(pause.status, rows[i].status);
	}
}

static void test_when_it_holds(void **state)
{
	static const struct {
		struct collateral_pause pause;
		bool holds;
	} rows[] = {
	    {{0}, false},
	    {{404, 1, NOW, NOW + 1}, true},
	    {{404, 0, NOW, NOW + 1}, false},
	    {{404, 1, NOW - 1, NOW}, false},
	    {{404, 1, NOW + 1, NOW + 2}, false},
	    {{404, 1, NOW, NOW + 3600}, true},
	    {{404, 1, NOW, NOW + 3601}, false},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		assert_int_equal(collateral_pause_holds(&rows[i].pause, NOW), rows[i].holds);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_whose_status),
	    cmocka_unit_test(test_how_long),
	    cmocka_unit_test(test_when_it_holds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
