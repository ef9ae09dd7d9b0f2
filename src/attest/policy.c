/* SPDX-License-Identifier: Apache-2.0 */
#include "attest/policy.h"

#include <string.h>

#include "attest/policy_priv.h"
#include "format/hex.h"

#define VALUE_SIZE_MAX 64

static const char *const MEASUREMENT_NAMES[] = {
    [ATTEST_TEE_SGX] = "MRENCLAVE",
    [ATTEST_TEE_TDX] = "MRTD",
    [ATTEST_TEE_SEV_SNP] = "MEASUREMENT",
};
static const char *const SIGNER_NAMES[] = {
    [ATTEST_TEE_SGX] = "MRSIGNER",
    [ATTEST_TEE_TDX] = "the signer",
    [ATTEST_TEE_SEV_SNP] = "ID_KEY_DIGEST",
};
static const char *const SVN_NAMES[] = {
    [ATTEST_TEE_SGX] = "ISVSVN",
    [ATTEST_TEE_TDX] = "the SVN",
    [ATTEST_TEE_SEV_SNP] = "GUEST_SVN",
};

bool policy_allows_missing_crl(const struct judge *judge)
{
	return judge->policy->allow_missing_crl;
}

static void judge_debug(struct judge *judge)
{
	const struct attest_exception *exception = policy_find_debug_exception(judge);

	if (!judge->facts->debug) {
		judge_pass(judge, "debug", "DEBUG is not set");
	} else if (judge->simulated) {
		judge_pass(judge, "debug", "DEBUG is set, allowed because this simulation is allowed");
	} else if (judge->policy->allow_debug) {
		judge_pass(judge, "debug", "DEBUG is set, allowed by the policy");
	} else if (exception) {
		judge_pass(judge, "debug", "DEBUG is set, allowed by exception '%s'", exception->reason);
		policy_use_exception(judge, exception);
	} else {
		(void)judge_fail(judge, "debug", ATTEST_ERROR_DEBUG,
				 "DEBUG is set: whoever runs the machine can read the memory");
	}
}

void policy_judge_value(struct judge *judge, const char *check, const char *what, const uint8_t *seen,
			const uint8_t *wanted, size_t size)
{
	char seen_text[HEX_TEXT_SIZE(VALUE_SIZE_MAX)];
	char wanted_text[HEX_TEXT_SIZE(VALUE_SIZE_MAX)];

	hex_encode(seen, size, seen_text);
	if (!wanted) {
		(void)judge_skip(judge, check, "%s is %s; the policy names none", what, seen_text);
		return;
	}
	hex_encode(wanted, size, wanted_text);
	if (memcmp(seen, wanted, size) != 0)
		(void)judge_fail(judge, check, ATTEST_ERROR_MEASUREMENT, "%s is %s, expected %s", what, seen_text,
				 wanted_text);
	else
		judge_pass(judge, check, "%s is %s, as expected", what, seen_text);
}

void policy_judge_config(struct judge *judge, const char *what, const uint8_t *seen, const uint8_t *wanted, size_t size)
{
	static const uint8_t ZERO[VALUE_SIZE_MAX] = {0};

	if (!wanted && !judge->policy->allow_any_config)
		wanted = ZERO;
	policy_judge_value(judge, "config", what, seen, wanted, size);
}

static bool list_has(const struct attest_measurement *list, size_t count, const uint8_t *value, size_t size)
{
	for (size_t i = 0; i < count; i++)
		if (list[i].size == size && memcmp(list[i].data, value, size) == 0)
			return true;
	return false;
}

void policy_judge_list(struct judge *judge, const char *check, const char *what, const uint8_t *seen, size_t size,
		       const struct attest_measurement *list, size_t count)
{
	char seen_text[HEX_TEXT_SIZE(VALUE_SIZE_MAX)] = "none";
	char wanted[HEX_TEXT_SIZE(VALUE_SIZE_MAX)];

	if (size > 0)
		hex_encode(seen, size, seen_text);
	if (count == 0) {
		(void)judge_skip(judge, check, "%s is %s; the policy names none", what, seen_text);
		return;
	}
	hex_encode(list[0].data, list[0].size, wanted);
	if (!list_has(list, count, seen, size))
		(void)judge_fail(judge, check, ATTEST_ERROR_MEASUREMENT, "%s is %s, expected %s%s", what, seen_text,
				 wanted, count > 1 ? " or another of the list" : "");
	else
		judge_pass(judge, check, "%s is %s, as expected", what, seen_text);
}

/* A TEE without SVNs cannot fulfil a minimum. */
static void judge_svn(struct judge *judge)
{
	const struct attest_facts *facts = judge->facts;
	const char *what = SVN_NAMES[facts->tee];
	const uint32_t least = judge->policy->svn_min;

	if (!facts->has_svn && least == 0)
		(void)judge_skip(judge, "svn", "this TEE has none");
	else if (facts->svn < least) /* 0 where there is none */
		(void)judge_fail(judge, "svn", ATTEST_ERROR_SVN, "%s is %u, expected at least %u", what, facts->svn,
				 least);
	else
		judge_pass(judge, "svn", "%s is %u, at least %u is expected", what, facts->svn, least);
}

static void judge_form(struct judge *judge)
{
	judge_debug(judge);
	switch (judge->facts->tee) {
	case ATTEST_TEE_SGX:
		return;
	case ATTEST_TEE_TDX:
		policy_judge_tdx_form(judge);
		return;
	case ATTEST_TEE_SEV_SNP:
		policy_judge_snp_form(judge);
		return;
	}
}

static void judge_code(struct judge *judge)
{
	const struct attest_facts *facts = judge->facts;
	const struct attest_policy *policy = judge->policy;

	policy_judge_list(judge, "measurement", MEASUREMENT_NAMES[facts->tee], facts->measurement.data,
			  facts->measurement.size, policy->measurements, policy->measurement_count);
	policy_judge_list(judge, "signer", SIGNER_NAMES[facts->tee], facts->signer.data, facts->signer.size,
			  policy->signers, policy->signer_count);
	switch (facts->tee) {
	case ATTEST_TEE_SGX:
		policy_judge_sgx_code(judge);
		return;
	case ATTEST_TEE_TDX:
		policy_judge_tdx_code(judge);
		return;
	case ATTEST_TEE_SEV_SNP:
		policy_judge_snp_code(judge);
		return;
	}
}

/* What the platform was when the certificate was made: the fresh quote says what it is. */
static void skip_platform(struct judge *judge)
{
	static const char *const NAMES[] = {"tcb-min", "committed", "mitigations", "platform-info", "csp"};
	const char *const why = "reported only, the fresh quote decides";

	if (judge->facts->tee == ATTEST_TEE_TDX)
		(void)judge_skip(judge, "tee-tcb-svn", "%s", why);
	for (size_t i = 0; i < COUNT_OF(NAMES) && judge->facts->tee == ATTEST_TEE_SEV_SNP; i++)
		(void)judge_skip(judge, NAMES[i], "%s", why);
}

static void judge_platform(struct judge *judge)
{
	policy_judge_tcb(judge);
	if (judge->is_beside_fresh) {
		skip_platform(judge);
		return;
	}
	switch (judge->facts->tee) {
	case ATTEST_TEE_SGX:
		return;
	case ATTEST_TEE_TDX:
		policy_judge_tdx_tcb(judge);
		return;
	case ATTEST_TEE_SEV_SNP:
		policy_judge_snp_tcb(judge);
		return;
	}
}

void policy_judge(struct judge *judge)
{
	judge_form(judge);
	judge_code(judge);
	judge_svn(judge);
	judge_platform(judge);
	if (judge->is_beside_fresh)
		return;
	policy_judge_machine(judge);
	policy_judge_family(judge);
}
