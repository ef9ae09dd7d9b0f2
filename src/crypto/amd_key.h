/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Public keys of AMD's chain, ready for use: RSA-4096 (ARK, ASK, ASVK) checks RSASSA-PSS, P-384 (VCEK, VLEK) checks
 * attestation reports; SHA-384 both. Never changed once made: threads may share one.
 */
#ifndef MSE_CRYPTO_AMD_KEY_H
#define MSE_CRYPTO_AMD_KEY_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define AMD_SIGNATURE_SIZE 512 /* RSA-4096 */
#define AMD_SCALAR_SIZE 72     /* r or s in a report: little-endian */
#define AMD_SCALAR_USED 48     /* the rest is zero */

struct amd_key;

/* spki: DER SubjectPublicKeyInfo whose form was checked. ERR_UNTRUSTED for a point that is not on its curve. */
must_check int amd_key_new(const void *spki, size_t size, struct amd_key **ret, struct err *err);
void amd_key_free(struct amd_key *key); /* NULL is fine */
DEFINE_SCOPED_PTR(struct amd_key, amd_key_free);

/* ERR_UNTRUSTED unless the key is RSA and the signature (salt of 48 bytes, MGF1 SHA-384) fits. */
must_check int amd_key_verify_pss(const struct amd_key *key, const void *data, size_t size, const uint8_t *signature,
				  size_t signature_size, struct err *err);

/* r and s as reports hold them. ERR_UNTRUSTED unless key is P-384, both are padded with zeros and the signature fits.
 */
must_check int amd_key_verify_report(const struct amd_key *key, const void *data, size_t size,
				     const uint8_t r[static AMD_SCALAR_SIZE], const uint8_t s[static AMD_SCALAR_SIZE],
				     struct err *err);

#endif
