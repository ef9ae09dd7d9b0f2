/* SPDX-License-Identifier: Apache-2.0 */
#include "attest/signer.h"

#include <string.h>

#include "attest/revocation.h"

/* One of the two signed items with all that is named after it. */
struct item {
	const struct chain_kind *kind;
	const struct collateral_chain *chain;
	const struct collateral_json *json;
	enum attest_error signature_error;
	enum attest_error expired_error;
};

static void name_check(char ret[static ATTEST_NAME_SIZE], const struct item *item, const char *what)
{
	judge_name(ret, item->kind->name, what);
}

/*
 * The signer's root must be the very one of the PCK chain: else a simulation root, or a private one, could sign
 * collateral for real hardware.
 */
static void judge_root(struct judge *judge, const struct item *item, const struct x509_cert *root)
{
	const struct chain *chain = &item->chain->chain;
	char check[ATTEST_NAME_SIZE];

	name_check(check, item, "-root");
	if (!root)
		(void)judge_skip(judge, check, "needs the root of the PCK chain");
	else if (memcmp(chain_root(chain)->point, root->point, sizeof(root->point)) != 0)
		(void)judge_fail(judge, check, ATTEST_ERROR_ROOT_UNTRUSTED,
				 "the signer's chain ends in another root than the PCK chain");
	else
		judge_pass(judge, check, "the signer's chain ends in the root of the PCK chain");
}

static void judge_chain(struct judge *judge, const struct item *item, const struct x509_cert *root, bool crl_usable)
{
	char check[ATTEST_NAME_SIZE];

	name_check(check, item, "-chain");
	if (item->chain->chain.count == 0) {
		(void)judge_fail(judge, check, ATTEST_ERROR_CHAIN_INVALID, "%s", item->chain->fault.text);
		return;
	}
	(void)chain_judge(judge, item->kind, &item->chain->chain);
	judge_root(judge, item, root);
	(void)chain_judge_dates(judge, item->kind, &item->chain->chain);
	name_check(check, item, "-signer-revocation");
	(void)revocation_judge_cert(judge, check, &judge->collateral->root_crl, crl_usable,
				    chain_leaf(&item->chain->chain), ATTEST_ERROR_CA_REVOKED);
}

static bool judge_signature(struct judge *judge, const struct item *item)
{
	const struct collateral_json *json = item->json;
	char check[ATTEST_NAME_SIZE];

	name_check(check, item, "-signature");
	if (!json->json.body)
		return judge_fail(judge, check, ATTEST_ERROR_COLLATERAL_MALFORMED, "%s", json->form.text);
	if (item->chain->chain.count == 0)
		return judge_skip(judge, check, "needs the signer's chain");
	if (!json->is_signed)
		return judge_fail(judge, check, item->signature_error, "the TCB signer did not sign these %zu bytes",
				  json->json.signed_size);
	judge_pass(judge, check, "%zu bytes as received are signed by the TCB signer", json->json.signed_size);
	return true;
}

static bool judge_item(struct judge *judge, const struct item *item, const struct x509_cert *root, bool crl_usable)
{
	char check[ATTEST_NAME_SIZE];

	judge_chain(judge, item, root, crl_usable);
	if (!judge_signature(judge, item) && !item->json->json.body)
		return false;
	name_check(check, item, "-content");
	if (item->json->content.text[0])
		return judge_fail(judge, check, ATTEST_ERROR_COLLATERAL_MALFORMED, "%s", item->json->content.text);
	judge_pass(judge, check, "every member and every level keeps the rules");
	return true;
}

bool signer_judge_tcb_info(struct judge *judge, const struct x509_cert *root, bool crl_usable)
{
	const struct attest_collateral *set = judge->collateral;
	const struct item item = {&CHAIN_TCB_INFO, &set->tcb_info_chain, &set->tcb_info_json,
				  ATTEST_ERROR_TCB_INFO_SIGNATURE, ATTEST_ERROR_TCB_INFO_EXPIRED};

	if (!judge_item(judge, &item, root, crl_usable) || !set->tcb_info)
		return false;
	(void)judge_interval(judge, "tcb-info-dates", "tcb-info", set->tcb_info->issue_date, set->tcb_info->next_update,
			     item.expired_error);
	return true;
}

bool signer_judge_qe_identity(struct judge *judge, const struct x509_cert *root, bool crl_usable)
{
	const struct attest_collateral *set = judge->collateral;
	const struct item item = {&CHAIN_QE_IDENTITY, &set->qe_identity_chain, &set->qe_identity_json,
				  ATTEST_ERROR_QE_IDENTITY_SIGNATURE, ATTEST_ERROR_QE_IDENTITY_EXPIRED};

	if (!judge_item(judge, &item, root, crl_usable) || !set->qe_identity)
		return false;
	(void)judge_interval(judge, "qe-identity-dates", "qe-identity", set->qe_identity->issue_date,
			     set->qe_identity->next_update, item.expired_error);
	return true;
}
