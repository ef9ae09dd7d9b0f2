/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading X.509 revocation lists: version 2, ecdsa-with-SHA256 (AMD's: RSASSA-PSS as in x509_parse.h), nextUpdate, CRL
 * number and authority key identifier present (AMD's lists have both too), complete (no delta, no issuing distribution
 * point, no entry of another issuer), no critical extension that we do not know (attestation-evidence.md sections 1.5
 * and 7).
 *
 * A struct x509_crl owns a copy of its bytes; threads may share it. Its entries are read by crl_read_entries alone, to
 * be called once the signature holds: a megabyte of entries that nobody signed costs next to nothing. Dates are
 * compared by the caller; both bounds are inclusive.
 */
#ifndef MSE_CRYPTO_CRL_PARSE_H
#define MSE_CRYPTO_CRL_PARSE_H

#include "crypto/x509_parse.h"

#define CRL_PARSE_SIZE_MAX (4u << 20)

struct crl_index; /* the serials, sorted: at most four fifths of the list's own size, and eight bytes */

struct x509_crl {
	uint8_t *bytes; /* owned; everything below points into it */
	size_t size;
	struct der tbs;
	struct der issuer; /* whole Name */
	int64_t this_update;
	int64_t next_update;
	struct der entries;                 /* revokedCertificates, well formed as DER and not read yet; empty: none */
	_Atomic(struct crl_index *) *index; /* owned; NULL in it until the entries were read */
	uint8_t signature[64];              /* ECDSA */
	struct der amd_signature;           /* AMD */
};

must_check int crl_parse(const void *der, size_t size, struct x509_crl **ret_crl, struct err *err);
must_check int crl_parse_amd(const void *der, size_t size, struct x509_crl **ret_crl, struct err *err);
void x509_crl_free(struct x509_crl *crl);
DEFINE_SCOPED_PTR(struct x509_crl, x509_crl_free);

/* ERR_UNTRUSTED unless signed by the key with this point. */
must_check int crl_verify(const struct x509_crl *crl, const struct x509_cert *issuer, struct err *err);
must_check int crl_verify_amd(const struct x509_crl *crl, const struct x509_cert *issuer, struct err *err);

/* Once for each list; calls after the first cost nothing. -1: an entry is malformed, or memory is missing. */
must_check int crl_read_entries(const struct x509_crl *crl, struct err *err);

/*
 * After crl_read_entries; of a list whose entries were not read everything is revoked. serial: big-endian without
 * leading zero byte. An entry counts whatever its date or reason.
 */
bool crl_is_revoked(const struct x509_crl *crl, struct der serial);
size_t crl_revoked_count(const struct x509_crl *crl); /* 0 before */

#endif
