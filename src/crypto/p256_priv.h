/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of crypto/ know of struct p256_key; nobody else includes this. */
#ifndef MSE_CRYPTO_P256_PRIV_H
#define MSE_CRYPTO_P256_PRIV_H

#include <openssl/evp.h>

#include "crypto/p256.h"

/* Takes pkey, a P-256 private key, over; frees it on failure. */
must_check int p256_adopt(EVP_PKEY *pkey, struct p256_key **ret, struct err *err);

#endif
