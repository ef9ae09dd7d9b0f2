/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Appraisal: is authentic evidence acceptable (attestation-evidence.md section 2 step 14, section 7 "Policy")? In this
 * order: debug, measurement, svn, tcb-status, machine.
 */
#ifndef MSE_ATTEST_POLICY_H
#define MSE_ATTEST_POLICY_H

#include "attest/verdict.h"

/* NULL if the policy can be enforced as it is, else a constant sentence. */
const char *policy_find_fault(const struct attest_policy *policy);

/* judge->facts must be filled in. */
void policy_judge(struct judge *judge);

/* The machine list; also for fresh evidence. */
void policy_judge_machine(struct judge *judge);

#endif
