/* SPDX-License-Identifier: Apache-2.0 */
/* Policies that cannot be enforced as they stand. */
#include <string.h>

#include "attest/policy.h"
#include "attest/policy_priv.h"

#define ALL_STATUSES (ATTEST_TCB_BIT(ATTEST_TCB_REVOKED + 1) - 1)
#define ALL_TEES (ATTEST_TEE_BIT(ATTEST_TEE_SEV_SNP + 1) - 1)
#define ALL_VMPLS (ATTEST_VMPL_HOST_BIT | (ATTEST_VMPL_HOST_BIT - 1))

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
		return "an exception of the policy has no reason";
	if (exception->until <= 0)
		return "an exception of the policy has no date";
	if (exception->tcb_statuses & ~ALL_STATUSES)
		return "an exception of the policy names an unknown TCB status";
	if (exception->tcb_statuses & ATTEST_TCB_BIT(ATTEST_TCB_REVOKED))
		return "an exception of the policy allows Revoked";
	if (!texts_are_sound(exception->advisories, exception->advisory_count))
		return "an advisory of an exception has no name";
	if (!exception->debug && exception->tcb_statuses == 0 && exception->advisory_count == 0)
		return "an exception of the policy allows nothing";
	return NULL;
}

static const char *find_deny_fault(const struct attest_deny *deny)
{
	if (!deny->reason || !deny->reason[0])
		return "a deny rule of the policy has no reason";
	if (deny->tees & ~ALL_TEES)
		return "a deny rule of the policy names an unknown TEE";
	if (!deny->tees && !deny->fmspc && !deny->product && !deny->advisory)
		return "a deny rule of the policy names nothing";
	/* One that names Intel's and AMD's at once would never apply. */
	if (deny->product && (deny->fmspc || deny->advisory))
		return "a deny rule of the policy names what no evidence has together";
	if (deny->product && strcmp(deny->product, "Milan") != 0 && strcmp(deny->product, "Genoa") != 0 &&
	    strcmp(deny->product, "Turin") != 0)
		return "a deny rule of the policy names an unknown product";
	return NULL;
}

static const char *find_machine_fault(const struct attest_policy_machine *machine)
{
	if ((size_t)machine->kind >= COUNT_OF(MACHINE_SIZES))
		return "a machine of the policy is of no known kind";
	if (machine->id.size != MACHINE_SIZES[machine->kind])
		return "a machine id of the policy has a wrong size";
	return NULL;
}

static const char *find_tdx_fault(const struct attest_policy_tdx *tdx)
{
	if (!measurements_are_sound(tdx->mrseams, tdx->mrseam_count, false))
		return "the policy's MRSEAMs are empty or of a wrong size";
	for (size_t i = 0; i < COUNT_OF(tdx->rtmrs); i++)
		if (!measurements_are_sound(tdx->rtmrs[i], tdx->rtmr_counts[i], false))
			return "the policy's RTMRs are empty or of a wrong size";
	if (tdx->attributes_allowed & ~TDX_ATTRIBUTES_REFUSED)
		return "the policy allows TDATTRIBUTES that are not refused";
	return NULL;
}

static const char *find_snp_fault(const struct attest_policy_snp *snp)
{
	if (snp->policy_required & snp->policy_forbidden)
		return "the policy requires and forbids the same bit of the guest policy";
	if ((snp->policy_required & SNP_POLICY_MIGRATE_MA) && !snp->allow_migration_agent)
		return "the policy requires a migration agent without allowing one";
	if (snp->platform_required & snp->platform_forbidden)
		return "the policy requires and forbids the same bit of PLATFORM_INFO";
	if (snp->vmpls & ~ALL_VMPLS)
		return "the policy allows an unknown VMPL";
	if (!measurements_are_sound(snp->author_keys, snp->author_key_count, false))
		return "the policy's author keys are empty or of a wrong size";
	if (snp->csp_id && !snp->csp_id[0])
		return "the policy's CSP id is empty";
	return NULL;
}

static const char *find_lists_fault(const struct attest_policy *policy)
{
	if (!measurements_are_sound(policy->measurements, policy->measurement_count, true))
		return "the policy's measurements are empty or of a wrong size";
	if (!measurements_are_sound(policy->signers, policy->signer_count, true))
		return "the policy's signers are empty or of a wrong size";
	if (!texts_are_sound(policy->advisories, policy->advisory_count))
		return "the policy's advisories are missing or have no name";
	if (!list_is_sound(policy->machines, policy->machine_count))
		return "the policy's machine list is empty";
	if (!list_is_sound(policy->denied, policy->denied_count))
		return "the policy's deny rules are missing";
	if (!list_is_sound(policy->exceptions, policy->exception_count))
		return "the policy's exceptions are missing";
	if (!list_is_sound(policy->simulation_roots, policy->simulation_root_count))
		return "the policy's simulation roots are missing";
	return NULL;
}

static const char *find_elements_fault(const struct attest_policy *policy)
{
	const char *fault = NULL;

	for (size_t i = 0; i < policy->machine_count && !fault; i++)
		fault = find_machine_fault(&policy->machines[i]);
	for (size_t i = 0; i < policy->denied_count && !fault; i++)
		fault = find_deny_fault(&policy->denied[i]);
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
		return "the policy names an unknown TEE";
	if (has_idle_section(policy))
		return "the policy has a section for a TEE that it does not allow";
	if (policy->tcb_statuses & ~ALL_STATUSES)
		return "the policy names an unknown TCB status";
	if (policy->tcb_statuses & ATTEST_TCB_BIT(ATTEST_TCB_REVOKED))
		return "the policy allows Revoked";
	if (policy->tcb_date_min < 0 || policy->tcb_date_max < 0 ||
	    (policy->tcb_date_max != 0 && policy->tcb_date_max < policy->tcb_date_min))
		return "no tcbDate can lie between the policy's bounds";
	return find_elements_fault(policy);
}
