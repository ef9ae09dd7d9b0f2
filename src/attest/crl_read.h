/* SPDX-License-Identifier: Apache-2.0 */
/* One revocation list in DER or PEM. */
#ifndef MSE_ATTEST_CRL_READ_H
#define MSE_ATTEST_CRL_READ_H

#include "crypto/crl_parse.h"
#include "mse/attest.h"

/* crl_parse, or crl_parse_amd. */
typedef int (*crl_parse_fn)(const void *der, size_t size, struct x509_crl **ret, struct err *err);

must_check int crl_read(struct attest_bytes bytes, crl_parse_fn parse, struct x509_crl **ret, struct err *err);

#endif
