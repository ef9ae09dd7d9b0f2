/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Judging one SGX quote: steps 1 to 14 of attestation-evidence.md section 2 but the binding, which is the caller's. TDX
 * and SEV-SNP get files of their own beside this one.
 */
#ifndef MSE_ATTEST_SGX_H
#define MSE_ATTEST_SGX_H

#include "attest/collateral.h"
#include "crypto/pck_extension.h"
#include "format/sgx_quote.h"

/* A quote with the chain it is to be verified with. */
struct sgx_subject {
	struct sgx_quote quote;    /* into the caller's bytes */
	struct chain own_chain;    /* from the quote */
	const struct chain *chain; /* own_chain or the collateral's; NULL: none */
	struct pck_extension pck;
	bool has_pck;
};

/* As evidence_judge. */
bool sgx_judge(struct judge *judge, struct attest_bytes quote);

/* The part without judgement, for attest_needs: reads quote, chain and PCK extension. */
must_check int sgx_subject_read(struct attest_bytes quote, struct sgx_subject *ret, struct err *err);
void sgx_subject_done(struct sgx_subject *subject);

#endif
