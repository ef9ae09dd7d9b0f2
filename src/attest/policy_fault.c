/* SPDX-License-Identifier: Apache-2.0 */
/* Policies that cannot be enforced as they stand. */
#include <string.h>

#include "attest/policy.h"
#include "attest/policy_priv.h"

#define ALL_STATUSES (ATTEST_TCB_BIT(ATTEST_TCB_REVOKED + 1) - 1)
#define ALL_TEES (ATTEST_TEE_BIT(ATTEST_TEE_SEV_SNP + 1) - 1)
#define INTEL_TEES (ATTEST_TEE_BIT(ATTEST_TEE_SGX) | ATTEST_TEE_BIT(ATTEST_TEE_TDX))
#define ALL_VMPLS (ATTEST_VMPL_HOST_BIT | (ATTEST_VMPL_HOST_BIT - 1))

#define EXCEPTIONS_MAX 32 /* each may show in the verdict */

static const size_t MACHINE_SIZES[] = {
    [ATTEST_MACHINE_PPID] = 32,
    [ATTEST_MACHINE_PLATFORM_INSTANCE] = 16,
    [ATTEST_MACHINE_CHIP_ID] = 64,
};

/* A list that is there but empty, or has a count but is not there, is a mistake that must not mean "anything". */
static bool list_is_sound(const void *list, size_t count)
{
	return (list != NULL) == (count > 0);
}

/* All of 48 bytes; of 32 too where any TEE's may stand. */
static bool measurements_are_sound(const struct attest_measurement *list, size_t count, bool any_tee)
{
	if (!list_is_sound(list, count))
		return false;
	for (size_t i = 0; i < count; i++)
		if (list[i].size != 48 && !(any_tee && list[i].size == 32))
			return false;
	return true;
}

static bool texts_are_sound(const char *const *list, size_t count)
{
	if (!list && count > 0)
		return false;
	for (size_t i = 0; i < count; i++)
		if (!list[i] || !list[i][0])
			return false;
	return true;
}

static const char *find_exception_fault(const struct attest_exception *exception)
{
	if (!exception->reason || !exception->reason[0])
		return "'exceptions': one has no reason";
	if (exception->until <= 0)
		return "'exceptions': one has no date";
	if (exception->tcb_statuses & ~ALL_STATUSES)
		return "'exceptions': one names an unknown TCB status";
	if (exception->tcb_statuses & ATTEST_TCB_BIT(ATTEST_TCB_REVOKED))
		return "'exceptions': one allows Revoked";
	if (!texts_are_sound(exception->advisories, exception->advisory_count))
		return "'exceptions': an advisory of one has no name";
	if (!exception->debug && exception->tcb_statuses == 0 && exception->advisory_count == 0)
		return "'exceptions': one allows nothing";
	return NULL;
}

/* tees: those that the policy allows. A rule that no evidence can meet is one that somebody wrongly relies on. */
static const char *find_deny_fault(const struct attest_deny *deny, uint32_t tees)
{
	const uint32_t applies = deny->tees ? deny->tees & tees : tees;

	if (!deny->reason || !deny->reason[0])
		return "'deny': a rule has no reason";
	if (deny->tees & ~ALL_TEES)
		return "'deny': a rule names an unknown TEE";
	if (!deny->tees && !deny->fmspc && !deny->product && !deny->advisory)
		return "'deny': a rule names nothing";
	/* One that names Intel's and AMD's at once would never apply. */
	if (deny->product && (deny->fmspc || deny->advisory))
		return "'deny': a rule names what no evidence has together";
	if (!(applies & ALL_TEES))
		return "'deny': 'tees' of a rule has none that the policy allows";
	if ((deny->fmspc || deny->advisory) && !(applies & INTEL_TEES))
		return "'deny': 'fmspc' or 'advisory' of a rule, which SEV-SNP has none of, and its 'tees' allow no "
		       "other";
	if (deny->product && !(applies & ATTEST_TEE_BIT(ATTEST_TEE_SEV_SNP)))
		return "'deny': 'product' of a rule is for SEV-SNP, which its 'tees' or the policy's do not allow";
	if (deny->product && strcmp(deny->product, "Milan") != 0 && strcmp(deny->product, "Genoa") != 0 &&
	    strcmp(deny->product, "Turin") != 0)
		return "'deny': a rule names an unknown product";
	return NULL;
}

static const char *find_machine_fault(const struct attest_policy_machine *machine)
{
	if ((size_t)machine->kind >= COUNT_OF(MACHINE_SIZES))
		return "'machines': one is of no known kind";
	if (machine->id.size != MACHINE_SIZES[machine->kind])
		return "'machines': an id has not the size of its kind";
	return NULL;
}

static const char *find_tdx_fault(const struct attest_policy_tdx *tdx)
{
	if (!measurements_are_sound(tdx->mrseams, tdx->mrseam_count, false))
		return "'tdx': 'mrseams' are empty or of a wrong size";
	for (size_t i = 0; i < COUNT_OF(tdx->rtmrs); i++)
		if (!measurements_are_sound(tdx->rtmrs[i], tdx->rtmr_counts[i], false))
			return "'tdx': RTMRs ('rtmr0' to 'rtmr3') are empty or of a wrong size";
	if (tdx->attributes_allowed & ~TDX_ATTRIBUTES_REFUSED)
		return "'tdx': 'attributes_allowed' has bits that are never refused, or always";
	return NULL;
}

static const char *find_snp_fault(const struct attest_policy_snp *snp)
{
	if (snp->policy_required & snp->policy_forbidden)
		return "'sev_snp': 'policy_required' and 'policy_forbidden' name the same bit";
	if ((snp->policy_required & SNP_POLICY_MIGRATE_MA) && !snp->allow_migration_agent)
		return "'sev_snp': 'policy_required' names the migration agent without 'allow_migration_agent'";
	if (snp->platform_required & snp->platform_forbidden)
		return "'sev_snp': 'platform_required' and 'platform_forbidden' name the same bit";
	if (snp->vmpls & ~ALL_VMPLS)
		return "'sev_snp': 'vmpls' has an unknown one";
	if (!measurements_are_sound(snp->author_keys, snp->author_key_count, false))
		return "'sev_snp': 'author_keys' are empty or of a wrong size";
	if (snp->csp_id && !snp->csp_id[0])
		return "'sev_snp': 'csp_id' is empty";
	return NULL;
}

static const char *find_lists_fault(const struct attest_policy *policy)
{
	if (!measurements_are_sound(policy->measurements, policy->measurement_count, true))
		return "'measurements' are empty or of a wrong size";
	if (!measurements_are_sound(policy->signers, policy->signer_count, true))
		return "'signers' are empty or of a wrong size";
	if (!texts_are_sound(policy->advisories, policy->advisory_count))
		return "'advisories' are missing or have no name";
	if (!list_is_sound(policy->machines, policy->machine_count))
		return "'machines' are empty";
	if (!list_is_sound(policy->denied, policy->denied_count))
		return "'deny': the rules are missing";
	if (!list_is_sound(policy->exceptions, policy->exception_count))
		return "'exceptions' are missing";
	if (policy->exception_count > EXCEPTIONS_MAX)
		return "'exceptions' are more than 32";
	if (!list_is_sound(policy->simulation_roots, policy->simulation_root_count))
		return "'simulation_roots' are missing";
	return NULL;
}

static const char *find_elements_fault(const struct attest_policy *policy)
{
	const uint32_t tees = policy_tees(policy);
	const char *fault = NULL;

	for (size_t i = 0; i < policy->machine_count && !fault; i++)
		fault = find_machine_fault(&policy->machines[i]);
	for (size_t i = 0; i < policy->denied_count && !fault; i++)
		fault = find_deny_fault(&policy->denied[i], tees);
	for (size_t i = 0; i < policy->exception_count && !fault; i++)
		fault = find_exception_fault(&policy->exceptions[i]);
	if (!fault && policy->tdx)
		fault = find_tdx_fault(policy->tdx);
	if (!fault && policy->snp)
		fault = find_snp_fault(policy->snp);
	return fault;
}

/* A section of a TEE that is not allowed would never be looked at. */
static bool has_idle_section(const struct attest_policy *policy)
{
	const uint32_t tees = policy_tees(policy);

	return (policy->sgx && !(tees & ATTEST_TEE_BIT(ATTEST_TEE_SGX))) ||
	       (policy->tdx && !(tees & ATTEST_TEE_BIT(ATTEST_TEE_TDX))) ||
	       (policy->snp && !(tees & ATTEST_TEE_BIT(ATTEST_TEE_SEV_SNP)));
}

const char *policy_find_fault(const struct attest_policy *policy)
{
	const char *fault = find_lists_fault(policy);

	if (fault)
		return fault;
	if (policy->tees & ~ALL_TEES)
		return "'tees' has an unknown one";
	if (has_idle_section(policy))
		return "'tees' lacks a TEE that the policy has a section for ('sgx', 'tdx', 'sev_snp')";
	if (policy->tcb_statuses & ~ALL_STATUSES)
		return "'tcb_statuses' has an unknown one";
	if (policy->tcb_statuses & ATTEST_TCB_BIT(ATTEST_TCB_REVOKED))
		return "'tcb_statuses' allows Revoked";
	if (policy->tcb_date_min < 0 || (policy->tcb_date_max != 0 && policy->tcb_date_max < policy->tcb_date_min))
		return "no date lies between 'tcb_date_min' and 'tcb_date_max'";
	return find_elements_fault(policy);
}
