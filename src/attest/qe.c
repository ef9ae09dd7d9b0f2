/* SPDX-License-Identifier: Apache-2.0 */
#include "attest/qe.h"

#include <string.h>

#include "crypto/hash.h"
#include "crypto/p256.h"

void qe_judge_signature(struct judge *judge, const struct intel_quote *quote, const struct x509_cert *leaf)
{
	struct err err = ERR_INIT;

	if (!leaf)
		(void)judge_skip(judge, "qe-report-signature", "needs the PCK chain");
	else if (p256_verify(leaf->key, quote->qe_report.bytes, SGX_REPORT_SIZE, quote->qe_report_signature, &err) < 0)
		(void)judge_fail_err(judge, "qe-report-signature", ATTEST_ERROR_QE_REPORT_SIGNATURE, &err);
	else
		judge_pass(judge, "qe-report-signature", "the quoting enclave's report is signed by the PCK key");
}

void qe_judge_report_data(struct judge *judge, const struct intel_quote *quote)
{
	struct sha256_ctx *hash = sha256_new();
	uint8_t expected[SGX_REPORT_DATA_SIZE] = {0};

	sha256_add(hash, quote->attestation_key, INTEL_POINT_SIZE);
	sha256_add(hash, quote->qe_auth_data, quote->qe_auth_data_size);
	sha256_finish(hash, expected);
	sha256_free(hash);
	if (memcmp(quote->qe_report.report_data, expected, sizeof(expected)) != 0)
		(void)judge_fail(judge, "qe-report-data", ATTEST_ERROR_QE_REPORT_DATA,
				 "the quoting enclave vouches for another attestation key");
	else
		judge_pass(judge, "qe-report-data",
			   "REPORTDATA of the quoting enclave is SHA-256(attestation key and %zu bytes), then zeros",
			   quote->qe_auth_data_size);
}

static const char *find_mismatch(const struct sgx_report *report, enum qe_identity_id id,
				 const struct qe_identity *identity)
{
	if (identity->id != id)
		return "the identity is of another kind of enclave";
	if ((report->miscselect & identity->miscselect_mask) != identity->miscselect)
		return "MISCSELECT differs";
	for (size_t i = 0; i < SGX_ATTRIBUTES_SIZE; i++)
		if ((report->attributes[i] & identity->attributes_mask[i]) != identity->attributes[i])
			return "ATTRIBUTES differ";
	if (memcmp(report->mrsigner, identity->mrsigner, sizeof(identity->mrsigner)) != 0)
		return "MRSIGNER differs";
	if (report->isvprodid != identity->isvprodid)
		return "ISVPRODID differs";
	/* Whatever the mask says: a quoting enclave that can be debugged gives its key away. */
	if (report->debug)
		return "the quoting enclave has the DEBUG attribute";
	return NULL;
}

void qe_judge_identity(struct judge *judge, const struct intel_quote *quote, const struct qe_identity *identity)
{
	const char *mismatch;

	if (!identity) {
		(void)judge_skip(judge, "qe-identity-match", "needs the QE identity");
		return;
	}
	mismatch = find_mismatch(&quote->qe_report, quote->body == INTEL_BODY_SGX ? QE_IDENTITY_QE : QE_IDENTITY_TD_QE,
				 identity);
	if (mismatch)
		(void)judge_fail(judge, "qe-identity-match", ATTEST_ERROR_QE_IDENTITY_MISMATCH, "%s (identity '%s')",
				 mismatch, qe_identity_id_text(identity->id));
	else
		judge_pass(judge, "qe-identity-match",
			   "MISCSELECT, ATTRIBUTES, MRSIGNER, ISVPRODID %u of the quoting enclave are as published",
			   identity->isvprodid);
}

/* Refuses a key that is not on the curve, though the quoting enclave vouched for it. */
static int make_key(const struct intel_quote *quote, const struct x509_cert *leaf, struct p256_public **ret,
		    struct err *err)
{
	return leaf ? p256_public_like(leaf->key, quote->attestation_key, ret, err)
		    : p256_public_new(quote->attestation_key, ret, err);
}

void qe_judge_quote_signature(struct judge *judge, const struct intel_quote *quote, const struct x509_cert *leaf)
{
	scoped(p256_public_freep) struct p256_public *key = NULL;
	struct err err = ERR_INIT;

	if (make_key(quote, leaf, &key, &err) < 0 ||
	    p256_verify(key, quote->signed_bytes, quote->signed_size, quote->signature, &err) < 0)
		(void)judge_fail_err(judge, "quote-signature", ATTEST_ERROR_QUOTE_SIGNATURE, &err);
	else
		judge_pass(judge, "quote-signature", "header and body (%zu bytes) are signed by the attestation key",
			   quote->signed_size);
}
