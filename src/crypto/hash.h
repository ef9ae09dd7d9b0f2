/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SHA-256 (OpenSSL) and keyed BLAKE2b (libsodium). SHA-1 for the handshake of WebSocket, which proves nothing with it.
 *
 * Hashing bytes cannot fail: where the library is out of memory the process ends, because no caller could go on
 * without the value. Everything here is thread-safe; one sha256_ctx belongs to one thread at a time.
 */
#ifndef MSE_CRYPTO_HASH_H
#define MSE_CRYPTO_HASH_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define SHA256_SIZE 32

void sha256(const void *data, size_t size, uint8_t ret[static SHA256_SIZE]);

#define SHA1_SIZE 20
void sha1(const void *data, size_t size, uint8_t ret[static SHA1_SIZE]);

/* SHA-256 in pieces: new, add any number of times, finish once, free. */
struct sha256_ctx;
struct sha256_ctx *sha256_new(void); /* never NULL */
void sha256_add(struct sha256_ctx *ctx, const void *data, size_t size);
void sha256_finish(struct sha256_ctx *ctx, uint8_t ret[static SHA256_SIZE]); /* only sha256_free may follow */
void sha256_free(struct sha256_ctx *ctx);
DEFINE_SCOPED_PTR(struct sha256_ctx, sha256_free);

/* Hash and size of a regular file, read in pieces: any size. Links are followed. ret_size may be NULL. */
must_check int sha256_file(const char *path, uint8_t ret[static SHA256_SIZE], uint64_t *ret_size, struct err *err);

#define BLAKE2B_KEY_SIZE 32
#define BLAKE2B_OUT_MIN 16
#define BLAKE2B_OUT_MAX 64

struct hash_part {
	const void *data;
	size_t size;
};

/* BLAKE2b with a 32-byte key; ret_size BLAKE2B_OUT_MIN..MAX is part of the function (RFC 7693: no truncation). */
void blake2b_keyed(const uint8_t key[static BLAKE2B_KEY_SIZE], const void *data, size_t size, uint8_t *ret,
		   size_t ret_size);

/* The same over the parts joined without any separator: prefix lengths yourself where a border matters. */
void blake2b_keyed_parts(const uint8_t key[static BLAKE2B_KEY_SIZE], const struct hash_part *parts, size_t count,
			 uint8_t *ret, size_t ret_size);

#endif
