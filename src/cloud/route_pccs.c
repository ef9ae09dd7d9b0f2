/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Intel's PCCS API, version 4, over the simulated collateral: paths, parameters, header names and bodies as Intel
 * writes them, so that verifiers made for hardware read them. Nothing here is believed for where it comes from.
 */
#include <string.h>
#include <strings.h>

#include "cloud/collateral.h"
#include "cloud/routes.h"
#include "format/hex.h"
#include "format/pem.h"
#include "format/uri.h"

#define WORD_MAX 16

/* The chain as Intel sends it: PEM, URL-encoded, in a header. */
static int reply_with_chain(struct request *request, const char *type, const char *header, enum sim_cert from,
			    const struct buf *body, struct err *err)
{
	scoped(buf_done) struct buf pem = BUF_INIT(SIM_CHAIN_SIZE_MAX);
	scoped(buf_done) struct buf encoded = BUF_INIT(3 * SIM_CHAIN_SIZE_MAX);
	struct http_header headers[2] = {{"Content-Type", type}};

	if (collateral_chain(request->cloud->collateral, from, &pem, err) < 0 ||
	    uri_encode(pem.data, pem.size, &encoded, err) < 0)
		return -1;
	headers[1] = (struct http_header){header, buf_text(&encoded)};
	return api_reply_full(request, 200, headers, 2, body->data, body->size, err);
}

static int check_there(const struct request *request, struct err *err)
{
	if (!request->cloud->collateral)
		return err_set(err, ERR_NOT_FOUND, "this cloud has no simulated collateral");
	return 0;
}

/* 1 if the parameter is there and says der, 0 if it is absent or says pem. */
static int wants_der(const struct request *request, struct err *err)
{
	scoped(buf_done) struct buf word = BUF_INIT(0);

	if (api_query(request, "encoding", WORD_MAX, &word, err) < 0)
		return -1;
	if (word.size == 0 || strcasecmp(buf_text(&word), "pem") == 0)
		return 0;
	if (strcasecmp(buf_text(&word), "der") == 0)
		return 1;
	return err_set(err, ERR_INVALID, "'encoding' must be pem or der, got '%s'", buf_text(&word));
}

int route_pckcrl(struct request *request, struct err *err)
{
	static const char chain_header[] = "SGX-PCK-CRL-Issuer-Chain";
	scoped(buf_done) struct buf ca = BUF_INIT(0);
	scoped(buf_done) struct buf crl = BUF_INIT(SIM_ITEM_SIZE_MAX);
	scoped(buf_done) struct buf pem = BUF_INIT(2 * SIM_ITEM_SIZE_MAX);
	int der;

	if (check_there(request, err) < 0 || api_query(request, "ca", WORD_MAX, &ca, err) < 0)
		return -1;
	if (strcmp(buf_text(&ca), "platform") != 0 && strcmp(buf_text(&ca), "processor") != 0)
		return err_set(err, ERR_INVALID, "'ca' must be platform or processor");
	der = wants_der(request, err);
	if (der < 0 || collateral_item(request->cloud->collateral, SIM_ITEM_PCK_CRL, &crl, err) < 0)
		return -1;
	if (der)
		return reply_with_chain(request, "application/pkix-crl", chain_header, SIM_CERT_PLATFORM_CA, &crl, err);
	if (pem_format("X509 CRL", crl.data, crl.size, &pem, err) < 0)
		return -1;
	return reply_with_chain(request, "application/x-pem-file", chain_header, SIM_CERT_PLATFORM_CA, &pem, err);
}

int route_tcb(struct request *request, struct err *err)
{
	scoped(buf_done) struct buf wanted = BUF_INIT(0);
	scoped(buf_done) struct buf body = BUF_INIT(SIM_ITEM_SIZE_MAX);
	char fmspc[SIM_FMSPC_TEXT_SIZE];
	int found;

	if (check_there(request, err) < 0)
		return -1;
	found = api_query(request, "fmspc", WORD_MAX, &wanted, err);
	if (found < 0)
		return -1;
	collateral_fmspc(request->cloud->collateral, fmspc);
	if (strcasecmp(buf_text(&wanted), fmspc) != 0)
		return err_set(err, found ? ERR_NOT_FOUND : ERR_INVALID, "no TCB info for fmspc '%s'",
			       buf_text(&wanted));
	if (collateral_item(request->cloud->collateral, SIM_ITEM_TCB_INFO, &body, err) < 0)
		return -1;
	return reply_with_chain(request, "application/json", "TCB-Info-Issuer-Chain", SIM_CERT_TCB_SIGNER, &body, err);
}

int route_qe_identity(struct request *request, struct err *err)
{
	scoped(buf_done) struct buf body = BUF_INIT(SIM_ITEM_SIZE_MAX);

	if (check_there(request, err) < 0 ||
	    collateral_item(request->cloud->collateral, SIM_ITEM_QE_IDENTITY, &body, err) < 0)
		return -1;
	return reply_with_chain(request, "application/json", "SGX-Enclave-Identity-Issuer-Chain", SIM_CERT_TCB_SIGNER,
				&body, err);
}

/* As Intel's PCCS: the DER in hex. encoding=der gives the bytes. */
int route_rootcacrl(struct request *request, struct err *err)
{
	static const struct http_header type = {"Content-Type", "application/pkix-crl"};
	scoped(buf_done) struct buf crl = BUF_INIT(SIM_ITEM_SIZE_MAX);
	scoped(buf_done) struct buf hex = BUF_INIT(2 * SIM_ITEM_SIZE_MAX);
	int der;

	if (check_there(request, err) < 0)
		return -1;
	der = wants_der(request, err);
	if (der < 0 || collateral_item(request->cloud->collateral, SIM_ITEM_ROOT_CRL, &crl, err) < 0)
		return -1;
	if (der)
		return api_reply_full(request, 200, &type, 1, crl.data, crl.size, err);
	if (hex_add(&hex, crl.data, crl.size, err) < 0)
		return -1;
	return api_reply_text(request, 200, "text/plain", buf_text(&hex), err);
}
