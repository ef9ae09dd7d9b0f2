/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Revocation (attestation-evidence.md section 2 step 3, section 7 "Chains and CRLs"). No list, or one that cannot be
 * read, is never "not revoked".
 */
#ifndef MSE_ATTEST_REVOCATION_H
#define MSE_ATTEST_REVOCATION_H

#include "attest/collateral.h"

/*
 * Check NAME: present, well formed, of that issuer, signed by it, valid now. False unless all of it holds.
 * *is_signed: that issuer's signature was seen before, and is not looked at again; set once it is seen.
 */
bool revocation_judge_list(struct judge *judge, const char *name, const struct collateral_crl *item,
			   const struct x509_cert *issuer, bool *is_signed);

/*
 * The entries of a list whose signature holds. False, and recorded as check NAME, if one is malformed or the root is
 * not trusted: whoever signs by a root of his own could make them cost as much as he likes.
 */
bool revocation_read_entries(struct judge *judge, const char *name, const struct x509_crl *crl);

/* Check NAME: the certificate is not listed; else `error`. Not applicable if the list was refused (usable false). */
bool revocation_judge_cert(struct judge *judge, const char *name, const struct collateral_crl *item, bool usable,
			   const struct x509_cert *cert, enum attest_error error);

#endif
