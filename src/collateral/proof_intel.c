/* SPDX-License-Identifier: Apache-2.0 */
#include "collateral/proof_intel.h"

#include <string.h>

#include "attest/chain.h"
#include "crypto/p256.h"
#include "format/signed_json.h"

#define CHAIN_SIZE 2 /* signer and root */

/* Each signed by the next, the last by itself. first: what the leaf is, as in chain_check_rules. */
static int check_chain(const struct chain *chain, size_t first, const char *name, struct err *err)
{
	char found[X509_COMMON_NAME_SIZE];

	if (chain->count != CHAIN_SIZE)
		return err_set(err, ERR_UNTRUSTED, "%zu certificates, expected %d", chain->count, CHAIN_SIZE);
	for (size_t i = 0; i < chain->count; i++) {
		const struct x509_cert *cert = chain->certs[i];
		const struct x509_cert *issuer = chain->certs[i + 1 < chain->count ? i + 1 : i];

		if (!der_equal(cert->issuer, issuer->subject) || x509_verify(cert, issuer, err) < 0)
			return err_set(err, ERR_UNTRUSTED, "certificate %zu is not signed by the next one", i + 1);
		if (chain_check_rules(cert, first + i, err) < 0)
			return err_prefix(err, "certificate %zu", i + 1);
	}
	x509_common_name(chain_leaf(chain), found);
	if (!strstr(found, name))
		return err_set(err, ERR_UNTRUSTED, "signed by '%s', expected '...%s...'", found, name);
	return 0;
}

/* Entries of a list stay true when it has ended; only what the same root signed is heard. */
static int check_revocation(const struct chain *chain, const struct x509_crl *list, struct err *err)
{
	struct err ignored = ERR_INIT;

	if (!list || proof_check_list(list, chain_root(chain), &ignored) < 0 ||
	    crl_verify(list, chain_root(chain), &ignored) < 0 || crl_read_entries(list, &ignored) < 0 ||
	    !crl_is_revoked(list, chain_leaf(chain)->serial))
		return 0;
	return err_set(err, ERR_UNTRUSTED, "its signer is revoked");
}

static int read_chain(const struct trust *trust, const struct collateral_answer *answer,
		      const struct collateral_issuers *issuers, size_t first, const char *name, struct chain *ret,
		      struct collateral_edition *edition, struct err *err)
{
	scoped(chain_done) struct chain chain = {0};

	if (answer->chain.size == 0)
		return proof_missing("the issuer chain", err);
	if (chain_parse(buf_text(&answer->chain), answer->chain.size, &chain, err) < 0 ||
	    check_chain(&chain, first, name, err) < 0 ||
	    proof_check_root(trust, chain_root(&chain), edition, err) < 0 ||
	    check_revocation(&chain, issuers->root_list, err) < 0)
		return err_prefix(err, "issuer chain");
	*ret = chain;
	chain = (struct chain){0};
	return 0;
}

/* ---- TCB info, QE identity ---- */

static int read_edition(const json_t *body, struct collateral_edition *ret, struct err *err)
{
	const json_t *number = json_object_get(body, "tcbEvaluationDataNumber");

	if (number && !json_is_integer(number))
		return err_set(err, ERR_INVALID, "its tcbEvaluationDataNumber is no number");
	ret->number = number ? json_integer_value(number) : 0;
	return signed_json_get_date(body, "issueDate", &ret->date, err);
}

/* What answer.c lets be absent, for old services, must be there where another item could be taken for this one. */
static int check_members(const struct collateral_wanted *wanted, const json_t *body, struct err *err)
{
	const bool is_tdx =
	    wanted->kind == COLLATERAL_KIND_TDX_TCB_INFO || wanted->kind == COLLATERAL_KIND_TD_QE_IDENTITY;
	const bool is_tcb =
	    wanted->kind == COLLATERAL_KIND_TDX_TCB_INFO || wanted->kind == COLLATERAL_KIND_SGX_TCB_INFO;

	if (is_tdx && !json_object_get(body, "id"))
		return err_set(err, ERR_INVALID, "it has no 'id'");
	if (is_tcb && !json_object_get(body, "fmspc"))
		return err_set(err, ERR_INVALID, "it has no 'fmspc'");
	return 0;
}

static int check_json(const struct collateral_wanted *wanted, const struct collateral_answer *answer,
		      const struct x509_cert *signer, struct collateral_edition *ret, struct err *err)
{
	struct signed_json json;
	int status;

	if (signed_json_parse(answer->body.data, answer->body.size, collateral_kind_json_name(wanted->kind), &json,
			      err) < 0)
		return -1;
	status = p256_verify(signer->key, json.signed_data, json.signed_size, json.signature, err);
	if (status == 0)
		status = check_members(wanted, json.body, err);
	if (status == 0)
		status = read_edition(json.body, ret, err);
	signed_json_done(&json);
	return status;
}

int proof_of_json(const struct trust *trust, const struct collateral_wanted *wanted,
		  const struct collateral_answer *answer, struct collateral_issuers *issuers,
		  struct collateral_edition *ret, struct err *err)
{
	scoped(chain_done) struct chain chain = {0};

	if (read_chain(trust, answer, issuers, 0, "SGX TCB Signing", &chain, ret, err) < 0 ||
	    check_json(wanted, answer, chain_leaf(&chain), ret, err) < 0)
		return -1;
	x509_cert_free(issuers->intel_root);
	issuers->intel_root = chain.certs[--chain.count];
	return 0;
}

/* ---- revocation lists ---- */

static int check_list(const struct collateral_answer *answer, const struct x509_cert *issuer,
		      struct collateral_edition *ret, struct err *err)
{
	scoped(x509_crl_freep) struct x509_crl *crl = NULL;

	if (crl_parse(answer->body.data, answer->body.size, &crl, err) < 0 || proof_check_list(crl, issuer, err) < 0 ||
	    crl_verify(crl, issuer, err) < 0 || crl_read_entries(crl, err) < 0)
		return -1;
	ret->date = crl->this_update;
	return 0;
}

int proof_of_pck_list(const struct trust *trust, const struct collateral_wanted *wanted,
		      const struct collateral_answer *answer, const struct collateral_issuers *issuers,
		      struct collateral_edition *ret, struct err *err)
{
	const bool is_platform = wanted->ca && strcmp(wanted->ca, "platform") == 0;
	scoped(chain_done) struct chain chain = {0};

	if (read_chain(trust, answer, issuers, 1, is_platform ? "SGX PCK Platform CA" : "SGX PCK Processor CA", &chain,
		       ret, err) < 0)
		return -1;
	return check_list(answer, chain_leaf(&chain), ret, err);
}

int proof_of_root_list(const struct trust *trust, const struct collateral_answer *answer,
		       const struct collateral_issuers *issuers, struct collateral_edition *ret, struct err *err)
{
	if (!issuers->intel_root)
		return proof_missing("the root", err);
	if (proof_check_root(trust, issuers->intel_root, ret, err) < 0)
		return -1;
	return check_list(answer, issuers->intel_root, ret, err);
}
