/* SPDX-License-Identifier: Apache-2.0 */
/* What the caller loosened, listed in the verdict whether it made a difference or not; exceptions: when used. */
#include <inttypes.h>

#include "attest/policy.h"
#include "attest/policy_priv.h"
#include "crypto/hash.h"
#include "format/hex.h"

static void list_statuses(struct judge *judge, uint32_t statuses)
{
	for (enum attest_tcb_status i = 0; i <= ATTEST_TCB_REVOKED; i++)
		if ((statuses & ATTEST_TCB_BIT(i)) && !(STRICT_STATUSES & ATTEST_TCB_BIT(i)))
			verdict_loosened(judge, "tcb-status", "TCB status %s is allowed", attest_tcb_status_text(i));
}

static void list_flags(struct judge *judge, const struct attest_policy *policy)
{
	if (policy->allow_debug)
		verdict_loosened(judge, "allow-debug", "DEBUG is allowed");
	if (policy->allow_missing_crl)
		verdict_loosened(judge, "allow-missing-crl", "revocation lists may be missing");
	if (policy->allow_any_config)
		verdict_loosened(judge, "any-config", "CONFIGID, MRCONFIGID and HOST_DATA may be anything");
	if (policy->tdx && policy->tdx->attributes_allowed)
		verdict_loosened(judge, "td-attributes", "TDATTRIBUTES %016" PRIx64 " are allowed",
				 policy->tdx->attributes_allowed);
	if (policy->snp && policy->snp->allow_migration_agent)
		verdict_loosened(judge, "migration-agent", "a migration agent may have the guest");
	if (policy->snp && (policy->snp->vmpls & ATTEST_VMPL_HOST_BIT))
		verdict_loosened(judge, "host-report", "the host may have asked for the report");
}

static void list_root(struct judge *judge, const char *name, const char *what, const struct attest_bytes *root)
{
	uint8_t hash[SHA256_SIZE];
	char text[HEX_TEXT_SIZE(SHA256_SIZE)];

	sha256(root->data, root->size, hash);
	hex_encode(hash, sizeof(hash), text);
	verdict_loosened(judge, name, "%s, SHA-256 of its file %s", what, text);
}

void policy_list_loosenings(struct judge *judge, const struct attest_roots *roots)
{
	const struct attest_policy *policy = judge->policy;

	list_flags(judge, policy);
	list_statuses(judge, policy->tcb_statuses);
	for (size_t i = 0; roots && i < roots->hardware_count; i++)
		list_root(judge, "trust-root", "a further root is trusted as hardware", &roots->hardware[i]);
	for (size_t i = 0; i < policy->simulation_root_count; i++)
		list_root(judge, "allow-simulation", "a simulation's root is allowed", &policy->simulation_roots[i]);
}
