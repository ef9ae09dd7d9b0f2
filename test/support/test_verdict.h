/* SPDX-License-Identifier: Apache-2.0 */
/* What a test expects of a verdict, whatever it is about. Include after unit.h. */
#ifndef MSE_TEST_TEST_VERDICT_H
#define MSE_TEST_TEST_VERDICT_H

#include "mse/attest.h"

/* Fails the test unless the verdict's error is this, "none": accepted. Frees the verdict. */
void test_expect_verdict(struct attest_verdict *verdict, const char *error);

/* The check of this name; fails the test if there is none. */
const struct attest_check *test_find_check(const struct attest_verdict *verdict, const char *name);

#endif
