/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/x509_issuer.h"

#include <openssl/bn.h>
#include <openssl/x509v3.h>

#include "crypto/openssl_err.h"
#include "crypto/x509_build.h"

DEFINE_SCOPED_PTR(X509, X509_free);
DEFINE_SCOPED_PTR(BIGNUM, BN_free);
DEFINE_SCOPED_PTR(AUTHORITY_KEYID, AUTHORITY_KEYID_free);

int x509_read_issuer(const struct buf *der, const struct p256_key *key, X509 **ret, struct err *err)
{
	const uint8_t *position = der->data;
	scoped(X509_freep) X509 *issuer =
	    der->size <= X509_DER_SIZE_MAX ? d2i_X509(NULL, &position, (long)der->size) : NULL;

	if (!issuer || position != der->data + der->size)
		return openssl_err(err, ERR_INVALID, "the issuer's certificate is not one whole DER certificate");
	if (!X509_get0_subject_key_id(issuer))
		return err_set(err, ERR_INVALID, "the issuer's certificate has no subject key identifier");
	if (X509_check_private_key(issuer, p256_evp(key)) != 1)
		return openssl_err(err, ERR_INVALID, "the issuer's key does not fit its certificate");
	*ret = TAKE_PTR(issuer);
	return 0;
}

int x509_serial(const uint8_t *bytes, size_t size, ASN1_INTEGER **ret, struct err *err)
{
	scoped(BN_freep) BIGNUM *number = NULL;

	if (size < 1 || size > X509_SERIAL_SIZE_MAX)
		return err_set(err, ERR_INVALID, "serial number of %zu bytes, expected 1..%d", size,
			       X509_SERIAL_SIZE_MAX);
	number = BN_bin2bn(bytes, (int)size, NULL);
	if (!number)
		return err_no_memory(err);
	if (BN_is_zero(number) || (size == X509_SERIAL_SIZE_MAX && bytes[0] > 0x7f))
		return err_set(err, ERR_INVALID, "serial number is zero or takes more than %d bytes in DER",
			       X509_SERIAL_SIZE_MAX);
	*ret = BN_to_ASN1_INTEGER(number, NULL);
	return *ret ? 0 : err_no_memory(err);
}

AUTHORITY_KEYID *x509_authority_key_id(const X509 *issuer)
{
	scoped(AUTHORITY_KEYID_freep) AUTHORITY_KEYID *id = AUTHORITY_KEYID_new();

	if (!id)
		return NULL;
	id->keyid = ASN1_OCTET_STRING_dup(X509_get0_subject_key_id((X509 *)issuer));
	return id->keyid ? TAKE_PTR(id) : NULL;
}
