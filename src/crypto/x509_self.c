/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/x509_self.h"

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <string.h>

#include "crypto/openssl_err.h"
#include "crypto/p256.h"

#define POINT_UNCOMPRESSED 0x04
#define RSA_SIZE_MIN 256
#define RSA_SIZE_MAX 512
#define POINT_PART_P256 32

DEFINE_SCOPED_PTR(EVP_MD_CTX, EVP_MD_CTX_free);
DEFINE_SCOPED_PTR(EVP_PKEY, EVP_PKEY_free);

/* Signature algorithms (RFC 5758, RFC 4055): OID, whether NULL parameters follow, digest, kind of key. */
struct algorithm {
	uint8_t oid[9];
	size_t oid_size;
	bool rsa;
	const EVP_MD *(*digest)(void);
};

static const struct algorithm ALGORITHMS[] = {
    {{0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02}, 8, false, EVP_sha256},
    {{0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x03}, 8, false, EVP_sha384},
    {{0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x04}, 8, false, EVP_sha512},
    {{0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0b}, 9, true, EVP_sha256},
    {{0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0c}, 9, true, EVP_sha384},
    {{0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0d}, 9, true, EVP_sha512},
};

/* Named curves: content of the OID, size of a coordinate. */
struct curve {
	uint8_t oid[8];
	size_t oid_size;
	size_t part_size;
};

static const struct curve CURVES[] = {
    {{0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07}, 8, POINT_PART_P256},
    {{0x2b, 0x81, 0x04, 0x00, 0x22}, 5, 48},
    {{0x2b, 0x81, 0x04, 0x00, 0x23}, 5, 66},
};

static const uint8_t OID_EC[] = {0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01};
static const uint8_t OID_RSA[] = {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01};
static const uint8_t EXPONENT[] = {0x01, 0x00, 0x01};

#define IS(seen, bytes) der_equal(seen, (struct der){bytes, sizeof(bytes)})

static int take_null(struct der *reader, const char *what, struct err *err)
{
	struct der none;

	if (der_take(reader, DER_NULL, what, &none, err) < 0)
		return -1;
	return none.size == 0 ? 0 : err_set(err, ERR_INVALID, "%s are not empty", what);
}

static int take_algorithm(struct der *reader, const struct algorithm **ret, struct err *err)
{
	struct der body, oid;

	if (der_take(reader, DER_SEQUENCE, "signature algorithm", &body, err) < 0 ||
	    der_take(&body, DER_OID, "signature algorithm", &oid, err) < 0)
		return -1;
	for (size_t i = 0; i < COUNT_OF(ALGORITHMS); i++) {
		if (!der_equal(oid, (struct der){ALGORITHMS[i].oid, ALGORITHMS[i].oid_size}))
			continue;
		if (ALGORITHMS[i].rsa && take_null(&body, "RSA parameters", err) < 0)
			return -1;
		*ret = &ALGORITHMS[i];
		return der_end(&body, "signature algorithm", err);
	}
	return err_set(err, ERR_INVALID, "signature algorithm is neither ECDSA nor RSA with SHA-256, 384 or 512");
}

int x509_self_take_algorithm(struct der *reader, struct err *err)
{
	const struct algorithm *algorithm;

	return take_algorithm(reader, &algorithm, err);
}

static int check_rsa(struct der algorithm, struct der key, struct err *err)
{
	struct der body, modulus, exponent;

	if (take_null(&algorithm, "RSA parameters", err) < 0 || der_end(&algorithm, "RSA parameters", err) < 0 ||
	    der_take(&key, DER_SEQUENCE, "RSA key", &body, err) < 0 || der_end(&key, "RSA key", err) < 0 ||
	    der_take(&body, DER_INTEGER, "RSA modulus", &modulus, err) < 0 ||
	    der_take(&body, DER_INTEGER, "RSA exponent", &exponent, err) < 0 || der_end(&body, "RSA key", err) < 0)
		return -1;
	if (modulus.size < RSA_SIZE_MIN + 1 || modulus.size > RSA_SIZE_MAX + 1 || modulus.data[0] != 0 ||
	    modulus.data[1] < 0x80)
		return err_set(err, ERR_INVALID, "RSA modulus has not 2048 to 4096 bits in whole bytes");
	if (!IS(exponent, EXPONENT))
		return err_set(err, ERR_INVALID, "RSA exponent is not 65537");
	return 0;
}

static int check_ec(struct der algorithm, struct der key, struct x509_cert *cert, struct err *err)
{
	struct der oid;

	if (der_take(&algorithm, DER_OID, "public key curve", &oid, err) < 0 ||
	    der_end(&algorithm, "public key algorithm", err) < 0)
		return -1;
	for (size_t i = 0; i < COUNT_OF(CURVES); i++) {
		const struct curve *curve = &CURVES[i];

		if (!der_equal(oid, (struct der){curve->oid, curve->oid_size}))
			continue;
		if (key.size != 1 + 2 * curve->part_size || key.data[0] != POINT_UNCOMPRESSED)
			return err_set(err, ERR_INVALID, "public key is not an uncompressed point");
		if (curve->part_size != POINT_PART_P256)
			return 0;
		cert->key_kind = X509_KEY_P256;
		memcpy(cert->point, key.data + 1, sizeof(cert->point));
		return p256_public_new(cert->point, &cert->key, err);
	}
	return err_set(err, ERR_INVALID, "public key is not on the named curve P-256, P-384 or P-521");
}

int x509_self_take_key(struct der *tbs, struct x509_cert *cert, struct err *err)
{
	struct der body, algorithm, oid, key;

	if (der_take_whole(tbs, DER_SEQUENCE, "public key", &body, &cert->spki, err) < 0 ||
	    der_take(&body, DER_SEQUENCE, "public key algorithm", &algorithm, err) < 0 ||
	    der_take(&algorithm, DER_OID, "public key algorithm", &oid, err) < 0 ||
	    der_take_bits(&body, "public key", &key, err) < 0 || der_end(&body, "public key", err) < 0)
		return -1;
	cert->key_kind = X509_KEY_OTHER;
	if (IS(oid, OID_RSA))
		return check_rsa(algorithm, key, err);
	if (IS(oid, OID_EC))
		return check_ec(algorithm, key, cert, err);
	return err_set(err, ERR_INVALID, "public key is neither RSA nor elliptic");
}

int x509_self_keep_signature(struct der signature, struct x509_cert *cert, struct err *err)
{
	IGNORE_RESULT(cert);
	if (signature.size == 0 || signature.size > RSA_SIZE_MAX)
		return err_set(err, ERR_INVALID, "signature of %zu bytes", signature.size);
	return 0;
}

/* The algorithm as it is written inside what is signed: behind version and serial. */
static int read_inner_algorithm(const struct x509_cert *cert, const struct algorithm **ret, struct err *err)
{
	struct der reader = cert->tbs;
	struct der tbs, skipped;

	if (der_take(&reader, DER_SEQUENCE, "certificate", &tbs, err) < 0 ||
	    der_take(&tbs, DER_CONTEXT_CONSTRUCTED(0), "version", &skipped, err) < 0 ||
	    der_take(&tbs, DER_INTEGER, "serial", &skipped, err) < 0)
		return -1;
	return take_algorithm(&tbs, ret, err);
}

/* What follows the signed part: algorithm and signature. */
static int read_signature(const struct x509_cert *cert, const struct algorithm **ret, struct der *ret_signature,
			  struct err *err)
{
	const uint8_t *end = cert->tbs.data + cert->tbs.size;
	struct der reader = {end, (size_t)(cert->bytes + cert->size - end)};

	if (take_algorithm(&reader, ret, err) < 0)
		return -1;
	return der_take_bits(&reader, "signature", ret_signature, err);
}

static int verify(EVP_PKEY *key, const struct algorithm *algorithm, struct der signature, struct der data,
		  struct err *err)
{
	scoped(EVP_MD_CTX_freep) EVP_MD_CTX *ctx = EVP_MD_CTX_new();

	if (!ctx)
		return err_no_memory(err);
	if (EVP_PKEY_get_base_id(key) != (algorithm->rsa ? EVP_PKEY_RSA : EVP_PKEY_EC))
		return err_set(err, ERR_UNTRUSTED, "the signature algorithm is not that of the key");
	if (EVP_DigestVerifyInit(ctx, NULL, algorithm->digest(), NULL, key) != 1)
		return openssl_err(err, ERR_INTERNAL, "cannot verify");
	if (EVP_DigestVerify(ctx, signature.data, signature.size, data.data, data.size) != 1)
		return openssl_err(err, ERR_UNTRUSTED, "signature does not fit");
	return 0;
}

int x509_verify_self(const struct x509_cert *cert, struct err *err)
{
	scoped(EVP_PKEY_freep) EVP_PKEY *key = NULL;
	const unsigned char *at = cert->spki.data;
	const struct algorithm *inner, *outer;
	struct der signature;

	if (read_inner_algorithm(cert, &inner, err) < 0 || read_signature(cert, &outer, &signature, err) < 0)
		return -1;
	if (inner != outer)
		return err_set(err, ERR_UNTRUSTED, "the signature algorithm is not the one that was signed");
	key = d2i_PUBKEY(NULL, &at, (long)cert->spki.size);
	if (!key)
		return openssl_err(err, ERR_UNTRUSTED, "public key is not valid");
	return verify(key, outer, signature, cert->tbs, err);
}
