/* SPDX-License-Identifier: Apache-2.0 */
/* ECDSA-Sig-Value (RFC 3279 2.2.3) of two numbers of fixed size, as OpenSSL takes signatures. */
#ifndef MSE_CRYPTO_ECDSA_DER_H
#define MSE_CRYPTO_ECDSA_DER_H

#include <stddef.h>
#include <stdint.h>

#define ECDSA_DER_NUMBER_MAX 48                                 /* P-384 */
#define ECDSA_DER_SIZE_MAX (2 + 2 * (3 + ECDSA_DER_NUMBER_MAX)) /* below 128: lengths of one byte */

/* r and s are big-endian, of `size` bytes each, at most ECDSA_DER_NUMBER_MAX. Returns the size of the DER. */
size_t ecdsa_der_format(const uint8_t *r, const uint8_t *s, size_t size, uint8_t ret[static ECDSA_DER_SIZE_MAX]);

#endif
