/* SPDX-License-Identifier: Apache-2.0 */
/*
 * XSalsa20-Poly1305 as PyNaCl's SecretBox writes it: nonce[24] ‖ tag[16] ‖ ciphertext. The format of encrypted code.
 *
 * It does not commit to its key: one box can be made that opens to two texts under two keys. Where that matters, the
 * id of the key is measured (attested-channel.md section 2).
 */
#ifndef MSE_CRYPTO_SECRETBOX_H
#define MSE_CRYPTO_SECRETBOX_H

#include "base/buf.h"

#define SECRETBOX_KEY_SIZE 32
#define SECRETBOX_NONCE_SIZE 24
#define SECRETBOX_OVERHEAD 40 /* nonce and tag */

/* Adds nonce ‖ box to ret. A nonce must never meet the same key with another text. */
must_check int secretbox_seal(const uint8_t key[static SECRETBOX_KEY_SIZE],
			      const uint8_t nonce[static SECRETBOX_NONCE_SIZE], const void *data, size_t size,
			      struct buf *ret, struct err *err);

/* Adds the text of nonce ‖ box to ret; ERR_UNTRUSTED (nothing added) for another key or a changed box. */
must_check int secretbox_open(const uint8_t key[static SECRETBOX_KEY_SIZE], const void *data, size_t size,
			      struct buf *ret, struct err *err);

#endif
