/* SPDX-License-Identifier: Apache-2.0 */
/* For proof.c: what Intel signs (attestation-evidence.md sections 1.5, 1.6), and what both vendors' proofs share. */
#ifndef MSE_COLLATERAL_PROOF_INTEL_H
#define MSE_COLLATERAL_PROOF_INTEL_H

#include "collateral/proof.h"
#include "crypto/crl_parse.h"

/* Sets ret->root. */
must_check int proof_check_root(const struct trust *trust, const struct x509_cert *root, struct collateral_edition *ret,
				struct err *err);
/* Issuer and its right to sign lists; not the signature. */
must_check int proof_check_list(const struct x509_crl *crl, const struct x509_cert *issuer, struct err *err);
must_check int proof_missing(const char *what, struct err *err);

must_check int proof_of_json(const struct trust *trust, const struct collateral_wanted *wanted,
			     const struct collateral_answer *answer, struct collateral_issuers *issuers,
			     struct collateral_edition *ret, struct err *err);
must_check int proof_of_pck_list(const struct trust *trust, const struct collateral_wanted *wanted,
				 const struct collateral_answer *answer, const struct collateral_issuers *issuers,
				 struct collateral_edition *ret, struct err *err);
must_check int proof_of_root_list(const struct trust *trust, const struct collateral_answer *answer,
				  const struct collateral_issuers *issuers, struct collateral_edition *ret,
				  struct err *err);

#endif
