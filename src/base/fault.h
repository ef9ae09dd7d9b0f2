/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fault points: named places where a test makes the process die as by kill -9. Compiled in only when the build has
 * tests (MSE_TESTS); otherwise fault_point is nothing at all.
 *
 * fault_arm("NAME:N") kills the process at the N-th time NAME is reached; msed takes the text from MSED_FAULT.
 * Every fault_point puts its name into one section of the program, so fault_list knows them all without a table.
 */
#ifndef MSE_BASE_FAULT_H
#define MSE_BASE_FAULT_H

#include "base/err.h"

#define FAULT_NAME_MAX 63

/* Arms "NAME:N", N from 1. ERR_INVALID for another form, ERR_UNSUPPORTED without MSE_TESTS. */
must_check int fault_arm(const char *spec, struct err *err);

/* Calls visit for every name once per place that has it. */
void fault_list(void (*visit)(const char *name, void *arg), void *arg);

#ifdef MSE_TESTS
void fault_hit(const char *name);
#define fault_point(name) \
	do { \
		static const char *const fault_name_ __attribute__((used, section("mse_fault_points"))) = (name); \
		fault_hit(fault_name_); \
	} while (0)
#else
#define fault_point(name) \
	do { \
	} while (0)
#endif

#endif
