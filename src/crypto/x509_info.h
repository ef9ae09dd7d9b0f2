/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an owner's own certificate says, whatever its algorithms (x509_parse.h reads only what attestation allows).
 * For checks before a deployment; nothing is trusted because of it.
 */
#ifndef MSE_CRYPTO_X509_INFO_H
#define MSE_CRYPTO_X509_INFO_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

#define X509_INFO_CHAIN_MAX 10

struct x509_info {
	int64_t not_before; /* of the leaf; Unix seconds, inclusive */
	int64_t not_after;
	bool matches; /* a DNS name of the leaf, or a wildcard of it, is the name asked for */
	size_t chain_count;
};

/* Reads a PEM chain, leaf first. ret_der (may be NULL) gets all certificates in DER, joined. ERR_INVALID, ERR_LIMIT. */
must_check int x509_info_read(const void *pem, size_t size, const char *name, struct x509_info *ret_info,
			      struct buf *ret_der, struct err *err);

#endif
