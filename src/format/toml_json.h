/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TOML as the JSON text of the same shape, for what may be written in either and has one reader, that of JSON
 * (attestation policies). Dates become RFC 3339 texts in UTC.
 */
#ifndef MSE_FORMAT_TOML_JSON_H
#define MSE_FORMAT_TOML_JSON_H

#include "format/toml.h"

#define TOML_JSON_DEPTH_MAX 32

/*
 * Appends the text. ERR_INVALID "line L, column C: what" for what JSON texts of ours never hold: floats, times of day,
 * dates without zone or finer than seconds, texts with a zero byte, deeper nesting.
 */
must_check int toml_to_json(const struct toml_node *root, struct buf *ret, struct err *err);

#endif
