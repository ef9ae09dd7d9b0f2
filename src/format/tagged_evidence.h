/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Interoperable RA-TLS (Gramine from 1.8): content of the certificate extension 2.23.133.5.4.9, TCG DICE tagged
 * evidence (attestation-evidence.md section 4). CBOR: tag 60000 [bytes quote, bytes claims]; claims, encoded apart so
 * that they can be hashed, are a map whose "pubkey-hash" is bytes holding [hash algorithm, bytes hash]. REPORTDATA of
 * the quote is SHA-256(claims), then zeros; the hash is that of the certificate's SubjectPublicKeyInfo.
 *
 * Only form is checked. Claims that we do not know are passed over, none may be there twice. Slices point into the
 * caller's bytes.
 */
#ifndef MSE_FORMAT_TAGGED_EVIDENCE_H
#define MSE_FORMAT_TAGGED_EVIDENCE_H

#include "format/cbor_read.h"

#define TAGGED_EVIDENCE_OID "2.23.133.5.4.9"
#define TAGGED_EVIDENCE_TAG 60000
#define TAGGED_EVIDENCE_CLAIMS_MAX 32    /* pairs in the map */
#define TAGGED_EVIDENCE_HASH_SHA256 1    /* IANA named information hash algorithms */
#define TAGGED_EVIDENCE_SIZE_MAX 131072u /* of the whole */

struct tagged_evidence {
	const uint8_t *quote;
	size_t quote_size;
	const uint8_t *claims; /* as hashed */
	size_t claims_size;
	uint64_t hash_algorithm;
	const uint8_t *key_hash;
	size_t key_hash_size;
};

must_check int tagged_evidence_parse(const void *data, size_t size, struct tagged_evidence *ret, struct err *err);

#endif
