/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CBOR (RFC 8949) from outside, item by item: libcbor's stateless decoder, which allocates nothing, behind a reader
 * that knows definite lengths only. Items of indefinite length are refused. Slices point into the caller's bytes.
 */
#ifndef MSE_FORMAT_CBOR_READ_H
#define MSE_FORMAT_CBOR_READ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum cbor_kind {
	CBOR_UNSIGNED, /* number */
	CBOR_NEGATIVE, /* -1 - number */
	CBOR_BYTES,    /* data, size */
	CBOR_TEXT,     /* data, size; the bytes are not checked to be UTF-8 */
	CBOR_ARRAY,    /* number of items that follow */
	CBOR_MAP,      /* number of pairs that follow */
	CBOR_TAG,      /* number; the tagged item follows */
	CBOR_OTHER,    /* float, simple value: one item without parts */
};

struct cbor_item {
	enum cbor_kind kind;
	uint64_t number;
	const uint8_t *data;
	size_t size;
};

struct cbor_reader {
	const uint8_t *data;
	size_t size; /* left */
};

/* The head of the next item, with its bytes if it is a string. ERR_INVALID if it is cut short or not well formed. */
must_check int cbor_next(struct cbor_reader *reader, struct cbor_item *ret, struct err *err);
/* The same, but of this kind. what names it in errors. */
must_check int cbor_take(struct cbor_reader *reader, enum cbor_kind kind, const char *what, struct cbor_item *ret,
			 struct err *err);
/* Passes over one item with all its parts; nothing recurses. */
must_check int cbor_skip(struct cbor_reader *reader, struct err *err);
/* Nothing may be left. */
must_check int cbor_end(const struct cbor_reader *reader, const char *what, struct err *err);

bool cbor_text_is(const struct cbor_item *item, const char *text);

#endif
