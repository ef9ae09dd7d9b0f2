/* SPDX-License-Identifier: Apache-2.0 */
/* TCB info, QE identity and revocation lists of the simulated PKI (attestation-evidence.md section 1.6). */
#include <string.h>

#include "base/clock.h"
#include "crypto/x509_parse.h"
#include "format/hex.h"
#include "tee/sim_priv.h"
#include "tee/sim_quote.h"

#define BODY_MAX SIM_ITEM_SIZE_MAX
#define DAY 86400
#define LEVEL_DATE "2024-01-01T00:00:00Z"
#define OLDER_LEVEL_DATE "2023-01-01T00:00:00Z"
#define OLDER_LEVEL_ADVISORY "MSE-SIM-00001"

static struct sim_dates dates_of(const struct sim_pki *pki, enum sim_item item, int64_t now)
{
	const struct sim_dates chosen = pki->options.item_dates[item];

	if (chosen.from != 0 || chosen.until != 0)
		return chosen;
	return (struct sim_dates){.from = now - SIM_BACKDATE_SECONDS,
				  .until = now + (int64_t)SIM_COLLATERAL_DAYS * DAY};
}

static unsigned evaluation_number(const struct sim_pki *pki)
{
	return pki->options.evaluation_number ? pki->options.evaluation_number : 1;
}

/* "issueDate":…,"nextUpdate":… */
static int add_dates(struct buf *body, struct sim_dates dates, struct err *err)
{
	char from[CLOCK_TEXT_SIZE];
	char until[CLOCK_TEXT_SIZE];

	clock_format_utc(dates.from, from);
	clock_format_utc(dates.until, until);
	return buf_addf(body, err, "\"issueDate\":\"%s\",\"nextUpdate\":\"%s\"", from, until);
}

static int add_upper_hex(struct buf *body, const uint8_t *bytes, size_t size, struct err *err)
{
	for (size_t i = 0; i < size; i++)
		if (buf_addf(body, err, "%02X", bytes[i]) < 0)
			return -1;
	return 0;
}

/* What both kinds of level end in. */
static int end_level(struct buf *body, const char *status, const char *date, const char *advisory, struct err *err)
{
	if (buf_addf(body, err, ",\"tcbDate\":\"%s\",\"tcbStatus\":\"%s\"", date, status) < 0)
		return -1;
	if (advisory && buf_addf(body, err, ",\"advisoryIDs\":[\"%s\"]", advisory) < 0)
		return -1;
	return buf_add_byte(body, '}', err);
}

static int add_tcb_level(struct buf *body, const struct sim_tcb_level *level, struct err *err)
{
	if (buf_add_text(body, "{\"tcb\":{\"sgxtcbcomponents\":[", err) < 0)
		return -1;
	for (size_t i = 0; i < SIM_COMPONENT_COUNT; i++)
		if (buf_addf(body, err, "%s{\"svn\":%u}", i ? "," : "", level->components[i]) < 0)
			return -1;
	if (buf_addf(body, err, "],\"pcesvn\":%u}", level->pcesvn) < 0)
		return -1;
	return end_level(body, level->status, level->date, level->advisory, err);
}

/* One level that the platform meets and one that lies below everything. */
static size_t usual_tcb_levels(const struct sim_pki *pki, struct sim_tcb_level ret[static 2])
{
	ret[0] = (struct sim_tcb_level){.pcesvn = pki->platform.pcesvn, .status = "UpToDate", .date = LEVEL_DATE};
	memcpy(ret[0].components, pki->platform.components, sizeof(ret[0].components));
	ret[1] =
	    (struct sim_tcb_level){.status = "OutOfDate", .date = OLDER_LEVEL_DATE, .advisory = OLDER_LEVEL_ADVISORY};
	return 2;
}

static int add_tcb_levels(struct buf *body, const struct sim_pki *pki, struct err *err)
{
	struct sim_tcb_level usual[2];
	const struct sim_tcb_level *levels = pki->options.tcb_levels;
	size_t count = pki->options.tcb_level_count;

	if (count == 0) {
		count = usual_tcb_levels(pki, usual);
		levels = usual;
	}
	for (size_t i = 0; i < count; i++)
		if ((i > 0 && buf_add_byte(body, ',', err) < 0) || add_tcb_level(body, &levels[i], err) < 0)
			return -1;
	return 0;
}

static int make_tcb_info(const struct sim_pki *pki, struct sim_dates dates, struct buf *body, struct err *err)
{
	const uint8_t *fmspc = pki->options.tcb_fmspc ? pki->options.tcb_fmspc : pki->platform.fmspc;
	const uint8_t *pceid = pki->options.tcb_pceid ? pki->options.tcb_pceid : pki->platform.pceid;

	if (pki->options.tcb_info_body)
		return buf_add_text(body, pki->options.tcb_info_body, err);
	if (buf_add_text(body, "{\"id\":\"SGX\",\"version\":3,", err) < 0 || add_dates(body, dates, err) < 0 ||
	    buf_add_text(body, ",\"fmspc\":\"", err) < 0 ||
	    add_upper_hex(body, fmspc, sizeof(pki->platform.fmspc), err) < 0 ||
	    buf_add_text(body, "\",\"pceId\":\"", err) < 0 ||
	    add_upper_hex(body, pceid, sizeof(pki->platform.pceid), err) < 0 ||
	    buf_addf(body, err, "\",\"tcbType\":0,\"tcbEvaluationDataNumber\":%u,\"tcbLevels\":[",
		     evaluation_number(pki)) < 0 ||
	    add_tcb_levels(body, pki, err) < 0)
		return -1;
	return buf_add_text(body, "]}", err);
}

static int add_qe_levels(struct buf *body, const struct sim_pki *pki, struct err *err)
{
	static const struct sim_qe_level usual[] = {
	    {.isvsvn = SIM_QE_ISVSVN, .status = "UpToDate", .date = LEVEL_DATE},
	    {.isvsvn = SIM_QE_ISVSVN - 1,
	     .status = "OutOfDate",
	     .date = OLDER_LEVEL_DATE,
	     .advisory = OLDER_LEVEL_ADVISORY},
	};
	const size_t chosen = pki->options.qe_level_count;
	const struct sim_qe_level *levels = chosen ? pki->options.qe_levels : usual;
	const size_t count = chosen ? chosen : COUNT_OF(usual);

	for (size_t i = 0; i < count; i++)
		if (buf_addf(body, err, "%s{\"tcb\":{\"isvsvn\":%u}", i ? "," : "", levels[i].isvsvn) < 0 ||
		    end_level(body, levels[i].status, levels[i].date, levels[i].advisory, err) < 0)
			return -1;
	return 0;
}

static int make_qe_identity(const struct sim_pki *pki, struct sim_dates dates, struct buf *body, struct err *err)
{
	uint8_t mrsigner[32];

	if (pki->options.qe_identity_body)
		return buf_add_text(body, pki->options.qe_identity_body, err);
	sim_qe_mrsigner(mrsigner);
	/* Attributes and masks as Intel's: INIT and PROVISION_KEY set, DEBUG and all else but MODE64 zero. */
	if (buf_add_text(body, "{\"id\":\"QE\",\"version\":2,", err) < 0 || add_dates(body, dates, err) < 0 ||
	    buf_addf(body, err, ",\"tcbEvaluationDataNumber\":%u", evaluation_number(pki)) < 0 ||
	    buf_add_text(body,
			 ",\"miscselect\":\"00000000\",\"miscselectMask\":\"FFFFFFFF\""
			 ",\"attributes\":\"11000000000000000000000000000000\""
			 ",\"attributesMask\":\"FBFFFFFFFFFFFFFF0000000000000000\",\"mrsigner\":\"",
			 err) < 0 ||
	    add_upper_hex(body, mrsigner, sizeof(mrsigner), err) < 0 ||
	    buf_addf(body, err, "\",\"isvprodid\":%u,\"tcbLevels\":[", SIM_QE_ISVPRODID) < 0 ||
	    add_qe_levels(body, pki, err) < 0)
		return -1;
	return buf_add_text(body, "]}", err);
}

/* {"NAME":BODY,"signature":"…"} into the item; the signature is over the bytes of the body. */
static int sign_item(struct sim_pki *pki, enum sim_item item, const char *name, const struct buf *body, struct err *err)
{
	struct buf *ret = &pki->items[item];
	uint8_t signature[P256_SIGNATURE_SIZE];
	char hex[HEX_TEXT_SIZE(P256_SIGNATURE_SIZE)];

	if (p256_sign_raw(pki->keys[SIM_CERT_TCB_SIGNER], body->data, body->size, signature, err) < 0)
		return -1;
	hex_encode(signature, sizeof(signature), hex);
	buf_clear(ret);
	if (buf_addf(ret, err, "{\"%s\":", name) < 0 || buf_add(ret, body->data, body->size, err) < 0)
		return -1;
	return buf_addf(ret, err, ",\"signature\":\"%s\"}", hex);
}

static int make_signed(struct sim_pki *pki, int64_t now, struct err *err)
{
	scoped(buf_done) struct buf tcb_info = BUF_INIT(BODY_MAX);
	scoped(buf_done) struct buf qe_identity = BUF_INIT(BODY_MAX);

	if (make_tcb_info(pki, dates_of(pki, SIM_ITEM_TCB_INFO, now), &tcb_info, err) < 0 ||
	    make_qe_identity(pki, dates_of(pki, SIM_ITEM_QE_IDENTITY, now), &qe_identity, err) < 0 ||
	    sign_item(pki, SIM_ITEM_TCB_INFO, "tcbInfo", &tcb_info, err) < 0)
		return -1;
	return sign_item(pki, SIM_ITEM_QE_IDENTITY, "enclaveIdentity", &qe_identity, err);
}

static int add_revoked(const struct sim_pki *pki, enum sim_cert which, struct crl_revoked *list, size_t *count,
		       int64_t now, struct err *err)
{
	scoped(x509_cert_freep) struct x509_cert *cert = NULL;
	struct crl_revoked *entry = &list[*count];

	if (x509_parse(pki->certs[which].data, pki->certs[which].size, &cert, err) < 0)
		return err_prefix(err, "certificate to revoke");
	*entry = (struct crl_revoked){.serial_size = cert->serial.size, .revoked_at = now - SIM_BACKDATE_SECONDS};
	memcpy(entry->serial, cert->serial.data, cert->serial.size);
	++*count;
	return 0;
}

static int make_crl(struct sim_pki *pki, enum sim_item item, enum sim_cert issuer, const struct crl_revoked *revoked,
		    size_t count, int64_t now, struct err *err)
{
	const struct sim_dates dates = dates_of(pki, item, now);
	struct crl_spec spec = {.this_update = dates.from,
				.next_update = dates.until,
				.number = (uint64_t)now, /* grows with each refresh */
				.revoked = revoked,
				.revoked_count = count};

	if (pki->options.edit_crl)
		pki->options.edit_crl(item, &spec, pki->options.arg);
	buf_clear(&pki->items[item]);
	return crl_build(&spec, pki->keys[issuer], &pki->certs[issuer], &pki->items[item], err);
}

static int make_root_crl(struct sim_pki *pki, int64_t now, struct err *err)
{
	struct crl_revoked revoked[2];
	size_t count = 0;

	if (pki->options.revoke_platform_ca && add_revoked(pki, SIM_CERT_PLATFORM_CA, revoked, &count, now, err) < 0)
		return -1;
	if (pki->options.revoke_tcb_signer && add_revoked(pki, SIM_CERT_TCB_SIGNER, revoked, &count, now, err) < 0)
		return -1;
	return make_crl(pki, SIM_ITEM_ROOT_CRL, SIM_CERT_ROOT, revoked, count, now, err);
}

static int make_pck_crl(struct sim_pki *pki, int64_t now, struct err *err)
{
	const enum sim_cert issuer = pki->options.pck_crl_of_root ? SIM_CERT_ROOT : SIM_CERT_PLATFORM_CA;
	struct crl_revoked revoked[1];
	size_t count = 0;

	if (pki->options.revoke_pck && add_revoked(pki, SIM_CERT_PCK, revoked, &count, now, err) < 0)
		return -1;
	return make_crl(pki, SIM_ITEM_PCK_CRL, issuer, revoked, count, now, err);
}

int sim_collateral_make(struct sim_pki *pki, int64_t now, struct err *err)
{
	if (make_signed(pki, now, err) < 0 || make_root_crl(pki, now, err) < 0)
		return -1;
	return make_pck_crl(pki, now, err);
}
