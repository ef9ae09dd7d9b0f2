/* SPDX-License-Identifier: Apache-2.0 */
/* Hexadecimal text. We write lower case; what must be canonical is read with hex_decode_lower. */
#ifndef MSE_FORMAT_HEX_H
#define MSE_FORMAT_HEX_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

#define HEX_TEXT_SIZE(size) (2 * (size) + 1)

/* ret_text holds HEX_TEXT_SIZE(size) bytes, with the zero byte. */
void hex_encode(const void *data, size_t size, char *ret_text);
must_check int hex_add(struct buf *buf, const void *data, size_t size, struct err *err);

/* text_size must be exactly 2 * ret_size. On failure ret is untouched; the error names the position. */
must_check int hex_decode(const char *text, size_t text_size, uint8_t *ret, size_t ret_size, struct err *err);
must_check int hex_decode_lower(const char *text, size_t text_size, uint8_t *ret, size_t ret_size, struct err *err);

#endif
