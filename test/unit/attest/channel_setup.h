/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What tests of the attested channel begin with: `channel` is right before each test, which changes it in one way,
 * builds and asks. Include after unit.h.
 */
#ifndef MSE_TEST_CHANNEL_SETUP_H
#define MSE_TEST_CHANNEL_SETUP_H

#include "test_channel.h"

static struct test_channel channel;

static inline int setup(void **state)
{
	(void)state;
	test_channel_init(&channel);
	return 0;
}

static inline int teardown(void **state)
{
	(void)state;
	test_channel_done(&channel);
	return 0;
}

static inline void again(void)
{
	test_channel_done(&channel);
	test_channel_init(&channel);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
