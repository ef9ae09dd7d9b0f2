/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/x509_amd.h"

#include <string.h>

#include "crypto/amd_key.h"

#define POINT_SIZE 97 /* 04 ‖ x ‖ y */
#define POINT_UNCOMPRESSED 0x04

/*
 * RSASSA-PSS-params (RFC 4055 3.1) up to saltLength. Compared as bytes: DER has no other form for these values, but for
 * the NULL of the two hash identifiers, which AMD writes.
 */
static const uint8_t PSS_PARAMETERS[] = {
    0xa0, 0x0f, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02, 0x05, 0x00, /* SHA-384 */
    0xa1, 0x1c, 0x30, 0x1a, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x08,             /* MGF1 */
    0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02, 0x05, 0x00,             /* SHA-384 */
    0xa2, 0x03, 0x02, 0x01, 0x30,                                                                         /* 48 */
};
static const uint8_t PSS_TRAILER[] = {0xa3, 0x03, 0x02, 0x01, 0x01};
static const uint8_t OID_PSS[] = {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a};
static const uint8_t OID_RSA[] = {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01};
static const uint8_t OID_EC[] = {0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01};
static const uint8_t OID_P384[] = {0x2b, 0x81, 0x04, 0x00, 0x22};
static const uint8_t EXPONENT[] = {0x01, 0x00, 0x01};

#define IS(seen, bytes) der_equal(seen, (struct der){bytes, sizeof(bytes)})

static int refuse_parameters(struct err *err)
{
	return err_set(err, ERR_INVALID, "RSASSA-PSS parameters are not SHA-384, MGF1 SHA-384, salt 48");
}

int x509_amd_take_algorithm(struct der *reader, struct err *err)
{
	struct der body, oid, parameters, rest;

	if (der_take(reader, DER_SEQUENCE, "signature algorithm", &body, err) < 0 ||
	    der_take(&body, DER_OID, "signature algorithm", &oid, err) < 0)
		return -1;
	if (!IS(oid, OID_PSS))
		return err_set(err, ERR_INVALID, "signature algorithm is not RSASSA-PSS");
	if (der_take(&body, DER_SEQUENCE, "RSASSA-PSS parameters", &parameters, err) < 0 ||
	    der_end(&body, "signature algorithm", err) < 0)
		return -1;
	if (parameters.size < sizeof(PSS_PARAMETERS) ||
	    memcmp(parameters.data, PSS_PARAMETERS, sizeof(PSS_PARAMETERS)) != 0)
		return refuse_parameters(err);
	rest = (struct der){parameters.data + sizeof(PSS_PARAMETERS), parameters.size - sizeof(PSS_PARAMETERS)};
	return rest.size == 0 || IS(rest, PSS_TRAILER) ? 0 : refuse_parameters(err);
}

/* SubjectPublicKeyInfo's key of RSA: exactly 4096 bits, exponent 65537. */
static int check_rsa(struct der algorithm, struct der key, struct err *err)
{
	struct der none, body, modulus, exponent;

	if (der_take(&algorithm, DER_NULL, "RSA parameters", &none, err) < 0 ||
	    der_end(&algorithm, "RSA parameters", err) < 0 || der_take(&key, DER_SEQUENCE, "RSA key", &body, err) < 0 ||
	    der_end(&key, "RSA key", err) < 0 || der_take(&body, DER_INTEGER, "RSA modulus", &modulus, err) < 0 ||
	    der_take(&body, DER_INTEGER, "RSA exponent", &exponent, err) < 0 || der_end(&body, "RSA key", err) < 0)
		return -1;
	if (none.size != 0)
		return err_set(err, ERR_INVALID, "RSA parameters are not empty");
	if (modulus.size != AMD_SIGNATURE_SIZE + 1 || modulus.data[0] != 0 || modulus.data[1] < 0x80)
		return err_set(err, ERR_INVALID, "RSA modulus has not 4096 bits");
	if (!IS(exponent, EXPONENT))
		return err_set(err, ERR_INVALID, "RSA exponent is not 65537");
	return 0;
}

static int check_p384(struct der algorithm, struct der key, struct err *err)
{
	struct der curve;

	if (der_take(&algorithm, DER_OID, "public key curve", &curve, err) < 0 ||
	    der_end(&algorithm, "public key algorithm", err) < 0)
		return -1;
	if (!IS(curve, OID_P384))
		return err_set(err, ERR_INVALID, "public key is not on the named curve P-384");
	if (key.size != POINT_SIZE || key.data[0] != POINT_UNCOMPRESSED)
		return err_set(err, ERR_INVALID, "public key is not an uncompressed point");
	return 0;
}

int x509_amd_take_key(struct der *tbs, struct x509_cert *cert, struct err *err)
{
	struct der body, algorithm, oid, key;
	int result;

	if (der_take_whole(tbs, DER_SEQUENCE, "public key", &body, &cert->spki, err) < 0 ||
	    der_take(&body, DER_SEQUENCE, "public key algorithm", &algorithm, err) < 0 ||
	    der_take(&algorithm, DER_OID, "public key algorithm", &oid, err) < 0 ||
	    der_take_bits(&body, "public key", &key, err) < 0 || der_end(&body, "public key", err) < 0)
		return -1;
	if (IS(oid, OID_RSA)) {
		cert->key_kind = X509_KEY_RSA_4096;
		result = check_rsa(algorithm, key, err);
	} else if (IS(oid, OID_EC)) {
		cert->key_kind = X509_KEY_P384;
		result = check_p384(algorithm, key, err);
	} else {
		return err_set(err, ERR_INVALID, "public key is neither RSA nor on P-384");
	}
	if (result < 0 || cert->is_keyless)
		return result;
	return amd_key_new(cert->spki.data, cert->spki.size, &cert->amd_key, err);
}

int x509_amd_check_signature(struct der signature, struct err *err)
{
	if (signature.size != AMD_SIGNATURE_SIZE)
		return err_set(err, ERR_INVALID, "signature of %zu bytes, expected %d", signature.size,
			       AMD_SIGNATURE_SIZE);
	return 0;
}

int x509_amd_keep_signature(struct der signature, struct x509_cert *cert, struct err *err)
{
	cert->amd_signature = signature;
	return x509_amd_check_signature(signature, err);
}
