/* SPDX-License-Identifier: Apache-2.0 */
/* What only SEV-SNP has (attestation-evidence.md section 3 and 7). */
#include <inttypes.h>
#include <string.h>

#include "attest/policy_priv.h"

#define VMPL_HOST 0xffffffffu

static const struct attest_policy_snp ANY = {0};

static const struct attest_policy_snp *get_policy(const struct judge *judge)
{
	return judge->policy->snp ? judge->policy->snp : &ANY;
}

/* DEBUG has a check of its own. */
static void judge_guest_policy(struct judge *judge)
{
	const struct attest_policy_snp *policy = get_policy(judge);
	const uint64_t seen = judge->facts->snp.policy;

	if ((seen & SNP_POLICY_MIGRATE_MA) && !policy->allow_migration_agent)
		(void)judge_fail(judge, "guest-policy", ATTEST_ERROR_GUEST_POLICY,
				 "POLICY %" PRIx64 " lets a migration agent have the guest", seen);
	else if (policy->policy_required & ~seen)
		(void)judge_fail(judge, "guest-policy", ATTEST_ERROR_GUEST_POLICY,
				 "POLICY %" PRIx64 " lacks bits %" PRIx64, seen, policy->policy_required & ~seen);
	else if (policy->policy_forbidden & seen)
		(void)judge_fail(judge, "guest-policy", ATTEST_ERROR_GUEST_POLICY,
				 "POLICY %" PRIx64 " has the forbidden bits %" PRIx64, seen,
				 policy->policy_forbidden & seen);
	else
		judge_pass(judge, "guest-policy", "POLICY %" PRIx64, seen);
}

static void judge_vmpl(struct judge *judge)
{
	const uint32_t seen = judge->facts->snp.vmpl;
	const uint32_t allowed = get_policy(judge)->vmpls ? get_policy(judge)->vmpls : ATTEST_VMPL_HOST_BIT - 1;
	const uint32_t bit = seen == VMPL_HOST ? ATTEST_VMPL_HOST_BIT : seen <= 3 ? ATTEST_VMPL_BIT(seen) : 0;

	if (bit & allowed)
		judge_pass(judge, "vmpl", "VMPL is %u", seen);
	else
		(void)judge_fail(judge, "vmpl", ATTEST_ERROR_GUEST_POLICY, "VMPL is %u%s, which is not allowed", seen,
				 seen == VMPL_HOST ? " (the host asked for the report)" : "");
}

void policy_judge_snp_form(struct judge *judge)
{
	judge_guest_policy(judge);
	judge_vmpl(judge);
}

void policy_judge_snp_code(struct judge *judge)
{
	const struct attest_policy_snp *policy = get_policy(judge);
	const struct attest_snp_facts *facts = &judge->facts->snp;

	policy_judge_config(judge, "HOST_DATA", facts->host_data, policy->host_data, sizeof(facts->host_data));
	policy_judge_value(judge, "family", "FAMILY_ID", facts->family_id, policy->family_id, sizeof(facts->family_id));
	policy_judge_value(judge, "image", "IMAGE_ID", facts->image_id, policy->image_id, sizeof(facts->image_id));
	policy_judge_list(judge, "author-key", "AUTHOR_KEY_DIGEST", facts->author_key_digest,
			  facts->author_key_enabled ? sizeof(facts->author_key_digest) : 0, policy->author_keys,
			  policy->author_key_count);
}

/* A component of TCB_VERSION: its place differs between the products (section 3). */
struct component {
	const char *name;
	uint8_t least;
	int place; /* -1: this product has none */
};

static void judge_tcb_min(struct judge *judge)
{
	const struct attest_snp_tcb *least = &get_policy(judge)->tcb_min;
	const struct attest_snp_facts *facts = &judge->facts->snp;
	const bool turin = facts->product && strcmp(facts->product, "Turin") == 0;
	const struct component components[] = {
	    {"boot loader", least->boot_loader, turin ? 1 : 0},
	    {"TEE", least->tee, turin ? 2 : 1},
	    {"SNP", least->snp, turin ? 3 : 6},
	    {"microcode", least->microcode, 7},
	    {"FMC", least->fmc, turin ? 0 : -1},
	};
	bool asked = false;

	for (size_t i = 0; i < COUNT_OF(components); i++) {
		const struct component *component = &components[i];
		const unsigned seen = component->place < 0 ? 0 : facts->reported_tcb[component->place];

		asked = asked || component->least > 0;
		if (seen < component->least) {
			(void)judge_fail(judge, "tcb-min", ATTEST_ERROR_TCB_STATUS,
					 "the reported SVN of %s is %u, expected at least %u", component->name, seen,
					 component->least);
			return;
		}
	}
	if (asked)
		judge_pass(judge, "tcb-min", "the reported TCB has at least what the policy asks");
	else
		(void)judge_skip(judge, "tcb-min", "the policy names no minimum");
}

static void judge_committed(struct judge *judge)
{
	const struct attest_snp_facts *facts = &judge->facts->snp;
	const bool same = memcmp(facts->current_tcb, facts->committed_tcb, sizeof(facts->current_tcb)) == 0;

	if (same)
		judge_pass(judge, "committed", "CURRENT_TCB is COMMITTED_TCB");
	else if (get_policy(judge)->require_committed)
		(void)judge_fail(judge, "committed", ATTEST_ERROR_TCB_STATUS,
				 "the firmware is provisional: CURRENT_TCB is not COMMITTED_TCB");
	else
		(void)judge_skip(judge, "committed",
				 "the firmware is provisional: CURRENT_TCB is not COMMITTED_TCB; not asked for");
}

static void judge_mitigations(struct judge *judge)
{
	const struct attest_policy_snp *policy = get_policy(judge);
	const struct attest_snp_facts *facts = &judge->facts->snp;
	const uint64_t launch = facts->has_mitigation_vectors ? facts->launch_mitigation_vector : 0;
	const uint64_t current = facts->has_mitigation_vectors ? facts->current_mitigation_vector : 0;

	if (policy->mitigations_launch == 0 && policy->mitigations_current == 0)
		(void)judge_skip(judge, "mitigations", "at launch %" PRIx64 ", now %" PRIx64 "; the policy asks none",
				 launch, current);
	else if ((policy->mitigations_launch & ~launch) || (policy->mitigations_current & ~current))
		(void)judge_fail(judge, "mitigations", ATTEST_ERROR_TCB_STATUS,
				 "at launch %" PRIx64 ", now %" PRIx64 ": bits asked for are not there", launch,
				 current);
	else
		judge_pass(judge, "mitigations", "at launch %" PRIx64 ", now %" PRIx64, launch, current);
}

static void judge_platform_info(struct judge *judge)
{
	const struct attest_policy_snp *policy = get_policy(judge);
	const uint64_t seen = judge->facts->snp.platform_info;

	if (policy->platform_required & ~seen)
		(void)judge_fail(judge, "platform-info", ATTEST_ERROR_TCB_STATUS,
				 "PLATFORM_INFO %" PRIx64 " lacks bits %" PRIx64, seen,
				 policy->platform_required & ~seen);
	else if (policy->platform_forbidden & seen)
		(void)judge_fail(judge, "platform-info", ATTEST_ERROR_TCB_STATUS,
				 "PLATFORM_INFO %" PRIx64 " has the forbidden bits %" PRIx64, seen,
				 policy->platform_forbidden & seen);
	else
		judge_pass(judge, "platform-info", "PLATFORM_INFO %" PRIx64, seen);
}

static void judge_csp(struct judge *judge)
{
	const char *wanted = get_policy(judge)->csp_id;
	const char *seen = judge->facts->snp.csp_id;

	if (!wanted)
		(void)judge_skip(judge, "csp", "the cloud provider is '%s'; the policy names none", seen);
	else if (strcmp(seen, wanted) != 0)
		(void)judge_fail(judge, "csp", ATTEST_ERROR_MACHINE, "the cloud provider is '%s', expected '%s'", seen,
				 wanted);
	else
		judge_pass(judge, "csp", "the cloud provider is '%s', as expected", seen);
}

void policy_judge_snp_tcb(struct judge *judge)
{
	judge_tcb_min(judge);
	judge_committed(judge);
	judge_mitigations(judge);
	judge_platform_info(judge);
	judge_csp(judge);
}
