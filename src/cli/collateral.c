/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/collateral.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "format/hex.h"
#include "format/uri.h"

#define API_PATH "/sgx/certification/v4"
#define ITEM_MAX (1u << 20)
#define KEY_SIZE 48

enum item { ITEM_TCB_INFO, ITEM_QE_IDENTITY, ITEM_PCK_CRL, ITEM_ROOT_CRL, ITEM_COUNT };

struct collateral_source {
	char *url;
	struct curl_client *client;
	char key[KEY_SIZE]; /* what the collateral is for: FMSPC and CA */
	struct attest_collateral *collateral;
};

/* One answer: body, and the issuer chain that comes in a header. */
struct fetched {
	struct buf body;
	struct buf chain;
};

int collateral_source_new(const char *url, struct collateral_source **ret_source, struct err *err)
{
	const struct curl_client_options options = {.insecure = true};
	struct collateral_source *source = calloc(1, sizeof(*source));
	size_t size = strlen(url);

	while (size && url[size - 1] == '/')
		size--;
	if (!source)
		return err_no_memory(err);
	if (asprintf(&source->url, "%.*s%s", (int)size, url, strstr(url, API_PATH) ? "" : API_PATH) < 0) {
		source->url = NULL;
		collateral_source_free(source);
		return err_no_memory(err);
	}
	if (curl_client_new(&options, &source->client, err) < 0) {
		collateral_source_free(source);
		return -1;
	}
	*ret_source = source;
	return 0;
}

void collateral_source_free(struct collateral_source *source)
{
	if (!source)
		return;
	attest_collateral_free(source->collateral);
	curl_client_free(source->client);
	free(source->url);
	free(source);
}

/* Chains are PEM, percent-encoded, under one of Intel's header names. */
static int take_chain(const struct curl_response *response, struct buf *ret, struct err *err)
{
	static const char *const names[] = {"TCB-Info-Issuer-Chain", "SGX-TCB-Info-Issuer-Chain",
					    "SGX-Enclave-Identity-Issuer-Chain", "SGX-PCK-CRL-Issuer-Chain"};

	for (size_t i = 0; i < COUNT_OF(names); i++) {
		const char *value = curl_response_header(response, names[i]);

		if (value)
			return uri_decode(value, strlen(value), false, ret, err);
	}
	return 0;
}

/* Intel's PCCS writes revocation lists as hex text whatever is asked for. */
static int take_body(const struct buf *body, struct buf *ret, struct err *err)
{
	uint8_t *room;

	for (size_t i = 0; i < body->size; i++) {
		if (!isxdigit(body->data[i]))
			return buf_add(ret, body->data, body->size, err);
	}
	if (buf_reserve(ret, body->size / 2 + 1, &room, err) < 0 ||
	    hex_decode(buf_text(body), body->size, room, body->size / 2, err) < 0)
		return -1;
	ret->size += body->size / 2;
	return 0;
}

static int fetch(const struct collateral_source *source, const char *path, struct fetched *ret, struct err *err)
{
	struct curl_response response = CURL_RESPONSE_INIT;
	scoped(freep) char *url = NULL;
	int status;

	if (asprintf(&url, "%s%s", source->url, path) < 0)
		return err_no_memory(err);
	status = curl_client_request(source->client, &(struct curl_request){.url = url, .response_max = ITEM_MAX},
				     &response, err);
	if (status == 0 && response.status != 200)
		status = err_set(err, ERR_UNAVAILABLE, "HTTP status %d", response.status);
	if (status == 0)
		status = take_body(&response.body, &ret->body, err);
	if (status == 0)
		status = take_chain(&response, &ret->chain, err);
	curl_response_done(&response);
	return status < 0 ? err_prefix(err, "cannot fetch collateral from %s", url) : 0;
}

static struct attest_bytes bytes(const struct buf *buf)
{
	return (struct attest_bytes){buf->data, buf->size};
}

static int fetch_all(struct collateral_source *source, const struct attest_needs *needs,
		     struct fetched items[static ITEM_COUNT], struct err *err)
{
	char tcb_path[64], crl_path[64];
	const char *const paths[ITEM_COUNT] = {[ITEM_TCB_INFO] = tcb_path,
					       [ITEM_QE_IDENTITY] = "/qe/identity",
					       [ITEM_PCK_CRL] = crl_path,
					       [ITEM_ROOT_CRL] = "/rootcacrl?encoding=der"};

	(void)snprintf(tcb_path, sizeof(tcb_path), "/tcb?fmspc=%s", needs->fmspc);
	(void)snprintf(crl_path, sizeof(crl_path), "/pckcrl?ca=%s&encoding=der", needs->ca);
	for (size_t i = 0; i < ITEM_COUNT; i++) {
		if (fetch(source, paths[i], &items[i], err) < 0)
			return -1;
	}
	const struct attest_collateral_bytes all = {
	    .tcb_info = bytes(&items[ITEM_TCB_INFO].body),
	    .tcb_info_issuer_chain = bytes(&items[ITEM_TCB_INFO].chain),
	    .qe_identity = bytes(&items[ITEM_QE_IDENTITY].body),
	    .qe_identity_issuer_chain = bytes(&items[ITEM_QE_IDENTITY].chain),
	    .root_ca_crl = bytes(&items[ITEM_ROOT_CRL].body),
	    .pck_crl = bytes(&items[ITEM_PCK_CRL].body),
	};
	const char *why = NULL;

	attest_collateral_free(source->collateral);
	source->collateral = NULL;
	if (attest_collateral_new(&all, &source->collateral, &why) < 0)
		return err_set(err, ERR_INVALID, "collateral: %s", why);
	(void)snprintf(source->key, sizeof(source->key), "%s %s", needs->fmspc, needs->ca);
	return 0;
}

/* For evidence that cannot be read: a verdict is made of it all the same, by which the failure gets its name. */
static int take_none(struct collateral_source *source, struct err *err)
{
	const struct attest_collateral_bytes none = {0};
	const char *why = NULL;

	attest_collateral_free(source->collateral);
	source->collateral = NULL;
	source->key[0] = '\0';
	if (attest_collateral_new(&none, &source->collateral, &why) < 0)
		return err_set(err, ERR_INVALID, "collateral: %s", why);
	return 0;
}

static int take_items(struct collateral_source *source, const struct attest_needs *needs, struct err *err)
{
	struct fetched items[ITEM_COUNT];
	int status;

	for (size_t i = 0; i < ITEM_COUNT; i++)
		items[i] = (struct fetched){.body = BUF_INIT(ITEM_MAX), .chain = BUF_INIT(ITEM_MAX)};
	status = fetch_all(source, needs, items, err);
	for (size_t i = 0; i < ITEM_COUNT; i++) {
		buf_done(&items[i].body);
		buf_done(&items[i].chain);
	}
	return status;
}

int collateral_get(struct collateral_source *source, const void *evidence, size_t size,
		   const struct attest_collateral **ret_collateral, struct err *err)
{
	const struct attest_bytes given = {evidence, size};
	struct attest_needs needs;
	const char *why = NULL;
	char key[KEY_SIZE];
	int status = 0;

	if (attest_needs(&given, &needs, &why) < 0) {
		status = take_none(source, err);
	} else {
		(void)snprintf(key, sizeof(key), "%s %s", needs.fmspc, needs.ca);
		if (!source->collateral || strcmp(key, source->key) != 0)
			status = take_items(source, &needs, err);
	}
	if (status == 0)
		*ret_collateral = source->collateral;
	return status;
}
