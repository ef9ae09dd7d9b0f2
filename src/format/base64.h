/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Base64 (RFC 4648), strict: exactly one text for each byte string. No white space, no line ends; unused bits of the
 * last group are zero. The standard alphabet is always padded, the URL alphabet never.
 */
#ifndef MSE_FORMAT_BASE64_H
#define MSE_FORMAT_BASE64_H

#include "base/buf.h"

/* Add to ret, whose maximum bounds the result. On failure ret is as it was. */
must_check int base64_encode(const void *data, size_t size, struct buf *ret, struct err *err);
must_check int base64_decode(const char *text, size_t text_size, struct buf *ret, struct err *err);
must_check int base64url_encode(const void *data, size_t size, struct buf *ret, struct err *err);
must_check int base64url_decode(const char *text, size_t text_size, struct buf *ret, struct err *err);

#endif
