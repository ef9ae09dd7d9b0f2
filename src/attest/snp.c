/* SPDX-License-Identifier: Apache-2.0 */
#include "attest/snp.h"

#include <string.h>

#include "attest/collateral.h"
#include "attest/policy.h"
#include "attest/snp_facts.h"
#include "crypto/amd_key.h"
#include "crypto/hash.h"
#include "format/hex.h"

/* One report with the chain it is judged with. */
struct subject {
	struct snp_report report; /* into the caller's bytes */
	struct hcl_report hcl;
	bool is_wrapped;
	const struct snp_chain *chain; /* the collateral's, or carried */
	struct snp_chain carried;      /* from the RA-TLS extension */
	enum snp_product product;      /* UNKNOWN: not agreed upon */
};

static const enum attest_error FAULT_ERRORS[] = {
#define X(name, text) [SNP_REPORT_##name] = ATTEST_ERROR_##name,
    SNP_REPORT_FAULTS(X)
#undef X
};

static bool all_zero(const uint8_t *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (bytes[i] != 0)
			return false;
	return true;
}

static bool judge_format(struct judge *judge, struct attest_bytes bytes, struct subject *subject)
{
	enum snp_report_fault fault = SNP_REPORT_MALFORMED;
	struct err err = ERR_INIT;

	subject->is_wrapped = hcl_report_is(bytes.data, bytes.size);
	if (subject->is_wrapped) {
		if (hcl_report_parse(bytes.data, bytes.size, &subject->hcl, &err) < 0)
			return judge_fail_err(judge, "report-format", ATTEST_ERROR_MALFORMED, &err);
		bytes = (struct attest_bytes){subject->hcl.report, SNP_REPORT_SIZE};
	}
	if (snp_report_parse(bytes.data, bytes.size, &subject->report, &fault, &err) < 0)
		return judge_fail_err(judge, "report-format", FAULT_ERRORS[fault], &err);
	snp_facts_fill(&subject->report, judge->facts);
	if (subject->is_wrapped)
		snp_facts_fill_wrapping(&subject->hcl, &judge->facts->snp);
	judge_pass(judge, "report-format", "SEV-SNP report version %u%s", subject->report.version,
		   subject->is_wrapped ? ", wrapped by Azure's HCL" : "");
	return true;
}

/* The vTPM key that the JSON names is that of this very machine (section 3, "Azure"). */
static void judge_wrapping(struct judge *judge, const struct subject *subject)
{
	uint8_t expected[SNP_REPORT_DATA_SIZE] = {0};

	if (!subject->is_wrapped) {
		(void)judge_skip(judge, "hcl-binding", "the report is not wrapped");
		return;
	}
	sha256(subject->hcl.json, subject->hcl.json_size, expected);
	if (memcmp(subject->report.report_data, expected, sizeof(expected)) != 0)
		(void)judge_fail(judge, "hcl-binding", ATTEST_ERROR_BINDING,
				 "REPORT_DATA is not SHA-256 of the %zu bytes of JSON, then zeros",
				 subject->hcl.json_size);
	else
		judge_pass(judge, "hcl-binding", "REPORT_DATA is SHA-256 of the %zu bytes of JSON, then zeros",
			   subject->hcl.json_size);
}

static void judge_extensions(struct judge *judge, const struct snp_chain *chain)
{
	if (chain->kds_fault.text[0]) {
		(void)judge_fail(judge, "vek-extensions", ATTEST_ERROR_CHAIN_INVALID, "VCEK or VLEK: %s",
				 chain->kds_fault.text);
		return;
	}
	snp_facts_fill_kds(&chain->kds, &judge->facts->snp);
	judge_pass(judge, "vek-extensions", "structVersion %u, productName '%s', %s%s", chain->kds.struct_version,
		   chain->kds.product_name, chain->kds.has_hwid ? "HWID" : "CSP id ", chain->kds.csp_id);
}

/* One opinion about what the processor is. Returns false if it differs from those before. */
static bool agree(struct judge *judge, enum snp_product *agreed, enum snp_product product, const char *who)
{
	if (*agreed != SNP_PRODUCT_UNKNOWN && product != *agreed)
		return judge_fail(judge, "cpu-product", ATTEST_ERROR_PRODUCT_MISMATCH, "%s says %s, before it was %s",
				  who, snp_product_text(product), snp_product_text(*agreed));
	*agreed = product;
	return true;
}

/* Section 7: an unknown model, or none in a report that must name it. */
static bool agree_cpuid(struct judge *judge, enum snp_product *agreed, const struct snp_report *report)
{
	if (!report->has_cpuid)
		return true;
	*agreed = snp_product_from_cpuid(report->family, report->model);
	if (*agreed == SNP_PRODUCT_UNKNOWN)
		return judge_fail(judge, "cpu-product", ATTEST_ERROR_PRODUCT_MISMATCH,
				  "CPUID family 0x%02x model 0x%02x is no product with SEV-SNP that we know",
				  report->family, report->model);
	return true;
}

static void judge_product(struct judge *judge, struct subject *subject)
{
	static const char *const WHO[SNP_POSITIONS] = {"productName of the VCEK or VLEK", "the ASK's or ASVK's name",
						       "the ARK's name"};
	const struct snp_chain *chain = subject->chain;
	const bool has_kds = chain->kds.product_name[0] != '\0';
	enum snp_product agreed = SNP_PRODUCT_UNKNOWN;

	if (!agree_cpuid(judge, &agreed, &subject->report))
		return;
	if (has_kds && chain->products[SNP_VEK] == SNP_PRODUCT_UNKNOWN) {
		(void)judge_fail(judge, "cpu-product", ATTEST_ERROR_PRODUCT_MISMATCH, "productName '%s' is not known",
				 chain->kds.product_name);
		return;
	}
	/* A certificate of no product at all is refused with the chain. */
	for (size_t i = 0; i < SNP_POSITIONS; i++)
		if (chain->products[i] != SNP_PRODUCT_UNKNOWN && !agree(judge, &agreed, chain->products[i], WHO[i]))
			return;
	if (agreed == SNP_PRODUCT_UNKNOWN) {
		(void)judge_skip(judge, "cpu-product", "neither the report nor a certificate names one");
		return;
	}
	if (has_kds && chain->kds.struct_version != snp_tcb_layout(agreed)->struct_version) {
		(void)judge_fail(judge, "cpu-product", ATTEST_ERROR_PRODUCT_MISMATCH,
				 "structVersion %u does not go with %s", chain->kds.struct_version,
				 snp_product_text(agreed));
		return;
	}
	subject->product = agreed;
	judge->facts->snp.product = snp_product_text(agreed);
	judge_pass(judge, "cpu-product", "%s, as report and certificates say", snp_product_text(agreed));
}

/*
 * The marker counts wherever it is seen, also under a root that is trusted as hardware; and what ends in a simulation
 * root is simulated also without marker.
 */
static void judge_root(struct judge *judge, const struct snp_chain *chain)
{
	const struct x509_cert *ark = chain->certs[SNP_ARK];
	char text[HEX_TEXT_SIZE(SHA256_SIZE)];
	uint8_t hash[SHA256_SIZE];
	enum trust_kind kind;

	judge->has_trusted_root = false;
	if (!ark) {
		(void)judge_skip(judge, "simulation", "needs the ARK");
		(void)judge_skip(judge, "root", "needs the ARK");
		return;
	}
	kind = trust_find(judge->trust, ark, hash);
	judge->has_trusted_root = kind != TRUST_NONE;
	hex_encode(hash, sizeof(hash), text);
	judge->verdict->simulated |= kind == TRUST_SIMULATION || snp_chain_has_marker(chain);
	judge->simulated = kind == TRUST_SIMULATION;
	if (!judge->verdict->simulated)
		judge_pass(judge, "simulation", "no certificate carries the simulation's marker");
	else if (judge->simulated)
		judge_pass(judge, "simulation", "simulated, and the policy allows root %s", text);
	else
		(void)judge_fail(judge, "simulation", ATTEST_ERROR_SIMULATED,
				 "simulated, and the policy does not allow root %s", text);
	if (kind == TRUST_NONE)
		(void)judge_fail(judge, "root", ATTEST_ERROR_ROOT_UNTRUSTED, "root %s is not trusted", text);
	else
		judge_pass(judge, "root", "root %s is trusted as %s", text,
			   kind == TRUST_SIMULATION ? "a simulation" : "hardware");
}

/* Reserved bytes of all four TCB_VERSIONs, which depend on the product. */
static void judge_tcb_form(struct judge *judge, const struct subject *subject)
{
	const struct snp_tcb_layout *layout = snp_tcb_layout(subject->product);
	const struct snp_report *report = &subject->report;
	const uint8_t *const tcbs[] = {report->current_tcb, report->reported_tcb, report->committed_tcb,
				       report->launch_tcb};

	if (!layout) {
		(void)judge_skip(judge, "tcb-form", "needs the product");
		return;
	}
	for (size_t i = 0; i < COUNT_OF(tcbs); i++) {
		if (!all_zero(tcbs[i] + layout->reserved_first,
			      (size_t)layout->reserved_last - layout->reserved_first + 1)) {
			(void)judge_fail(judge, "tcb-form", ATTEST_ERROR_MALFORMED,
					 "reserved bytes of a TCB version are not zero");
			return;
		}
	}
	judge_pass(judge, "tcb-form", "reserved bytes of the four TCB versions are zero");
}

/* The key was derived from exactly this TCB: refusal 47. */
static void judge_tcb(struct judge *judge, const struct subject *subject)
{
	const struct snp_tcb_layout *layout = snp_tcb_layout(subject->product);
	const struct kds_extension *kds = &subject->chain->kds;

	if (!layout || !kds->product_name[0]) {
		(void)judge_skip(judge, "tcb", "needs the product and the extensions of the VCEK or VLEK");
		return;
	}
	for (size_t i = 0; i < layout->count; i++) {
		const uint8_t reported = subject->report.reported_tcb[layout->parts[i].byte];
		const uint8_t certified = kds->spl[layout->parts[i].part];

		if (reported != certified) {
			(void)judge_fail(judge, "tcb", ATTEST_ERROR_TCB_MISMATCH,
					 "REPORTED_TCB has %s %u, the certificate is for %u", layout->parts[i].name,
					 reported, certified);
			return;
		}
	}
	if (!all_zero(kds->spl + SNP_TCB_SNP + 1, SNP_TCB_MICROCODE - SNP_TCB_SNP - 1)) {
		(void)judge_fail(judge, "tcb", ATTEST_ERROR_TCB_MISMATCH, "a reserved SPL of the certificate is not 0");
		return;
	}
	judge_pass(judge, "tcb", "REPORTED_TCB is what the certificate was issued for");
}

static const char *find_chip_fault(const struct subject *subject)
{
	const struct snp_report *report = &subject->report;
	const struct kds_extension *kds = &subject->chain->kds;

	if (report->chip_key_masked)
		return "MASK_CHIP_KEY is set, but a VCEK was given";
	if (all_zero(report->chip_id, SNP_CHIP_ID_SIZE))
		return "CHIP_ID is masked, but a VCEK was given";
	if (memcmp(report->chip_id, kds->hwid, kds->hwid_size) != 0)
		return "CHIP_ID is another than HWID of the VCEK";
	if (!all_zero(report->chip_id + kds->hwid_size, SNP_CHIP_ID_SIZE - kds->hwid_size))
		return "CHIP_ID has bytes after the chip's number";
	return NULL;
}

static void judge_chip(struct judge *judge, const struct subject *subject)
{
	const struct kds_extension *kds = &subject->chain->kds;
	const char *fault;

	if (!kds->product_name[0]) {
		(void)judge_skip(judge, "chip", "needs the extensions of the VCEK or VLEK");
		return;
	}
	if (!kds->has_hwid) {
		(void)judge_skip(judge, "chip", "a VLEK is not of one chip; it is of '%s'", kds->csp_id);
		return;
	}
	fault = find_chip_fault(subject);
	if (fault)
		(void)judge_fail(judge, "chip", ATTEST_ERROR_CHIP_MISMATCH, "%s", fault);
	else
		judge_pass(judge, "chip", "CHIP_ID is HWID of the VCEK");
}

static bool judge_algorithm(struct judge *judge, const struct snp_report *report)
{
	if (report->signing_key == SNP_SIGNING_NONE)
		return judge_fail(judge, "report-signature", ATTEST_ERROR_REPORT_SIGNATURE,
				  "the report says that it is not signed (SIGNING_KEY 7)");
	if (report->signature_algorithm != SNP_ALGORITHM_ECDSA_P384_SHA384)
		return judge_fail(judge, "report-signature", ATTEST_ERROR_REPORT_SIGNATURE,
				  "signature algorithm %u, expected %d (ECDSA P-384 with SHA-384)",
				  report->signature_algorithm, SNP_ALGORITHM_ECDSA_P384_SHA384);
	return true;
}

static void judge_signature(struct judge *judge, const struct subject *subject)
{
	const struct x509_cert *vek = subject->chain->certs[SNP_VEK];
	const struct snp_report *report = &subject->report;
	struct err err = ERR_INIT;

	if (!judge_algorithm(judge, report))
		return;
	if (!vek)
		(void)judge_skip(judge, "report-signature", "needs the VCEK or VLEK");
	else if (amd_key_verify_report(vek->amd_key, report->bytes, SNP_SIGNED_SIZE, report->r, report->s, &err) < 0)
		(void)judge_fail_err(judge, "report-signature", ATTEST_ERROR_REPORT_SIGNATURE, &err);
	else
		judge_pass(judge, "report-signature", "%d bytes are signed by the VCEK or VLEK", SNP_SIGNED_SIZE);
}

static void judge_tcb_order(struct judge *judge, const struct subject *subject)
{
	const struct snp_tcb_layout *layout = snp_tcb_layout(subject->product);
	const struct snp_report *report = &subject->report;

	if (!layout) {
		(void)judge_skip(judge, "tcb-order", "needs the product");
		return;
	}
	for (size_t i = 0; i < layout->count; i++) {
		const uint8_t at = layout->parts[i].byte;

		if (report->reported_tcb[at] <= report->committed_tcb[at] &&
		    report->committed_tcb[at] <= report->current_tcb[at])
			continue;
		(void)judge_fail(judge, "tcb-order", ATTEST_ERROR_TCB_ORDER,
				 "%s is reported %u, committed %u, current %u, expected in rising order",
				 layout->parts[i].name, report->reported_tcb[at], report->committed_tcb[at],
				 report->current_tcb[at]);
		return;
	}
	judge_pass(judge, "tcb-order", "REPORTED_TCB <= COMMITTED_TCB <= CURRENT_TCB in every part");
}

static void judge_subject(struct judge *judge, struct subject *subject)
{
	const struct snp_chain *chain = subject->chain;

	judge_extensions(judge, chain);
	judge_product(judge, subject);
	(void)snp_chain_judge(judge, chain, subject->report.signing_key);
	judge_root(judge, chain);
	snp_chain_judge_dates(judge, chain);
	snp_chain_judge_revocation(judge, chain);
	judge_tcb_form(judge, subject);
	judge_tcb(judge, subject);
	judge_chip(judge, subject);
	judge_signature(judge, subject);
	judge_wrapping(judge, subject);
	judge_tcb_order(judge, subject);
	policy_judge(judge);
}

bool snp_judge(struct judge *judge, struct attest_bytes report)
{
	struct subject subject = {.chain = &judge->collateral->snp};

	if (!judge_format(judge, report, &subject))
		return false;
	judge_subject(judge, &subject);
	return true;
}

static struct attest_bytes cert_bytes(const struct x509_cert *cert)
{
	return cert ? (struct attest_bytes){cert->bytes, cert->size} : (struct attest_bytes){0};
}

/* What to read: the table's certificate if it is there, else the collateral's. Returns true if they are the same. */
static bool choose(const struct snp_blob *carried, struct attest_bytes prepared, struct attest_bytes *ret)
{
	*ret = carried->data ? (struct attest_bytes){carried->data, carried->size} : prepared;
	return ret->size == prepared.size && (ret->size == 0 || memcmp(ret->data, prepared.data, ret->size) == 0);
}

/*
 * The chain of the extension's table. One that equals the prepared one byte for byte is that one: its signatures need
 * no second look. The table may hold both kinds of key: the report says which of them signed it.
 */
static int choose_chain(const struct snp_extension *extension, const struct snp_chain *prepared, struct subject *ret)
{
	const bool is_vlek = ret->report.signing_key == SNP_SIGNING_VLEK;
	const struct snp_blob *vek = &extension->certs[is_vlek ? SNP_CERT_VLEK : SNP_CERT_VCEK];
	const struct x509_crl *crl = prepared->crl;
	struct snp_chain_bytes bytes;
	bool same;

	same = choose(vek, cert_bytes(prepared->certs[SNP_VEK]), &bytes.vek);
	same &= choose(&extension->certs[SNP_CERT_ASK], cert_bytes(prepared->certs[SNP_ASK]), &bytes.ask);
	same &= choose(&extension->certs[SNP_CERT_ARK], cert_bytes(prepared->certs[SNP_ARK]), &bytes.ark);
	/* The list is the caller's: one that its subject brings along would be as old as the subject likes. */
	bytes.ark_crl = crl ? (struct attest_bytes){crl->bytes, crl->size} : (struct attest_bytes){0};
	ret->chain = prepared;
	if (same)
		return 0;
	ret->chain = &ret->carried;
	if (snp_chain_read(&bytes, &ret->carried) < 0)
		return -1;
	if (!crl)
		ret->carried.crl_fault = prepared->crl_fault;
	return 0;
}

bool snp_judge_extension(struct judge *judge, struct attest_bytes value)
{
	struct subject subject = {.chain = &judge->collateral->snp};
	struct snp_extension extension;
	struct err err = ERR_INIT;

	if (snp_extension_parse(value.data, value.size, &extension, &err) < 0)
		return judge_fail_err(judge, "report-format",
				      value.size < SNP_REPORT_SIZE ? ATTEST_ERROR_TRUNCATED : ATTEST_ERROR_MALFORMED,
				      &err);
	if (!judge_format(judge, (struct attest_bytes){extension.report.data, extension.report.size}, &subject))
		return false;
	if (choose_chain(&extension, &judge->collateral->snp, &subject) < 0)
		judge->no_memory = true;
	else
		judge_subject(judge, &subject);
	snp_chain_done(&subject.carried);
	return true;
}

int snp_read_needs(struct attest_bytes bytes, struct attest_needs *ret, struct err *err)
{
	struct snp_report report;
	struct hcl_report hcl;
	struct snp_extension extension;
	enum snp_report_fault fault;
	enum snp_product product;

	if (hcl_report_is(bytes.data, bytes.size)) {
		if (hcl_report_parse(bytes.data, bytes.size, &hcl, err) < 0)
			return -1;
		bytes = (struct attest_bytes){hcl.report, SNP_REPORT_SIZE};
	} else if (bytes.size > SNP_REPORT_SIZE) {
		if (snp_extension_parse(bytes.data, bytes.size, &extension, err) < 0)
			return -1;
		bytes = (struct attest_bytes){extension.report.data, extension.report.size};
	}
	if (snp_report_parse(bytes.data, bytes.size, &report, &fault, err) < 0)
		return -1;
	product = report.has_cpuid ? snp_product_from_cpuid(report.family, report.model) : SNP_PRODUCT_UNKNOWN;
	ret->tee = ATTEST_TEE_SEV_SNP;
	ret->vlek = report.signing_key == SNP_SIGNING_VLEK;
	ret->product = product == SNP_PRODUCT_UNKNOWN ? NULL : snp_product_text(product);
	memcpy(ret->chip_id, report.chip_id, sizeof(ret->chip_id));
	memcpy(ret->reported_tcb, report.reported_tcb, sizeof(ret->reported_tcb));
	return 0;
}
