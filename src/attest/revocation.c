/* SPDX-License-Identifier: Apache-2.0 */
#include "attest/revocation.h"

#include "attest/policy.h"
#include "format/hex.h"

bool revocation_read_entries(struct judge *judge, const char *name, const struct x509_crl *crl)
{
	struct err err = ERR_INIT;

	if (!judge->has_trusted_root)
		return judge_skip(judge, name, "needs a trusted root");
	return crl_read_entries(crl, &err) == 0 || judge_fail_err(judge, name, ATTEST_ERROR_CRL_MALFORMED, &err);
}

bool revocation_judge_list(struct judge *judge, const char *name, const struct collateral_crl *item,
			   const struct x509_cert *issuer, bool *is_signed)
{
	const struct x509_crl *crl = item->crl;
	struct err err = ERR_INIT;

	if (item->fault.missing && policy_allows_missing_crl(judge))
		return judge_skip(judge, name, "%s; the policy allows it", item->fault.text);
	if (item->fault.missing)
		return judge_fail(judge, name, ATTEST_ERROR_CRL_MISSING, "%s", item->fault.text);
	if (!crl)
		return judge_fail(judge, name, ATTEST_ERROR_CRL_MALFORMED, "%s", item->fault.text);
	if (!der_equal(crl->issuer, issuer->subject))
		return judge_fail(judge, name, ATTEST_ERROR_CRL_ISSUER,
				  "list is of another issuer than the certificate");
	if (!(issuer->key_usage & X509_BIT_CRL_SIGN))
		return judge_fail(judge, name, ATTEST_ERROR_CRL_ISSUER, "its issuer may not sign lists");
	if (!*is_signed && crl_verify(crl, issuer, &err) < 0)
		return judge_fail_err(judge, name, ATTEST_ERROR_CRL_SIGNATURE, &err);
	*is_signed = true;
	if (!revocation_read_entries(judge, name, crl))
		return false;
	return judge_interval(judge, name, name, crl->this_update, crl->next_update, ATTEST_ERROR_CRL_EXPIRED);
}

bool revocation_judge_cert(struct judge *judge, const char *name, const struct collateral_crl *item, bool usable,
			   const struct x509_cert *cert, enum attest_error error)
{
	char serial[HEX_TEXT_SIZE(DER_INTEGER_SIZE_MAX)];

	if (!usable)
		return judge_skip(judge, name, "needs a revocation list that holds");
	hex_encode(cert->serial.data, cert->serial.size, serial);
	if (crl_is_revoked(item->crl, cert->serial))
		return judge_fail(judge, name, error, "serial %s is listed as revoked", serial);
	judge_pass(judge, name, "serial %s is not among the %zu revoked", serial, crl_revoked_count(item->crl));
	return true;
}
