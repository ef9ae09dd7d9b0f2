/* SPDX-License-Identifier: Apache-2.0 */
/* What only SGX has. */
#include "attest/policy_priv.h"

static void judge_number(struct judge *judge, const char *check, const char *what, uint16_t seen,
			 const uint16_t *wanted)
{
	if (!wanted)
		(void)judge_skip(judge, check, "%s is %u; the policy names none", what, seen);
	else if (seen != *wanted)
		(void)judge_fail(judge, check, ATTEST_ERROR_MEASUREMENT, "%s is %u, expected %u", what, seen, *wanted);
	else
		judge_pass(judge, check, "%s is %u, as expected", what, seen);
}

void policy_judge_sgx_code(struct judge *judge)
{
	static const struct attest_policy_sgx ANY = {0};
	const struct attest_policy_sgx *policy = judge->policy->sgx ? judge->policy->sgx : &ANY;
	const struct attest_sgx_facts *facts = &judge->facts->sgx;

	judge_number(judge, "product", "ISVPRODID", facts->isvprodid, policy->isvprodid);
	policy_judge_value(judge, "extended-product", "ISVEXTPRODID", facts->isvextprodid, policy->isvextprodid,
			   sizeof(facts->isvextprodid));
	policy_judge_value(judge, "family", "ISVFAMILYID", facts->isvfamilyid, policy->isvfamilyid,
			   sizeof(facts->isvfamilyid));
	policy_judge_config(judge, "CONFIGID", facts->configid, policy->configid, sizeof(facts->configid));
	if (policy->configsvn_min == 0)
		(void)judge_skip(judge, "config-svn", "CONFIGSVN is %u; the policy names none", facts->configsvn);
	else if (facts->configsvn < policy->configsvn_min)
		(void)judge_fail(judge, "config-svn", ATTEST_ERROR_SVN, "CONFIGSVN is %u, expected at least %u",
				 facts->configsvn, policy->configsvn_min);
	else
		judge_pass(judge, "config-svn", "CONFIGSVN is %u, at least %u is expected", facts->configsvn,
			   policy->configsvn_min);
}
