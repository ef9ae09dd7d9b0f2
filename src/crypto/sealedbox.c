/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/sealedbox.h"

#include <assert.h>
#include <sodium.h>
#include <string.h>

#include "base/number.h"
#include "crypto/sodium_ready.h"

_Static_assert(X25519_KEY_SIZE == crypto_box_PUBLICKEYBYTES, "public key");
_Static_assert(X25519_KEY_SIZE == crypto_box_SECRETKEYBYTES, "secret key");
_Static_assert(X25519_SEED_SIZE == crypto_box_SEEDBYTES, "seed");
_Static_assert(SEALEDBOX_OVERHEAD == crypto_box_SEALBYTES, "overhead");

/* Beginning of the tags that mark the other forms of REPORTDATA. */
static bool is_reserved(const uint8_t public_key[static X25519_KEY_SIZE])
{
	return memcmp(public_key, "mse-", 4) == 0;
}

int x25519_generate(uint8_t ret_public[static X25519_KEY_SIZE], struct secret *ret_secret, struct err *err)
{
	if (secret_new(ret_secret, X25519_KEY_SIZE, err) < 0)
		return -1;
	do
		(void)crypto_box_keypair(ret_public, ret_secret->data);
	while (is_reserved(ret_public));
	return 0;
}

int x25519_keypair_from_seed(const uint8_t seed[static X25519_SEED_SIZE], uint8_t ret_public[static X25519_KEY_SIZE],
			     struct secret *ret_secret, struct err *err)
{
	if (secret_new(ret_secret, X25519_KEY_SIZE, err) < 0)
		return -1;
	(void)crypto_box_seed_keypair(ret_public, ret_secret->data, seed);
	return 0;
}

int x25519_public(const uint8_t secret_key[static X25519_KEY_SIZE], uint8_t ret_public[static X25519_KEY_SIZE],
		  struct err *err)
{
	uint8_t public_key[X25519_KEY_SIZE];

	sodium_ready();
	if (crypto_scalarmult_base(public_key, secret_key) != 0)
		return err_set(err, ERR_INVALID, "no X25519 private key");
	memcpy(ret_public, public_key, sizeof(public_key));
	return 0;
}

int sealedbox_seal(const uint8_t public_key[static X25519_KEY_SIZE], const void *data, size_t size, struct buf *ret,
		   struct err *err)
{
	size_t box_size;
	uint8_t *room;

	if (!size_add(size, SEALEDBOX_OVERHEAD, &box_size))
		return err_no_memory(err);
	if (buf_reserve(ret, box_size, &room, err) < 0)
		return -1;
	sodium_ready();
	if (crypto_box_seal(room, data, size, public_key) != 0)
		return err_set(err, ERR_INVALID, "X25519 public key of small order");
	ret->size += box_size;
	return 0;
}

int sealedbox_open(const uint8_t public_key[static X25519_KEY_SIZE], const uint8_t secret_key[static X25519_KEY_SIZE],
		   const void *data, size_t size, struct secret *ret, struct err *err)
{
	scoped(secret_done) struct secret plain = SECRET_INIT;

	assert(!ret->data);
	if (size < SEALEDBOX_OVERHEAD)
		return err_set(err, ERR_UNTRUSTED, "sealed box of %zu bytes, expected %d or more", size,
			       SEALEDBOX_OVERHEAD);
	if (secret_new(&plain, size - SEALEDBOX_OVERHEAD, err) < 0)
		return -1;
	if (crypto_box_seal_open(plain.data, data, size, public_key, secret_key) != 0)
		return err_set(err, ERR_UNTRUSTED, "sealed box does not open: for another key, or changed");
	*ret = plain;
	plain = SECRET_INIT;
	return 0;
}
