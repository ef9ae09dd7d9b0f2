/* SPDX-License-Identifier: Apache-2.0 */
/* Names as RFC 4514 text; inside crypto/ only. */
#ifndef MSE_CRYPTO_X509_NAME_H
#define MSE_CRYPTO_X509_NAME_H

#include <openssl/x509.h>

#include "base/err.h"

/*
 * "CN=a,O=b" becomes the sequence O, CN: RFC 4514 writes the last RDN first. Known types: CN O OU C L ST STREET DC UID
 * serialNumber emailAddress, in either case. One attribute in an RDN; no #hex values; no NUL; the upper bounds of
 * RFC 5280 appendix A. *ret is freed with X509_NAME_free.
 */
must_check int x509_name_parse(const char *text, X509_NAME **ret, struct err *err);

#endif
