/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/collateral.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "format/hex.h"
#include "format/uri.h"

#define API_PATH "/sgx/certification/v4"
#define ANSWER_MAX (1u << 20)
#define KEY_SIZE 48
#define PATH_SIZE 64

struct collateral_source {
	char *url; /* NULL: given, nothing is ever fetched */
	struct curl_client *client;
	char key[KEY_SIZE]; /* what the items are for: FMSPC and CA; "" as long as there are none */
	struct collateral_items items;
	struct attest_collateral *collateral; /* prepared from them, or NULL */
};

static int source_new(struct collateral_source **ret_source, struct err *err)
{
	struct collateral_source *source = calloc(1, sizeof(*source));

	if (!source)
		return err_no_memory(err);
	collateral_items_init(&source->items);
	*ret_source = source;
	return 0;
}

int collateral_source_new(const char *url, struct collateral_source **ret_source, struct err *err)
{
	const struct curl_client_options options = {.insecure = true};
	scoped(collateral_source_freep) struct collateral_source *source = NULL;
	size_t size = strlen(url);

	while (size && url[size - 1] == '/')
		size--;
	if (source_new(&source, err) < 0)
		return -1;
	if (asprintf(&source->url, "%.*s%s", (int)size, url, strstr(url, API_PATH) ? "" : API_PATH) < 0) {
		source->url = NULL;
		return err_no_memory(err);
	}
	if (curl_client_new(&options, &source->client, err) < 0)
		return -1;
	*ret_source = TAKE_PTR(source);
	return 0;
}

int collateral_source_new_given(struct collateral_items *items, struct collateral_source **ret_source, struct err *err)
{
	if (source_new(ret_source, err) < 0)
		return -1;
	(*ret_source)->items = *items;
	collateral_items_init(items);
	return 0;
}

void collateral_source_free(struct collateral_source *source)
{
	if (!source)
		return;
	attest_collateral_free(source->collateral);
	collateral_items_done(&source->items);
	curl_client_free(source->client);
	free(source->url);
	free(source);
}

void collateral_source_forget(struct collateral_source *source)
{
	if (source->url)
		source->key[0] = '\0';
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

static int fetch(const struct collateral_source *source, const char *path, struct buf *ret_body, struct buf *ret_chain,
		 struct err *err)
{
	struct curl_response response = CURL_RESPONSE_INIT;
	scoped(freep) char *url = NULL;
	int status;

	if (asprintf(&url, "%s%s", source->url, path) < 0)
		return err_no_memory(err);
	status = curl_client_request(source->client, &(struct curl_request){.url = url, .response_max = ANSWER_MAX},
				     &response, err);
	if (status == 0 && response.status != 200)
		status = err_set(err, ERR_UNAVAILABLE, "HTTP status %d", response.status);
	if (status == 0)
		status = take_body(&response.body, ret_body, err);
	if (status == 0)
		status = take_chain(&response, ret_chain, err);
	curl_response_done(&response);
	return status < 0 ? err_prefix(err, "cannot fetch collateral from %s", url) : 0;
}

static int fetch_all(const struct collateral_source *source, const struct attest_needs *needs,
		     struct collateral_items *ret, struct err *err)
{
	char tcb_path[PATH_SIZE], crl_path[PATH_SIZE];
	const struct {
		const char *path;
		enum collateral_item body, chain;
	} rows[] = {
	    {tcb_path, COLLATERAL_ITEM_TCB_INFO, COLLATERAL_ITEM_TCB_INFO_ISSUER_CHAIN},
	    {"/qe/identity", COLLATERAL_ITEM_QE_IDENTITY, COLLATERAL_ITEM_QE_IDENTITY_ISSUER_CHAIN},
	    {crl_path, COLLATERAL_ITEM_PCK_CRL, COLLATERAL_ITEM_PCK_CRL_ISSUER_CHAIN},
	    {"/rootcacrl?encoding=der", COLLATERAL_ITEM_ROOT_CA_CRL, COLLATERAL_ITEM_COUNT},
	};
	scoped(buf_done) struct buf unused = BUF_INIT(COLLATERAL_ITEM_SIZE_MAX);

	(void)snprintf(tcb_path, sizeof(tcb_path), "/tcb?fmspc=%s", needs->fmspc);
	(void)snprintf(crl_path, sizeof(crl_path), "/pckcrl?ca=%s&encoding=der", needs->ca);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct buf *chain = rows[i].chain < COLLATERAL_ITEM_COUNT ? &ret->items[rows[i].chain] : &unused;

		if (fetch(source, rows[i].path, &ret->items[rows[i].body], chain, err) < 0)
			return -1;
	}
	return 0;
}

static int prepare(struct collateral_source *source, struct err *err)
{
	struct attest_collateral_bytes bytes;
	const char *why = NULL;

	attest_collateral_free(source->collateral);
	source->collateral = NULL;
	collateral_bytes(&source->items, &bytes);
	if (attest_collateral_new(&bytes, &source->collateral, &why) < 0)
		return err_set(err, ERR_INVALID, "collateral: %s", why);
	return 0;
}

void collateral_bytes(const struct collateral_items *items, struct attest_collateral_bytes *ret)
{
	const struct buf *all = items->items;
#define BYTES(item) ((struct attest_bytes){all[COLLATERAL_ITEM_##item].data, all[COLLATERAL_ITEM_##item].size})

	*ret = (struct attest_collateral_bytes){
	    .tcb_info = BYTES(TCB_INFO),
	    .tcb_info_issuer_chain = BYTES(TCB_INFO_ISSUER_CHAIN),
	    .qe_identity = BYTES(QE_IDENTITY),
	    .qe_identity_issuer_chain = BYTES(QE_IDENTITY_ISSUER_CHAIN),
	    .root_ca_crl = BYTES(ROOT_CA_CRL),
	    .pck_crl = BYTES(PCK_CRL),
	    .pck_cert_chain = BYTES(PCK_CERT_CHAIN),
	    .vek = BYTES(VEK),
	    .ask = BYTES(ASK),
	    .ark = BYTES(ARK),
	    .ark_crl = BYTES(ARK_CRL),
	};
#undef BYTES
}

/* Fetches unless what is there is for the same platform. For evidence that cannot be read there is nothing to fetch. */
static int update(struct collateral_source *source, const void *evidence, size_t size, struct err *err)
{
	const struct attest_bytes given = {evidence, size};
	struct attest_needs needs;
	const char *why = NULL;
	char key[KEY_SIZE] = "";
	const bool readable = attest_needs(&given, &needs, &why) == 0;

	if (!source->url)
		return 0;
	if (readable)
		(void)snprintf(key, sizeof(key), "%s %s", needs.fmspc, needs.ca);
	if (readable && strcmp(key, source->key) == 0)
		return 0;
	attest_collateral_free(source->collateral);
	source->collateral = NULL;
	source->key[0] = '\0';
	collateral_items_done(&source->items);
	if (readable && fetch_all(source, &needs, &source->items, err) < 0)
		return -1;
	(void)snprintf(source->key, sizeof(source->key), "%s", key);
	return 0;
}

int collateral_source_get(struct collateral_source *source, const void *evidence, size_t size,
			  const struct attest_collateral **ret_collateral, struct err *err)
{
	if (update(source, evidence, size, err) < 0 || (!source->collateral && prepare(source, err) < 0))
		return -1;
	*ret_collateral = source->collateral;
	return 0;
}

int collateral_source_items(struct collateral_source *source, const void *evidence, size_t size,
			    const struct collateral_items **ret_items, struct err *err)
{
	if (update(source, evidence, size, err) < 0)
		return -1;
	*ret_items = &source->items;
	return 0;
}
