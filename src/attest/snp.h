/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Judging one SEV-SNP report: attestation-evidence.md section 3, section 5 cases 46 to 52, section 7 "SEV-SNP"; the
 * appraisal of what it says is policy.h's, the binding the caller's.
 *
 * The order of the checks names the error of evidence with several faults: form, KDS extensions, product, chain, root,
 * dates, revocation, TCB, chip, signature, order of TCBs, appraisal. Who gives the certificates of another chip or
 * product is told that, rather than that the signature does not fit.
 */
#ifndef MSE_ATTEST_SNP_H
#define MSE_ATTEST_SNP_H

#include "attest/snp_chain.h"
#include "format/hcl_report.h"
#include "format/snp_extension.h"
#include "format/snp_report.h"

/*
 * A report of exactly 1184 bytes, or Azure's wrapping of one. Records all checks, fills in judge->facts, sets
 * judge->simulated. False if the report cannot even be read: there are then no facts.
 */
bool snp_judge(struct judge *judge, struct attest_bytes report);

/*
 * The same for the content of the RA-TLS extension SNP_EXTENSION_OID, whose certificates, if it has a table of them,
 * are taken instead of the collateral's.
 */
bool snp_judge_extension(struct judge *judge, struct attest_bytes value);

/* The part without judgement, for attest_needs: a report, a wrapped one, or the extension's content. */
must_check int snp_read_needs(struct attest_bytes bytes, struct attest_needs *ret, struct err *err);

#endif
