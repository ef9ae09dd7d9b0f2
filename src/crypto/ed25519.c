/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/ed25519.h"

#include <sodium.h>

#include "crypto/sodium_ready.h"

_Static_assert(ED25519_SEED_SIZE == crypto_sign_SEEDBYTES, "seed");
_Static_assert(ED25519_PUBLIC_SIZE == crypto_sign_PUBLICKEYBYTES, "public key");
_Static_assert(ED25519_SIGNATURE_SIZE == crypto_sign_BYTES, "signature");

void ed25519_from_seed(const uint8_t seed[static ED25519_SEED_SIZE], uint8_t ret_public[static ED25519_PUBLIC_SIZE])
{
	uint8_t secret_key[crypto_sign_SECRETKEYBYTES];

	sodium_ready();
	(void)crypto_sign_seed_keypair(ret_public, secret_key, seed);
	sodium_memzero(secret_key, sizeof(secret_key));
}

void ed25519_sign(const uint8_t seed[static ED25519_SEED_SIZE], const void *data, size_t size,
		  uint8_t ret_signature[static ED25519_SIGNATURE_SIZE])
{
	uint8_t public_key[crypto_sign_PUBLICKEYBYTES];
	uint8_t secret_key[crypto_sign_SECRETKEYBYTES];

	sodium_ready();
	(void)crypto_sign_seed_keypair(public_key, secret_key, seed);
	(void)crypto_sign_detached(ret_signature, NULL, data, size, secret_key);
	sodium_memzero(secret_key, sizeof(secret_key));
}

int ed25519_verify(const uint8_t public_key[static ED25519_PUBLIC_SIZE], const void *data, size_t size,
		   const uint8_t signature[static ED25519_SIGNATURE_SIZE], struct err *err)
{
	sodium_ready();
	if (crypto_sign_verify_detached(signature, data, size, public_key) != 0)
		return err_set(err, ERR_UNTRUSTED, "Ed25519 signature does not fit");
	return 0;
}
