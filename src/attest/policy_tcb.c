/* SPDX-License-Identifier: Apache-2.0 */
/* Appraisal of the platform: TCB status and its limits, machine, family. */
#include <string.h>

#include "attest/policy.h"
#include "attest/policy_priv.h"
#include "base/clock.h"
#include "format/hex.h"

uint32_t policy_statuses(const struct attest_policy *policy)
{
	return policy->tcb_statuses ? policy->tcb_statuses : STRICT_STATUSES;
}

uint32_t policy_tees(const struct attest_policy *policy)
{
	uint32_t tees = policy->tees;

	if (tees)
		return tees;
	tees |= policy->sgx ? ATTEST_TEE_BIT(ATTEST_TEE_SGX) : 0;
	tees |= policy->tdx ? ATTEST_TEE_BIT(ATTEST_TEE_TDX) : 0;
	tees |= policy->snp ? ATTEST_TEE_BIT(ATTEST_TEE_SEV_SNP) : 0;
	return tees ? tees : UINT32_MAX;
}

static bool text_is_in(const char *const *list, size_t count, const char *text)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(list[i], text) == 0)
			return true;
	return false;
}

const struct attest_exception *policy_find_debug_exception(const struct judge *judge)
{
	for (size_t i = 0; i < judge->policy->exception_count; i++) {
		const struct attest_exception *exception = &judge->policy->exceptions[i];

		if (exception->until >= judge->time && exception->debug)
			return exception;
	}
	return NULL;
}

const struct attest_exception *policy_find_status_exception(const struct judge *judge, uint32_t status_bit)
{
	for (size_t i = 0; i < judge->policy->exception_count; i++) {
		const struct attest_exception *exception = &judge->policy->exceptions[i];

		if (exception->until >= judge->time && (exception->tcb_statuses & status_bit))
			return exception;
	}
	return NULL;
}

const struct attest_exception *policy_find_advisory_exception(const struct judge *judge, const char *advisory)
{
	for (size_t i = 0; i < judge->policy->exception_count; i++) {
		const struct attest_exception *exception = &judge->policy->exceptions[i];

		if (exception->until >= judge->time &&
		    text_is_in(exception->advisories, exception->advisory_count, advisory))
			return exception;
	}
	return NULL;
}

void policy_use_exception(struct judge *judge, const struct attest_exception *exception)
{
	const size_t before = judge->verdict->loosening_count;
	char until[CLOCK_TEXT_SIZE];

	clock_format_utc(exception->until, until);
	verdict_loosened(judge, "exception", "until %s: %.160s", until, exception->reason);
	if (judge->verdict->loosening_count > before)
		judge_expiry(judge, "exception", INT64_MIN, exception->until);
}

/* Advisories: those of the policy's list, and of exceptions. */
static bool judge_advisories(struct judge *judge)
{
	const struct attest_policy *policy = judge->policy;
	const struct attest_facts *facts = judge->facts;

	for (size_t i = 0; policy->advisories && i < facts->advisory_count; i++) {
		const char *advisory = facts->advisories[i];
		const struct attest_exception *exception = policy_find_advisory_exception(judge, advisory);

		if (text_is_in(policy->advisories, policy->advisory_count, advisory))
			continue;
		if (!exception)
			return judge_fail(judge, "tcb-status", ATTEST_ERROR_TCB_STATUS,
					  "advisory %s is not among those the policy allows", advisory);
		policy_use_exception(judge, exception);
	}
	return true;
}

/*
 * One tcbDate of the evidence. The platform's always counts; that of the quoting enclave or the TDX module where it is
 * not at its newest level: their newest levels may be years older than the platform's.
 */
static bool judge_date(struct judge *judge, const char *whose, bool is_known, int64_t date)
{
	const struct attest_policy *policy = judge->policy;
	char seen[CLOCK_TEXT_SIZE] = "not known";

	if (is_known)
		clock_format_utc(date, seen);
	if (policy->tcb_date_min != 0 && (!is_known || date < policy->tcb_date_min))
		return judge_fail(judge, "tcb-status", ATTEST_ERROR_TCB_STATUS,
				  "tcbDate of the %s is %s, older than the policy allows", whose, seen);
	if (policy->tcb_date_max != 0 && (!is_known || date > policy->tcb_date_max))
		return judge_fail(judge, "tcb-status", ATTEST_ERROR_TCB_STATUS,
				  "tcbDate of the %s is %s, later than the policy allows", whose, seen);
	return true;
}

static bool judge_dates(struct judge *judge)
{
	const struct attest_facts *facts = judge->facts;

	if (!judge_date(judge, "platform", facts->tcb_known, facts->tcb_date))
		return false;
	if (!facts->tcb_known)
		return true;
	if (facts->intel.qe_status != ATTEST_TCB_UP_TO_DATE &&
	    !judge_date(judge, "quoting enclave", true, facts->intel.qe_tcb_date))
		return false;
	return !facts->tdx.has_module_status || facts->tdx.module_status == ATTEST_TCB_UP_TO_DATE ||
	       judge_date(judge, "TDX module", true, facts->tdx.module_tcb_date);
}

/* The floors beside the status itself. */
static bool judge_limits(struct judge *judge)
{
	const struct attest_facts *facts = judge->facts;
	const struct attest_policy *policy = judge->policy;

	if (!judge_dates(judge))
		return false;
	if (policy->evaluation_number_min != 0 &&
	    (!facts->tcb_known || facts->evaluation_number < policy->evaluation_number_min))
		return judge_fail(judge, "tcb-status", ATTEST_ERROR_TCB_STATUS,
				  "tcbEvaluationDataNumber is %u, expected at least %u",
				  facts->tcb_known ? facts->evaluation_number : 0, policy->evaluation_number_min);
	return judge_advisories(judge);
}

static void judge_status(struct judge *judge)
{
	const char *status = attest_tcb_status_text(judge->facts->tcb_status);
	const uint32_t bit = ATTEST_TCB_BIT(judge->facts->tcb_status);
	const bool allowed = (bit & policy_statuses(judge->policy)) != 0;
	const struct attest_exception *exception = policy_find_status_exception(judge, bit);

	if (!allowed && !exception) {
		(void)judge_fail(judge, "tcb-status", ATTEST_ERROR_TCB_STATUS, "TCB status is %s, expected %s", status,
				 judge->policy->tcb_statuses ? "one of the policy's" : "UpToDate or SWHardeningNeeded");
		return;
	}
	if (!judge_limits(judge))
		return;
	if (allowed) {
		judge_pass(judge, "tcb-status", "TCB status is %s", status);
		return;
	}
	judge_pass(judge, "tcb-status", "TCB status is %s, allowed by exception '%s'", status, exception->reason);
	policy_use_exception(judge, exception);
}

void policy_judge_tcb(struct judge *judge)
{
	if (judge->is_beside_fresh)
		(void)judge_skip(judge, "tcb-status", "%s; reported only, the fresh quote decides",
				 judge->facts->tcb_known ? attest_tcb_status_text(judge->facts->tcb_status)
							 : "unknown");
	else if (judge->facts->tcb_known)
		judge_status(judge);
	else if (judge->facts->tee != ATTEST_TEE_SEV_SNP)
		(void)judge_skip(judge, "tcb-status", "needs TCB info, QE identity and the PCK extension");
	else if (judge_limits(judge))
		(void)judge_skip(judge, "tcb-status", "AMD publishes none: see tcb-min");
}

#define SIGNING_KEY_VCEK 0 /* of the facts; enum snp_signing_key */

/* Under a VLEK, which is of no one chip, CHIP_ID is only what the report's signer wrote. */
static bool is_vouched_for(const struct attest_facts *facts)
{
	return facts->tee != ATTEST_TEE_SEV_SNP || facts->snp.signing_key == SIGNING_KEY_VCEK;
}

/* The machine's name of this kind; size 0: it has none, it is not known, or no certificate vouches for it. */
static struct attest_machine get_machine(const struct attest_facts *facts, enum attest_machine_kind kind)
{
	struct attest_machine id = {.size = 0};
	const bool amd = facts->tee == ATTEST_TEE_SEV_SNP;

	switch (kind) {
	case ATTEST_MACHINE_PPID:
		return amd ? id : facts->machine;
	case ATTEST_MACHINE_CHIP_ID:
		return amd && is_vouched_for(facts) ? facts->machine : id;
	case ATTEST_MACHINE_PLATFORM_INSTANCE:
		if (!amd && facts->intel.pck_parsed && facts->intel.has_configuration) {
			id.size = sizeof(facts->intel.platform_instance_id);
			memcpy(id.data, facts->intel.platform_instance_id, id.size);
		}
		return id;
	}
	return id;
}

static bool machine_is(const struct attest_facts *facts, const struct attest_policy_machine *machine)
{
	const struct attest_machine seen = get_machine(facts, machine->kind);

	/* An id has a size, so what has no name is none of the list. */
	return seen.size == machine->id.size && memcmp(seen.data, machine->id.data, seen.size) == 0;
}

void policy_judge_machine(struct judge *judge)
{
	const struct attest_policy *policy = judge->policy;
	char seen[HEX_TEXT_SIZE(ATTEST_MACHINE_SIZE_MAX)] = "of no known name";

	if (policy->machine_count == 0) {
		(void)judge_skip(judge, "machine", "the policy has no machine list");
		return;
	}
	if (judge->facts->machine.size > 0)
		hex_encode(judge->facts->machine.data, judge->facts->machine.size, seen);
	for (size_t i = 0; i < policy->machine_count; i++) {
		if (machine_is(judge->facts, &policy->machines[i])) {
			judge_pass(judge, "machine", "machine %s is in the policy's list", seen);
			return;
		}
	}
	(void)judge_fail(judge, "machine", ATTEST_ERROR_MACHINE, "machine %s %s", seen,
			 is_vouched_for(judge->facts) ? "is not in the policy's list"
						      : "is vouched for by no certificate: a VLEK is of no one chip");
}

/* All that the rule names applies. */
static bool is_denied(const struct attest_facts *facts, const struct attest_deny *deny)
{
	const bool intel = facts->tee != ATTEST_TEE_SEV_SNP;

	if (deny->tees && !(deny->tees & ATTEST_TEE_BIT(facts->tee)))
		return false;
	if (deny->fmspc && !(intel && facts->intel.pck_parsed && memcmp(deny->fmspc, facts->intel.fmspc, 6) == 0))
		return false;
	if (deny->product && (intel || !facts->snp.product || strcmp(deny->product, facts->snp.product) != 0))
		return false;
	if (deny->advisory) {
		for (size_t i = 0; i < facts->advisory_count; i++)
			if (strcmp(deny->advisory, facts->advisories[i]) == 0)
				return true;
		return false;
	}
	return true;
}

void policy_judge_family(struct judge *judge)
{
	const struct attest_policy *policy = judge->policy;

	if (!(policy_tees(policy) & ATTEST_TEE_BIT(judge->facts->tee))) {
		(void)judge_fail(judge, "family-allowed", ATTEST_ERROR_MACHINE, "the policy does not allow TEE '%s'",
				 attest_tee_text(judge->facts->tee));
		return;
	}
	for (size_t i = 0; i < policy->denied_count; i++) {
		if (is_denied(judge->facts, &policy->denied[i])) {
			(void)judge_fail(judge, "family-allowed", ATTEST_ERROR_MACHINE, "denied by the policy: %s",
					 policy->denied[i].reason);
			return;
		}
	}
	judge_pass(judge, "family-allowed", "TEE '%s', no deny rule applies", attest_tee_text(judge->facts->tee));
}
