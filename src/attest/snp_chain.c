/* SPDX-License-Identifier: Apache-2.0 */
#include "attest/snp_chain.h"

#include <stdio.h>
#include <string.h>

#include "attest/chain.h"
#include "attest/crl_read.h"
#include "attest/policy.h"
#include "attest/revocation.h"
#include "format/hex.h"
#include "format/snp_report.h"

#define NAME_ARK "ARK-"
#define NAME_ASK "SEV-"
#define NAME_ASVK "SEV-VLEK-"
#define NAME_VCEK "SEV-VCEK"
#define NAME_VLEK "SEV-VLEK"

static const char *const TITLES[SNP_POSITIONS] = {"VCEK or VLEK", "ASK or ASVK", "ARK"};
static const enum x509_key_kind KEYS[SNP_POSITIONS] = {X509_KEY_P384, X509_KEY_RSA_4096, X509_KEY_RSA_4096};

/* Out of memory is no property of the item: -1. */
static int keep_fault(struct snp_fault *fault, const struct err *err)
{
	(void)snprintf(fault->text, sizeof(fault->text), "%.*s", ATTEST_TEXT_SIZE - 1, err->text);
	return err->code == ERR_NO_MEMORY ? -1 : 0;
}

static void keep_missing(struct snp_fault *fault)
{
	fault->missing = true;
	(void)snprintf(fault->text, sizeof(fault->text), "not given");
}

static int read_cert(struct attest_bytes bytes, enum snp_position position, struct snp_chain *chain)
{
	struct snp_fault *fault = &chain->faults[position];
	struct err err = ERR_INIT;

	if (trust_parse_amd_certificate(bytes, &chain->certs[position], &err) < 0)
		return keep_fault(fault, &err);
	if (chain->certs[position]->key_kind == KEYS[position])
		return 0;
	(void)snprintf(fault->text, sizeof(fault->text), "the key is not %s",
		       KEYS[position] == X509_KEY_P384 ? "on P-384" : "RSA-4096");
	x509_cert_free(chain->certs[position]);
	chain->certs[position] = NULL;
	return 0;
}

/* The product after a prefix of the common name: "ARK-Milan". */
static enum snp_product product_after(const char *name, const char *prefix)
{
	const size_t size = strlen(prefix);

	return strncmp(name, prefix, size) == 0 ? snp_product_from_name(name + size) : SNP_PRODUCT_UNKNOWN;
}

static void read_names(struct snp_chain *chain)
{
	char name[X509_COMMON_NAME_SIZE];

	if (chain->certs[SNP_ARK]) {
		x509_common_name(chain->certs[SNP_ARK], name);
		chain->products[SNP_ARK] = product_after(name, NAME_ARK);
	}
	if (chain->certs[SNP_ASK]) {
		x509_common_name(chain->certs[SNP_ASK], name);
		chain->is_vlek = product_after(name, NAME_ASVK) != SNP_PRODUCT_UNKNOWN;
		chain->products[SNP_ASK] = product_after(name, chain->is_vlek ? NAME_ASVK : NAME_ASK);
	}
	if (chain->kds.product_name[0])
		chain->products[SNP_VEK] = snp_product_from_certificate(chain->kds.product_name);
}

static void read_kds(struct snp_chain *chain)
{
	struct err err = ERR_INIT;

	if (!chain->certs[SNP_VEK])
		chain->kds_fault = chain->faults[SNP_VEK];
	else if (kds_extension_parse(chain->certs[SNP_VEK], &chain->kds, &err) < 0)
		(void)snprintf(chain->kds_fault.text, sizeof(chain->kds_fault.text), "%.*s", ATTEST_TEXT_SIZE - 1,
			       err.text);
}

/* What each one must be called, given what kind of ASK is there. The product is compared elsewhere. */
static int check_names(const struct snp_chain *chain, struct err *err)
{
	char name[X509_COMMON_NAME_SIZE];

	if (chain->products[SNP_ARK] == SNP_PRODUCT_UNKNOWN)
		return err_set(err, ERR_INVALID, "the root is not named " NAME_ARK "PRODUCT");
	if (chain->products[SNP_ASK] == SNP_PRODUCT_UNKNOWN)
		return err_set(err, ERR_INVALID,
			       "the intermediate is named neither " NAME_ASK "PRODUCT nor " NAME_ASVK "PRODUCT");
	x509_common_name(chain->certs[SNP_VEK], name);
	if (strcmp(name, chain->is_vlek ? NAME_VLEK : NAME_VCEK) != 0)
		return err_set(err, ERR_INVALID, "the leaf is named '%s', expected %s below this intermediate", name,
			       chain->is_vlek ? NAME_VLEK : NAME_VCEK);
	if (chain->kds_fault.text[0] == '\0' && chain->kds.has_hwid == chain->is_vlek)
		return err_set(err, ERR_INVALID, "a %s with %s", name, chain->is_vlek ? "HWID" : "CSP id");
	return 0;
}

static int check_links(const struct snp_chain *chain, struct err *err)
{
	for (size_t i = 0; i < SNP_POSITIONS; i++) {
		const struct x509_cert *cert = chain->certs[i];
		const struct x509_cert *issuer = chain->certs[i + 1 < SNP_POSITIONS ? i + 1 : i];

		if (!der_equal(cert->issuer, issuer->subject))
			return err_set(err, ERR_INVALID, "%s is issued by another name than that of the next one",
				       TITLES[i]);
		if (chain_check_rules(cert, i, err) < 0)
			return err_prefix(err, "%s", TITLES[i]);
		if (x509_verify_amd(cert, issuer, err) < 0)
			return err_prefix(err, "%s is not signed by the next one", TITLES[i]);
	}
	return 0;
}

static int read_signatures(struct snp_chain *chain)
{
	struct err err = ERR_INIT;

	if (!snp_chain_is_whole(chain))
		return 0;
	if (check_names(chain, &err) < 0 || check_links(chain, &err) < 0)
		return keep_fault(&chain->signatures, &err);
	return 0;
}

static int read_list(struct attest_bytes bytes, struct snp_chain *chain)
{
	struct err err = ERR_INIT;

	if (!bytes.data || bytes.size == 0) {
		keep_missing(&chain->crl_fault);
		return 0;
	}
	if (crl_read(bytes, crl_parse_amd, &chain->crl, &err) < 0)
		return keep_fault(&chain->crl_fault, &err);
	if (chain->certs[SNP_ARK] && crl_verify_amd(chain->crl, chain->certs[SNP_ARK], &err) < 0)
		return keep_fault(&chain->crl_signature, &err);
	return 0;
}

int snp_chain_read(const struct snp_chain_bytes *bytes, struct snp_chain *ret)
{
	if (read_cert(bytes->vek, SNP_VEK, ret) < 0 || read_cert(bytes->ask, SNP_ASK, ret) < 0 ||
	    read_cert(bytes->ark, SNP_ARK, ret) < 0)
		return -1;
	read_kds(ret);
	read_names(ret);
	return read_signatures(ret) < 0 ? -1 : read_list(bytes->ark_crl, ret);
}

void snp_chain_done(struct snp_chain *chain)
{
	for (size_t i = 0; i < SNP_POSITIONS; i++)
		x509_cert_free(chain->certs[i]);
	x509_crl_free(chain->crl);
	*chain = (struct snp_chain){0};
}

bool snp_chain_is_whole(const struct snp_chain *chain)
{
	return chain->certs[SNP_VEK] && chain->certs[SNP_ASK] && chain->certs[SNP_ARK];
}

bool snp_chain_has_marker(const struct snp_chain *chain)
{
	for (size_t i = 0; i < SNP_POSITIONS; i++)
		if (chain->certs[i] && x509_find_extension(chain->certs[i], TRUST_SIMULATION_OID))
			return true;
	return false;
}

bool snp_chain_judge(struct judge *judge, const struct snp_chain *chain, unsigned signing_key)
{
	for (size_t i = 0; i < SNP_POSITIONS; i++)
		if (!chain->certs[i])
			return judge_fail(judge, "vek-chain", ATTEST_ERROR_CHAIN_INVALID, "%s: %s", TITLES[i],
					  chain->faults[i].text);
	if (chain->signatures.text[0])
		return judge_fail(judge, "vek-chain", ATTEST_ERROR_CHAIN_INVALID, "%s", chain->signatures.text);
	/* An unsigned report (7) is named by its own check. */
	if (signing_key != SNP_SIGNING_NONE && (signing_key == SNP_SIGNING_VLEK) != chain->is_vlek)
		return judge_fail(judge, "vek-chain", ATTEST_ERROR_CHAIN_INVALID,
				  "the report says it is signed by a %s, the chain ends in a %s",
				  chain->is_vlek ? "VCEK" : "VLEK", chain->is_vlek ? "VLEK" : "VCEK");
	judge_pass(judge, "vek-chain", "%s, %s, ARK-%s: each signed by the next, the last by itself (RSASSA-PSS)",
		   chain->is_vlek ? "VLEK" : "VCEK", chain->is_vlek ? "ASVK" : "ASK",
		   snp_product_text(chain->products[SNP_ARK]));
	return true;
}

void snp_chain_judge_dates(struct judge *judge, const struct snp_chain *chain)
{
	int64_t from = INT64_MIN;
	int64_t until = INT64_MAX;

	if (!snp_chain_is_whole(chain)) {
		(void)judge_skip(judge, "vek-chain-dates", "needs the chain");
		return;
	}
	for (size_t i = 0; i < SNP_POSITIONS; i++) {
		if (chain->certs[i]->not_before > from)
			from = chain->certs[i]->not_before;
		if (chain->certs[i]->not_after < until)
			until = chain->certs[i]->not_after;
	}
	(void)judge_interval(judge, "vek-chain-dates", "vek-chain", from, until, ATTEST_ERROR_CERT_EXPIRED);
}

/* Returns true if the list can be used. */
static bool judge_list(struct judge *judge, const struct snp_chain *chain)
{
	const struct x509_cert *ark = chain->certs[SNP_ARK];

	if (chain->crl_fault.missing && policy_allows_missing_crl(judge))
		return judge_skip(judge, "ark-crl", "not given, and the policy allows that");
	if (chain->crl_fault.missing)
		return judge_fail(judge, "ark-crl", ATTEST_ERROR_CRL_MISSING, "%s", chain->crl_fault.text);
	if (!chain->crl)
		return judge_fail(judge, "ark-crl", ATTEST_ERROR_CRL_MALFORMED, "%s", chain->crl_fault.text);
	if (!ark)
		return judge_skip(judge, "ark-crl", "needs the ARK");
	if (!der_equal(chain->crl->issuer, ark->subject))
		return judge_fail(judge, "ark-crl", ATTEST_ERROR_CRL_ISSUER, "list is of another issuer than the ARK");
	if (!(ark->key_usage & X509_BIT_CRL_SIGN))
		return judge_fail(judge, "ark-crl", ATTEST_ERROR_CRL_ISSUER, "the ARK may not sign lists");
	if (chain->crl_signature.text[0])
		return judge_fail(judge, "ark-crl", ATTEST_ERROR_CRL_SIGNATURE, "%s", chain->crl_signature.text);
	if (!revocation_read_entries(judge, "ark-crl", chain->crl))
		return false;
	return judge_interval(judge, "ark-crl", "ark-crl", chain->crl->this_update, chain->crl->next_update,
			      ATTEST_ERROR_CRL_EXPIRED);
}

void snp_chain_judge_revocation(struct judge *judge, const struct snp_chain *chain)
{
	const bool usable = judge_list(judge, chain);
	char serial[HEX_TEXT_SIZE(DER_INTEGER_SIZE_MAX)];
	struct der number;

	if (!usable || !chain->certs[SNP_ASK]) {
		(void)judge_skip(judge, "ask-revocation", "needs a revocation list that holds, and the ASK or ASVK");
		return;
	}
	number = chain->certs[SNP_ASK]->serial;
	hex_encode(number.data, number.size, serial);
	if (crl_is_revoked(chain->crl, number))
		(void)judge_fail(judge, "ask-revocation", ATTEST_ERROR_CA_REVOKED, "serial %s is listed as revoked",
				 serial);
	else
		judge_pass(judge, "ask-revocation", "serial %s is not among the %zu revoked", serial,
			   crl_revoked_count(chain->crl));
}
