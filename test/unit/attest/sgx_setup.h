/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What tests of SGX evidence begin with: `e` is right before each test, which changes it in one way, builds and asks.
 * Include after unit.h.
 */
#ifndef MSE_TEST_SGX_SETUP_H
#define MSE_TEST_SGX_SETUP_H

#include "test_judge.h"

static struct test_evidence e;
static struct test_question question;

static inline int setup(void **state)
{
	(void)state;
	test_evidence_init(&e);
	return 0;
}

static inline int teardown(void **state)
{
	(void)state;
	test_evidence_done(&e);
	return 0;
}

static inline void again(void)
{
	test_evidence_done(&e);
	test_evidence_init(&e);
}

static inline void build(void)
{
	test_evidence_build(&e);
	test_question_init(&question, &e);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
