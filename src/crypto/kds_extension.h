/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The extensions that AMD's key distribution service puts into a VCEK or VLEK: 1.3.6.1.4.1.3704.1.* (attestation-
 * evidence.md sections 3 and 7; AMD publication 57230). Each once (x509_parse.h sees to that), none that is unknown,
 * those of its structVersion, INTEGERs 0 to 255, HWID or CSP id but never both.
 */
#ifndef MSE_CRYPTO_KDS_EXTENSION_H
#define MSE_CRYPTO_KDS_EXTENSION_H

#include "crypto/x509_parse.h"

#define KDS_OID_PREFIX "1.3.6.1.4.1.3704.1."
#define KDS_SPL_COUNT 10 /* indices 1 to 9: the last arc of 1.3.6.1.4.1.3704.1.3.N */
#define KDS_TEXT_SIZE 64 /* with the zero byte; longer ones are refused */
#define KDS_HWID_SIZE_MAX 64

struct kds_extension {
	uint8_t struct_version; /* 0: Milan, Genoa; 1: Turin */
	char product_name[KDS_TEXT_SIZE];
	uint8_t spl[KDS_SPL_COUNT]; /* 1 boot loader, 2 TEE, 3 SNP, 4..7 reserved, 8 microcode, 9 FMC */
	bool has_hwid;              /* a VCEK; else a VLEK with csp_id */
	uint8_t hwid[KDS_HWID_SIZE_MAX];
	size_t hwid_size; /* 64, or 8 with structVersion 1 */
	char csp_id[KDS_TEXT_SIZE];
};

must_check int kds_extension_parse(const struct x509_cert *cert, struct kds_extension *ret, struct err *err);

#endif
