/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Collateral as Intel's service sends it: {"NAME":{…},"signature":"128 hex digits"} (attestation-evidence.md
 * sections 1.6, 7).
 *
 * The signature counts over the bytes of the inner object as received: they are found in the text, never written anew.
 * The text is strict JSON (format/json.h) at most SIGNED_JSON_DEPTH_MAX deep; further outer members are ignored.
 */
#ifndef MSE_FORMAT_SIGNED_JSON_H
#define MSE_FORMAT_SIGNED_JSON_H

#include "format/json.h"

/* Real collateral has up to 30 KB and 3,000 values, nested 7 deep. */
#define SIGNED_JSON_SIZE_MAX (128u << 10)
#define SIGNED_JSON_VALUES_MAX 8192
#define SIGNED_JSON_DEPTH_MAX 8

struct signed_json {
	json_t *root;               /* owned */
	const json_t *body;         /* the inner object, of root */
	const uint8_t *signed_data; /* into the caller's bytes */
	size_t signed_size;
	uint8_t signature[64]; /* raw r ‖ s */
};

/* The bytes must outlive *ret. */
must_check int signed_json_parse(const void *data, size_t size, const char *name, struct signed_json *ret,
				 struct err *err);
void signed_json_done(struct signed_json *signed_json);

/* Common members of both kinds: a strict date; advisory names, of which there are at most ADVISORIES_MAX. */
must_check int signed_json_get_date(const json_t *object, const char *name, int64_t *ret_seconds, struct err *err);

#define ADVISORIES_MAX 128
#define ADVISORY_LENGTH_MAX 31

/* Borrowed from the level. */
struct advisories {
	const json_t *list;
	size_t count;
};

/* The name at index, which is below count. */
const char *advisories_name(const struct advisories *advisories, size_t index);

/* Member "advisoryIDs", which may be absent: printable ASCII without space, ADVISORY_LENGTH_MAX bytes each. */
must_check int advisories_parse(const json_t *level, struct advisories *ret, struct err *err);

#endif
