/* SPDX-License-Identifier: Apache-2.0 */
#include "collateral/proof.h"

#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "collateral/proof_amd.h"
#include "collateral/proof_intel.h"
#include "crypto/hash.h"

void collateral_issuers_done(struct collateral_issuers *issuers)
{
	x509_cert_free(issuers->intel_root);
	x509_cert_free(issuers->ask);
	x509_cert_free(issuers->ark);
	x509_crl_free(issuers->root_list);
	*issuers = (struct collateral_issuers){0};
}

int proof_check_root(const struct trust *trust, const struct x509_cert *root, struct collateral_edition *ret,
		     struct err *err)
{
	uint8_t hash[SHA256_SIZE];

	if (trust_find(trust, root, hash) == TRUST_NONE)
		return err_set(err, ERR_UNTRUSTED, "its chain ends in a root that is not trusted");
	sha256(root->spki.data, root->spki.size, ret->root);
	return 0;
}

int proof_check_list(const struct x509_crl *crl, const struct x509_cert *issuer, struct err *err)
{
	if (!der_equal(crl->issuer, issuer->subject))
		return err_set(err, ERR_UNTRUSTED, "the list is of another issuer");
	if (issuer->has_key_usage && !(issuer->key_usage & X509_BIT_CRL_SIGN))
		return err_set(err, ERR_UNTRUSTED, "its issuer may not sign lists");
	return 0;
}

int proof_missing(const char *what, struct err *err)
{
	return err_set(err, ERR_UNTRUSTED, "%s that would sign it is not known", what);
}

static int prove(const struct trust *trust, const struct collateral_wanted *wanted,
		 const struct collateral_answer *answer, struct collateral_issuers *issuers,
		 struct collateral_edition *ret, struct err *err)
{
	switch (wanted->kind) {
	case COLLATERAL_KIND_SGX_TCB_INFO:
	case COLLATERAL_KIND_TDX_TCB_INFO:
	case COLLATERAL_KIND_QE_IDENTITY:
	case COLLATERAL_KIND_TD_QE_IDENTITY:
		return proof_of_json(trust, wanted, answer, issuers, ret, err);
	case COLLATERAL_KIND_PCK_CRL:
		return proof_of_pck_list(trust, wanted, answer, issuers, ret, err);
	case COLLATERAL_KIND_ROOT_CRL:
		return proof_of_root_list(trust, answer, issuers, ret, err);
	case COLLATERAL_KIND_VCEK:
		return proof_of_vcek(trust, wanted, answer, issuers, ret, err);
	case COLLATERAL_KIND_VCEK_CHAIN:
	case COLLATERAL_KIND_VLEK_CHAIN:
		return proof_of_amd_chain(trust, wanted, answer, issuers, ret, err);
	case COLLATERAL_KIND_VCEK_CRL:
	case COLLATERAL_KIND_VLEK_CRL:
		return proof_of_amd_list(trust, answer, issuers, ret, err);
	case COLLATERAL_KIND_COUNT:
		break;
	}
	return err_set(err, ERR_INTERNAL, "no such kind");
}

int collateral_prove(const struct trust *trust, const struct collateral_wanted *wanted,
		     const struct collateral_answer *answer, struct collateral_issuers *issuers,
		     struct collateral_edition *ret, struct err *err)
{
	struct collateral_edition edition = {.number = 0};

	if (prove(trust, wanted, answer, issuers, &edition, err) < 0)
		return err_prefix(err, "the %s", collateral_kind_text(wanted->kind));
	*ret = edition;
	return 0;
}

int collateral_edition_check(const struct collateral_edition *offered, const struct collateral_edition *kept,
			     struct err *err)
{
	char offered_text[CLOCK_TEXT_SIZE], kept_text[CLOCK_TEXT_SIZE];

	if (memcmp(offered->root, kept->root, sizeof(kept->root)) != 0)
		return 0;
	if (offered->number < kept->number)
		return err_set(err, ERR_CONFLICT,
			       "it is older than what is kept: tcbEvaluationDataNumber %" PRId64 ", kept %" PRId64,
			       offered->number, kept->number);
	if (offered->number > kept->number || offered->date >= kept->date)
		return 0;
	clock_format_utc(offered->date, offered_text);
	clock_format_utc(kept->date, kept_text);
	return err_set(err, ERR_CONFLICT, "it is older than what is kept: of %s, kept %s", offered_text, kept_text);
}
