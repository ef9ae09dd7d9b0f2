/* SPDX-License-Identifier: Apache-2.0 */
/* What only TDX has (attestation-evidence.md section 1.3 and 7). */
#include <inttypes.h>

#include "attest/policy_priv.h"

#define SEPT_VE_DISABLE (1ULL << 28)
#define XFAM_NEEDED 0x3ULL
#define XFAM_KNOWN 0x6dbe7ULL

static uint64_t read_le64(const uint8_t bytes[static 8])
{
	uint64_t value = 0;

	for (size_t i = 8; i-- > 0;)
		value = value << 8 | bytes[i];
	return value;
}

static const struct attest_policy_tdx ANY = {0};

static const struct attest_policy_tdx *get_policy(const struct judge *judge)
{
	return judge->policy->tdx ? judge->policy->tdx : &ANY;
}

/* DEBUG, bit 0, has a check of its own; the rest of its byte and all reserved bits are refused whatever it says. */
static void judge_attributes(struct judge *judge, uint64_t attributes)
{
	const struct attest_policy_tdx *policy = get_policy(judge);
	const uint64_t refused = attributes & TDX_ATTRIBUTES_REFUSED & ~policy->attributes_allowed;

	if (refused)
		(void)judge_fail(judge, "td-attributes", ATTEST_ERROR_TD_ATTRIBUTES,
				 "TDATTRIBUTES %016" PRIx64 ": bits %016" PRIx64 " are not allowed", attributes,
				 refused);
	else if (policy->require_sept_ve_disable && !(attributes & SEPT_VE_DISABLE))
		(void)judge_fail(judge, "td-attributes", ATTEST_ERROR_TD_ATTRIBUTES,
				 "TDATTRIBUTES %016" PRIx64 ": SEPT_VE_DISABLE is not set", attributes);
	else
		judge_pass(judge, "td-attributes", "TDATTRIBUTES %016" PRIx64 "%s", attributes,
			   attributes & SEPT_VE_DISABLE ? "" : ", SEPT_VE_DISABLE is not set");
}

static void judge_xfam(struct judge *judge, uint64_t xfam)
{
	if ((xfam & XFAM_NEEDED) != XFAM_NEEDED || (xfam & ~XFAM_KNOWN))
		(void)judge_fail(judge, "xfam", ATTEST_ERROR_TD_ATTRIBUTES,
				 "XFAM %016" PRIx64 ": bits 0 and 1 must be set, none outside %llx", xfam, XFAM_KNOWN);
	else
		judge_pass(judge, "xfam", "XFAM %016" PRIx64, xfam);
}

void policy_judge_tdx_form(struct judge *judge)
{
	judge_attributes(judge, read_le64(judge->facts->tdx.td_attributes));
	judge_xfam(judge, read_le64(judge->facts->tdx.xfam));
}

/* Zero unless named: whoever migrates the TD can read it (MRSERVICETD), the host chose it (MRCONFIGID). */
static void judge_service_td(struct judge *judge)
{
	static const uint8_t ZERO[48] = {0};
	const uint8_t *wanted = get_policy(judge)->mrservicetd;

	if (!judge->facts->tdx.is_1_5 && !wanted)
		(void)judge_skip(judge, "mrservicetd", "a TD report 1.0 has none");
	else /* that of a report 1.0 is zero */
		policy_judge_value(judge, "mrservicetd", "MRSERVICETD", judge->facts->tdx.mrservicetd,
				   wanted ? wanted : ZERO, sizeof(ZERO));
}

void policy_judge_tdx_code(struct judge *judge)
{
	const struct attest_policy_tdx *policy = get_policy(judge);
	const struct attest_tdx_facts *facts = &judge->facts->tdx;
	char check[] = "rtmr0";
	char name[] = "RTMR0";

	for (size_t i = 0; i < COUNT_OF(facts->rtmr); i++) {
		check[4] = name[4] = (char)('0' + i);
		policy_judge_list(judge, check, name, facts->rtmr[i], sizeof(facts->rtmr[i]), policy->rtmrs[i],
				  policy->rtmr_counts[i]);
	}
	policy_judge_list(judge, "mrseam", "MRSEAM", facts->mrseam, sizeof(facts->mrseam), policy->mrseams,
			  policy->mrseam_count);
	policy_judge_config(judge, "MRCONFIGID", facts->mrconfigid, policy->mrconfigid, sizeof(facts->mrconfigid));
	policy_judge_value(judge, "mrowner", "MROWNER", facts->mrowner, policy->mrowner, sizeof(facts->mrowner));
	policy_judge_value(judge, "mrownerconfig", "MROWNERCONFIG", facts->mrownerconfig, policy->mrownerconfig,
			   sizeof(facts->mrownerconfig));
	judge_service_td(judge);
}

void policy_judge_tdx_tcb(struct judge *judge)
{
	const uint8_t *least = get_policy(judge)->tee_tcb_svn_min;
	const uint8_t *seen = judge->facts->tdx.tee_tcb_svn;

	if (!least) {
		(void)judge_skip(judge, "tee-tcb-svn", "the policy names no minimum");
		return;
	}
	for (unsigned i = 0; i < sizeof(judge->facts->tdx.tee_tcb_svn); i++) {
		if (seen[i] < least[i]) {
			(void)judge_fail(judge, "tee-tcb-svn", ATTEST_ERROR_TCB_STATUS,
					 "TEE_TCB_SVN[%u] is %u, expected at least %u", i, seen[i], least[i]);
			return;
		}
	}
	judge_pass(judge, "tee-tcb-svn", "TEE_TCB_SVN has at least what the policy asks");
}
