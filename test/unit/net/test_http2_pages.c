/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "net/http2_pages.h"

#define COUNT 200 /* more than three slabs */

static uint8_t *pages[COUNT];
static struct http2_slab *slabs[COUNT];

static bool is_all(const uint8_t *memory, uint8_t byte)
{
	for (size_t i = 0; i < HTTP2_PAGES_SIZE; i++) {
		if (memory[i] != byte)
			return false;
	}
	return true;
}

static void take(size_t i)
{
	pages[i] = http2_pages_take(&slabs[i]);
	assert_non_null(pages[i]);
	assert_true(is_all(pages[i], 0));
	memset(pages[i], (int)i + 1, HTTP2_PAGES_SIZE);
}

static void pieces_are_apart_and_come_back_empty(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT; i++)
		take(i);
	for (size_t i = 0; i < COUNT; i++)
		assert_true(is_all(pages[i], (uint8_t)(i + 1)));
	/* In any order, and again where others go on. */
	for (size_t i = 0; i < COUNT; i += 2)
		http2_pages_give(slabs[i], pages[i]);
	for (size_t i = 0; i < COUNT; i += 2)
		take(i);
	for (size_t i = 0; i < COUNT; i++)
		assert_true(is_all(pages[i], (uint8_t)(i + 1)));
	for (size_t i = COUNT; i-- > 0;)
		http2_pages_give(slabs[i], pages[i]);
	take(0);
	http2_pages_give(slabs[0], pages[0]);
}

static void what_rests_is_empty_and_goes_on(void **state)
{
	(void)state;
	take(1);
	take(2);
	http2_pages_rest(pages[1]);
	assert_true(is_all(pages[1], 0));
	assert_true(is_all(pages[2], 3));
	memset(pages[1], 9, HTTP2_PAGES_SIZE);
	assert_true(is_all(pages[1], 9));
	http2_pages_give(slabs[1], pages[1]);
	http2_pages_give(slabs[2], pages[2]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(pieces_are_apart_and_come_back_empty),
	    cmocka_unit_test(what_rests_is_empty_and_goes_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
