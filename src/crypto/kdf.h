/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys derived from one secret: BLAKE2b keyed with it over label ‖ data. Every label ends in "-1" or another version
 * and none is the beginning of another, so that no two purposes can meet.
 */
#ifndef MSE_CRYPTO_KDF_H
#define MSE_CRYPTO_KDF_H

#include <stddef.h>
#include <stdint.h>

#define KDF_KEY_SIZE 32

/* ret_size 16..64 (normally 32). data may be NULL when size is 0. */
void kdf_derive(const uint8_t key[static KDF_KEY_SIZE], const char *label, const void *data, size_t size, uint8_t *ret,
		size_t ret_size);

#endif
