/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/validity.h"

#include "crypto/der.h"

/* SEQUENCE { SEQUENCE tbs, SEQUENCE algorithm, BIT STRING signature }: RFC 5280 4.1 and 5.1 alike. */
static int open_signed(const void *data, size_t size, struct der *ret_tbs, struct err *err)
{
	struct der reader = {data, size};
	struct der outer, ignored;

	if (der_take(&reader, DER_SEQUENCE, "the outer SEQUENCE", &outer, err) < 0 ||
	    der_end(&reader, "the outer SEQUENCE", err) < 0 ||
	    der_take(&outer, DER_SEQUENCE, "what is signed", ret_tbs, err) < 0 ||
	    der_take(&outer, DER_SEQUENCE, "the signature's algorithm", &ignored, err) < 0 ||
	    der_take(&outer, DER_BIT_STRING, "the signature", &ignored, err) < 0)
		return -1;
	return der_end(&outer, "the signature", err);
}

static int take_dates(struct der *reader, const char *from, const char *until, struct validity *ret, struct err *err)
{
	struct validity dates;

	if (der_take_time(reader, from, &dates.from, err) < 0 || der_take_time(reader, until, &dates.until, err) < 0)
		return -1;
	if (dates.until < dates.from)
		return err_set(err, ERR_INVALID, "%s is before %s", until, from);
	*ret = dates;
	return 0;
}

int validity_of_certificate(const void *der, size_t size, struct validity *ret, struct err *err)
{
	struct der tbs, ignored, validity;

	if (open_signed(der, size, &tbs, err) < 0 ||
	    der_take(&tbs, DER_CONTEXT_CONSTRUCTED(0), "the version", &ignored, err) < 0 ||
	    der_take(&tbs, DER_INTEGER, "the serial number", &ignored, err) < 0 ||
	    der_take(&tbs, DER_SEQUENCE, "the algorithm", &ignored, err) < 0 ||
	    der_take(&tbs, DER_SEQUENCE, "the issuer", &ignored, err) < 0 ||
	    der_take(&tbs, DER_SEQUENCE, "the validity", &validity, err) < 0)
		return -1;
	return take_dates(&validity, "notBefore", "notAfter", ret, err);
}

int validity_of_crl(const void *der, size_t size, struct validity *ret, struct err *err)
{
	struct der tbs, ignored;

	if (open_signed(der, size, &tbs, err) < 0 || der_take(&tbs, DER_INTEGER, "the version", &ignored, err) < 0 ||
	    der_take(&tbs, DER_SEQUENCE, "the algorithm", &ignored, err) < 0 ||
	    der_take(&tbs, DER_SEQUENCE, "the issuer", &ignored, err) < 0)
		return -1;
	return take_dates(&tbs, "thisUpdate", "nextUpdate", ret, err);
}
