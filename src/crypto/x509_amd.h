/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of a certificate or list that only AMD's have; inside crypto/ only. See x509_parse.h. */
#ifndef MSE_CRYPTO_X509_AMD_H
#define MSE_CRYPTO_X509_AMD_H

#include "crypto/x509_parse.h"

/*
 * AlgorithmIdentifier RSASSA-PSS with SHA-384, MGF1 with SHA-384 and salt of 48 bytes; trailerField 1 may be written
 * out, as ARK and ASK do, or left out, as the VCEK does.
 */
must_check int x509_amd_take_algorithm(struct der *reader, struct err *err);
/* RSA-4096 with exponent 65537, or P-384 by name and uncompressed point. Fills in spki, key_kind, amd_key. */
must_check int x509_amd_take_key(struct der *tbs, struct x509_cert *cert, struct err *err);
must_check int x509_amd_keep_signature(struct der signature, struct x509_cert *cert, struct err *err);
must_check int x509_amd_check_signature(struct der signature, struct err *err);

#endif
