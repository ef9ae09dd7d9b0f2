/* SPDX-License-Identifier: Apache-2.0 */
#include "collateral/proof_amd.h"

#include <stdio.h>
#include <string.h>

#include "collateral/proof_intel.h"
#include "crypto/kds_extension.h"
#include "format/snp_product.h"

static int check_issued(const struct x509_cert *cert, const struct x509_cert *issuer, const char *what, struct err *err)
{
	if (!der_equal(cert->issuer, issuer->subject) || x509_verify_amd(cert, issuer, err) < 0)
		return err_set(err, ERR_UNTRUSTED, "%s is not signed by its issuer", what);
	return 0;
}

static int check_name(const struct x509_cert *cert, const char *prefix, const char *product, struct err *err)
{
	char found[X509_COMMON_NAME_SIZE], wanted[X509_COMMON_NAME_SIZE];

	x509_common_name(cert, found);
	(void)snprintf(wanted, sizeof(wanted), "%s%s", prefix, product ? product : "");
	if (strcmp(found, wanted) != 0)
		return err_set(err, ERR_INVALID, "certificate of '%s', expected '%s'", found, wanted);
	return 0;
}

/* ---- ASK or ASVK, and ARK ---- */

static int parse_chain(const struct collateral_answer *answer, struct x509_cert **ret_ask, struct x509_cert **ret_ark,
		       struct err *err)
{
	scoped(buf_done) struct buf ask = BUF_INIT(COLLATERAL_CHAIN_MAX);
	scoped(buf_done) struct buf ark = BUF_INIT(COLLATERAL_CHAIN_MAX);

	if (collateral_answer_split(answer, &ask, &ark, err) < 0 ||
	    x509_parse_amd(ask.data, ask.size, ret_ask, err) < 0)
		return -1;
	return x509_parse_amd(ark.data, ark.size, ret_ark, err);
}

/* Entries of a list stay true when it has ended; only what this ARK signed is heard. */
static bool is_revoked(const struct x509_crl *list, const struct x509_cert *ask, const struct x509_cert *ark)
{
	struct err ignored = ERR_INIT;

	return list && proof_check_list(list, ark, &ignored) == 0 && crl_verify_amd(list, ark, &ignored) == 0 &&
	       crl_read_entries(list, &ignored) == 0 && crl_is_revoked(list, ask->serial);
}

/* The ARK is learned even if it has revoked the ASK: its newer lists are kept all the same. */
int proof_of_amd_chain(const struct trust *trust, const struct collateral_wanted *wanted,
		       const struct collateral_answer *answer, struct collateral_issuers *issuers,
		       struct collateral_edition *ret, struct err *err)
{
	const char *prefix = wanted->kind == COLLATERAL_KIND_VLEK_CHAIN ? "SEV-VLEK-" : "SEV-";
	scoped(x509_cert_freep) struct x509_cert *ask = NULL;
	scoped(x509_cert_freep) struct x509_cert *ark = NULL;

	if (parse_chain(answer, &ask, &ark, err) < 0 || check_name(ask, prefix, wanted->product, err) < 0 ||
	    check_name(ark, "ARK-", wanted->product, err) < 0 || check_issued(ask, ark, "ASK", err) < 0 ||
	    check_issued(ark, ark, "ARK", err) < 0 || proof_check_root(trust, ark, ret, err) < 0)
		return -1;
	ret->date = ask->not_before;
	x509_cert_free(issuers->ask);
	x509_cert_free(issuers->ark);
	issuers->ask = NULL;
	issuers->ark = TAKE_PTR(ark);
	if (is_revoked(issuers->root_list, ask, issuers->ark))
		return err_set(err, ERR_UNTRUSTED, "the ASK is revoked");
	issuers->ask = TAKE_PTR(ask);
	return 0;
}

/* ---- VCEK ---- */

/* Of this chip at this TCB: both are in the extensions that AMD writes. */
static int check_chip(const struct x509_cert *cert, const struct collateral_wanted *wanted, struct err *err)
{
	const struct snp_tcb_layout *layout =
	    snp_tcb_layout(snp_product_from_name(wanted->product ? wanted->product : ""));
	struct kds_extension kds;

	if (!layout)
		return err_set(err, ERR_INVALID, "no such product");
	if (kds_extension_parse(cert, &kds, err) < 0)
		return -1;
	if (!kds.has_hwid || kds.hwid_size != layout->chip_id_size || wanted->chip_id_size < kds.hwid_size ||
	    memcmp(kds.hwid, wanted->chip_id, kds.hwid_size) != 0)
		return err_set(err, ERR_INVALID, "it is of another chip");
	for (size_t i = 0; i < layout->count; i++) {
		if (kds.spl[layout->parts[i].part] != wanted->tcb[layout->parts[i].byte])
			return err_set(err, ERR_INVALID, "it is of another TCB: %s is %u, expected %u",
				       layout->parts[i].name, kds.spl[layout->parts[i].part],
				       wanted->tcb[layout->parts[i].byte]);
	}
	return 0;
}

int proof_of_vcek(const struct trust *trust, const struct collateral_wanted *wanted,
		  const struct collateral_answer *answer, const struct collateral_issuers *issuers,
		  struct collateral_edition *ret, struct err *err)
{
	scoped(x509_cert_freep) struct x509_cert *cert = NULL;

	if (!issuers->ask || !issuers->ark)
		return proof_missing("the ASK", err);
	if (x509_parse_amd(answer->body.data, answer->body.size, &cert, err) < 0 ||
	    check_issued(cert, issuers->ask, "VCEK", err) < 0 || check_chip(cert, wanted, err) < 0)
		return -1;
	ret->date = cert->not_before;
	return proof_check_root(trust, issuers->ark, ret, err);
}

/* ---- revocation list ---- */

int proof_of_amd_list(const struct trust *trust, const struct collateral_answer *answer,
		      const struct collateral_issuers *issuers, struct collateral_edition *ret, struct err *err)
{
	scoped(x509_crl_freep) struct x509_crl *crl = NULL;

	if (!issuers->ark)
		return proof_missing("the ARK", err);
	if (crl_parse_amd(answer->body.data, answer->body.size, &crl, err) < 0 ||
	    proof_check_list(crl, issuers->ark, err) < 0 || crl_verify_amd(crl, issuers->ark, err) < 0 ||
	    crl_read_entries(crl, err) < 0)
		return -1;
	ret->date = crl->this_update;
	return proof_check_root(trust, issuers->ark, ret, err);
}
