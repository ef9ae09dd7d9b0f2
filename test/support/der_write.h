/* SPDX-License-Identifier: Apache-2.0 */
/* Writing DER for tests, right or wrong on purpose. Every function fails the test when out of memory. */
#ifndef MSE_TEST_DER_WRITE_H
#define MSE_TEST_DER_WRITE_H

#include <stdbool.h>

#include "base/buf.h"

void der_put(struct buf *buf, uint8_t tag, const void *content, size_t size);
/* Puts everything from position start on into one element. */
void der_wrap(struct buf *buf, size_t start, uint8_t tag);
void der_put_raw(struct buf *buf, const void *data, size_t size);
void der_put_int(struct buf *buf, uint8_t tag, int64_t value);
/* A positive INTEGER of these bytes; a zero byte is put in front where it is needed. */
void der_put_unsigned(struct buf *buf, const uint8_t *bytes, size_t size);
void der_put_bool(struct buf *buf, bool value);
void der_put_oid(struct buf *buf, const char *dotted);
/* UTCTime before 2050, GeneralizedTime after. */
void der_put_time(struct buf *buf, int64_t seconds);
/* Name with one commonName. */
void der_put_name(struct buf *buf, const char *common_name);
/* An Extension; value is the content of extnValue. */
void der_put_extension(struct buf *buf, const char *oid, bool critical, const void *value, size_t size);

#endif
