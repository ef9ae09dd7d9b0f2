/* SPDX-License-Identifier: Apache-2.0 */
/* One piece of evidence of any TEE, given to the part that knows it; and what its REPORTDATA must be. */
#ifndef MSE_ATTEST_EVIDENCE_H
#define MSE_ATTEST_EVIDENCE_H

#include "attest/verdict.h"

/* NULL, or a constant sentence: not exactly one of quote and report is given. */
const char *evidence_find_fault(const struct attest_evidence *evidence);

/*
 * Records all checks but the binding, fills in judge->facts, sets judge->simulated. False if the evidence cannot even
 * be read: there are then no facts.
 */
bool evidence_judge(struct judge *judge, const struct attest_evidence *evidence);

/* Check "binding": the first `size` bytes of REPORTDATA. */
void evidence_judge_binding(struct judge *judge, const uint8_t *expected, size_t size);
/* Check "binding" of a caller who asked for none. */
void evidence_skip_binding(struct judge *judge);

#endif
