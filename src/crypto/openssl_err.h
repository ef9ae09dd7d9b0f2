/* SPDX-License-Identifier: Apache-2.0 */
/* OpenSSL's error queue as our errors; inside crypto/ only. */
#ifndef MSE_CRYPTO_OPENSSL_ERR_H
#define MSE_CRYPTO_OPENSSL_ERR_H

#include "base/err.h"

/* "what: OpenSSL's reason", and empties the thread's queue. Out of memory becomes ERR_NO_MEMORY. Returns -1. */
int openssl_err(struct err *err, enum err_code code, const char *what);

/* Empties the thread's queue: for callers whose own text says more. */
void openssl_clear(void);

#endif
