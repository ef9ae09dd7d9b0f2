/* SPDX-License-Identifier: Apache-2.0 */
#include "attest/snp_facts.h"

#include <stdio.h>
#include <string.h>

#define COPY(field) memcpy(facts->field, report->field, sizeof(facts->field))

static void fill_firmware(const struct snp_firmware *firmware, uint8_t ret[static 3])
{
	ret[0] = firmware->build;
	ret[1] = firmware->minor;
	ret[2] = firmware->major;
}

static void fill_report(const struct snp_report *report, struct attest_snp_facts *facts)
{
	facts->guest_svn = report->guest_svn;
	facts->policy = report->policy;
	COPY(family_id);
	COPY(image_id);
	facts->vmpl = report->vmpl;
	facts->signature_algorithm = report->signature_algorithm;
	COPY(current_tcb);
	facts->platform_info = report->platform_info;
	facts->author_key_enabled = report->author_key_enabled;
	facts->chip_key_masked = report->chip_key_masked;
	facts->signing_key = (uint8_t)report->signing_key;
	COPY(measurement);
	COPY(host_data);
	COPY(id_key_digest);
	COPY(author_key_digest);
	COPY(report_id);
	COPY(report_id_ma);
	COPY(reported_tcb);
	facts->has_cpuid = report->has_cpuid;
	facts->cpuid_family = report->family;
	facts->cpuid_model = report->model;
	facts->cpuid_stepping = report->stepping;
	COPY(chip_id);
	COPY(committed_tcb);
	fill_firmware(&report->current, facts->current_firmware);
	fill_firmware(&report->committed, facts->committed_firmware);
	COPY(launch_tcb);
	facts->has_mitigation_vectors = report->has_mitigations;
	facts->launch_mitigation_vector = report->launch_mitigations;
	facts->current_mitigation_vector = report->current_mitigations;
	facts->product = "";
}

/* Digests and ids of zeros mean that there is none. */
static bool is_there(const uint8_t *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (bytes[i] != 0)
			return true;
	return false;
}

void snp_facts_fill(const struct snp_report *report, struct attest_facts *facts)
{
	facts->parsed = true;
	facts->tee = ATTEST_TEE_SEV_SNP;
	facts->version = (uint16_t)report->version;
	facts->debug = (report->policy & SNP_POLICY_DEBUG) != 0;
	facts->measurement.size = SNP_MEASUREMENT_SIZE;
	memcpy(facts->measurement.data, report->measurement, SNP_MEASUREMENT_SIZE);
	if (is_there(report->id_key_digest, SNP_KEY_DIGEST_SIZE)) {
		facts->signer.size = SNP_KEY_DIGEST_SIZE;
		memcpy(facts->signer.data, report->id_key_digest, SNP_KEY_DIGEST_SIZE);
	}
	if (is_there(report->chip_id, SNP_CHIP_ID_SIZE)) {
		facts->machine.size = SNP_CHIP_ID_SIZE;
		memcpy(facts->machine.data, report->chip_id, SNP_CHIP_ID_SIZE);
	}
	facts->has_svn = true;
	facts->svn = report->guest_svn;
	COPY(report_data);
	fill_report(report, &facts->snp);
}

void snp_facts_fill_wrapping(const struct hcl_report *hcl, struct attest_snp_facts *facts)
{
	facts->hcl = true;
	facts->has_user_data = hcl->has_user_data;
	memcpy(facts->user_data, hcl->user_data, sizeof(facts->user_data));
}

void snp_facts_fill_kds(const struct kds_extension *kds, struct attest_snp_facts *facts)
{
	(void)snprintf(facts->csp_id, sizeof(facts->csp_id), "%s", kds->csp_id);
}
