/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes that must not leak: kept in memory of their own between guard pages, left out of core dumps, locked as far as
 * the system allows, wiped by secret_done. There is no function that prints one. Never put one into struct buf, a
 * log, argv or the environment.
 *
 * A struct secret is owned by whoever declared it: scoped(secret_done) struct secret key = SECRET_INIT.
 */
#ifndef MSE_CRYPTO_SECRET_H
#define MSE_CRYPTO_SECRET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define SECRET_SIZE_MAX (64u << 20)

struct secret {
	uint8_t *data; /* NULL only in SECRET_INIT and after secret_done */
	size_t size;
};

#define SECRET_INIT ((struct secret){.data = NULL})

/* A copy of data. The source stays the caller's to wipe (secret_wipe). *ret must be empty (SECRET_INIT or done). */
must_check int secret_init(struct secret *ret, const void *data, size_t size, struct err *err);
/* size zero bytes, to be filled in place. */
must_check int secret_new(struct secret *ret, size_t size, struct err *err);
/* Wipes and frees. A second call does nothing. */
void secret_done(struct secret *secret);

/* Reads PATH (a regular file, at most size_max bytes) without ever putting its content elsewhere. */
must_check int secret_load(const char *path, size_t size_max, struct secret *ret, struct err *err);

/* Compares size bytes in time that does not depend on their values. */
bool secret_equal(const void *a, const void *b, size_t size);

/* Overwrites in a way that no compiler leaves out. */
void secret_wipe(void *data, size_t size);

#endif
