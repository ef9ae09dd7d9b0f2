/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/amd_key.h"

#include <assert.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <string.h>

#include "crypto/ecdsa_der.h"
#include "crypto/openssl_err.h"

#define SALT_SIZE 48

struct amd_key {
	EVP_PKEY *pkey;
};

static_assert(AMD_SCALAR_USED <= ECDSA_DER_NUMBER_MAX, "r and s fit");

DEFINE_SCOPED_PTR(EVP_MD_CTX, EVP_MD_CTX_free);

int amd_key_new(const void *spki, size_t size, struct amd_key **ret, struct err *err)
{
	const unsigned char *at = spki;
	scoped(amd_key_freep) struct amd_key *key = calloc(1, sizeof(*key));

	if (!key)
		return err_no_memory(err);
	key->pkey = d2i_PUBKEY(NULL, &at, (long)size);
	if (!key->pkey)
		return openssl_err(err, ERR_UNTRUSTED, "public key is not valid");
	*ret = TAKE_PTR(key);
	return 0;
}

void amd_key_free(struct amd_key *key)
{
	if (!key)
		return;
	EVP_PKEY_free(key->pkey);
	free(key);
}

static int verify_init(EVP_MD_CTX *ctx, const struct amd_key *key, EVP_PKEY_CTX **ret, struct err *err)
{
	if (!ctx)
		return err_no_memory(err);
	if (EVP_DigestVerifyInit(ctx, ret, EVP_sha384(), NULL, key->pkey) != 1)
		return openssl_err(err, ERR_INTERNAL, "cannot verify");
	return 0;
}

int amd_key_verify_pss(const struct amd_key *key, const void *data, size_t size, const uint8_t *signature,
		       size_t signature_size, struct err *err)
{
	scoped(EVP_MD_CTX_freep) EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	EVP_PKEY_CTX *options = NULL;

	if (EVP_PKEY_get_base_id(key->pkey) != EVP_PKEY_RSA)
		return err_set(err, ERR_UNTRUSTED, "the issuer's key is not an RSA key");
	if (verify_init(ctx, key, &options, err) < 0)
		return -1;
	if (EVP_PKEY_CTX_set_rsa_padding(options, RSA_PKCS1_PSS_PADDING) != 1 ||
	    EVP_PKEY_CTX_set_rsa_mgf1_md(options, EVP_sha384()) != 1 ||
	    EVP_PKEY_CTX_set_rsa_pss_saltlen(options, SALT_SIZE) != 1)
		return openssl_err(err, ERR_INTERNAL, "cannot verify RSASSA-PSS");
	if (EVP_DigestVerify(ctx, signature, signature_size, data, size) != 1)
		return openssl_err(err, ERR_UNTRUSTED, "RSASSA-PSS signature does not fit");
	return 0;
}

/* The bytes of r or s above 48 are zero: a value with more would never be below the group's order. */
static int check_padding(const uint8_t scalar[static AMD_SCALAR_SIZE], const char *name, struct err *err)
{
	for (size_t i = AMD_SCALAR_USED; i < AMD_SCALAR_SIZE; i++)
		if (scalar[i] != 0)
			return err_set(err, ERR_UNTRUSTED, "byte %zu of %s is not zero", i, name);
	return 0;
}

/* As big-endian numbers, in DER. */
static size_t format_signature(const uint8_t r[static AMD_SCALAR_SIZE], const uint8_t s[static AMD_SCALAR_SIZE],
			       uint8_t ret[static ECDSA_DER_SIZE_MAX])
{
	uint8_t numbers[2][AMD_SCALAR_USED];

	for (size_t i = 0; i < AMD_SCALAR_USED; i++) {
		numbers[0][i] = r[AMD_SCALAR_USED - 1 - i];
		numbers[1][i] = s[AMD_SCALAR_USED - 1 - i];
	}
	return ecdsa_der_format(numbers[0], numbers[1], AMD_SCALAR_USED, ret);
}

int amd_key_verify_report(const struct amd_key *key, const void *data, size_t size,
			  const uint8_t r[static AMD_SCALAR_SIZE], const uint8_t s[static AMD_SCALAR_SIZE],
			  struct err *err)
{
	scoped(EVP_MD_CTX_freep) EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	EVP_PKEY_CTX *options = NULL;
	uint8_t der[ECDSA_DER_SIZE_MAX];
	size_t der_size;

	if (EVP_PKEY_get_base_id(key->pkey) != EVP_PKEY_EC)
		return err_set(err, ERR_UNTRUSTED, "the endorsement key is not on P-384");
	if (check_padding(r, "r", err) < 0 || check_padding(s, "s", err) < 0)
		return -1;
	der_size = format_signature(r, s, der);
	if (verify_init(ctx, key, &options, err) < 0)
		return -1;
	if (EVP_DigestVerify(ctx, der, der_size, data, size) != 1) /* 0 and negative alike: r and s out of range */
		return openssl_err(err, ERR_UNTRUSTED, "P-384 signature does not fit");
	return 0;
}
