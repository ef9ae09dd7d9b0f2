/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Passwords of accounts: Argon2id with libsodium's interactive limits (RFC 9106; 64 MiB and two passes, about 0.1 s:
 * callers bound how many run at once).
 */
#ifndef MSE_CRYPTO_PASSWORD_H
#define MSE_CRYPTO_PASSWORD_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

#define PASSWORD_SIZE_MAX 1024
#define PASSWORD_HASH_SIZE 128 /* with the zero byte */

/* "$argon2id$v=19$…" with a random salt. ERR_LIMIT above PASSWORD_SIZE_MAX bytes. */
must_check int password_hash(const void *password, size_t size, char ret_hash[static PASSWORD_HASH_SIZE],
			     struct err *err);

/* hash NULL (no such account) costs the same time and is false, so that answers do not tell which accounts exist. */
bool password_verify(const char *hash, const void *password, size_t size);

#endif
