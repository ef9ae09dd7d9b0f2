/* SPDX-License-Identifier: Apache-2.0 */
#include "attest/intel.h"

#include <stdio.h>
#include <string.h>

#include "attest/policy.h"
#include "attest/qe.h"
#include "attest/revocation.h"
#include "attest/sgx.h"
#include "attest/signer.h"
#include "attest/tcb.h"
#include "attest/tdx.h"
#include "base/number.h"
#include "crypto/hash.h"
#include "format/hex.h"

#define PLATFORM_CA "Platform CA"

static const enum attest_error FAULT_ERRORS[] = {
#define X(name, text) [INTEL_QUOTE_##name] = ATTEST_ERROR_##name,
    INTEL_QUOTE_FAULTS(X)
#undef X
};

static void fill_quote_facts(const struct intel_quote *quote, struct attest_facts *facts)
{
	facts->parsed = true;
	facts->version = quote->version;
	facts->trailing_bytes = quote->trailing_size;
	memcpy(facts->intel.user_data, quote->user_data, sizeof(facts->intel.user_data));
	facts->intel.cert_data_type = (uint16_t)quote->cert_data_type;
	if (quote->body == INTEL_BODY_SGX)
		sgx_fill_facts(&quote->sgx, facts);
	else
		tdx_fill_facts(&quote->td, facts);
}

static void fill_pck_facts(const struct intel_subject *subject, struct attest_intel_facts *facts)
{
	const struct pck_extension *pck = &subject->pck;
	const struct der serial = chain_leaf(subject->chain)->serial;

	facts->pck_parsed = true;
	memcpy(facts->fmspc, pck->fmspc, sizeof(facts->fmspc));
	memcpy(facts->pceid, pck->pceid, sizeof(facts->pceid));
	facts->pcesvn = pck->pcesvn;
	memcpy(facts->tcb_components, pck->components, sizeof(facts->tcb_components));
	facts->pck_serial_size = size_min(serial.size, sizeof(facts->pck_serial));
	memcpy(facts->pck_serial, serial.data, facts->pck_serial_size);
	facts->platform_ca = pck->has_platform;
	facts->has_configuration = pck->has_platform;
	facts->dynamic_platform = pck->dynamic_platform;
	facts->cached_keys = pck->cached_keys;
	facts->smt_enabled = pck->smt_enabled;
	memcpy(facts->ppid, pck->ppid, sizeof(facts->ppid));
	memcpy(facts->platform_instance_id, pck->platform_instance_id, sizeof(facts->platform_instance_id));
}

static bool judge_format(struct judge *judge, struct attest_bytes bytes, struct intel_subject *subject)
{
	static const char *const BODIES[] = {
	    [INTEL_BODY_SGX] = "SGX", [INTEL_BODY_TD_1_0] = "TDX 1.0", [INTEL_BODY_TD_1_5] = "TDX 1.5"};
	struct intel_quote *quote = &subject->quote;
	enum intel_quote_fault fault = INTEL_QUOTE_MALFORMED;
	struct err err = ERR_INIT;

	if (intel_quote_parse(bytes.data, bytes.size, quote, &fault, &err) < 0)
		return judge_fail_err(judge, "quote-format", FAULT_ERRORS[fault], &err);
	fill_quote_facts(quote, judge->facts);
	judge_pass(judge, "quote-format", "%s quote version %u, %zu bytes, %zu bytes after its end",
		   BODIES[quote->body], quote->version, bytes.size - quote->trailing_size, quote->trailing_size);
	return true;
}

/* A second SGX extension is found while the certificates are read, but has its own name. */
static enum attest_error chain_error(const struct err *err)
{
	return err->code == ERR_CONFLICT && strstr(err->text, PCK_EXTENSION_OID) ? ATTEST_ERROR_PCK_EXTENSION
										 : ATTEST_ERROR_CHAIN_INVALID;
}

static bool find_own_chain(struct judge *judge, struct intel_subject *subject)
{
	const struct intel_quote *quote = &subject->quote;
	struct err err = ERR_INIT;

	if (chain_memory_get(judge->collateral->memory, quote->cert_data, quote->cert_data_size, &subject->seen,
			     &subject->is_new, &err) < 0)
		return judge_fail_err(judge, "pck-chain", chain_error(&err), &err);
	subject->chain = &subject->seen->chain;
	subject->root_crl_is_signed = subject->seen->root_crl_is_signed;
	subject->pck_crl_is_signed = subject->seen->pck_crl_is_signed;
	return true;
}

/* Finds the chain and reads its certificates. Records a check only if that fails. */
static bool find_chain(struct judge *judge, struct intel_subject *subject)
{
	const struct collateral_chain *given = &judge->collateral->pck_chain;

	if (subject->quote.cert_data_type == INTEL_CERT_DATA_PCK_CHAIN)
		return find_own_chain(judge, subject);
	if (given->fault.missing)
		return judge_fail(judge, "pck-chain", ATTEST_ERROR_PCK_CHAIN_MISSING,
				  "the quote has certification data of type %d and no chain was given",
				  (int)subject->quote.cert_data_type);
	if (given->chain.count == 0)
		return judge_fail(judge, "pck-chain", ATTEST_ERROR_CHAIN_INVALID, "%s", given->fault.text);
	subject->chain = &given->chain;
	return true;
}

/*
 * The marker counts wherever it is seen, also under a root that is trusted as hardware; and what ends in a simulation
 * root is simulated also without marker.
 */
static void judge_simulation(struct judge *judge, const struct chain *chain)
{
	uint8_t hash[SHA256_SIZE];
	const enum trust_kind kind = trust_find(judge->trust, chain_root(chain), hash);
	const bool simulated = kind == TRUST_SIMULATION || chain_has_marker(chain) ||
			       chain_has_marker(&judge->collateral->tcb_info_chain.chain) ||
			       chain_has_marker(&judge->collateral->qe_identity_chain.chain);
	char root[HEX_TEXT_SIZE(SHA256_SIZE)];

	judge->has_trusted_root = kind != TRUST_NONE;
	hex_encode(hash, sizeof(hash), root);
	if (!simulated) {
		judge_pass(judge, "simulation", "no certificate carries the simulation's marker");
	} else {
		judge->verdict->simulated = true;
		judge->simulated = kind == TRUST_SIMULATION;
		if (judge->simulated)
			judge_pass(judge, "simulation", "simulated, and the policy allows root %s", root);
		else
			(void)judge_fail(judge, "simulation", ATTEST_ERROR_SIMULATED,
					 "simulated, and the policy does not allow root %s", root);
	}
	if (kind == TRUST_NONE)
		(void)judge_fail(judge, "root", ATTEST_ERROR_ROOT_UNTRUSTED, "root %s is not trusted", root);
	else
		judge_pass(judge, "root", "root %s is trusted as %s", root,
			   kind == TRUST_SIMULATION ? "a simulation" : "hardware");
}

static void judge_pck_extension(struct judge *judge, struct intel_subject *subject)
{
	const struct x509_ext *extension = x509_find_extension(chain_leaf(subject->chain), PCK_EXTENSION_OID);
	struct err err = ERR_INIT;
	char issuer[X509_COMMON_NAME_SIZE] = "";
	char fmspc[HEX_TEXT_SIZE(6)];

	if (!extension) {
		(void)judge_fail(judge, "pck-extension", ATTEST_ERROR_PCK_EXTENSION, "the leaf has no SGX extension");
		return;
	}
	if (pck_extension_parse(extension->value, &subject->pck, &err) < 0) {
		(void)judge_fail_err(judge, "pck-extension", ATTEST_ERROR_PCK_EXTENSION, &err);
		return;
	}
	if (subject->chain->count > 1)
		x509_common_name(subject->chain->certs[1], issuer);
	if (subject->pck.has_platform != (strstr(issuer, PLATFORM_CA) != NULL)) {
		(void)judge_fail(judge, "pck-extension", ATTEST_ERROR_PCK_EXTENSION,
				 "%d elements do not go with issuer '%s'", subject->pck.has_platform ? 7 : 5, issuer);
		return;
	}
	subject->has_pck = true;
	fill_pck_facts(subject, &judge->facts->intel);
	judge->facts->machine.size = SHA256_SIZE;
	sha256(subject->pck.ppid, sizeof(subject->pck.ppid), judge->facts->machine.data);
	hex_encode(subject->pck.fmspc, sizeof(subject->pck.fmspc), fmspc);
	judge_pass(judge, "pck-extension", "FMSPC %s, PCESVN %u, issued by '%s'", fmspc, subject->pck.pcesvn, issuer);
}

/* Both lists and what they say of intermediate and leaf. Returns true if the root's list can be used. */
static bool judge_revocation(struct judge *judge, struct intel_subject *subject)
{
	const struct attest_collateral *set = judge->collateral;
	const struct chain *chain = subject->chain;
	const bool root_usable =
	    revocation_judge_list(judge, "root-crl", &set->root_crl, chain_root(chain), &subject->root_crl_is_signed);
	bool pck_usable;

	if (chain->count < CHAIN_PCK.count)
		return root_usable;
	(void)revocation_judge_cert(judge, "pck-ca-revocation", &set->root_crl, root_usable, chain->certs[1],
				    ATTEST_ERROR_CA_REVOKED);
	pck_usable =
	    revocation_judge_list(judge, "pck-crl", &set->pck_crl, chain->certs[1], &subject->pck_crl_is_signed);
	(void)revocation_judge_cert(judge, "pck-revocation", &set->pck_crl, pck_usable, chain->certs[0],
				    ATTEST_ERROR_PCK_REVOKED);
	return root_usable;
}

static void skip_chain(struct judge *judge)
{
	static const char *const NAMES[] = {"simulation",    "root",          "pck-chain-dates",
					    "pck-extension", "root-crl",      "pck-ca-revocation",
					    "pck-crl",       "pck-revocation"};

	for (size_t i = 0; i < COUNT_OF(NAMES); i++)
		(void)judge_skip(judge, NAMES[i], "needs the PCK chain");
}

/* Only the chain of a quote in which nothing at all was wrong: what is refused must push nothing out. */
static void remember(struct judge *judge, const struct intel_subject *subject)
{
	if (!subject->is_new || verdict_has_failure(judge->verdict))
		return;
	subject->seen->root_crl_is_signed = subject->root_crl_is_signed;
	subject->seen->pck_crl_is_signed = subject->pck_crl_is_signed;
	chain_memory_add(judge->collateral->memory, subject->seen);
}

/* Everything about the chain. Returns true if the root's revocation list can be used. */
static bool judge_chain(struct judge *judge, struct intel_subject *subject)
{
	if (!find_chain(judge, subject)) {
		skip_chain(judge);
		return false;
	}
	(void)chain_judge(judge, &CHAIN_PCK, subject->chain);
	judge_simulation(judge, subject->chain);
	(void)chain_judge_dates(judge, &CHAIN_PCK, subject->chain);
	judge_pck_extension(judge, subject);
	return judge_revocation(judge, subject);
}

static bool is_tdx(const struct intel_subject *subject)
{
	return subject->quote.body != INTEL_BODY_SGX;
}

/* False if it is of the other TEE, or there is nothing to compare with: then no level of it can be chosen. */
static bool judge_tcb_info_match(struct judge *judge, const struct intel_subject *subject, const struct tcb_info *info)
{
	static const char *const NAMES[] = {[TCB_INFO_SGX] = "SGX", [TCB_INFO_TDX] = "TDX"};
	const enum tcb_info_id id = is_tdx(subject) ? TCB_INFO_TDX : TCB_INFO_SGX;
	char seen[HEX_TEXT_SIZE(6)];
	char wanted[HEX_TEXT_SIZE(6)];

	if (info->id != id)
		return judge_fail(judge, "tcb-info-match", ATTEST_ERROR_TCB_INFO_MISMATCH,
				  "TCB info is for %s, the quote is %s", NAMES[info->id], NAMES[id]);
	if (!subject->has_pck)
		return judge_skip(judge, "tcb-info-match", "needs the PCK extension");
	hex_encode(info->fmspc, sizeof(info->fmspc), seen);
	hex_encode(subject->pck.fmspc, sizeof(subject->pck.fmspc), wanted);
	if (memcmp(info->fmspc, subject->pck.fmspc, sizeof(info->fmspc)) != 0)
		(void)judge_fail(judge, "tcb-info-match", ATTEST_ERROR_TCB_INFO_MISMATCH,
				 "TCB info is for FMSPC %s, the platform's is %s", seen, wanted);
	else if (memcmp(info->pceid, subject->pck.pceid, sizeof(info->pceid)) != 0)
		(void)judge_fail(judge, "tcb-info-match", ATTEST_ERROR_TCB_INFO_MISMATCH,
				 "TCB info is for another PCEID");
	else
		judge_pass(judge, "tcb-info-match", "TCB info is for %s, FMSPC %s and this PCEID", NAMES[id], seen);
	return true;
}

/* TCB info that is of this TEE; NULL: none that can be used. */
static const struct tcb_info *judge_tcb_info(struct judge *judge, const struct intel_subject *subject,
					     const struct x509_cert *root, bool crl_usable)
{
	if (!signer_judge_tcb_info(judge, root, crl_usable) ||
	    !judge_tcb_info_match(judge, subject, judge->collateral->tcb_info))
		return NULL;
	return judge->collateral->tcb_info;
}

static void judge_tcb(struct judge *judge, const struct intel_subject *subject, const struct tcb_info *info,
		      const struct qe_identity *identity)
{
	const struct td_report *td = is_tdx(subject) ? &subject->quote.td : NULL;

	if (td && !tdx_judge_module(judge, td, info))
		info = NULL;
	if (!subject->has_pck || !info || !identity) {
		(void)judge_skip(judge, "tcb-level", "needs TCB info, QE identity and the PCK extension");
		return;
	}
	(void)tcb_judge(judge, &(struct tcb_question){.info = info,
						      .identity = identity,
						      .pck = &subject->pck,
						      .td = td,
						      .qe_isvsvn = subject->quote.qe_report.isvsvn});
}

static void judge_subject(struct judge *judge, struct intel_subject *subject)
{
	const bool crl_usable = judge_chain(judge, subject);
	const struct x509_cert *root = subject->chain ? chain_root(subject->chain) : NULL;
	const struct x509_cert *leaf = subject->chain ? chain_leaf(subject->chain) : NULL;
	const struct tcb_info *info = judge_tcb_info(judge, subject, root, crl_usable);
	const struct qe_identity *identity = NULL;

	if (signer_judge_qe_identity(judge, root, crl_usable))
		identity = judge->collateral->qe_identity;
	qe_judge_signature(judge, &subject->quote, leaf);
	qe_judge_report_data(judge, &subject->quote);
	qe_judge_identity(judge, &subject->quote, identity);
	qe_judge_quote_signature(judge, &subject->quote, leaf);
	judge_tcb(judge, subject, info, identity);
	policy_judge(judge);
	remember(judge, subject);
}

bool intel_judge(struct judge *judge, struct attest_bytes quote)
{
	scoped(intel_subject_done) struct intel_subject subject = {0};

	if (!judge_format(judge, quote, &subject))
		return false;
	judge_subject(judge, &subject);
	return true;
}

int intel_subject_read(struct attest_bytes quote, struct intel_subject *ret, struct err *err)
{
	scoped(intel_subject_done) struct intel_subject subject = {0};
	const struct x509_ext *extension;
	enum intel_quote_fault fault;

	if (intel_quote_parse(quote.data, quote.size, &subject.quote, &fault, err) < 0)
		return -1;
	if (subject.quote.cert_data_type != INTEL_CERT_DATA_PCK_CHAIN)
		return err_set(err, ERR_INVALID, "the quote carries no chain");
	if (chain_parse(subject.quote.cert_data, subject.quote.cert_data_size, &subject.own_chain, err) < 0)
		return -1;
	extension = x509_find_extension(chain_leaf(&subject.own_chain), PCK_EXTENSION_OID);
	if (!extension)
		return err_set(err, ERR_INVALID, "the leaf has no SGX extension");
	if (pck_extension_parse(extension->value, &subject.pck, err) < 0)
		return -1;
	*ret = subject;
	ret->has_pck = true;
	ret->chain = &ret->own_chain;
	subject.own_chain = (struct chain){0};
	return 0;
}

void intel_subject_done(struct intel_subject *subject)
{
	chain_done(&subject->own_chain);
	seen_chain_release(subject->seen);
}
