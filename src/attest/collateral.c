/* SPDX-License-Identifier: Apache-2.0 */
#include "attest/collateral.h"

#include <stdio.h>
#include <string.h>

#include "attest/api.h"
#include "attest/crl_read.h"
#include "crypto/p256.h"

/* Keeps the reason. Out of memory is no property of the item: -1. */
static int keep_fault(struct collateral_fault *fault, const struct err *err)
{
	(void)snprintf(fault->text, sizeof(fault->text), "%.*s", ATTEST_TEXT_SIZE - 1, err->text);
	return err->code == ERR_NO_MEMORY ? -1 : 0;
}

static void keep_missing(struct collateral_fault *fault)
{
	fault->missing = true;
	(void)snprintf(fault->text, sizeof(fault->text), "not given");
}

static int read_json(struct attest_bytes bytes, const char *name, struct collateral_json *ret)
{
	struct err err = ERR_INIT;

	if (!bytes.data || bytes.size == 0) {
		keep_missing(&ret->form);
		return 0;
	}
	if (bytes.size > SIGNED_JSON_SIZE_MAX) {
		(void)err_set(&err, ERR_LIMIT, "%zu bytes, at most %u", bytes.size, SIGNED_JSON_SIZE_MAX);
		return keep_fault(&ret->form, &err);
	}
	ret->bytes = malloc(bytes.size);
	if (!ret->bytes)
		return -1;
	memcpy(ret->bytes, bytes.data, bytes.size);
	if (signed_json_parse(ret->bytes, bytes.size, name, &ret->json, &err) < 0)
		return keep_fault(&ret->form, &err);
	return 0;
}

static int read_chain(struct attest_bytes bytes, struct collateral_chain *ret)
{
	struct err err = ERR_INIT;

	if (!bytes.data || bytes.size == 0) {
		keep_missing(&ret->fault);
		return 0;
	}
	if (chain_parse(bytes.data, bytes.size, &ret->chain, &err) < 0)
		return keep_fault(&ret->fault, &err);
	return chain_check_links(&ret->chain, &err);
}

/* The usual case: TCB info and QE identity come with the same chain. */
static int read_second_chain(struct attest_bytes bytes, struct attest_bytes first_bytes,
			     const struct collateral_chain *first, struct collateral_chain *ret)
{
	if (first->chain.count == 0 || bytes.size != first_bytes.size || !bytes.data ||
	    memcmp(bytes.data, first_bytes.data, bytes.size) != 0)
		return read_chain(bytes, ret);
	*ret = *first;
	ret->is_borrowed = true;
	return 0;
}

/* -1: out of memory, which must not look like a signature that does not fit. */
static int check_signature(struct collateral_json *json, const struct collateral_chain *chain)
{
	struct err err = ERR_INIT;

	json->is_signed = json->json.body && chain->chain.count > 0 &&
			  p256_verify(chain_leaf(&chain->chain)->key, json->json.signed_data, json->json.signed_size,
				      json->json.signature, &err) == 0;
	return err.code == ERR_NO_MEMORY ? -1 : 0;
}

static int read_crl(struct attest_bytes bytes, struct collateral_crl *ret)
{
	struct err err = ERR_INIT;

	if (!bytes.data || bytes.size == 0) {
		keep_missing(&ret->fault);
		return 0;
	}
	return crl_read(bytes, crl_parse, &ret->crl, &err) < 0 ? keep_fault(&ret->fault, &err) : 0;
}

static int read_snp(const struct attest_collateral_bytes *bytes, struct snp_chain *ret)
{
	return snp_chain_read(&(struct snp_chain_bytes){bytes->vek, bytes->ask, bytes->ark, bytes->ark_crl}, ret);
}

static int read_contents(struct attest_collateral *set)
{
	struct err err = ERR_INIT;

	if (set->tcb_info_json.json.body && tcb_info_parse(set->tcb_info_json.json.body, &set->tcb_info, &err) < 0 &&
	    keep_fault(&set->tcb_info_json.content, &err) < 0)
		return -1;
	err = ERR_INIT;
	if (set->qe_identity_json.json.body &&
	    qe_identity_parse(set->qe_identity_json.json.body, &set->qe_identity, &err) < 0 &&
	    keep_fault(&set->qe_identity_json.content, &err) < 0)
		return -1;
	return 0;
}

ATTEST_API int attest_collateral_new(const struct attest_collateral_bytes *bytes,
				     struct attest_collateral **ret_collateral, const char **ret_why)
{
	struct attest_collateral *set;

	if (!bytes || !ret_collateral || !ret_why) {
		if (ret_why)
			*ret_why = "collateral or where to put it is missing";
		return -1;
	}
	set = calloc(1, sizeof(*set));
	if (!set || read_json(bytes->tcb_info, "tcbInfo", &set->tcb_info_json) < 0 ||
	    read_chain(bytes->tcb_info_issuer_chain, &set->tcb_info_chain) < 0 ||
	    read_json(bytes->qe_identity, "enclaveIdentity", &set->qe_identity_json) < 0 ||
	    read_second_chain(bytes->qe_identity_issuer_chain, bytes->tcb_info_issuer_chain, &set->tcb_info_chain,
			      &set->qe_identity_chain) < 0 ||
	    read_crl(bytes->root_ca_crl, &set->root_crl) < 0 || read_crl(bytes->pck_crl, &set->pck_crl) < 0 ||
	    read_chain(bytes->pck_cert_chain, &set->pck_chain) < 0 || read_contents(set) < 0 ||
	    read_snp(bytes, &set->snp) < 0 || !(set->memory = chain_memory_new()) ||
	    check_signature(&set->tcb_info_json, &set->tcb_info_chain) < 0 ||
	    check_signature(&set->qe_identity_json, &set->qe_identity_chain) < 0) {
		attest_collateral_free(set);
		*ret_why = "out of memory";
		return -1;
	}
	*ret_collateral = set;
	return 0;
}

ATTEST_API void attest_collateral_free(struct attest_collateral *collateral)
{
	if (!collateral)
		return;
	tcb_info_free(collateral->tcb_info);
	qe_identity_free(collateral->qe_identity);
	signed_json_done(&collateral->tcb_info_json.json);
	signed_json_done(&collateral->qe_identity_json.json);
	free(collateral->tcb_info_json.bytes);
	free(collateral->qe_identity_json.bytes);
	chain_done(&collateral->tcb_info_chain.chain);
	if (!collateral->qe_identity_chain.is_borrowed)
		chain_done(&collateral->qe_identity_chain.chain);
	chain_done(&collateral->pck_chain.chain);
	x509_crl_free(collateral->root_crl.crl);
	x509_crl_free(collateral->pck_crl.crl);
	snp_chain_done(&collateral->snp);
	chain_memory_free(collateral->memory);
	free(collateral);
}
