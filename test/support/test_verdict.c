/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "test_verdict.h"

#include <string.h>

void test_expect_verdict(struct attest_verdict *verdict, const char *error)
{
	if (strcmp(verdict->error_text, error) != 0)
		fail_msg("verdict is '%s' (%s: %s), expected '%s'", verdict->error_text,
			 verdict->failed ? verdict->failed->name : "", verdict->failed ? verdict->failed->text : "",
			 error);
	assert_int_equal(verdict->accepted, strcmp(error, "none") == 0);
	attest_verdict_free(verdict);
}

const struct attest_check *test_find_check(const struct attest_verdict *verdict, const char *name)
{
	for (size_t i = 0; i < verdict->check_count; i++)
		if (strcmp(verdict->checks[i].name, name) == 0)
			return &verdict->checks[i];
	fail_msg("no check '%s'", name);
	return &verdict->checks[0];
}
