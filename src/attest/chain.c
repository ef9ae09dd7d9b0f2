/* SPDX-License-Identifier: Apache-2.0 */
#include "attest/chain.h"

#include <string.h>

#include "format/pem.h"

const struct chain_kind CHAIN_PCK = {"pck", 3, {"SGX PCK Certificate", "CA", "SGX Root CA"}};
const struct chain_kind CHAIN_TCB_INFO = {"tcb-info", 2, {"SGX TCB Signing", "SGX Root CA"}};
const struct chain_kind CHAIN_QE_IDENTITY = {"qe-identity", 2, {"SGX TCB Signing", "SGX Root CA"}};

/* Critical extensions that chain_judge enforces. */
static const char *const KNOWN_CRITICAL[] = {X509_OID_BASIC_CONSTRAINTS, X509_OID_KEY_USAGE, NULL};

int chain_parse(const void *text, size_t size, struct chain *ret, struct err *err)
{
	struct pem_reader reader = {.text = text, .size = size};
	scoped(buf_done) struct buf der = BUF_INIT(X509_PARSE_SIZE_MAX);
	scoped(chain_done) struct chain chain = {0};
	int found;

	while ((found = pem_next(&reader, PEM_CERTIFICATE, &der, err)) > 0) {
		if (chain.count == CHAIN_CERTS_MAX)
			return err_set(err, ERR_INVALID, "more than %d certificates", CHAIN_CERTS_MAX);
		if (x509_parse(der.data, der.size, &chain.certs[chain.count], err) < 0)
			return err_prefix(err, "certificate %zu", chain.count + 1);
		chain.count++;
	}
	if (found < 0)
		return -1;
	if (chain.count == 0)
		return err_set(err, ERR_INVALID, "no certificate");
	*ret = chain;
	chain = (struct chain){0};
	return 0;
}

int chain_check_links(struct chain *chain, struct err *err)
{
	for (size_t i = 0; i < chain->count; i++) {
		const struct x509_cert *issuer = chain->certs[i + 1 < chain->count ? i + 1 : i];
		struct err fault = ERR_INIT;

		chain->signed_by_next[i] = x509_verify(chain->certs[i], issuer, &fault) == 0;
		if (fault.code == ERR_NO_MEMORY)
			return err_no_memory(err);
	}
	return 0;
}

void chain_done(struct chain *chain)
{
	for (size_t i = 0; i < chain->count; i++)
		x509_cert_free(chain->certs[i]);
	*chain = (struct chain){0};
}

const struct x509_cert *chain_leaf(const struct chain *chain)
{
	return chain->certs[0];
}

const struct x509_cert *chain_root(const struct chain *chain)
{
	return chain->certs[chain->count - 1];
}

bool chain_has_marker(const struct chain *chain)
{
	for (size_t i = 0; i < chain->count; i++)
		if (x509_find_extension(chain->certs[i], TRUST_SIMULATION_OID))
			return true;
	return false;
}

static int check_constraints(const struct x509_cert *cert, size_t position, struct err *err)
{
	const bool may_sign = cert->has_key_usage && (cert->key_usage & X509_BIT_CERT_SIGN);

	if (position == 0) {
		if (cert->is_ca || may_sign)
			return err_set(err, ERR_INVALID, "is a CA, expected an end entity");
		return 0;
	}
	if (!cert->is_ca || !may_sign)
		return err_set(err, ERR_INVALID, "may not sign certificates");
	if (cert->path_length != X509_PATH_LENGTH_NONE && (size_t)cert->path_length < position - 1)
		return err_set(err, ERR_INVALID, "path length %d, but %zu CAs follow", cert->path_length, position - 1);
	return 0;
}

int chain_check_rules(const struct x509_cert *cert, size_t position, struct err *err)
{
	return check_constraints(cert, position, err) < 0 ? -1 : x509_check_critical(cert, KNOWN_CRITICAL, err);
}

static int check_certificate(const struct chain_kind *kind, const struct chain *chain, size_t position, struct err *err)
{
	const struct x509_cert *cert = chain->certs[position];
	const struct x509_cert *issuer = chain->certs[position + 1 < chain->count ? position + 1 : position];
	char name[X509_COMMON_NAME_SIZE];

	x509_common_name(cert, name);
	if (!strstr(name, kind->common_names[position]))
		return err_set(err, ERR_INVALID, "is named '%s', expected '...%s...'", name,
			       kind->common_names[position]);
	if (!der_equal(cert->issuer, issuer->subject))
		return err_set(err, ERR_INVALID, "('%s') is issued by another name than that of the next one", name);
	if (chain_check_rules(cert, position, err) < 0)
		return err_prefix(err, "('%s')", name);
	if (!chain->signed_by_next[position])
		return err_set(err, ERR_UNTRUSTED, "('%s') is not signed by the next one", name);
	return 0;
}

bool chain_judge(struct judge *judge, const struct chain_kind *kind, const struct chain *chain)
{
	char check[ATTEST_NAME_SIZE];
	struct err err = ERR_INIT;

	judge_name(check, kind->name, "-chain");
	if (chain->count != kind->count)
		return judge_fail(judge, check, ATTEST_ERROR_CHAIN_INVALID, "%zu certificates, expected %zu",
				  chain->count, kind->count);
	for (size_t i = 0; i < chain->count; i++) {
		if (check_certificate(kind, chain, i, &err) < 0) {
			(void)err_prefix(&err, "certificate %zu", i + 1);
			return judge_fail_err(judge, check, ATTEST_ERROR_CHAIN_INVALID, &err);
		}
	}
	judge_pass(judge, check, "%zu certificates, each signed by the next, the last by itself", chain->count);
	return true;
}

bool chain_judge_dates(struct judge *judge, const struct chain_kind *kind, const struct chain *chain)
{
	char check[ATTEST_NAME_SIZE];
	char what[ATTEST_NAME_SIZE];
	/* The interval in which all of them are valid. */
	int64_t from = INT64_MIN;
	int64_t until = INT64_MAX;

	judge_name(check, kind->name, "-chain-dates");
	judge_name(what, kind->name, "-chain");
	for (size_t i = 0; i < chain->count; i++) {
		if (chain->certs[i]->not_before > from)
			from = chain->certs[i]->not_before;
		if (chain->certs[i]->not_after < until)
			until = chain->certs[i]->not_after;
	}
	return judge_interval(judge, check, what, from, until, ATTEST_ERROR_CERT_EXPIRED);
}
