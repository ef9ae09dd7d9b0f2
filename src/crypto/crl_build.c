/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/crl_build.h"

#include <openssl/x509v3.h>

#include "crypto/openssl_err.h"
#include "crypto/x509_issuer.h"

DEFINE_SCOPED_PTR(X509, X509_free);
DEFINE_SCOPED_PTR(X509_CRL, X509_CRL_free);
DEFINE_SCOPED_PTR(X509_REVOKED, X509_REVOKED_free);
DEFINE_SCOPED_PTR(ASN1_INTEGER, ASN1_INTEGER_free);
DEFINE_SCOPED_PTR(ASN1_TIME, ASN1_TIME_free);
DEFINE_SCOPED_PTR(AUTHORITY_KEYID, AUTHORITY_KEYID_free);

static int add_revoked(X509_CRL *crl, const struct crl_revoked *revoked, struct err *err)
{
	scoped(X509_REVOKED_freep) X509_REVOKED *entry = X509_REVOKED_new();
	scoped(ASN1_TIME_freep) ASN1_TIME *date = ASN1_TIME_set(NULL, revoked->revoked_at);
	scoped(ASN1_INTEGER_freep) ASN1_INTEGER *serial = NULL;

	if (!entry || !date)
		return openssl_err(err, ERR_INVALID, "date out of range");
	if (x509_serial(revoked->serial, revoked->serial_size, &serial, err) < 0)
		return -1;
	if (X509_REVOKED_set_serialNumber(entry, serial) != 1 || X509_REVOKED_set_revocationDate(entry, date) != 1 ||
	    X509_CRL_add0_revoked(crl, entry) != 1)
		return err_no_memory(err);
	(void)TAKE_PTR(entry);
	return 0;
}

static int set_dates(X509_CRL *crl, const struct crl_spec *spec, struct err *err)
{
	scoped(ASN1_TIME_freep) ASN1_TIME *this_update = ASN1_TIME_set(NULL, spec->this_update);
	scoped(ASN1_TIME_freep) ASN1_TIME *next_update = ASN1_TIME_set(NULL, spec->next_update);

	if (!this_update || !next_update)
		return openssl_err(err, ERR_INVALID, "date out of range");
	if (X509_CRL_set1_lastUpdate(crl, this_update) != 1 || X509_CRL_set1_nextUpdate(crl, next_update) != 1)
		return err_no_memory(err);
	return 0;
}

static int add_extensions(X509_CRL *crl, uint64_t number, const X509 *issuer, struct err *err)
{
	scoped(ASN1_INTEGER_freep) ASN1_INTEGER *integer = ASN1_INTEGER_new();
	scoped(AUTHORITY_KEYID_freep) AUTHORITY_KEYID *id = x509_authority_key_id(issuer);

	if (!integer || !id || ASN1_INTEGER_set_uint64(integer, number) != 1 ||
	    X509_CRL_add1_ext_i2d(crl, NID_authority_key_identifier, id, 0, X509V3_ADD_DEFAULT) != 1 ||
	    X509_CRL_add1_ext_i2d(crl, NID_crl_number, integer, 0, X509V3_ADD_DEFAULT) != 1)
		return openssl_err(err, ERR_INTERNAL, "cannot add an extension");
	return 0;
}

static int fill(X509_CRL *crl, const struct crl_spec *spec, const X509 *issuer, struct err *err)
{
	if (spec->revoked_count > CRL_REVOKED_COUNT_MAX)
		return err_set(err, ERR_LIMIT, "more than %d revoked certificates", CRL_REVOKED_COUNT_MAX);
	if (X509_CRL_set_version(crl, X509_CRL_VERSION_2) != 1 ||
	    X509_CRL_set_issuer_name(crl, X509_get_subject_name(issuer)) != 1)
		return err_no_memory(err);
	if (set_dates(crl, spec, err) < 0)
		return -1;
	for (size_t i = 0; i < spec->revoked_count; i++)
		if (add_revoked(crl, &spec->revoked[i], err) < 0)
			return -1;
	return add_extensions(crl, spec->number, issuer, err);
}

static int write_der(const X509_CRL *crl, struct buf *ret, struct err *err)
{
	const int size = i2d_X509_CRL(crl, NULL);
	uint8_t *room;

	if (size <= 0)
		return openssl_err(err, ERR_INTERNAL, "cannot write the revocation list");
	if (buf_reserve(ret, (size_t)size, &room, err) < 0)
		return -1;
	(void)i2d_X509_CRL(crl, &room);
	ret->size += (size_t)size;
	return 0;
}

int crl_build(const struct crl_spec *spec, const struct p256_key *issuer_key, const struct buf *issuer_der,
	      struct buf *ret, struct err *err)
{
	scoped(X509_CRL_freep) X509_CRL *crl = X509_CRL_new();
	scoped(X509_freep) X509 *issuer = NULL;

	if (!crl)
		return err_no_memory(err);
	if (x509_read_issuer(issuer_der, issuer_key, &issuer, err) < 0)
		return -1;
	if (fill(crl, spec, issuer, err) < 0)
		return err_prefix(err, "cannot make a revocation list");
	if (X509_CRL_sign(crl, p256_evp(issuer_key), EVP_sha256()) <= 0)
		return openssl_err(err, ERR_INTERNAL, "cannot sign the revocation list");
	return write_der(crl, ret, err);
}
