/* SPDX-License-Identifier: Apache-2.0 */
/*
 * XChaCha20-Poly1305-IETF with associated data, for state that an enclave seals to itself. The blob is
 * nonce[24] ‖ ciphertext ‖ tag[16]; the nonce is random, so a key may seal any number of times.
 */
#ifndef MSE_CRYPTO_AEAD_H
#define MSE_CRYPTO_AEAD_H

#include "base/buf.h"
#include "crypto/secret.h"

#define XCHACHA_KEY_SIZE 32
#define XCHACHA_OVERHEAD 40

/* Adds the blob to ret. */
must_check int xchacha_seal(const uint8_t key[static XCHACHA_KEY_SIZE], const void *associated, size_t associated_size,
			    const void *data, size_t size, struct buf *ret, struct err *err);

/* ERR_UNTRUSTED for another key, other associated data or a changed blob. *ret must be empty. */
must_check int xchacha_open(const uint8_t key[static XCHACHA_KEY_SIZE], const void *associated, size_t associated_size,
			    const void *data, size_t size, struct secret *ret, struct err *err);

#endif
