/* SPDX-License-Identifier: Apache-2.0 */
/* Quotes of SGX and TDX, reports of SEV-SNP with what they come wrapped in. */
#include "cli/show_priv.h"
#include "crypto/hash.h"
#include "format/hcl_report.h"
#include "format/intel_quote.h"
#include "format/snp_extension.h"
#include "format/snp_report.h"
#include "format/tagged_evidence.h"

static const struct {
	uint8_t bit;
	const char *name;
} SGX_FLAGS[] = {{0, "INIT"}, {1, "DEBUG"}, {2, "MODE64BIT"}, {4, "PROVISION_KEY"}, {5, "EINITTOKEN_KEY"}, {7, "KSS"}};

static const struct {
	uint8_t bit;
	const char *name;
} GUEST_POLICY[] = {{16, "SMT"},           {18, "MIGRATE_MA"},        {19, "DEBUG"},
		    {20, "SINGLE_SOCKET"}, {21, "CXL_ALLOWED"},       {22, "MEM_AES_256_XTS"},
		    {23, "RAPL_DISABLED"}, {24, "CIPHERTEXT_HIDING"}, {25, "PAGE_SWAP_DISABLED"}};

static void append_text(struct show *show, json_t *list, const char *text)
{
	if (!list || json_array_append_new(list, json_string(text)) < 0)
		show->failed = true;
}

static void show_sgx_flags(struct show *show, uint8_t flags)
{
	json_t *list = json_array();

	for (size_t i = 0; i < COUNT_OF(SGX_FLAGS); i++)
		if (flags & 1u << SGX_FLAGS[i].bit)
			append_text(show, list, SGX_FLAGS[i].name);
	show_add(show, "flags", list);
}

static void show_sgx(struct show *show, const struct sgx_report *report)
{
	show_hex(show, "mrenclave", report->mrenclave, 32);
	show_hex(show, "mrsigner", report->mrsigner, 32);
	show_number(show, "isvprodid", report->isvprodid);
	show_number(show, "isvsvn", report->isvsvn);
	show_bool(show, "debug", report->debug);
	show_sgx_flags(show, report->attributes[0]);
	show_hex(show, "attributes", report->attributes, SGX_ATTRIBUTES_SIZE);
	show_hex(show, "cpusvn", report->cpusvn, 16);
	show_number_hex(show, "miscselect", report->miscselect, 8);
	show_hex(show, "configid", report->configid, 64);
	show_number(show, "configsvn", report->configsvn);
	show_hex(show, "isvextprodid", report->isvextprodid, 16);
	show_hex(show, "isvfamilyid", report->isvfamilyid, 16);
	show_hex(show, "report_data", report->report_data, SGX_REPORT_DATA_SIZE);
}

static void show_td(struct show *show, const struct td_report *report)
{
	static const char *const rtmrs[TD_RTMR_COUNT] = {"rtmr0", "rtmr1", "rtmr2", "rtmr3"};

	show_hex(show, "mrtd", report->mrtd, TD_HASH_SIZE);
	for (size_t i = 0; i < TD_RTMR_COUNT; i++)
		show_hex(show, rtmrs[i], report->rtmr[i], TD_HASH_SIZE);
	show_bool(show, "debug", report->debug);
	show_hex(show, "td_attributes", report->td_attributes, TD_ATTRIBUTES_SIZE);
	show_hex(show, "xfam", report->xfam, TD_ATTRIBUTES_SIZE);
	show_hex(show, "tee_tcb_svn", report->tee_tcb_svn, TD_TCB_SVN_SIZE);
	if (report->tee_tcb_svn_2)
		show_hex(show, "tee_tcb_svn_2", report->tee_tcb_svn_2, TD_TCB_SVN_SIZE);
	show_hex(show, "mrseam", report->mrseam, TD_HASH_SIZE);
	show_hex(show, "mrsignerseam", report->mrsignerseam, TD_HASH_SIZE);
	show_hex(show, "seam_attributes", report->seam_attributes, TD_ATTRIBUTES_SIZE);
	show_hex(show, "mrconfigid", report->mrconfigid, TD_HASH_SIZE);
	show_hex(show, "mrowner", report->mrowner, TD_HASH_SIZE);
	show_hex(show, "mrownerconfig", report->mrownerconfig, TD_HASH_SIZE);
	if (report->mrservicetd)
		show_hex(show, "mrservicetd", report->mrservicetd, TD_HASH_SIZE);
	show_hex(show, "report_data", report->report_data, SGX_REPORT_DATA_SIZE);
}

static const char *cert_data_text(enum intel_cert_data type)
{
	switch (type) {
	case INTEL_CERT_DATA_PPID:
		return "1 (PPID)";
	case INTEL_CERT_DATA_PPID_RSA_2048:
		return "2 (PPID encrypted, RSA-2048)";
	case INTEL_CERT_DATA_PPID_RSA_3072:
		return "3 (PPID encrypted, RSA-3072)";
	case INTEL_CERT_DATA_PCK_LEAF:
		return "4 (PCK certificate)";
	case INTEL_CERT_DATA_PCK_CHAIN:
		return "5 (PCK chain)";
	}
	return "";
}

static const char *body_text(enum intel_body body)
{
	switch (body) {
	case INTEL_BODY_SGX:
		return "SGX report";
	case INTEL_BODY_TD_1_0:
		return "TD report 1.0";
	case INTEL_BODY_TD_1_5:
		return "TD report 1.5";
	}
	return "";
}

int show_quote(struct show *show, const void *data, size_t size, struct err *err)
{
	struct intel_quote quote;
	enum intel_quote_fault fault;
	struct show body, qe;

	if (intel_quote_parse(data, size, &quote, &fault, err) < 0)
		return err_prefix(err, "%s", intel_quote_fault_text(fault));
	show_text(show, "tee", quote.body == INTEL_BODY_SGX ? "sgx" : "tdx");
	show_number(show, "version", quote.version);
	show_text(show, "body_type", body_text(quote.body));
	show_hex(show, "user_data", quote.user_data, 20);
	body = show_open(show);
	if (quote.body == INTEL_BODY_SGX)
		show_sgx(&body, &quote.sgx);
	else
		show_td(&body, &quote.td);
	show_close(show, "body", &body);
	show_hex(show, "attestation_key", quote.attestation_key, INTEL_POINT_SIZE);
	qe = show_open(show);
	show_sgx(&qe, &quote.qe_report);
	show_close(show, "qe_report", &qe);
	show_hex(show, "qe_auth_data", quote.qe_auth_data, quote.qe_auth_data_size);
	show_text(show, "cert_data_type", cert_data_text(quote.cert_data_type));
	if (quote.cert_data_type == INTEL_CERT_DATA_PCK_CHAIN)
		show_chain(show, "cert_data", quote.cert_data, quote.cert_data_size);
	else
		show_hex(show, "cert_data", quote.cert_data, quote.cert_data_size);
	show_number(show, "trailing_bytes", (int64_t)quote.trailing_size);
	return 0;
}

/* ------------------------------------------------------------------------------------------------- SEV-SNP */

static void show_tcb(struct show *show, const char *name, const struct snp_tcb_layout *layout, const uint8_t *tcb)
{
	struct show child = show_open(show);

	show_hex(&child, "bytes", tcb, SNP_TCB_SIZE);
	for (size_t i = 0; layout && i < layout->count; i++)
		show_number(&child, layout->parts[i].name, tcb[layout->parts[i].byte]);
	show_close(show, name, &child);
}

static void show_guest_policy(struct show *show, uint64_t policy)
{
	json_t *list = json_array();

	for (size_t i = 0; i < COUNT_OF(GUEST_POLICY); i++)
		if (policy & 1ull << GUEST_POLICY[i].bit)
			append_text(show, list, GUEST_POLICY[i].name);
	show_number_hex(show, "policy", policy, 0);
	show_number(show, "policy_abi_major", (int64_t)(policy >> 8 & 0xff));
	show_number(show, "policy_abi_minor", (int64_t)(policy & 0xff));
	show_add(show, "policy_flags", list);
}

static const char *signing_key_text(enum snp_signing_key key)
{
	switch (key) {
	case SNP_SIGNING_VCEK:
		return "VCEK";
	case SNP_SIGNING_VLEK:
		return "VLEK";
	case SNP_SIGNING_NONE:
		return "none";
	}
	return "";
}

static void show_platform(struct show *show, const struct snp_report *report)
{
	const enum snp_product product =
	    report->has_cpuid ? snp_product_from_cpuid(report->family, report->model) : SNP_PRODUCT_UNKNOWN;
	const struct snp_tcb_layout *layout = snp_tcb_layout(product);

	show_text(show, "product", snp_product_text(product));
	if (report->has_cpuid) {
		show_number_hex(show, "cpuid_family", report->family, 2);
		show_number_hex(show, "cpuid_model", report->model, 2);
		show_number(show, "cpuid_stepping", report->stepping);
	}
	show_tcb(show, "reported_tcb", layout, report->reported_tcb);
	show_tcb(show, "committed_tcb", layout, report->committed_tcb);
	show_tcb(show, "current_tcb", layout, report->current_tcb);
	show_tcb(show, "launch_tcb", layout, report->launch_tcb);
	show_number_hex(show, "platform_info", report->platform_info, 0);
	show_hex(show, "chip_id", report->chip_id, SNP_CHIP_ID_SIZE);
	show_text(show, "signing_key", signing_key_text(report->signing_key));
	show_bool(show, "chip_key_masked", report->chip_key_masked);
	show_number(show, "signature_algorithm", report->signature_algorithm);
	if (report->has_mitigations) {
		show_number_hex(show, "launch_mitigations", report->launch_mitigations, 0);
		show_number_hex(show, "current_mitigations", report->current_mitigations, 0);
	}
}

int show_report(struct show *show, const void *data, size_t size, struct err *err)
{
	struct snp_report report;
	enum snp_report_fault fault;

	if (snp_report_parse(data, size, &report, &fault, err) < 0)
		return err_prefix(err, "%s", snp_report_fault_text(fault));
	show_text(show, "tee", "sev-snp");
	show_number(show, "version", report.version);
	show_hex(show, "measurement", report.measurement, SNP_MEASUREMENT_SIZE);
	show_hex(show, "report_data", report.report_data, SNP_REPORT_DATA_SIZE);
	show_bool(show, "debug", report.policy & SNP_POLICY_DEBUG);
	show_number(show, "guest_svn", report.guest_svn);
	show_number(show, "vmpl", report.vmpl);
	show_guest_policy(show, report.policy);
	show_hex(show, "host_data", report.host_data, SNP_HOST_DATA_SIZE);
	show_hex(show, "family_id", report.family_id, 16);
	show_hex(show, "image_id", report.image_id, 16);
	show_hex(show, "id_key_digest", report.id_key_digest, SNP_KEY_DIGEST_SIZE);
	show_bool(show, "author_key_enabled", report.author_key_enabled);
	show_hex(show, "author_key_digest", report.author_key_digest, SNP_KEY_DIGEST_SIZE);
	show_hex(show, "report_id", report.report_id, 32);
	show_hex(show, "report_id_ma", report.report_id_ma, 32);
	show_platform(show, &report);
	return 0;
}

int show_hcl(struct show *show, const void *data, size_t size, struct err *err)
{
	struct hcl_report report;
	uint8_t hash[SHA256_SIZE];

	if (hcl_report_parse(data, size, &report, err) < 0)
		return -1;
	show_inner(show, "report", report.report, SNP_REPORT_SIZE);
	sha256(report.json, report.json_size, hash);
	show_hex(show, "variable_data_sha256", hash, sizeof(hash));
	if (report.has_user_data)
		show_hex(show, "user_data", report.user_data, HCL_USER_DATA_SIZE);
	show_bytes_as_text(show, "variable_data", report.json, report.json_size);
	return 0;
}

int show_report_extension(struct show *show, const void *data, size_t size, struct err *err)
{
	static const char *const names[SNP_CERT_KINDS] = {"ark", "ask", "vcek", "vlek", "crl"};
	struct snp_extension extension;

	if (snp_extension_parse(data, size, &extension, err) < 0)
		return -1;
	show_inner(show, "report", extension.report.data, extension.report.size);
	for (size_t i = 0; i < SNP_CERT_KINDS; i++)
		if (extension.certs[i].data)
			show_inner(show, names[i], extension.certs[i].data, extension.certs[i].size);
	return 0;
}

int show_tagged_evidence(struct show *show, const void *data, size_t size, struct err *err)
{
	struct tagged_evidence evidence;
	uint8_t hash[SHA256_SIZE];

	if (tagged_evidence_parse(data, size, &evidence, err) < 0)
		return -1;
	show_inner(show, "quote", evidence.quote, evidence.quote_size);
	sha256(evidence.claims, evidence.claims_size, hash);
	show_hex(show, "claims", evidence.claims, evidence.claims_size);
	show_hex(show, "claims_sha256", hash, sizeof(hash));
	show_number(show, "hash_algorithm", (int64_t)evidence.hash_algorithm);
	show_hex(show, "key_sha256", evidence.key_hash, evidence.key_hash_size);
	return 0;
}
