/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading strict DER (X.690 section 10): definite, shortest lengths, one-byte tags, nothing left over. Slices point
 * into the bytes that were given. Nothing is copied, nothing recurses.
 *
 * Why not OpenSSL's reader: it takes BER, trailing bytes and out-of-range integers, each of which
 * attestation-evidence.md section 7 wants refused.
 */
#ifndef MSE_CRYPTO_DER_H
#define MSE_CRYPTO_DER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define DER_BOOLEAN 0x01
#define DER_INTEGER 0x02
#define DER_BIT_STRING 0x03
#define DER_OCTET_STRING 0x04
#define DER_NULL 0x05
#define DER_OID 0x06
#define DER_ENUMERATED 0x0a
#define DER_UTC_TIME 0x17
#define DER_GENERALIZED_TIME 0x18
#define DER_SEQUENCE 0x30
#define DER_SET 0x31
#define DER_CONTEXT(n) (0x80 | (n))             /* [n] primitive */
#define DER_CONTEXT_CONSTRUCTED(n) (0xa0 | (n)) /* [n] constructed */

#define DER_OID_TEXT_SIZE 128
#define DER_INTEGER_SIZE_MAX 32 /* of positive numbers as bytes */

struct der {
	const uint8_t *data;
	size_t size;
};

/* Takes the next element off reader, whatever its tag. ret_content: its content; ret_whole (or NULL): tag and all. */
must_check int der_next(struct der *reader, uint8_t *ret_tag, struct der *ret_content, struct der *ret_whole,
			struct err *err);
/* The same, but the tag must be this one. what names the element in errors. */
must_check int der_take(struct der *reader, uint8_t tag, const char *what, struct der *ret_content, struct err *err);
must_check int der_take_whole(struct der *reader, uint8_t tag, const char *what, struct der *ret_content,
			      struct der *ret_whole, struct err *err);
/* True if the next element has this tag. */
bool der_is_next(const struct der *reader, uint8_t tag);
/* Nothing may be left. */
must_check int der_end(const struct der *reader, const char *what, struct err *err);

/* INTEGER or ENUMERATED (tag says) within [min, max], both at most INT32_MAX wide. */
must_check int der_take_int(struct der *reader, uint8_t tag, const char *what, int64_t min, int64_t max,
			    int64_t *ret_value, struct err *err);
/* INTEGER >= 0 as its bytes without a leading zero byte; 0 is one zero byte. */
must_check int der_take_unsigned(struct der *reader, const char *what, struct der *ret_bytes, struct err *err);
/* BOOLEAN: 00 or FF. */
must_check int der_take_bool(struct der *reader, const char *what, bool *ret_value, struct err *err);
/* BIT STRING without unused bits. */
must_check int der_take_bits(struct der *reader, const char *what, struct der *ret_bytes, struct err *err);
/* UTCTime (years 1950..2049) or GeneralizedTime (from 2050), seconds present, "Z" (RFC 5280 4.1.2.5). Unix seconds. */
must_check int der_take_time(struct der *reader, const char *what, int64_t *ret_seconds, struct err *err);

/* Content of an OID as dotted text. ERR_INVALID for a form that DER does not allow or that is too long. */
must_check int der_oid_text(struct der oid, char ret_text[static DER_OID_TEXT_SIZE], struct err *err);

/* True if it is the OID of this dotted text, which is a constant of ours (arcs below 2^56), in its only DER form. */
bool der_oid_is(struct der oid, const char *text);

bool der_equal(struct der a, struct der b);
/* ECDSA-Sig-Value (SEQUENCE of two INTEGERs of at most 32 bytes) as raw r ‖ s. */
must_check int der_signature_raw(struct der signature, uint8_t ret_raw[static 64], struct err *err);

/* Checks form only, of every element down to depth_max: tags of constructed elements hold elements. */
must_check int der_check(struct der data, size_t depth_max, struct err *err);

#endif
