/* SPDX-License-Identifier: Apache-2.0 */
#include "attest/ratls_subject.h"

#include <string.h>

#include "attest/evidence.h"
#include "attest/snp.h"
#include "attest/trust.h"

#define INTEL (ATTEST_TEE_BIT(ATTEST_TEE_SGX) | ATTEST_TEE_BIT(ATTEST_TEE_TDX))

static const struct ratls_form FORMS[] = {
    {"sgx", RATLS_QUOTE_OID, ATTEST_TEE_BIT(ATTEST_TEE_SGX), RATLS_POINT},
    {"sev-snp", RATLS_SNP_OID, ATTEST_TEE_BIT(ATTEST_TEE_SEV_SNP), RATLS_POINT},
    {"tdx", RATLS_TDX_OID, ATTEST_TEE_BIT(ATTEST_TEE_TDX), RATLS_POINT},
    {"gramine-legacy", RATLS_GRAMINE_OID, ATTEST_TEE_BIT(ATTEST_TEE_SGX), RATLS_SPKI},
    {"tagged-evidence", TAGGED_EVIDENCE_OID, INTEL, RATLS_CLAIMS},
    /* Known, so that two kinds of evidence in one certificate are never taken for one. */
    {"Intel MigTD", "1.2.840.113741.1.5.5.1.2", 0, RATLS_NONE},
    {"Open Enclave (report)", "1.2.840.113556.10.1.1", 0, RATLS_NONE},
    {"Open Enclave (evidence)", "1.2.840.113556.10.1.2", 0, RATLS_NONE},
    {"Open Enclave", "1.3.6.1.4.1.311.105.1", 0, RATLS_NONE},
    {"Open Enclave", "1.3.6.1.4.1.311.105.2", 0, RATLS_NONE},
    {"dstack", "1.3.6.1.4.1.62397.1.1", 0, RATLS_NONE},
};

int ratls_subject_read(struct attest_bytes bytes, bool strict, struct ratls_subject *ret, struct err *err)
{
	*ret = (struct ratls_subject){0};
	return strict ? trust_parse_certificate(bytes, &ret->cert, err)
		      : trust_parse_self_certificate(bytes, &ret->cert, err);
}

void ratls_subject_done(struct ratls_subject *subject)
{
	x509_cert_free(subject->cert);
	*subject = (struct ratls_subject){0};
}

int ratls_subject_find(struct ratls_subject *subject, struct err *err)
{
	const struct x509_ext *found = NULL;

	for (size_t i = 0; i < COUNT_OF(FORMS); i++) {
		const struct x509_ext *extension = x509_find_extension(subject->cert, FORMS[i].oid);

		if (extension && found)
			return err_set(err, ERR_INVALID, "evidence twice: extensions %s and %s", subject->form->oid,
				       FORMS[i].oid);
		if (!extension)
			continue;
		found = extension;
		subject->form = &FORMS[i];
	}
	if (!found)
		return err_set(err, ERR_INVALID, "no extension with evidence");
	if (subject->form->binding == RATLS_NONE)
		return err_set(err, ERR_UNSUPPORTED, "evidence of %s is not served", subject->form->name);
	if (found->critical)
		return err_set(err, ERR_INVALID, "the extension with the evidence is critical");
	if (subject->form->binding == RATLS_CLAIMS &&
	    tagged_evidence_parse(found->value.data, found->value.size, &subject->tagged, err) < 0)
		return -1;
	subject->value = (struct attest_bytes){found->value.data, found->value.size};
	return 0;
}

struct attest_evidence ratls_subject_evidence(const struct ratls_subject *subject)
{
	struct snp_extension extension;
	struct err err = ERR_INIT;

	if (subject->form->binding == RATLS_CLAIMS)
		return (struct attest_evidence){.quote = {subject->tagged.quote, subject->tagged.quote_size}};
	if (!(subject->form->tees & ATTEST_TEE_BIT(ATTEST_TEE_SEV_SNP)))
		return (struct attest_evidence){.quote = subject->value};
	if (snp_extension_parse(subject->value.data, subject->value.size, &extension, &err) < 0)
		return (struct attest_evidence){.report = subject->value};
	return (struct attest_evidence){.report = {extension.report.data, extension.report.size}};
}

bool ratls_subject_judge(struct judge *judge, const struct ratls_subject *subject)
{
	const struct attest_evidence evidence = ratls_subject_evidence(subject);

	judge->simulated = false;
	if (!(evidence.report.data ? snp_judge_extension(judge, subject->value) : evidence_judge(judge, &evidence)))
		return false;
	if (subject->form->tees & ATTEST_TEE_BIT(judge->facts->tee))
		judge_pass(judge, "certificate-evidence", "evidence of TEE '%s' in extension %s",
			   attest_tee_text(judge->facts->tee), subject->form->oid);
	else
		(void)judge_fail(judge, "certificate-evidence", ATTEST_ERROR_RATLS_CERTIFICATE,
				 "evidence of TEE '%s' in extension %s, which is for another",
				 attest_tee_text(judge->facts->tee), subject->form->oid);
	return true;
}
