/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Judging one quote of Intel's: steps 1 to 14 of attestation-evidence.md section 2 but the binding, which is the
 * caller's. What SGX and TDX have in common is here; sgx.h and tdx.h have what only one of them has.
 */
#ifndef MSE_ATTEST_INTEL_H
#define MSE_ATTEST_INTEL_H

#include "attest/collateral.h"
#include "crypto/pck_extension.h"
#include "format/intel_quote.h"

/* A quote with the chain it is to be verified with. */
struct intel_subject {
	struct intel_quote quote;  /* into the caller's bytes */
	struct chain own_chain;    /* intel_subject_read: the quote's */
	struct seen_chain *seen;   /* intel_judge: the quote's, perhaps from the set's memory */
	bool is_new;               /* seen is in no memory yet */
	const struct chain *chain; /* that one's, or the collateral's; NULL: none */
	bool root_crl_is_signed;   /* by the chain's root: seen before, or now */
	bool pck_crl_is_signed;
	struct pck_extension pck;
	bool has_pck;
};

/* As evidence_judge. */
bool intel_judge(struct judge *judge, struct attest_bytes quote);

/* The part without judgement, for attest_needs: reads quote, chain and PCK extension. */
must_check int intel_subject_read(struct attest_bytes quote, struct intel_subject *ret, struct err *err);
void intel_subject_done(struct intel_subject *subject);

#endif
