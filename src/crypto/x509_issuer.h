/* SPDX-License-Identifier: Apache-2.0 */
/* What building certificates and building CRLs share; inside crypto/ only. */
#ifndef MSE_CRYPTO_X509_ISSUER_H
#define MSE_CRYPTO_X509_ISSUER_H

#include <openssl/x509.h>

#include "base/buf.h"
#include "crypto/p256.h"

/* The issuer's certificate; ERR_INVALID unless it is whole, has a subjectKeyIdentifier and fits key. */
must_check int x509_read_issuer(const struct buf *der, const struct p256_key *key, X509 **ret, struct err *err);

/* Big-endian bytes as an INTEGER of 1..20 bytes above zero. */
must_check int x509_serial(const uint8_t *bytes, size_t size, ASN1_INTEGER **ret, struct err *err);

/* The AKI extension's value for what issuer signs. NULL: out of memory. */
AUTHORITY_KEYID *x509_authority_key_id(const X509 *issuer);

#endif
