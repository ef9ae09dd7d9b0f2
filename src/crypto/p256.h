/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ECDSA on P-256 with SHA-256. Signatures are raw r[32] ‖ s[32] and points are 04 ‖ x[32] ‖ y[32], both big-endian, as
 * in Intel quotes and JWS. A struct p256_key is always a private key; it is never changed after it was made, so threads
 * may share it. Private keys leave and enter only through struct secret.
 */
#ifndef MSE_CRYPTO_P256_H
#define MSE_CRYPTO_P256_H

#include "base/buf.h"
#include "crypto/secret.h"

#define P256_POINT_SIZE 65
#define P256_SIGNATURE_SIZE 64
#define P256_DER_SIZE_MAX 1024 /* of a private key file, PEM too */

struct p256_key;

must_check int p256_generate(struct p256_key **ret, struct err *err);
void p256_free(struct p256_key *key); /* wipes */
DEFINE_SCOPED_PTR(struct p256_key, p256_free);

/* PKCS #8 or SEC 1 (RFC 5915), unencrypted, nothing after it, named curve P-256, private and public half agree. */
must_check int p256_load_der(const void *data, size_t size, struct p256_key **ret, struct err *err);
must_check int p256_load_pem(const void *data, size_t size, struct p256_key **ret, struct err *err);
/* PKCS #8. *ret must be empty. */
must_check int p256_save_der(const struct p256_key *key, struct secret *ret, struct err *err);
must_check int p256_save_pem(const struct p256_key *key, struct secret *ret, struct err *err);

/* The public half: 04 ‖ x ‖ y; DER SubjectPublicKeyInfo (added to ret); SHA-256 of the latter. */
void p256_point(const struct p256_key *key, uint8_t ret[static P256_POINT_SIZE]);
must_check int p256_spki_der(const struct p256_key *key, struct buf *ret, struct err *err);
must_check int p256_spki_sha256(const struct p256_key *key, uint8_t ret[static 32], struct err *err);

must_check int p256_sign_raw(const struct p256_key *key, const void *data, size_t size,
			     uint8_t ret[static P256_SIGNATURE_SIZE], struct err *err);

/* A public key, ready to verify with and never changed: threads may share it. */
struct p256_public;

/*
 * xy is the point without its first byte, as quotes hold it. ERR_UNTRUSTED unless it is a point of the curve with both
 * coordinates below the field's prime.
 */
must_check int p256_public_new(const uint8_t xy[static 64], struct p256_public **ret, struct err *err);
/* The same, with the curve's parameters copied from another key, which is a third of the work; like is only read. */
must_check int p256_public_like(const struct p256_public *like, const uint8_t xy[static 64], struct p256_public **ret,
				struct err *err);
void p256_public_free(struct p256_public *key); /* NULL is fine */
DEFINE_SCOPED_PTR(struct p256_public, p256_public_free);

/*
 * ERR_UNTRUSTED if r or s is 0 or not below the group's order, or the signature does not fit. s above half the order is
 * valid (malleable: never use a signature as an identity).
 */
must_check int p256_verify(const struct p256_public *key, const void *data, size_t size,
			   const uint8_t signature[static P256_SIGNATURE_SIZE], struct err *err);

/* Both in one, for a key that is used once. */
must_check int p256_verify_raw(const uint8_t xy[static 64], const void *data, size_t size,
			       const uint8_t signature[static P256_SIGNATURE_SIZE], struct err *err);

/* The EVP_PKEY, still owned by key: for net/tls.c and crypto/ only. */
void *p256_evp(const struct p256_key *key);

#endif
