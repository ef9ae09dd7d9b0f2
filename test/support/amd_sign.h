/* SPDX-License-Identifier: Apache-2.0 */
/* Keys and signatures of the test CA that stands in for AMD's. Everything aborts when something fails. */
#ifndef MSE_TEST_AMD_SIGN_H
#define MSE_TEST_AMD_SIGN_H

#include "base/buf.h"

/* RSA: always the same. P-384: made once per process. */
enum amd_key_id {
	AMD_KEY_ARK,
	AMD_KEY_ASK,
	AMD_KEY_ASVK,
	AMD_KEY_OTHER_RSA,
	AMD_KEY_VCEK,
	AMD_KEY_VLEK,
	AMD_KEY_OTHER_EC,
	AMD_KEY_RSA_2048,  /* too small on purpose */
	AMD_KEY_P256,      /* the wrong curve on purpose */
	AMD_KEY_BRAINPOOL, /* another curve of 384 bits */
	AMD_KEY_COUNT,
};

/* What is written as the algorithm and what is really done; all but the first two are wrong. */
enum amd_scheme {
	AMD_PSS,         /* trailerField left out, as in a VCEK */
	AMD_PSS_TRAILER, /* trailerField 1 written out, as in ARK and ASK */
	AMD_PSS_SHA256,
	AMD_PSS_MGF_SHA256,
	AMD_PSS_SALT_32,
	AMD_PKCS1_SHA384,
	AMD_PSS_NAME_PKCS1, /* says PSS, signs PKCS #1 v1.5 */
	AMD_PSS_SALT_ONLY,  /* says salt 48, signs with 32 */
	AMD_ECDSA,          /* by a P-384 key */
};

/* Adds AlgorithmIdentifier, SubjectPublicKeyInfo, signature (content of the BIT STRING). */
void amd_put_algorithm(struct buf *buf, enum amd_scheme scheme);
void amd_put_spki(struct buf *buf, enum amd_key_id key);
/* The same data, key and scheme give the same signature within a process: RSA is slow. */
void amd_sign(enum amd_key_id key, enum amd_scheme scheme, const void *data, size_t size, struct buf *ret);

/* r and s as reports hold them: 72 bytes each, little-endian. */
void amd_sign_report(enum amd_key_id key, const void *data, size_t size, uint8_t ret[static 144]);

#endif
