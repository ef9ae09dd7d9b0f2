/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the vendors' services serve, as one table: for each kind of item its path, the header its issuer chain comes
 * in, its form and its largest size. Pure.
 *
 * Services: Intel's PCS (api.trustedservices.intel.com, certificates.trustedservices.intel.com), a PCCS (Intel's
 * caching service or our msed; API version 3 or 4) and AMD's KDS (kdsintf.amd.com). None needs a registration for what
 * is fetched here.
 */
#ifndef MSE_COLLATERAL_KIND_H
#define MSE_COLLATERAL_KIND_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

#define COLLATERAL_URL_MAX 1024
#define COLLATERAL_NAME_MAX 1024 /* of collateral_name_format */
#define COLLATERAL_CHIP_ID_MAX 64
#define COLLATERAL_TCB_SIZE 8

#define COLLATERAL_PCS_URL "https://api.trustedservices.intel.com"
#define COLLATERAL_PCS_CERTIFICATES_URL "https://certificates.trustedservices.intel.com"
#define COLLATERAL_KDS_URL "https://kdsintf.amd.com"

enum collateral_kind {
	COLLATERAL_KIND_SGX_TCB_INFO,
	COLLATERAL_KIND_TDX_TCB_INFO,
	COLLATERAL_KIND_QE_IDENTITY,
	COLLATERAL_KIND_TD_QE_IDENTITY,
	COLLATERAL_KIND_PCK_CRL,
	COLLATERAL_KIND_ROOT_CRL,
	COLLATERAL_KIND_VCEK,
	COLLATERAL_KIND_VCEK_CHAIN,
	COLLATERAL_KIND_VCEK_CRL,
	COLLATERAL_KIND_VLEK_CHAIN,
	COLLATERAL_KIND_VLEK_CRL,
	COLLATERAL_KIND_COUNT,
};

enum collateral_service { COLLATERAL_PCS, COLLATERAL_PCCS, COLLATERAL_KDS };

enum collateral_form {
	COLLATERAL_FORM_JSON,        /* signed JSON, its issuer chain in a header */
	COLLATERAL_FORM_CRL,         /* DER, PEM or hex of DER */
	COLLATERAL_FORM_CERTIFICATE, /* DER */
	COLLATERAL_FORM_CHAIN,       /* PEM: ASK or ASVK, then ARK */
};

/* Which one of a kind. Members that a kind does not use are not looked at. Texts are borrowed. */
struct collateral_wanted {
	enum collateral_kind kind;
	const char *fmspc;   /* 12 hexadecimal digits */
	const char *ca;      /* "platform" or "processor" */
	const char *product; /* "Milan", "Genoa", "Turin" */
	const uint8_t *chip_id;
	size_t chip_id_size;              /* 64; 8 on Turin */
	uint8_t tcb[COLLATERAL_TCB_SIZE]; /* REPORTED_TCB as in the report: which byte is what depends on product */
};

/* Where a service is. */
struct collateral_place {
	enum collateral_service service;
	char url[COLLATERAL_URL_MAX];              /* scheme, host, port, perhaps a folder; no slash at the end */
	char certificates_url[COLLATERAL_URL_MAX]; /* PCS: where the root's revocation list is; else "" */
	unsigned api;                              /* PCS and PCCS: 3 or 4 */
};

/*
 * url: NULL for the vendor's own (not for a PCCS). The PCS and a PCCS may be given with "/sgx/certification/v3" or
 * "/v4" at the end, which chooses the version; 4 otherwise.
 */
must_check int collateral_place_init(enum collateral_service service, const char *url, struct collateral_place *ret,
				     struct err *err);

bool collateral_kind_is_amd(enum collateral_kind kind);
enum collateral_form collateral_kind_form(enum collateral_kind kind);
size_t collateral_kind_size_max(enum collateral_kind kind);
const char *collateral_kind_text(enum collateral_kind kind);           /* for people: "TCB info" */
const char *collateral_kind_json_name(enum collateral_kind kind);      /* "tcbInfo"; NULL: no JSON */
const char *collateral_kind_json_id(enum collateral_kind kind);        /* "SGX", "TD_QE" … */
const char *const *collateral_kind_headers(enum collateral_kind kind); /* of the issuer chain; ended by NULL */
const char *collateral_service_text(enum collateral_service service);

/* Where to get it. ERR_INVALID for members that cannot be, ERR_UNSUPPORTED if this version of the API has it not. */
must_check int collateral_url_format(const struct collateral_wanted *wanted, const struct collateral_place *place,
				     struct buf *ret, struct err *err);

/* What it is, in one line: the key of the cache. Two items have the same name if and only if they have the same URL. */
must_check int collateral_name_format(const struct collateral_wanted *wanted, const struct collateral_place *place,
				      struct buf *ret, struct err *err);

#endif
