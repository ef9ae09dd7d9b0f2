/* SPDX-License-Identifier: Apache-2.0 */
/* Making X.509 v2 CRLs (RFC 5280 section 5) with CRL number and authority key identifier, ecdsa-with-SHA256. */
#ifndef MSE_CRYPTO_CRL_BUILD_H
#define MSE_CRYPTO_CRL_BUILD_H

#include "crypto/x509_build.h"

#define CRL_REVOKED_COUNT_MAX 65536

struct crl_revoked {
	uint8_t serial[X509_SERIAL_SIZE_MAX]; /* big-endian */
	size_t serial_size;
	int64_t revoked_at; /* Unix seconds */
};

struct crl_spec {
	int64_t this_update; /* Unix seconds */
	int64_t next_update;
	uint64_t number;
	const struct crl_revoked *revoked; /* count 0: revokedCertificates is absent, as RFC 5280 wants */
	size_t revoked_count;
};

/* Adds the DER to ret. issuer_key must fit issuer_der (ERR_INVALID if not). */
must_check int crl_build(const struct crl_spec *spec, const struct p256_key *issuer_key, const struct buf *issuer_der,
			 struct buf *ret, struct err *err);

#endif
