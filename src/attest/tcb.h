/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How up to date a platform is (attestation-evidence.md section 2 steps 10, 12, 13). Pure functions over parsed
 * collateral.
 */
#ifndef MSE_ATTEST_TCB_H
#define MSE_ATTEST_TCB_H

#include "attest/verdict.h"
#include "crypto/pck_extension.h"
#include "format/qe_identity.h"
#include "format/tcb_info.h"

/* The highest level whose 16 components and PCESVN the platform reaches; NULL: none, the platform is not supported. */
const struct tcb_level *tcb_find_level(const struct tcb_info *info, const struct pck_extension *pck);
/* The highest level whose ISVSVN the quoting enclave reaches; NULL: none. */
const struct qe_level *tcb_find_qe_level(const struct qe_identity *identity, uint16_t isvsvn);

/* Applies the status of the QE (or of a TDX module) to that of the platform: the table of step 12. */
enum tcb_status tcb_converge(enum tcb_status platform, enum tcb_status other);

enum attest_tcb_status tcb_public_status(enum tcb_status status);

/*
 * Checks tcb-level and tcb-revoked; fills in the facts from tcb_status on. level or qe_level NULL: tcb-not-supported.
 * False unless the platform has a status.
 */
bool tcb_judge(struct judge *judge, const struct tcb_info *info, const struct tcb_level *level,
	       const struct qe_identity *identity, const struct qe_level *qe_level);

#endif
