/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <string.h>

#include "base/buf.h"

static void maximum_is_inclusive(void **state)
{
	scoped(buf_done) struct buf buf = BUF_INIT(4);
	struct err err = ERR_INIT;

	(void)state;
	assert_ok(buf_add_text(&buf, "abcd", &err), &err);
	assert_string_equal(buf_text(&buf), "abcd");
	assert_fails(buf_add_byte(&buf, 'e', &err), &err, ERR_LIMIT, "more than 4 bytes");
	assert_string_equal(buf_text(&buf), "abcd");
}

static void consume_keeps_the_rest_terminated(void **state)
{
	scoped(buf_done) struct buf buf = BUF_INIT(1000);
	struct err err = ERR_INIT;

	(void)state;
	assert_ok(buf_addf(&buf, &err, "%d-%s", 12, "rest"), &err);
	buf_consume(&buf, 3);
	assert_string_equal(buf_text(&buf), "rest");
	buf_consume(&buf, 100);
	assert_int_equal(buf.size, 0);
	assert_string_equal(buf_text(&buf), "");
}

static void take_leaves_an_empty_buffer(void **state)
{
	scoped(buf_done) struct buf buf = BUF_INIT(1000);
	struct err err = ERR_INIT;

	(void)state;
	assert_ok(buf_add_text(&buf, "text", &err), &err);
	scoped(freep) char *text = buf_take_text(&buf);
	assert_string_equal(text, "text");
	assert_null(buf.data);
	scoped(freep) char *empty = buf_take_text(&buf);
	assert_string_equal(empty, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(maximum_is_inclusive),
	    cmocka_unit_test(consume_keeps_the_rest_terminated),
	    cmocka_unit_test(take_leaves_an_empty_buffer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
