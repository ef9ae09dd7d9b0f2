/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ed25519 (RFC 8032) for the owner's tickets and statements. The private key is always the 32-byte seed. Each text
 * that a key signs begins with a label of its own ("mse-ticket-1", …): no text can be taken for another kind.
 */
#ifndef MSE_CRYPTO_ED25519_H
#define MSE_CRYPTO_ED25519_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define ED25519_SEED_SIZE 32
#define ED25519_PUBLIC_SIZE 32
#define ED25519_SIGNATURE_SIZE 64

/* Public half of the key with this seed. */
void ed25519_from_seed(const uint8_t seed[static ED25519_SEED_SIZE], uint8_t ret_public[static ED25519_PUBLIC_SIZE]);

void ed25519_sign(const uint8_t seed[static ED25519_SEED_SIZE], const void *data, size_t size,
		  uint8_t ret_signature[static ED25519_SIGNATURE_SIZE]);

/* ERR_UNTRUSTED if it is no signature of data by that key, or the key is of small order. */
must_check int ed25519_verify(const uint8_t public_key[static ED25519_PUBLIC_SIZE], const void *data, size_t size,
			      const uint8_t signature[static ED25519_SIGNATURE_SIZE], struct err *err);

#endif
