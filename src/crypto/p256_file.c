/* SPDX-License-Identifier: Apache-2.0 */
/* Private P-256 keys as DER and PEM. Every copy of a key lives in a struct secret or in memory that OpenSSL wipes. */
#include <assert.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <string.h>

#include "crypto/openssl_err.h"
#include "crypto/p256_priv.h"

#define GROUP_NAME "prime256v1"
#define PEM_LINE_BYTES 48
#define PEM_LINE_CHARS 64
#define PEM_BEGIN "-----BEGIN PRIVATE KEY-----\n"
#define PEM_END "-----END PRIVATE KEY-----\n"

DEFINE_SCOPED_PTR(EVP_PKEY, EVP_PKEY_free);
DEFINE_SCOPED_PTR(EVP_PKEY_CTX, EVP_PKEY_CTX_free);
DEFINE_SCOPED_PTR(PKCS8_PRIV_KEY_INFO, PKCS8_PRIV_KEY_INFO_free);
DEFINE_SCOPED_PTR(BIO, BIO_free_all);

static int check_curve(const EVP_PKEY *pkey, struct err *err)
{
	char group[64];
	int is_explicit = 1;

	if (!EVP_PKEY_is_a(pkey, "EC"))
		return err_set(err, ERR_INVALID, "private key is no EC key");
	if (EVP_PKEY_get_utf8_string_param(pkey, OSSL_PKEY_PARAM_GROUP_NAME, group, sizeof(group), NULL) != 1 ||
	    strcmp(group, GROUP_NAME) != 0)
		return openssl_err(err, ERR_INVALID, "private key is not on the curve P-256");
	if (EVP_PKEY_get_int_param(pkey, OSSL_PKEY_PARAM_EC_DECODED_FROM_EXPLICIT_PARAMS, &is_explicit) != 1 ||
	    is_explicit)
		return openssl_err(err, ERR_INVALID, "private key spells its curve out instead of naming it");
	return 0;
}

static int check_pair(EVP_PKEY *pkey, struct err *err)
{
	scoped(EVP_PKEY_CTX_freep) EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, pkey, NULL);

	if (!ctx)
		return err_no_memory(err);
	if (EVP_PKEY_check(ctx) != 1)
		return openssl_err(err, ERR_INVALID, "private and public half of the key do not agree");
	return 0;
}

int p256_load_der(const void *data, size_t size, struct p256_key **ret, struct err *err)
{
	scoped(EVP_PKEY_freep) EVP_PKEY *pkey = NULL;
	const uint8_t *position = data;

	if (size > P256_DER_SIZE_MAX)
		return err_set(err, ERR_LIMIT, "private key of %zu bytes, the maximum is %d", size, P256_DER_SIZE_MAX);
	pkey = d2i_AutoPrivateKey(NULL, &position, (long)size);
	if (!pkey)
		return openssl_err(err, ERR_INVALID, "no private key in DER");
	if (position != (const uint8_t *)data + size)
		return err_set(err, ERR_INVALID, "bytes after the private key");
	if (check_curve(pkey, err) < 0 || check_pair(pkey, err) < 0)
		return -1;
	return p256_adopt(TAKE_PTR(pkey), ret, err);
}

/* An encrypted key must not make OpenSSL ask on the terminal. */
static int no_passphrase(char *text, int size, int writing, void *arg)
{
	(void)text, (void)size, (void)writing, (void)arg;
	return -1;
}

static int is_blank_to_end(BIO *bio)
{
	char byte;

	while (BIO_read(bio, &byte, 1) == 1)
		if (!strchr(" \t\r\n", byte) || !byte)
			return 0;
	return 1;
}

int p256_load_pem(const void *data, size_t size, struct p256_key **ret, struct err *err)
{
	scoped(BIO_free_allp) BIO *bio = NULL;
	scoped(p256_freep) struct p256_key *key = NULL;
	unsigned char *der = NULL;
	long der_size = 0;
	int result;

	if (size > P256_DER_SIZE_MAX)
		return err_set(err, ERR_LIMIT, "private key of %zu bytes, the maximum is %d", size, P256_DER_SIZE_MAX);
	bio = BIO_new_mem_buf(data, (int)size);
	if (!bio)
		return err_no_memory(err);
	if (PEM_bytes_read_bio_secmem(&der, &der_size, NULL, PEM_STRING_EVP_PKEY, bio, no_passphrase, NULL) != 1)
		return openssl_err(err, ERR_INVALID, "no private key in PEM");
	result = p256_load_der(der, (size_t)der_size, &key, err);
	OPENSSL_secure_clear_free(der, (size_t)der_size);
	if (result < 0)
		return -1;
	if (!is_blank_to_end(bio))
		return err_set(err, ERR_INVALID, "text after the private key");
	*ret = TAKE_PTR(key);
	return 0;
}

int p256_save_der(const struct p256_key *key, struct secret *ret, struct err *err)
{
	scoped(PKCS8_PRIV_KEY_INFO_freep) PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(p256_evp(key));
	scoped(secret_done) struct secret der = SECRET_INIT;
	const int size = info ? i2d_PKCS8_PRIV_KEY_INFO(info, NULL) : -1;
	uint8_t *position;

	assert(!ret->data);
	if (size <= 0)
		return openssl_err(err, ERR_INTERNAL, "cannot write the private key");
	if (secret_new(&der, (size_t)size, err) < 0)
		return -1;
	position = der.data;
	if (i2d_PKCS8_PRIV_KEY_INFO(info, &position) != size)
		return openssl_err(err, ERR_INTERNAL, "cannot write the private key");
	*ret = der;
	der = SECRET_INIT;
	return 0;
}

static size_t pem_size(size_t der_size)
{
	const size_t digits = (der_size + 2) / 3 * 4;
	const size_t lines = (der_size + PEM_LINE_BYTES - 1) / PEM_LINE_BYTES;

	return strlen(PEM_BEGIN) + digits + lines + strlen(PEM_END);
}

int p256_save_pem(const struct p256_key *key, struct secret *ret, struct err *err)
{
	scoped(secret_done) struct secret der = SECRET_INIT;
	/* EVP_EncodeBlock ends each line in a zero byte, which the newline then overwrites. */
	uint8_t line[PEM_LINE_CHARS + 1];
	uint8_t *position;

	if (p256_save_der(key, &der, err) < 0 || secret_new(ret, pem_size(der.size), err) < 0)
		return -1;
	position = mempcpy(ret->data, PEM_BEGIN, strlen(PEM_BEGIN));
	for (size_t i = 0; i < der.size; i += PEM_LINE_BYTES) {
		const size_t left = der.size - i;
		const int taken = left < PEM_LINE_BYTES ? (int)left : PEM_LINE_BYTES;
		const int digits = EVP_EncodeBlock(line, der.data + i, taken);

		line[digits] = '\n';
		position = mempcpy(position, line, (size_t)digits + 1);
	}
	secret_wipe(line, sizeof(line));
	(void)mempcpy(position, PEM_END, strlen(PEM_END));
	return 0;
}
