/* SPDX-License-Identifier: Apache-2.0 */
/* The quoting enclave and its signature (attestation-evidence.md section 2 steps 7 to 9). */
#ifndef MSE_ATTEST_QE_H
#define MSE_ATTEST_QE_H

#include "attest/verdict.h"
#include "crypto/x509_parse.h"
#include "format/intel_quote.h"
#include "format/qe_identity.h"
#include "format/sgx_report.h"

/* Check qe-report-signature, by the PCK key; leaf NULL: not applicable. */
void qe_judge_signature(struct judge *judge, const struct intel_quote *quote, const struct x509_cert *leaf);
/* Check qe-report-data: the QE vouches for this attestation key. */
void qe_judge_report_data(struct judge *judge, const struct intel_quote *quote);
/* Check qe-identity-match; identity NULL: not applicable. */
void qe_judge_identity(struct judge *judge, const struct intel_quote *quote, const struct qe_identity *identity);
/* Check quote-signature, by the attestation key; leaf, if there is one, lends the parameters of the curve. */
void qe_judge_quote_signature(struct judge *judge, const struct intel_quote *quote, const struct x509_cert *leaf);

#endif
