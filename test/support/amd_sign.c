/* SPDX-License-Identifier: Apache-2.0 */
#include "amd_sign.h"

#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>

#include "amd_keys.h"
#include "crypto/der.h"
#include "crypto/hash.h"
#include "der_write.h"

#define OID_PSS "1.2.840.113549.1.1.10"
#define OID_MGF1 "1.2.840.113549.1.1.8"
#define OID_RSA_SHA384 "1.2.840.113549.1.1.12"
#define OID_ECDSA_SHA384 "1.2.840.10045.4.3.3"
#define OID_SHA256 "2.16.840.1.101.3.4.2.1"
#define OID_SHA384 "2.16.840.1.101.3.4.2.2"
#define MEMORY_MAX 256
#define SIGNATURE_MAX 512
#define HALF 48 /* bytes of r and s */

static void must(bool ok, const char *what)
{
	if (ok)
		return;
	(void)fprintf(stderr, "amd_sign: %s\n", what);
	abort();
}

static EVP_PKEY *make_key(enum amd_key_id which)
{
	static const char *const PEMS[] = {AMD_RSA_ARK, AMD_RSA_ASK, AMD_RSA_ASVK, AMD_RSA_OTHER};
	BIO *bio;
	EVP_PKEY *key;

	if (which == AMD_KEY_RSA_2048)
		return EVP_RSA_gen(2048);
	if (which == AMD_KEY_P256)
		return EVP_EC_gen("P-256");
	if (which == AMD_KEY_BRAINPOOL)
		return EVP_EC_gen("brainpoolP384r1");
	if (which > AMD_KEY_OTHER_RSA)
		return EVP_EC_gen("P-384");
	bio = BIO_new_mem_buf(PEMS[which], -1);
	must(bio != NULL, "no memory");
	key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
	BIO_free(bio);
	return key;
}

static EVP_PKEY *get_key(enum amd_key_id which)
{
	static EVP_PKEY *keys[AMD_KEY_COUNT];

	if (!keys[which])
		keys[which] = make_key(which);
	must(keys[which] != NULL, "no key");
	return keys[which];
}

static void put_hash(struct buf *buf, const char *oid)
{
	const size_t start = buf->size;

	der_put_oid(buf, oid);
	der_put(buf, DER_NULL, "", 0);
	der_wrap(buf, start, DER_SEQUENCE);
}

static void put_pss_parameters(struct buf *buf, enum amd_scheme scheme)
{
	const size_t start = buf->size;
	size_t item;

	put_hash(buf, scheme == AMD_PSS_SHA256 ? OID_SHA256 : OID_SHA384);
	der_wrap(buf, start, DER_CONTEXT_CONSTRUCTED(0));
	item = buf->size;
	der_put_oid(buf, OID_MGF1);
	put_hash(buf, scheme == AMD_PSS_SHA256 || scheme == AMD_PSS_MGF_SHA256 ? OID_SHA256 : OID_SHA384);
	der_wrap(buf, item, DER_SEQUENCE);
	der_wrap(buf, item, DER_CONTEXT_CONSTRUCTED(1));
	item = buf->size;
	der_put_int(buf, DER_INTEGER, scheme == AMD_PSS_SALT_32 || scheme == AMD_PSS_SHA256 ? 32 : 48);
	der_wrap(buf, item, DER_CONTEXT_CONSTRUCTED(2));
	if (scheme == AMD_PSS_TRAILER) {
		item = buf->size;
		der_put_int(buf, DER_INTEGER, 1);
		der_wrap(buf, item, DER_CONTEXT_CONSTRUCTED(3));
	}
	der_wrap(buf, start, DER_SEQUENCE);
}

void amd_put_algorithm(struct buf *buf, enum amd_scheme scheme)
{
	const size_t start = buf->size;

	if (scheme == AMD_PKCS1_SHA384) {
		der_put_oid(buf, OID_RSA_SHA384);
		der_put(buf, DER_NULL, "", 0);
	} else if (scheme == AMD_ECDSA) {
		der_put_oid(buf, OID_ECDSA_SHA384);
	} else {
		der_put_oid(buf, OID_PSS);
		put_pss_parameters(buf, scheme);
	}
	der_wrap(buf, start, DER_SEQUENCE);
}

void amd_put_spki(struct buf *buf, enum amd_key_id key)
{
	unsigned char *der = NULL;
	const int size = i2d_PUBKEY(get_key(key), &der);

	must(size > 0, "no public key");
	der_put_raw(buf, der, (size_t)size);
	OPENSSL_free(der);
}

static void set_padding(EVP_PKEY_CTX *ctx, enum amd_scheme scheme)
{
	const bool sha256 = scheme == AMD_PSS_SHA256 || scheme == AMD_PSS_MGF_SHA256;
	const int salt = scheme == AMD_PSS_SHA256 || scheme == AMD_PSS_SALT_32 || scheme == AMD_PSS_SALT_ONLY ? 32 : 48;

	must(EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING) == 1 &&
		 EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, sha256 ? EVP_sha256() : EVP_sha384()) == 1 &&
		 EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, salt) == 1,
	     "no PSS");
}

static size_t sign(enum amd_key_id key, enum amd_scheme scheme, const void *data, size_t size,
		   uint8_t ret[static SIGNATURE_MAX])
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	EVP_PKEY_CTX *options = NULL;
	size_t ret_size = SIGNATURE_MAX;

	must(ctx && EVP_DigestSignInit(ctx, &options, scheme == AMD_PSS_SHA256 ? EVP_sha256() : EVP_sha384(), NULL,
				       get_key(key)) == 1,
	     "cannot sign");
	if (scheme != AMD_PKCS1_SHA384 && scheme != AMD_PSS_NAME_PKCS1 && scheme != AMD_ECDSA)
		set_padding(options, scheme);
	must(EVP_DigestSign(ctx, ret, &ret_size, data, size) == 1, "cannot sign");
	EVP_MD_CTX_free(ctx);
	return ret_size;
}

void amd_sign(enum amd_key_id key, enum amd_scheme scheme, const void *data, size_t size, struct buf *ret)
{
	static struct {
		enum amd_key_id key;
		enum amd_scheme scheme;
		uint8_t hash[SHA256_SIZE];
		uint8_t signature[SIGNATURE_MAX];
		size_t size;
	} memory[MEMORY_MAX];
	static size_t count;
	uint8_t hash[SHA256_SIZE];
	size_t i;

	sha256(data, size, hash);
	for (i = 0; i < count; i++)
		if (memory[i].key == key && memory[i].scheme == scheme &&
		    memcmp(memory[i].hash, hash, SHA256_SIZE) == 0)
			break;
	if (i == count) {
		i = count < MEMORY_MAX ? count++ : MEMORY_MAX - 1;
		memory[i].key = key;
		memory[i].scheme = scheme;
		memcpy(memory[i].hash, hash, SHA256_SIZE);
		memory[i].size = sign(key, scheme, data, size, memory[i].signature);
	}
	der_put_raw(ret, memory[i].signature, memory[i].size);
}

void amd_sign_report(enum amd_key_id key, const void *data, size_t size, uint8_t ret[static 144])
{
	uint8_t der[SIGNATURE_MAX];
	const unsigned char *at = der;
	const size_t der_size = sign(key, AMD_ECDSA, data, size, der);
	ECDSA_SIG *signature = d2i_ECDSA_SIG(NULL, &at, (long)der_size);

	must(signature != NULL, "no ECDSA signature");
	memset(ret, 0, 144);
	must(BN_bn2lebinpad(ECDSA_SIG_get0_r(signature), ret, HALF) == HALF &&
		 BN_bn2lebinpad(ECDSA_SIG_get0_s(signature), ret + 72, HALF) == HALF,
	     "signature too long");
	ECDSA_SIG_free(signature);
}
