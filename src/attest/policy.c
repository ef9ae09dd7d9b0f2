/* SPDX-License-Identifier: Apache-2.0 */
#include "attest/policy.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "format/hex.h"

#define STRICT_STATUSES (ATTEST_TCB_BIT(ATTEST_TCB_UP_TO_DATE) | ATTEST_TCB_BIT(ATTEST_TCB_SW_HARDENING_NEEDED))
#define ALL_STATUSES (ATTEST_TCB_BIT(ATTEST_TCB_REVOKED + 1) - 1)

static bool measurements_are_sound(const struct attest_measurement *list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (list[i].size == 0 || list[i].size > ATTEST_MEASUREMENT_SIZE_MAX)
			return false;
	return true;
}

static const char *find_exception_fault(const struct attest_exception *exception)
{
	if (!exception->name || !exception->name[0])
		return "an exception of the policy has no name";
	if (exception->until <= 0)
		return "an exception of the policy has no date";
	if (exception->tcb_statuses & ~ALL_STATUSES)
		return "an exception of the policy names an unknown TCB status";
	if (exception->tcb_statuses & ATTEST_TCB_BIT(ATTEST_TCB_REVOKED))
		return "an exception of the policy allows Revoked";
	return NULL;
}

/* A list that is there but empty, or has a count but is not there, is a mistake that must not mean "anything". */
static bool list_is_sound(const void *list, size_t count)
{
	return (list != NULL) == (count > 0);
}

const char *policy_find_fault(const struct attest_policy *policy)
{
	if (!list_is_sound(policy->measurements, policy->measurement_count) ||
	    !measurements_are_sound(policy->measurements, policy->measurement_count))
		return "the policy's measurements are empty or of a wrong size";
	if (!list_is_sound(policy->signers, policy->signer_count) ||
	    !measurements_are_sound(policy->signers, policy->signer_count))
		return "the policy's signers are empty or of a wrong size";
	if (!list_is_sound(policy->machines, policy->machine_count))
		return "the policy's machine list is empty";
	for (size_t i = 0; i < policy->machine_count; i++)
		if (policy->machines[i].size == 0 || policy->machines[i].size > ATTEST_MACHINE_SIZE_MAX)
			return "a machine id of the policy has a wrong size";
	if (!policy->advisories && policy->advisory_count > 0)
		return "the policy's advisories are missing";
	for (size_t i = 0; i < policy->advisory_count; i++)
		if (!policy->advisories[i])
			return "an advisory of the policy has no name";
	if (!list_is_sound(policy->exceptions, policy->exception_count))
		return "the policy's exceptions are missing";
	for (size_t i = 0; i < policy->exception_count; i++) {
		const char *fault = find_exception_fault(&policy->exceptions[i]);

		if (fault)
			return fault;
	}
	if (!list_is_sound(policy->simulation_roots, policy->simulation_root_count))
		return "the policy's simulation roots are missing";
	return NULL;
}

/* An exception that is still good and allows this; NULL: none. */
static const struct attest_exception *find_exception(const struct judge *judge, bool debug, uint32_t status_bit)
{
	for (size_t i = 0; i < judge->policy->exception_count; i++) {
		const struct attest_exception *exception = &judge->policy->exceptions[i];

		if (exception->until >= judge->time &&
		    (debug ? exception->debug : (exception->tcb_statuses & status_bit) != 0))
			return exception;
	}
	return NULL;
}

static void pass_by_exception(struct judge *judge, const char *check, const char *what,
			      const struct attest_exception *exception)
{
	char until[CLOCK_TEXT_SIZE];

	clock_format_utc(exception->until, until);
	judge_expiry(judge, "exception", INT64_MIN, exception->until);
	judge_pass(judge, check, "%s, allowed until %s by exception '%s'", what, until, exception->name);
}

static void judge_debug(struct judge *judge)
{
	const struct attest_exception *exception = find_exception(judge, true, 0);

	if (!judge->facts->debug)
		judge_pass(judge, "debug", "no DEBUG attribute");
	else if (judge->simulated)
		judge_pass(judge, "debug", "DEBUG attribute, allowed because this simulation is allowed");
	else if (exception)
		pass_by_exception(judge, "debug", "DEBUG attribute", exception);
	else
		(void)judge_fail(judge, "debug", ATTEST_ERROR_DEBUG, "DEBUG attribute");
}

/* What the common facts are called in each TEE. */
static const struct {
	const char *measurement;
	const char *signer;
} NAMES[] = {
    [ATTEST_TEE_SGX] = {"MRENCLAVE", "MRSIGNER"},
    [ATTEST_TEE_TDX] = {"MRTD", "signer"},
    [ATTEST_TEE_SEV_SNP] = {"MEASUREMENT", "ID_KEY_DIGEST"},
};

static bool measurement_is_in(const struct attest_measurement *list, size_t count, const uint8_t *value, size_t size)
{
	for (size_t i = 0; i < count; i++)
		if (list[i].size == size && memcmp(list[i].data, value, size) == 0)
			return true;
	return false;
}

static bool judge_measurement(struct judge *judge, const char *check, const char *what,
			      const struct attest_measurement *value, const struct attest_measurement *list,
			      size_t count)
{
	char seen[HEX_TEXT_SIZE(ATTEST_MEASUREMENT_SIZE_MAX)] = "";
	char wanted[HEX_TEXT_SIZE(ATTEST_MEASUREMENT_SIZE_MAX)] = "";

	hex_encode(value->data, value->size, seen);
	if (value->size == 0)
		(void)snprintf(seen, sizeof(seen), "absent");
	if (count == 0)
		return judge_skip(judge, check, "%s is %s; the policy names none", what, seen);
	hex_encode(list[0].data, list[0].size, wanted);
	if (!measurement_is_in(list, count, value->data, value->size))
		return judge_fail(judge, check, ATTEST_ERROR_MEASUREMENT, "%s is %s, expected %s%s", what, seen, wanted,
				  count > 1 ? " or another of the list" : "");
	judge_pass(judge, check, "%s is %s, as expected", what, seen);
	return true;
}

static void judge_product(struct judge *judge)
{
	const uint16_t *wanted = judge->policy->isvprodid;

	const uint16_t seen = judge->facts->sgx.isvprodid;

	if (!wanted && judge->facts->tee != ATTEST_TEE_SGX)
		(void)judge_skip(judge, "product", "only SGX has an ISVPRODID");
	else if (!wanted)
		(void)judge_skip(judge, "product", "ISVPRODID is %u; the policy names none", seen);
	else if (judge->facts->tee != ATTEST_TEE_SGX)
		(void)judge_fail(judge, "product", ATTEST_ERROR_MEASUREMENT, "no ISVPRODID, expected %u", *wanted);
	else if (seen != *wanted)
		(void)judge_fail(judge, "product", ATTEST_ERROR_MEASUREMENT, "ISVPRODID is %u, expected %u", seen,
				 *wanted);
	else
		judge_pass(judge, "product", "ISVPRODID is %u, as expected", *wanted);
}

static void judge_svn(struct judge *judge)
{
	const uint16_t least = judge->policy->isvsvn_min;

	if (!judge->facts->has_svn && least == 0)
		(void)judge_skip(judge, "svn", "this TEE gives the workload no SVN; the policy asks for none");
	else if (!judge->facts->has_svn || judge->facts->svn < least)
		(void)judge_fail(judge, "svn", ATTEST_ERROR_SVN, "SVN is %u, expected at least %u", judge->facts->svn,
				 least);
	else
		judge_pass(judge, "svn", "SVN is %u, at least %u is expected", judge->facts->svn, least);
}

static bool advisory_is_allowed(const struct attest_policy *policy, const char *name)
{
	if (!policy->advisories)
		return true;
	for (size_t i = 0; i < policy->advisory_count; i++)
		if (strcmp(policy->advisories[i], name) == 0)
			return true;
	return false;
}

/* The floors and lists beside the status itself. */
static bool judge_tcb_limits(struct judge *judge)
{
	const struct attest_facts *facts = judge->facts;
	const struct attest_policy *policy = judge->policy;

	for (size_t i = 0; i < facts->advisory_count; i++)
		if (!advisory_is_allowed(policy, facts->advisories[i]))
			return judge_fail(judge, "tcb-status", ATTEST_ERROR_TCB_STATUS,
					  "advisory %s is not among those the policy allows", facts->advisories[i]);
	if (policy->tcb_date_min != 0 && facts->tcb_date < policy->tcb_date_min)
		return judge_fail(judge, "tcb-status", ATTEST_ERROR_TCB_STATUS,
				  "TCB date is before the policy's floor");
	if (facts->evaluation_number < policy->evaluation_number_min)
		return judge_fail(judge, "tcb-status", ATTEST_ERROR_TCB_STATUS,
				  "TCB evaluation data number is %u, expected at least %u", facts->evaluation_number,
				  policy->evaluation_number_min);
	return true;
}

static void judge_tcb_status(struct judge *judge)
{
	const uint32_t bit = ATTEST_TCB_BIT(judge->facts->tcb_status);
	const char *status = attest_tcb_status_text(judge->facts->tcb_status);
	const struct attest_exception *exception = find_exception(judge, false, bit);

	if (judge->is_beside_fresh) {
		(void)judge_skip(judge, "tcb-status", "%s; reported only, the fresh quote decides",
				 judge->facts->tcb_known ? status : "unknown");
		return;
	}
	if (!judge->facts->tcb_known) {
		(void)judge_skip(judge, "tcb-status", "needs TCB info, QE identity and the PCK extension");
		return;
	}
	if (!(bit & STRICT_STATUSES) && !exception) {
		(void)judge_fail(judge, "tcb-status", ATTEST_ERROR_TCB_STATUS,
				 "TCB status is %s, expected UpToDate or SWHardeningNeeded", status);
		return;
	}
	if (!judge_tcb_limits(judge))
		return;
	if (bit & STRICT_STATUSES)
		judge_pass(judge, "tcb-status", "TCB status is %s", status);
	else
		pass_by_exception(judge, "tcb-status", status, exception);
}

void policy_judge_machine(struct judge *judge)
{
	const struct attest_policy *policy = judge->policy;
	const struct attest_machine *machine = &judge->facts->machine;
	char seen[HEX_TEXT_SIZE(ATTEST_MACHINE_SIZE_MAX)];

	if (policy->machine_count == 0) {
		(void)judge_skip(judge, "machine", "the policy has no machine list");
		return;
	}
	if (machine->size == 0) {
		(void)judge_skip(judge, "machine", "needs the machine's certificate");
		return;
	}
	hex_encode(machine->data, machine->size, seen);
	for (size_t i = 0; i < policy->machine_count; i++) {
		if (policy->machines[i].size == machine->size &&
		    memcmp(policy->machines[i].data, machine->data, machine->size) == 0) {
			judge_pass(judge, "machine", "machine %s is in the policy's list", seen);
			return;
		}
	}
	(void)judge_fail(judge, "machine", ATTEST_ERROR_MACHINE, "machine %s is not in the policy's list", seen);
}

void policy_judge(struct judge *judge)
{
	const struct attest_policy *policy = judge->policy;

	judge_debug(judge);
	(void)judge_measurement(judge, "measurement", NAMES[judge->facts->tee].measurement, &judge->facts->measurement,
				policy->measurements, policy->measurement_count);
	(void)judge_measurement(judge, "signer", NAMES[judge->facts->tee].signer, &judge->facts->signer,
				policy->signers, policy->signer_count);
	judge_product(judge);
	judge_svn(judge);
	judge_tcb_status(judge);
	if (!judge->is_beside_fresh)
		policy_judge_machine(judge);
}
