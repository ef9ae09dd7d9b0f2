/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "unit.h"

#include "net/http2_guard.h"

static const struct {
	uint8_t type;
	uint8_t flags;
	size_t size;
	bool is_guarded;
	enum http2_guarded kind;
} kinds[] = {
    {0, 0, 0, true, HTTP2_GUARD_EMPTY_DATA},
    {0, 0, 1, false, 0},
    {0, 1, 0, false, 0}, /* END_STREAM */
    {1, 0, 9, false, 0},
    {2, 0, 5, true, HTTP2_GUARD_OTHERS},
    {3, 0, 4, true, HTTP2_GUARD_RESETS},
    {4, 0, 0, true, HTTP2_GUARD_SETTINGS},
    {4, 1, 0, true, HTTP2_GUARD_SETTINGS},
    {6, 0, 8, true, HTTP2_GUARD_PINGS},
    {7, 0, 8, true, HTTP2_GUARD_OTHERS},
    {8, 0, 4, true, HTTP2_GUARD_WINDOW_UPDATES},
    {9, 0, 4, false, 0},
    {10, 0, 0, true, HTTP2_GUARD_OTHERS},
    {255, 0, 0, true, HTTP2_GUARD_OTHERS},
};

static void test_kinds(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(kinds); i++) {
		enum http2_guarded kind;

		assert_int_equal(http2_guard_kind(kinds[i].type, kinds[i].flags, kinds[i].size, &kind),
				 kinds[i].is_guarded);
		if (kinds[i].is_guarded)
			assert_int_equal(kind, kinds[i].kind);
	}
}

static void test_max_and_one_more(void **state)
{
	struct http2_guard guard = {0};
	const int64_t now = 5 * NS_PER_SECOND;

	(void)state;
	for (int i = 0; i < 10; i++)
		assert_true(http2_guard_take(&guard, HTTP2_GUARD_PINGS, 10, now));
	assert_true(http2_guard_take(&guard, HTTP2_GUARD_RESETS, 1, now));
	assert_false(http2_guard_take(&guard, HTTP2_GUARD_PINGS, 10, now + NS_PER_SECOND - 1));
	assert_true(http2_guard_take(&guard, HTTP2_GUARD_PINGS, 10, now + NS_PER_SECOND));
}

static void test_windows_go_with_what_was_sent(void **state)
{
	struct http2_guard guard = {0};

	(void)state;
	http2_guard_sent(&guard);
	for (int i = 0; i < 1 + HTTP2_GUARD_UPDATES; i++)
		assert_true(http2_guard_take(&guard, HTTP2_GUARD_WINDOW_UPDATES, 1, 0));
	assert_false(http2_guard_take(&guard, HTTP2_GUARD_WINDOW_UPDATES, 1, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_kinds),
	    cmocka_unit_test(test_max_and_one_more),
	    cmocka_unit_test(test_windows_go_with_what_was_sent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
