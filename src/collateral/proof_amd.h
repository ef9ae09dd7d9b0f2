/* SPDX-License-Identifier: Apache-2.0 */
/* For proof.c: what AMD signs (attestation-evidence.md sections 3 and 7). */
#ifndef MSE_COLLATERAL_PROOF_AMD_H
#define MSE_COLLATERAL_PROOF_AMD_H

#include "collateral/proof.h"

must_check int proof_of_amd_chain(const struct trust *trust, const struct collateral_wanted *wanted,
				  const struct collateral_answer *answer, struct collateral_issuers *issuers,
				  struct collateral_edition *ret, struct err *err);
must_check int proof_of_vcek(const struct trust *trust, const struct collateral_wanted *wanted,
			     const struct collateral_answer *answer, const struct collateral_issuers *issuers,
			     struct collateral_edition *ret, struct err *err);
must_check int proof_of_amd_list(const struct trust *trust, const struct collateral_answer *answer,
				 const struct collateral_issuers *issuers, struct collateral_edition *ret,
				 struct err *err);

#endif
