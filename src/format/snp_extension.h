/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Content of the RA-TLS extension 1.2.840.113741.1337.7 (Cosmian tee-tools): an SEV-SNP report, alone or followed by a
 * table of certificates: u32 count, then for each u32 length, GUID of 16 bytes, DER; length counts GUID and DER
 * (attestation-evidence.md section 4; not the table of the GHCB). Nothing may follow.
 *
 * Only form is checked. Certificates of a kind that we do not know are passed over; one kind twice is refused.
 * Pointers go into the caller's bytes.
 */
#ifndef MSE_FORMAT_SNP_EXTENSION_H
#define MSE_FORMAT_SNP_EXTENSION_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define SNP_EXTENSION_OID "1.2.840.113741.1337.7"
#define SNP_EXTENSION_CERTS_MAX 8
#define SNP_EXTENSION_CERT_SIZE_MAX 16384

enum snp_cert_kind {
	SNP_CERT_ARK,
	SNP_CERT_ASK, /* or ASVK */
	SNP_CERT_VCEK,
	SNP_CERT_VLEK,
	SNP_CERT_CRL,
	SNP_CERT_KINDS,
};

struct snp_blob {
	const uint8_t *data;
	size_t size;
};

struct snp_extension {
	struct snp_blob report;                /* SNP_REPORT_SIZE bytes, not parsed */
	struct snp_blob certs[SNP_CERT_KINDS]; /* {NULL, 0}: absent */
};

must_check int snp_extension_parse(const void *data, size_t size, struct snp_extension *ret, struct err *err);

#endif
