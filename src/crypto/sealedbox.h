/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sealed boxes as PyNaCl's SealedBox: anybody with the public X25519 key can write one, only the private key opens
 * it. For secrets sent to an enclave and for the owner's log lines. They do not say who wrote them.
 */
#ifndef MSE_CRYPTO_SEALEDBOX_H
#define MSE_CRYPTO_SEALEDBOX_H

#include "base/buf.h"
#include "crypto/secret.h"

#define X25519_KEY_SIZE 32
#define X25519_SEED_SIZE 32
#define SEALEDBOX_OVERHEAD 48

/*
 * A new pair; *ret_secret (32 bytes) must be empty. The public half never begins with "mse-", so that no identity
 * can be read as one of the other REPORTDATA forms (attested-channel.md G5).
 */
must_check int x25519_generate(uint8_t ret_public[static X25519_KEY_SIZE], struct secret *ret_secret, struct err *err);

/* The pair that NaCl derives from a seed (first half of SHA-512(seed) is the scalar). */
must_check int x25519_keypair_from_seed(const uint8_t seed[static X25519_SEED_SIZE],
					uint8_t ret_public[static X25519_KEY_SIZE], struct secret *ret_secret,
					struct err *err);

/* Public half of a private key. */
must_check int x25519_public(const uint8_t secret_key[static X25519_KEY_SIZE],
			     uint8_t ret_public[static X25519_KEY_SIZE], struct err *err);

/* Adds the box (size + SEALEDBOX_OVERHEAD bytes) to ret. ERR_INVALID for a key of small order. */
must_check int sealedbox_seal(const uint8_t public_key[static X25519_KEY_SIZE], const void *data, size_t size,
			      struct buf *ret, struct err *err);

/* ERR_UNTRUSTED for another key or a changed box. *ret must be empty; the plaintext may have size 0. */
must_check int sealedbox_open(const uint8_t public_key[static X25519_KEY_SIZE],
			      const uint8_t secret_key[static X25519_KEY_SIZE], const void *data, size_t size,
			      struct secret *ret, struct err *err);

#endif
