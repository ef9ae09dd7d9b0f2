/* SPDX-License-Identifier: Apache-2.0 */
/* What many processes make of it: test/e2e/test_collateral_cache.py. */
#include "temp_dir.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "collateral/cache.h"

static struct collateral_cache *open_cache(void **state, struct collateral_cache_limits limits)
{
	scoped(freep) char *path = temp_dir_path(state, "cache");
	struct collateral_cache *cache;
	struct err err = ERR_INIT;

	assert_ok(collateral_cache_open(path, &limits, &cache, &err), &err);
	return cache;
}

static void put(const struct collateral_cache *cache, int number, size_t size)
{
	scoped(collateral_record_done) struct collateral_record record = COLLATERAL_RECORD_INIT;
	struct err err = ERR_INIT;
	uint8_t *room;

	(void)snprintf(record.name, sizeof(record.name), "item %d", number);
	record.fetched = number;
	assert_ok(buf_reserve(&record.answer.body, size, &room, &err), &err);
	memset(room, number, size);
	record.answer.body.size = size;
	assert_ok(collateral_cache_put(cache, &record, &err), &err);
}

static bool has(const struct collateral_cache *cache, int number)
{
	scoped(collateral_record_done) struct collateral_record record = COLLATERAL_RECORD_INIT;
	char name[32];

	(void)snprintf(name, sizeof(name), "item %d", number);
	return collateral_cache_find(cache, name, &record) && record.fetched == number;
}

static void test_put_and_find(void **state)
{
	scoped(collateral_cache_closep) struct collateral_cache *cache =
	    open_cache(state, (struct collateral_cache_limits){0});

	assert_false(has(cache, 1));
	put(cache, 1, 100);
	put(cache, 2, 0);
	put(cache, 1, 50);
	assert_true(has(cache, 1) && has(cache, 2) && !has(cache, 3));
}

static void test_number_at_its_limit(void **state)
{
	scoped(collateral_cache_closep) struct collateral_cache *cache =
	    open_cache(state, (struct collateral_cache_limits){.count_max = 3});

	for (int i = 1; i <= 3; i++)
		put(cache, i, 10);
	assert_true(has(cache, 1) && has(cache, 2) && has(cache, 3));
	put(cache, 4, 10);
	assert_true(!has(cache, 1) && has(cache, 2) && has(cache, 3) && has(cache, 4));
}

static void test_bytes_at_their_limit(void **state)
{
	scoped(collateral_cache_closep) struct collateral_cache *cache =
	    open_cache(state, (struct collateral_cache_limits){.bytes_max = 5000});

	put(cache, 1, 2000);
	put(cache, 2, 2000);
	assert_true(has(cache, 1) && has(cache, 2));
	put(cache, 3, 2000);
	assert_true(!has(cache, 1) && has(cache, 2) && has(cache, 3));
}

static bool never(void *arg)
{
	(void)arg;
	return false;
}

static void test_a_lock_is_waited_for_and_given_up(void **state)
{
	scoped(collateral_cache_closep) struct collateral_cache *cache =
	    open_cache(state, (struct collateral_cache_limits){0});
	scoped(fd_closep) int first = -1;
	scoped(fd_closep) int second = -1;
	struct err err = ERR_INIT;

	assert_ok(collateral_cache_lock(cache, "a", 0, NULL, NULL, &first, &err), &err);
	assert_true(first >= 0);
	assert_ok(collateral_cache_lock(cache, "a", 30, NULL, NULL, &second, &err), &err);
	assert_int_equal(second, -1);
	assert_int_equal(collateral_cache_lock(cache, "a", 60000, never, NULL, &second, &err), -1);
	assert_int_equal(err.code, ERR_CANCELLED);
	fd_close(TAKE_FD(first));
	assert_ok(collateral_cache_lock(cache, "a", 30, NULL, NULL, &second, &err), &err);
	assert_true(second >= 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_put_and_find, temp_dir_make, temp_dir_drop),
	    cmocka_unit_test_setup_teardown(test_number_at_its_limit, temp_dir_make, temp_dir_drop),
	    cmocka_unit_test_setup_teardown(test_bytes_at_their_limit, temp_dir_make, temp_dir_drop),
	    cmocka_unit_test_setup_teardown(test_a_lock_is_waited_for_and_given_up, temp_dir_make, temp_dir_drop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
