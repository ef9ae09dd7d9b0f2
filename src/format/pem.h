/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PEM (RFC 7468, strict form): "-----BEGIN LABEL-----", base64 in lines of at most 64, "-----END LABEL-----". No
 * headers inside. For certificates and other public data; private keys go through crypto/p256.h.
 */
#ifndef MSE_FORMAT_PEM_H
#define MSE_FORMAT_PEM_H

#include <stdbool.h>

#include "base/buf.h"

#define PEM_CERTIFICATE "CERTIFICATE"

/* Reads block after block. The text is borrowed. */
struct pem_reader {
	const char *text;
	size_t size;
	size_t position;
	bool explanatory_text; /* allow other lines around blocks (files of users); else white space and NUL only */
};

/*
 * 1: *ret_der (cleared first) holds the next block; 0: no more blocks. A block of another label than wanted is
 * ERR_INVALID. Errors name the byte position.
 */
must_check int pem_next(struct pem_reader *reader, const char *label, struct buf *ret_der, struct err *err);

/* Adds the block, ending in a newline. */
must_check int pem_format(const char *label, const void *der, size_t size, struct buf *ret, struct err *err);

#endif
