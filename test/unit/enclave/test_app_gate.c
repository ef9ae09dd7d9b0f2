/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "enclave/serve/app_gate.h"

static struct app_gate gate;
static int items[APP_GATE_QUEUE_MAX + 8];
static size_t resumed[APP_GATE_QUEUE_MAX];
static size_t resumed_count;
static size_t refused_count;

static void resume(void *item, void *tag)
{
	assert_ptr_equal(tag, &gate);
	resumed[resumed_count++] = (size_t)((int *)item - items);
}

static void refuse(void *item, void *tag)
{
	(void)item;
	(void)tag;
	refused_count++;
}

static enum app_gate_result enter(size_t index)
{
	return app_gate_enter(&gate, &items[index], &gate);
}

static int setup(void **state)
{
	(void)state;
	resumed_count = 0;
	refused_count = 0;
	app_gate_init(&gate, 2, APP_GATE_QUEUE_MAX, resume);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	app_gate_done(&gate);
	return 0;
}

static void lets_in_up_to_the_limit_then_in_order(void **state)
{
	(void)state;
	assert_int_equal(enter(0), APP_GATE_RUN);
	assert_int_equal(enter(1), APP_GATE_RUN);
	for (size_t i = 2; i < 6; i++)
		assert_int_equal(enter(i), APP_GATE_WAIT);
	assert_int_equal(resumed_count, 0);
	for (size_t i = 2; i < 6; i++) {
		app_gate_leave(&gate);
		assert_int_equal(resumed_count, i - 1);
		assert_int_equal(resumed[i - 2], i);
	}
	/* Two are in still: the last two resumed. */
	assert_int_equal(enter(6), APP_GATE_WAIT);
	app_gate_leave(&gate);
	app_gate_leave(&gate);
	app_gate_leave(&gate);
	assert_int_equal(gate.running, 0);
	assert_int_equal(enter(7), APP_GATE_RUN);
}

static void the_queue_is_bounded(void **state)
{
	(void)state;
	assert_int_equal(enter(0), APP_GATE_RUN);
	assert_int_equal(enter(1), APP_GATE_RUN);
	for (size_t i = 0; i < APP_GATE_QUEUE_MAX; i++)
		assert_int_equal(enter(i), APP_GATE_WAIT);
	assert_int_equal(enter(5), APP_GATE_FULL);
	app_gate_leave(&gate);
	assert_int_equal(enter(6), APP_GATE_WAIT);
	assert_int_equal(enter(7), APP_GATE_FULL);
}

static void closing_refuses_who_waits_and_who_comes(void **state)
{
	(void)state;
	for (size_t i = 0; i < 5; i++)
		(void)enter(i);
	app_gate_close(&gate, refuse);
	assert_int_equal(refused_count, 3);
	assert_int_equal(enter(6), APP_GATE_FULL);
	app_gate_leave(&gate);
	app_gate_leave(&gate);
	assert_int_equal(resumed_count, 0);
	assert_int_equal(enter(7), APP_GATE_FULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(lets_in_up_to_the_limit_then_in_order, setup, teardown),
	    cmocka_unit_test_setup_teardown(the_queue_is_bounded, setup, teardown),
	    cmocka_unit_test_setup_teardown(closing_refuses_who_waits_and_who_comes, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
