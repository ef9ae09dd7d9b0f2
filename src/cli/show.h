/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What bytes from anywhere say, for people and as JSON: evidence, certificates, revocation lists, collateral, instance
 * documents, answers, bundles. Nothing is verified, and the result says so. Everything is bounded: sizes, counts, and
 * how deep things that hold other things are looked into (SHOW_DEPTH_MAX); texts are printable ASCII.
 */
#ifndef MSE_CLI_SHOW_H
#define MSE_CLI_SHOW_H

#include <jansson.h>

#include "base/buf.h"

#define SHOW_SIZE_MAX (16u << 20)
#define SHOW_DEPTH_MAX 5
#define SHOW_CERTIFICATES_MAX 16 /* of one PEM text */
#define SHOW_SERIALS_MAX 1000    /* of one revocation list */

/*
 * *ret: an object whose members "kind" and "verified" (false) come first. ERR_INVALID: it is nothing that we know, or
 * it begins as something that we know and then breaks its rules; the text names which.
 */
must_check int show_decode(const void *data, size_t size, json_t **ret, struct err *err);

/* The object as indented lines. */
must_check int show_format(const json_t *object, struct buf *ret, struct err *err);

#endif
