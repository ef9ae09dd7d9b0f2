/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <string.h>

#include "cli/connect_flow.h"

static void put(struct flow *flow, const char *text)
{
	struct err err = ERR_INIT;
	uint8_t *room = NULL;
	size_t size = 0;

	assert_ok(flow_room(flow, &room, &size, &err), &err);
	assert_true(size >= strlen(text));
	memcpy(room, text, strlen(text));
	flow_added(flow, strlen(text));
}

static void assert_out(const struct flow *flow, const char *wanted)
{
	size_t size;
	const uint8_t *out = flow_out(flow, &size);

	assert_int_equal(size, strlen(wanted));
	if (size)
		assert_memory_equal(out, wanted, size);
}

static void only_what_was_judged_goes_out(void **state)
{
	struct flow flow = FLOW_INIT;
	struct err err = ERR_INIT;
	size_t size;

	(void)state;
	put(&flow, "headbodynext");
	assert_out(&flow, "");
	assert_true(flow_is_empty(&flow));
	assert_false(flow_is_drained(&flow));
	flow_drop(&flow, 4);
	flow_pass(&flow, 4);
	assert_ok(buf_add_text(&flow.head, "HEAD", &err), &err);
	assert_out(&flow, "HEAD");
	flow_sent(&flow, 3);
	assert_out(&flow, "D");
	flow_rewind(&flow);
	assert_out(&flow, "HEAD");
	flow_sent(&flow, 4);
	assert_out(&flow, "body");
	flow_sent(&flow, 4);
	assert_true(flow_is_empty(&flow));
	assert_memory_equal(flow_unjudged(&flow, &size), "next", 4);
	assert_int_equal(size, 4);
	flow_clear_out(&flow);
	flow_rewind(&flow);
	assert_out(&flow, "");
	flow_done(&flow);
}

static void what_waits_to_go_out_can_be_dropped(void **state)
{
	struct flow flow = FLOW_INIT;
	struct err err = ERR_INIT;
	size_t size;

	(void)state;
	put(&flow, "bodynext");
	flow_pass(&flow, 4);
	assert_ok(buf_add_text(&flow.head, "HEAD", &err), &err);
	flow_clear_out(&flow);
	assert_out(&flow, "");
	(void)flow_unjudged(&flow, &size);
	assert_int_equal(size, 4);
	flow_done(&flow);
}

static void room_is_bounded_and_given_back(void **state)
{
	struct flow flow = FLOW_INIT;
	struct err err = ERR_INIT;
	uint8_t *room = NULL;
	size_t size = 0;

	(void)state;
	assert_ok(flow_room(&flow, &room, &size, &err), &err);
	assert_int_equal(size, FLOW_SIZE);
	flow_added(&flow, size);
	assert_ok(flow_room(&flow, &room, &size, &err), &err);
	assert_int_equal(size, 0);
	assert_null(room);
	flow_rest(&flow);
	assert_non_null(flow.data);
	flow_pass(&flow, FLOW_SIZE);
	flow_sent(&flow, FLOW_SIZE - 1);
	assert_ok(flow_room(&flow, &room, &size, &err), &err);
	assert_int_equal(size, FLOW_SIZE - 1);
	flow_sent(&flow, 1);
	flow_rest(&flow);
	assert_null(flow.data);
	flow_done(&flow);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(only_what_was_judged_goes_out),
	    cmocka_unit_test(what_waits_to_go_out_can_be_dropped),
	    cmocka_unit_test(room_is_bounded_and_given_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
