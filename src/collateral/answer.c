/* SPDX-License-Identifier: Apache-2.0 */
#include "collateral/answer.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/number.h"
#include "crypto/validity.h"
#include "format/hex.h"
#include "format/pem.h"
#include "format/signed_json.h"
#include "format/uri.h"

#define PEM_CRL "X509 CRL"
#define RETRY_AFTER_MAX (366 * 86400)

void collateral_answer_done(struct collateral_answer *answer)
{
	buf_done(&answer->body);
	buf_done(&answer->chain);
}

static void narrow(struct collateral_answer *answer, struct validity validity)
{
	if (validity.from > answer->from)
		answer->from = validity.from;
	if (validity.until < answer->until)
		answer->until = validity.until;
}

/* ---- certificates in PEM ---- */

/* Counts them and narrows the validity to theirs. */
static int read_chain(const struct buf *pem, struct collateral_answer *ret, size_t *ret_count, struct err *err)
{
	struct pem_reader reader = {.text = buf_text(pem), .size = pem->size};
	scoped(buf_done) struct buf der = BUF_INIT(COLLATERAL_CHAIN_MAX);
	struct validity validity;
	size_t count = 0;
	int found;

	while ((found = pem_next(&reader, PEM_CERTIFICATE, &der, err)) > 0) {
		if (++count > COLLATERAL_CHAIN_CERTIFICATES_MAX)
			return err_set(err, ERR_LIMIT, "more than %d certificates", COLLATERAL_CHAIN_CERTIFICATES_MAX);
		if (validity_of_certificate(der.data, der.size, &validity, err) < 0)
			return err_prefix(err, "certificate %zu", count);
		narrow(ret, validity);
	}
	*ret_count = count;
	return found;
}

static int take_chain(const struct http_header *headers, size_t count, const char *const *names,
		      struct collateral_answer *ret, struct err *err)
{
	const char *value = NULL;
	size_t found = 0;

	for (size_t i = 0; names[i] && !value; i++)
		value = http_headers_find(headers, count, names[i]);
	if (!value)
		return err_set(err, ERR_INVALID, "no header '%s'", names[0]);
	if (uri_decode(value, strlen(value), false, &ret->chain, err) < 0 ||
	    read_chain(&ret->chain, ret, &found, err) < 0)
		return err_prefix(err, "issuer chain");
	if (found < 2)
		return err_set(err, ERR_INVALID, "the issuer chain has %zu certificates", found);
	return 0;
}

/* ---- forms ---- */

/* The member, if it is there, must say what was asked for. */
static int check_member(const json_t *body, const char *name, const char *wanted, struct err *err)
{
	const json_t *member = json_object_get(body, name);

	if (member && (!json_is_string(member) || strcasecmp(json_string_value(member), wanted) != 0))
		return err_set(err, ERR_INVALID, "its '%s' is not '%s'", name, wanted);
	return 0;
}

static int check_json(const struct collateral_wanted *wanted, const struct signed_json *json, struct validity *ret,
		      struct err *err)
{
	if (check_member(json->body, "id", collateral_kind_json_id(wanted->kind), err) < 0 ||
	    (wanted->fmspc && check_member(json->body, "fmspc", wanted->fmspc, err) < 0) ||
	    signed_json_get_date(json->body, "issueDate", &ret->from, err) < 0)
		return -1;
	return signed_json_get_date(json->body, "nextUpdate", &ret->until, err);
}

static int take_json(const struct collateral_wanted *wanted, const void *body, size_t size,
		     struct collateral_answer *ret, struct err *err)
{
	struct signed_json json;
	struct validity validity;
	int status;

	if (signed_json_parse(body, size, collateral_kind_json_name(wanted->kind), &json, err) < 0)
		return -1;
	status = check_json(wanted, &json, &validity, err);
	signed_json_done(&json);
	if (status < 0)
		return -1;
	narrow(ret, validity);
	return buf_add(&ret->body, body, size, err);
}

static bool is_hex(const uint8_t *data, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		if (!isxdigit(data[i]))
			return false;
	}
	return size > 0;
}

static int take_hex(const void *body, size_t size, struct buf *ret, struct err *err)
{
	uint8_t *room;

	if (buf_reserve(ret, size / 2 + 1, &room, err) < 0 || hex_decode(body, size, room, size / 2, err) < 0)
		return -1;
	ret->size += size / 2;
	return 0;
}

/* Intel's PCCS writes its lists as hex of DER; the PCS gives DER or PEM as it is asked to. */
static int take_crl(const void *body, size_t size, struct collateral_answer *ret, struct err *err)
{
	const uint8_t *data = body;
	struct pem_reader reader = {.text = body, .size = size};
	struct validity validity;
	int status;

	if (size > 0 && data[0] == '-') {
		status = pem_next(&reader, PEM_CRL, &ret->body, err);
		if (status == 0)
			status = err_set(err, ERR_INVALID, "no revocation list");
	} else {
		status =
		    is_hex(data, size) ? take_hex(body, size, &ret->body, err) : buf_add(&ret->body, body, size, err);
	}
	if (status < 0 || validity_of_crl(ret->body.data, ret->body.size, &validity, err) < 0)
		return -1;
	narrow(ret, validity);
	return 0;
}

static int take_certificate(const void *body, size_t size, struct collateral_answer *ret, struct err *err)
{
	struct validity validity;

	if (validity_of_certificate(body, size, &validity, err) < 0)
		return -1;
	narrow(ret, validity);
	return buf_add(&ret->body, body, size, err);
}

static int take_pem_chain(const void *body, size_t size, struct collateral_answer *ret, struct err *err)
{
	size_t count;

	if (buf_add(&ret->body, body, size, err) < 0 || read_chain(&ret->body, ret, &count, err) < 0)
		return -1;
	if (count != 2)
		return err_set(err, ERR_INVALID, "%zu certificates, expected two", count);
	return 0;
}

static int take_body(const struct collateral_wanted *wanted, const void *body, size_t size,
		     struct collateral_answer *ret, struct err *err)
{
	switch (collateral_kind_form(wanted->kind)) {
	case COLLATERAL_FORM_JSON:
		return take_json(wanted, body, size, ret, err);
	case COLLATERAL_FORM_CRL:
		return take_crl(body, size, ret, err);
	case COLLATERAL_FORM_CERTIFICATE:
		return take_certificate(body, size, ret, err);
	case COLLATERAL_FORM_CHAIN:
		return take_pem_chain(body, size, ret, err);
	}
	return err_set(err, ERR_INTERNAL, "no such form");
}

/* A revocation list's chain is for bundles only: the list is checked against the quote's own intermediate. */
static bool needs_chain(enum collateral_kind kind)
{
	return collateral_kind_form(kind) == COLLATERAL_FORM_JSON;
}

int collateral_answer_parse(const struct collateral_wanted *wanted, const void *body, size_t size,
			    const struct http_header *headers, size_t header_count, struct collateral_answer *ret,
			    struct err *err)
{
	const char *const *names = collateral_kind_headers(wanted->kind);
	bool has_chain = needs_chain(wanted->kind);

	for (size_t i = 0; names[i]; i++)
		has_chain = has_chain || http_headers_find(headers, header_count, names[i]);
	buf_clear(&ret->body);
	buf_clear(&ret->chain);
	ret->from = INT64_MIN;
	ret->until = INT64_MAX;
	if (size > collateral_kind_size_max(wanted->kind))
		return err_set(err, ERR_LIMIT, "the answer is larger than %zu bytes",
			       collateral_kind_size_max(wanted->kind));
	if (take_body(wanted, body, size, ret, err) < 0 ||
	    (has_chain && take_chain(headers, header_count, names, ret, err) < 0))
		return err_prefix(err, "the answer is no %s", collateral_kind_text(wanted->kind));
	return 0;
}

int collateral_answer_split(const struct collateral_answer *answer, struct buf *ret_ask, struct buf *ret_ark,
			    struct err *err)
{
	struct pem_reader reader = {.text = buf_text(&answer->body), .size = answer->body.size};

	if (pem_next(&reader, PEM_CERTIFICATE, ret_ask, err) != 1 ||
	    pem_next(&reader, PEM_CERTIFICATE, ret_ark, err) != 1)
		return err_set(err, ERR_INVALID, "not two certificates");
	return 0;
}

/* ---- Retry-After ---- */

/* "Sun, 06 Nov 1994 08:49:37 GMT" as the text that clock_parse_utc reads. The day of the week is not looked at. */
static bool rewrite_date(const char *text, char ret[static CLOCK_TEXT_SIZE])
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	const char *month;

	if (strlen(text) != 29 || strncmp(text + 3, ", ", 2) != 0 || text[7] != ' ' || text[11] != ' ' ||
	    text[16] != ' ' || strcmp(text + 25, " GMT") != 0)
		return false;
	for (month = months; *month && strncmp(month, text + 8, 3) != 0; month += 3)
		;
	if (!*month)
		return false;
	(void)snprintf(ret, CLOCK_TEXT_SIZE, "%.4s-%02d-%.2sT%.8sZ", text + 12, (int)(month - months) / 3 + 1, text + 5,
		       text + 17);
	return true;
}

int collateral_retry_after(const char *text, int64_t now, int64_t *ret_seconds)
{
	char date[CLOCK_TEXT_SIZE];
	struct err ignored = ERR_INIT;
	int64_t at;

	if (number_parse_i64(text, 0, RETRY_AFTER_MAX, ret_seconds, &ignored) == 0)
		return 1;
	if (!rewrite_date(text, date) || clock_parse_utc(date, &at, &ignored) < 0)
		return 0;
	*ret_seconds = at > now ? at - now : 0;
	return 1;
}
