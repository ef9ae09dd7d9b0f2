/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Appraisal: is authentic evidence acceptable (attestation-evidence.md section 2 step 14, section 7 "Policy")? In this
 * order: debug and the TEE's own attributes, measurement, svn, tcb-status, then machine and family.
 */
#ifndef MSE_ATTEST_POLICY_IMPL_H
#define MSE_ATTEST_POLICY_IMPL_H

#include "attest/verdict.h"

/* NULL if the policy can be enforced as it is, else a constant sentence. */
const char *policy_find_fault(const struct attest_policy *policy);

/* judge->facts must be filled in. */
void policy_judge(struct judge *judge);

/* The machine list; also for fresh evidence. */
void policy_judge_machine(struct judge *judge);

/* False if a revocation list that is missing is a refusal. */
bool policy_allows_missing_crl(const struct judge *judge);

/* Lists every loosening that policy and roots (NULL: none) hold; an exception is listed when it is used. */
void policy_list_loosenings(struct judge *judge, const struct attest_roots *roots);

#endif
