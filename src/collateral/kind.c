/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sources: Intel's documentation of the provisioning certification service, versions 3 and 4; Intel's PCCS (rootcacrl);
 * AMD publication 57230 (VCEK certificate and KDS interface).
 */
#include "collateral/kind.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "format/hex.h"
#include "format/signed_json.h"
#include "format/uri.h"

#define FMSPC_DIGITS 12
#define CHIP_ID_TURIN 8
#define MIB (1u << 20)

struct row {
	const char *text;
	bool is_amd;
	enum collateral_form form;
	unsigned api_min; /* of Intel's versions */
	size_t size_max;
	const char *path;     /* {v} {fmspc} {ca} {product} {chip} {tcb} */
	const char *pcs_path; /* where the PCS differs: at certificates_url */
	const char *json_name;
	const char *json_id;
	const char *headers[3]; /* version 4's name first */
};

#define SGX "/sgx/certification/v{v}"
#define TDX "/tdx/certification/v{v}"
#define TCB_HEADERS \
	{ \
		"TCB-Info-Issuer-Chain", "SGX-TCB-Info-Issuer-Chain" \
	}
#define QE_HEADERS \
	{ \
		"SGX-Enclave-Identity-Issuer-Chain" \
	}

static const struct row rows[COLLATERAL_KIND_COUNT] = {
    [COLLATERAL_KIND_SGX_TCB_INFO] = {"SGX TCB info", false, COLLATERAL_FORM_JSON, 3, SIGNED_JSON_SIZE_MAX,
				      SGX "/tcb?fmspc={fmspc}", NULL, "tcbInfo", "SGX", TCB_HEADERS},
    [COLLATERAL_KIND_TDX_TCB_INFO] = {"TDX TCB info", false, COLLATERAL_FORM_JSON, 4, SIGNED_JSON_SIZE_MAX,
				      TDX "/tcb?fmspc={fmspc}", NULL, "tcbInfo", "TDX", TCB_HEADERS},
    [COLLATERAL_KIND_QE_IDENTITY] = {"QE identity", false, COLLATERAL_FORM_JSON, 3, SIGNED_JSON_SIZE_MAX,
				     SGX "/qe/identity", NULL, "enclaveIdentity", "QE", QE_HEADERS},
    [COLLATERAL_KIND_TD_QE_IDENTITY] = {"TD QE identity", false, COLLATERAL_FORM_JSON, 4, SIGNED_JSON_SIZE_MAX,
					TDX "/qe/identity", NULL, "enclaveIdentity", "TD_QE", QE_HEADERS},
    [COLLATERAL_KIND_PCK_CRL] = {"PCK revocation list",
				 false,
				 COLLATERAL_FORM_CRL,
				 3,
				 4 * MIB,
				 SGX "/pckcrl?ca={ca}&encoding=der",
				 NULL,
				 NULL,
				 NULL,
				 {"SGX-PCK-CRL-Issuer-Chain"}},
    [COLLATERAL_KIND_ROOT_CRL] = {"root revocation list",
				  false,
				  COLLATERAL_FORM_CRL,
				  3,
				  MIB,
				  SGX "/rootcacrl",
				  "/IntelSGXRootCA.der",
				  NULL,
				  NULL,
				  {NULL}},
    [COLLATERAL_KIND_VCEK] = {"VCEK",
			      true,
			      COLLATERAL_FORM_CERTIFICATE,
			      0,
			      MIB / 16,
			      "/vcek/v1/{product}/{chip}?{tcb}",
			      NULL,
			      NULL,
			      NULL,
			      {NULL}},
    [COLLATERAL_KIND_VCEK_CHAIN] = {"VCEK's issuers",
				    true,
				    COLLATERAL_FORM_CHAIN,
				    0,
				    MIB / 16,
				    "/vcek/v1/{product}/cert_chain",
				    NULL,
				    NULL,
				    NULL,
				    {NULL}},
    [COLLATERAL_KIND_VCEK_CRL] =
	{"VCEK revocation list", true, COLLATERAL_FORM_CRL, 0, MIB, "/vcek/v1/{product}/crl", NULL, NULL, NULL, {NULL}},
    [COLLATERAL_KIND_VLEK_CHAIN] = {"VLEK's issuers",
				    true,
				    COLLATERAL_FORM_CHAIN,
				    0,
				    MIB / 16,
				    "/vlek/v1/{product}/cert_chain",
				    NULL,
				    NULL,
				    NULL,
				    {NULL}},
    [COLLATERAL_KIND_VLEK_CRL] =
	{"VLEK revocation list", true, COLLATERAL_FORM_CRL, 0, MIB, "/vlek/v1/{product}/crl", NULL, NULL, NULL, {NULL}},
};

bool collateral_kind_is_amd(enum collateral_kind kind)
{
	return rows[kind].is_amd;
}

enum collateral_form collateral_kind_form(enum collateral_kind kind)
{
	return rows[kind].form;
}

size_t collateral_kind_size_max(enum collateral_kind kind)
{
	return rows[kind].size_max;
}

const char *collateral_kind_text(enum collateral_kind kind)
{
	return rows[kind].text;
}

const char *collateral_kind_json_name(enum collateral_kind kind)
{
	return rows[kind].json_name;
}

const char *collateral_kind_json_id(enum collateral_kind kind)
{
	return rows[kind].json_id;
}

const char *const *collateral_kind_headers(enum collateral_kind kind)
{
	return rows[kind].headers;
}

const char *collateral_service_text(enum collateral_service service)
{
	static const char *const texts[] = {
	    [COLLATERAL_PCS] = "Intel PCS", [COLLATERAL_PCCS] = "PCCS", [COLLATERAL_KDS] = "AMD KDS"};

	return texts[service];
}

/* ---- places ---- */

struct service_row {
	const char *url;
	const char *certificates_url;
	unsigned api;
};

static const struct service_row services[] = {
    [COLLATERAL_PCS] = {COLLATERAL_PCS_URL, COLLATERAL_PCS_CERTIFICATES_URL, 4},
    [COLLATERAL_PCCS] = {NULL, NULL, 4},
    [COLLATERAL_KDS] = {COLLATERAL_KDS_URL, NULL, 0},
};

/* Takes "/sgx/certification/vN" off the end, as people copy it from the configuration of Intel's own clients. */
static void take_version(char *url, unsigned *api)
{
	static const struct {
		const char *suffix;
		unsigned api;
	} versions[] = {{"/sgx/certification/v3", 3}, {"/sgx/certification/v4", 4}};
	const size_t size = strlen(url);

	for (size_t i = 0; i < COUNT_OF(versions); i++) {
		const size_t suffix = strlen(versions[i].suffix);

		if (size > suffix && strcmp(url + size - suffix, versions[i].suffix) == 0) {
			url[size - suffix] = '\0';
			*api = versions[i].api;
			return;
		}
	}
}

int collateral_place_init(enum collateral_service service, const char *url, struct collateral_place *ret,
			  struct err *err)
{
	const struct service_row *row = &services[service];
	struct collateral_place place = {.service = service, .api = row->api};
	scoped(uri_done) struct uri parsed = {0};
	const char *given = url ? url : row->url;
	size_t size;

	if (!given)
		return err_set(err, ERR_INVALID, "the URL of the %s is not given", collateral_service_text(service));
	size = strlen(given);
	while (size && given[size - 1] == '/')
		size--;
	if (size >= sizeof(place.url))
		return err_set(err, ERR_LIMIT, "the URL is longer than %d bytes", COLLATERAL_URL_MAX - 1);
	memcpy(place.url, given, size);
	if (uri_parse(place.url, &parsed, err) < 0)
		return err_prefix(err, "%s", collateral_service_text(service));
	if (strpbrk(place.url, "?{}"))
		return err_set(err, ERR_INVALID, "'%.200s' is not the address of a service", place.url);
	if (service != COLLATERAL_KDS)
		take_version(place.url, &place.api);
	/* A mirror of the PCS has both under one address. */
	if (service == COLLATERAL_PCS)
		(void)snprintf(place.certificates_url, sizeof(place.certificates_url), "%s",
			       url ? place.url : row->certificates_url);
	*ret = place;
	return 0;
}

/* ---- what fills a path ---- */

static int add_fmspc(const struct collateral_wanted *wanted, struct buf *ret, struct err *err)
{
	const char *fmspc = wanted->fmspc ? wanted->fmspc : "";

	if (strlen(fmspc) != FMSPC_DIGITS || strspn(fmspc, "0123456789abcdefABCDEF") != FMSPC_DIGITS)
		return err_set(err, ERR_INVALID, "'%.20s' is not an FMSPC of 12 hexadecimal digits", fmspc);
	for (size_t i = 0; i < FMSPC_DIGITS; i++) {
		const char c = fmspc[i];

		if (buf_add_byte(ret, (uint8_t)(c >= 'A' && c <= 'F' ? c - 'A' + 'a' : c), err) < 0)
			return -1;
	}
	return 0;
}

static int add_ca(const struct collateral_wanted *wanted, struct buf *ret, struct err *err)
{
	const char *ca = wanted->ca ? wanted->ca : "";

	if (strcmp(ca, "platform") != 0 && strcmp(ca, "processor") != 0)
		return err_set(err, ERR_INVALID, "'%.20s' is neither platform nor processor", ca);
	return buf_add_text(ret, ca, err);
}

/* Names of REPORTED_TCB's bytes in a query, in the order AMD writes them; NULL: reserved (attestation-evidence.md 3).
 */
static const struct product {
	const char *name;
	size_t chip_id_size;
	const char *parts[COLLATERAL_TCB_SIZE];
} products[] = {
    {"Milan", COLLATERAL_CHIP_ID_MAX, {"blSPL", "teeSPL", NULL, NULL, NULL, NULL, "snpSPL", "ucodeSPL"}},
    {"Genoa", COLLATERAL_CHIP_ID_MAX, {"blSPL", "teeSPL", NULL, NULL, NULL, NULL, "snpSPL", "ucodeSPL"}},
    {"Turin", CHIP_ID_TURIN, {"fmcSPL", "blSPL", "teeSPL", "snpSPL", NULL, NULL, NULL, "ucodeSPL"}},
};

static const struct product *find_product(const struct collateral_wanted *wanted, struct err *err)
{
	const char *name = wanted->product ? wanted->product : "";

	for (size_t i = 0; i < COUNT_OF(products); i++) {
		if (strcmp(products[i].name, name) == 0)
			return &products[i];
	}
	(void)err_set(err, ERR_UNSUPPORTED, "'%.20s' is no product that AMD's service is asked for", name);
	return NULL;
}

static int add_product(const struct collateral_wanted *wanted, struct buf *ret, struct err *err)
{
	const struct product *product = find_product(wanted, err);

	return product ? buf_add_text(ret, product->name, err) : -1;
}

static int add_chip(const struct collateral_wanted *wanted, struct buf *ret, struct err *err)
{
	const struct product *product = find_product(wanted, err);
	uint8_t any = 0;

	if (!product)
		return -1;
	if (!wanted->chip_id || wanted->chip_id_size < product->chip_id_size)
		return err_set(err, ERR_INVALID, "a chip id has %zu bytes, not %zu", product->chip_id_size,
			       wanted->chip_id_size);
	for (size_t i = 0; i < product->chip_id_size; i++)
		any |= wanted->chip_id[i];
	if (!any)
		return err_set(err, ERR_INVALID, "the chip id is masked: no VCEK can be asked for");
	return hex_add(ret, wanted->chip_id, product->chip_id_size, err);
}

static int add_tcb(const struct collateral_wanted *wanted, struct buf *ret, struct err *err)
{
	const struct product *product = find_product(wanted, err);
	const char *separator = "";

	if (!product)
		return -1;
	for (size_t i = 0; i < COLLATERAL_TCB_SIZE; i++) {
		if (!product->parts[i])
			continue;
		if (buf_addf(ret, err, "%s%s=%02u", separator, product->parts[i], wanted->tcb[i]) < 0)
			return -1;
		separator = "&";
	}
	return 0;
}

static const struct part {
	const char *name;
	int (*add)(const struct collateral_wanted *wanted, struct buf *ret, struct err *err);
} parts[] = {
    {"{fmspc}", add_fmspc}, {"{ca}", add_ca}, {"{product}", add_product}, {"{chip}", add_chip}, {"{tcb}", add_tcb}};

static const struct part *find_part(const char *at)
{
	for (size_t i = 0; i < COUNT_OF(parts); i++) {
		if (strncmp(at, parts[i].name, strlen(parts[i].name)) == 0)
			return &parts[i];
	}
	return NULL;
}

static int add_path(const struct collateral_wanted *wanted, unsigned api, const char *path, struct buf *ret,
		    struct err *err)
{
	while (*path) {
		const struct part *part = find_part(path);

		if (part) {
			if (part->add(wanted, ret, err) < 0)
				return -1;
			path += strlen(part->name);
		} else if (strncmp(path, "{v}", 3) == 0) {
			if (buf_addf(ret, err, "%u", api) < 0)
				return -1;
			path += 3;
		} else if (buf_add_byte(ret, (uint8_t)*path++, err) < 0) {
			return -1;
		}
	}
	return 0;
}

int collateral_url_format(const struct collateral_wanted *wanted, const struct collateral_place *place, struct buf *ret,
			  struct err *err)
{
	const struct row *row = &rows[wanted->kind];
	const bool is_apart = place->service == COLLATERAL_PCS && row->pcs_path;

	if (row->is_amd != (place->service == COLLATERAL_KDS))
		return err_set(err, ERR_UNSUPPORTED, "%s is not served by the %s", row->text,
			       collateral_service_text(place->service));
	if (place->api < row->api_min)
		return err_set(err, ERR_UNSUPPORTED, "version %u of the API at %s has no %s", place->api, place->url,
			       row->text);
	if (buf_add_text(ret, is_apart ? place->certificates_url : place->url, err) < 0 ||
	    add_path(wanted, place->api, is_apart ? row->pcs_path : row->path, ret, err) < 0)
		return err_prefix(err, "%s", row->text);
	return 0;
}

int collateral_name_format(const struct collateral_wanted *wanted, const struct collateral_place *place,
			   struct buf *ret, struct err *err)
{
	if (buf_addf(ret, err, "%s, %s, ", collateral_service_text(place->service), rows[wanted->kind].text) < 0)
		return -1;
	return collateral_url_format(wanted, place, ret, err);
}
