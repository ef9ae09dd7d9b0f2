/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From when until when a certificate or revocation list counts, whatever its algorithms and extensions: for deciding
 * how long to keep one and when to ask for a new one. Nothing is verified; x509_parse.h and crl_parse.h do that.
 */
#ifndef MSE_CRYPTO_VALIDITY_H
#define MSE_CRYPTO_VALIDITY_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct validity {
	int64_t from; /* Unix seconds, both inclusive */
	int64_t until;
};

/* One certificate in DER, nothing after it. */
must_check int validity_of_certificate(const void *der, size_t size, struct validity *ret, struct err *err);

/* One revocation list in DER, nothing after it. Without nextUpdate it is ERR_INVALID. */
must_check int validity_of_crl(const void *der, size_t size, struct validity *ret, struct err *err);

#endif
