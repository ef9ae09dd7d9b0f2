/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/p256.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <string.h>

#include "crypto/ecdsa_der.h"
#include "crypto/hash.h"
#include "crypto/openssl_err.h"
#include "crypto/p256_priv.h"

#define GROUP_NAME "prime256v1"
#define HALF 32 /* bytes of r, s, x and y */
#define SIGNATURE_DER_MAX 80

struct p256_key {
	EVP_PKEY *pkey;
	uint8_t point[P256_POINT_SIZE];
};

void p256_free(struct p256_key *key)
{
	if (!key)
		return;
	EVP_PKEY_free(key->pkey);
	free(key);
}

static int read_point(const EVP_PKEY *pkey, uint8_t ret[static P256_POINT_SIZE], struct err *err)
{
	size_t size = 0;

	if (EVP_PKEY_get_octet_string_param(pkey, OSSL_PKEY_PARAM_PUB_KEY, ret, P256_POINT_SIZE, &size) != 1 ||
	    size != P256_POINT_SIZE || ret[0] != POINT_CONVERSION_UNCOMPRESSED)
		return openssl_err(err, ERR_INVALID, "no uncompressed point in the P-256 key");
	return 0;
}

int p256_adopt(EVP_PKEY *pkey, struct p256_key **ret, struct err *err)
{
	scoped(p256_freep) struct p256_key *key = calloc(1, sizeof(*key));

	if (!key) {
		EVP_PKEY_free(pkey);
		return err_no_memory(err);
	}
	key->pkey = pkey;
	if (EVP_PKEY_set_utf8_string_param(pkey, OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT, "uncompressed") != 1)
		return openssl_err(err, ERR_INTERNAL, "cannot set the point format");
	if (read_point(pkey, key->point, err) < 0)
		return -1;
	*ret = TAKE_PTR(key);
	return 0;
}

int p256_generate(struct p256_key **ret, struct err *err)
{
	EVP_PKEY *pkey = EVP_EC_gen(GROUP_NAME);

	if (!pkey)
		return openssl_err(err, ERR_INTERNAL, "cannot make a P-256 key");
	return p256_adopt(pkey, ret, err);
}

void p256_point(const struct p256_key *key, uint8_t ret[static P256_POINT_SIZE])
{
	memcpy(ret, key->point, P256_POINT_SIZE);
}

int p256_spki_der(const struct p256_key *key, struct buf *ret, struct err *err)
{
	const int size = i2d_PUBKEY(key->pkey, NULL);
	uint8_t *room;

	if (size <= 0)
		return openssl_err(err, ERR_INTERNAL, "cannot write the public key");
	if (buf_reserve(ret, (size_t)size, &room, err) < 0)
		return -1;
	(void)i2d_PUBKEY(key->pkey, &room);
	ret->size += (size_t)size;
	return 0;
}

int p256_spki_sha256(const struct p256_key *key, uint8_t ret[static 32], struct err *err)
{
	scoped(buf_done) struct buf der = BUF_INIT(256);

	if (p256_spki_der(key, &der, err) < 0)
		return -1;
	sha256(der.data, der.size, ret);
	return 0;
}

void *p256_evp(const struct p256_key *key)
{
	return key->pkey;
}

DEFINE_SCOPED_PTR(EVP_MD_CTX, EVP_MD_CTX_free);
DEFINE_SCOPED_PTR(ECDSA_SIG, ECDSA_SIG_free);
DEFINE_SCOPED_PTR(EVP_PKEY_CTX, EVP_PKEY_CTX_free);
DEFINE_SCOPED_PTR(EVP_PKEY, EVP_PKEY_free);

static int signature_to_raw(const uint8_t *der, size_t size, uint8_t ret[static P256_SIGNATURE_SIZE], struct err *err)
{
	scoped(ECDSA_SIG_freep) ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &der, (long)size);

	if (!sig || BN_bn2binpad(ECDSA_SIG_get0_r(sig), ret, HALF) != HALF ||
	    BN_bn2binpad(ECDSA_SIG_get0_s(sig), ret + HALF, HALF) != HALF)
		return openssl_err(err, ERR_INTERNAL, "cannot read back the signature");
	return 0;
}

int p256_sign_raw(const struct p256_key *key, const void *data, size_t size, uint8_t ret[static P256_SIGNATURE_SIZE],
		  struct err *err)
{
	scoped(EVP_MD_CTX_freep) EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	uint8_t raw[P256_SIGNATURE_SIZE];
	uint8_t der[SIGNATURE_DER_MAX];
	size_t der_size = sizeof(der);

	if (!ctx || EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, key->pkey) != 1 ||
	    EVP_DigestSign(ctx, der, &der_size, data, size) != 1)
		return openssl_err(err, ERR_INTERNAL, "cannot sign");
	if (signature_to_raw(der, der_size, raw, err) < 0)
		return -1;
	memcpy(ret, raw, sizeof(raw));
	return 0;
}

/* The EVP_PKEY itself: a name of ours for it keeps OpenSSL's out of the header. */
static EVP_PKEY *public_pkey(const struct p256_public *key)
{
	return (EVP_PKEY *)(uintptr_t)key;
}

void p256_public_free(struct p256_public *key)
{
	EVP_PKEY_free(public_pkey(key));
}

/* OpenSSL refuses coordinates that are too big and points off the curve while it reads the octets. */
int p256_public_new(const uint8_t xy[static 64], struct p256_public **ret, struct err *err)
{
	EVP_PKEY *pkey = NULL;
	scoped(EVP_PKEY_CTX_freep) EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	char group[] = GROUP_NAME;
	uint8_t octets[P256_POINT_SIZE];
	OSSL_PARAM params[] = {
	    OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, 0),
	    OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, octets, sizeof(octets)),
	    OSSL_PARAM_construct_end(),
	};

	octets[0] = POINT_CONVERSION_UNCOMPRESSED;
	memcpy(octets + 1, xy, 64);
	if (!ctx)
		return err_no_memory(err);
	if (EVP_PKEY_fromdata_init(ctx) != 1 || EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_PUBLIC_KEY, params) != 1)
		return openssl_err(err, ERR_UNTRUSTED, "point is not on the curve P-256");
	*ret = (struct p256_public *)pkey;
	return 0;
}

int p256_public_like(const struct p256_public *like, const uint8_t xy[static 64], struct p256_public **ret,
		     struct err *err)
{
	scoped(EVP_PKEY_freep) EVP_PKEY *pkey = EVP_PKEY_new();
	uint8_t octets[P256_POINT_SIZE];

	octets[0] = POINT_CONVERSION_UNCOMPRESSED;
	memcpy(octets + 1, xy, 64);
	if (!pkey || EVP_PKEY_copy_parameters(pkey, public_pkey(like)) != 1)
		return err_no_memory(err);
	if (EVP_PKEY_set1_encoded_public_key(pkey, octets, sizeof(octets)) != 1)
		return openssl_err(err, ERR_UNTRUSTED, "point is not on the curve P-256");
	*ret = (struct p256_public *)TAKE_PTR(pkey);
	return 0;
}

int p256_verify(const struct p256_public *key, const void *data, size_t size,
		const uint8_t signature[static P256_SIGNATURE_SIZE], struct err *err)
{
	scoped(EVP_MD_CTX_freep) EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	uint8_t der[ECDSA_DER_SIZE_MAX];
	const size_t der_size = ecdsa_der_format(signature, signature + HALF, HALF, der);

	if (!ctx)
		return err_no_memory(err);
	if (EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, public_pkey(key)) != 1)
		return openssl_err(err, ERR_INTERNAL, "cannot verify");
	if (EVP_DigestVerify(ctx, der, der_size, data, size) != 1) /* 0 and negative alike: r and s out of range */
		return openssl_err(err, ERR_UNTRUSTED, "P-256 signature does not fit");
	return 0;
}

int p256_verify_raw(const uint8_t xy[static 64], const void *data, size_t size,
		    const uint8_t signature[static P256_SIGNATURE_SIZE], struct err *err)
{
	scoped(p256_public_freep) struct p256_public *key = NULL;

	return p256_public_new(xy, &key, err) < 0 ? -1 : p256_verify(key, data, size, signature, err);
}
