/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The TCB signer: its chain, and its signatures over TCB info and QE identity (attestation-evidence.md section 2 steps
 * 4, 5).
 */
#ifndef MSE_ATTEST_SIGNER_H
#define MSE_ATTEST_SIGNER_H

#include "attest/collateral.h"

/* root: the one that the PCK chain ends in; crl_usable: the root CRL holds. False: do not use the item's content. */
bool signer_judge_tcb_info(struct judge *judge, const struct x509_cert *root, bool crl_usable);
bool signer_judge_qe_identity(struct judge *judge, const struct x509_cert *root, bool crl_usable);

#endif
