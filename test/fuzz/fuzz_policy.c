/* SPDX-License-Identifier: Apache-2.0 */
/* A policy is read whole or not at all; one that was read can be enforced. */
#include <assert.h>

#include "attest/policy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t NOTHING[1];
	const struct attest_bytes bytes = {size ? data : NOTHING, size};
	struct attest_policy *policy = NULL;
	char why[ATTEST_TEXT_SIZE] = "";

	if (attest_policy_parse(&bytes, &policy, why) == 0)
		assert(policy && !policy_find_fault(policy));
	else
		assert(!policy && why[0]);
	attest_policy_free(policy);
	return 0;
}
