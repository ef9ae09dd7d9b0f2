/* SPDX-License-Identifier: Apache-2.0 */
/* What every unit test includes first: cmocka with the headers it forgets to include. */
#ifndef MSE_TEST_UNIT_H
#define MSE_TEST_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/err.h"

/* Fails with the error's own text. */
#define assert_ok(call, err_ptr) \
	do { \
		if ((call) < 0) \
			fail_msg("%s: %s", #call, (err_ptr)->text); \
	} while (0)

#define assert_fails(call, err_ptr, wanted_code, wanted_part) \
	do { \
		assert_int_equal((call), -1); \
		assert_string_equal(err_code_text((err_ptr)->code), err_code_text(wanted_code)); \
		if (!strstr((err_ptr)->text, (wanted_part))) \
			fail_msg("'%s' does not contain '%s'", (err_ptr)->text, (wanted_part)); \
	} while (0)

#endif
