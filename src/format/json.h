/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON from outside, strictly: jansson behind checks that it does not make.
 *
 * A text is one object or array in valid UTF-8 without BOM, no member twice (compared after unescaping, with case),
 * no \u0000, nothing but white space after it; nesting is counted before jansson recurses. The caller bounds the size.
 *
 * Getters: `get` wants the member, `find` returns 1 or 0. Both are -1 with ERR_INVALID for a wrong type or range; the
 * text names member, value seen and value wanted. Results are borrowed from the object. Values are owned by the
 * root: scoped(json_decrefp) json_t *root = NULL (jansson's own).
 */
#ifndef MSE_FORMAT_JSON_H
#define MSE_FORMAT_JSON_H

#include <jansson.h>
#include <stdbool.h>

#include "base/buf.h"

#define JSON_DEPTH_MAX 64 /* the most that max_depth may be */

/* max_depth counts open brackets: 1 allows {"a":1} and no object or array inside. */
must_check int json_parse_strict(const void *data, size_t size, size_t max_depth, json_t **ret, struct err *err);
/* The same for what must not cost more than its size: max_values counts brackets and commas, which bound all values. */
must_check int json_parse_bounded(const void *data, size_t size, size_t max_depth, size_t max_values, json_t **ret,
				  struct err *err);

/* Texts: at most size_max bytes (inclusive, without the zero byte). */
must_check int json_get_text(const json_t *object, const char *name, size_t size_max, const char **ret,
			     struct err *err);
must_check int json_find_text(const json_t *object, const char *name, size_t size_max, const char **ret,
			      struct err *err);

/* Integers only (1.0 is none), within [min, max]. */
must_check int json_get_int(const json_t *object, const char *name, int64_t min, int64_t max, int64_t *ret,
			    struct err *err);
must_check int json_find_int(const json_t *object, const char *name, int64_t min, int64_t max, int64_t *ret,
			     struct err *err);

must_check int json_get_bool(const json_t *object, const char *name, bool *ret, struct err *err);
must_check int json_find_bool(const json_t *object, const char *name, bool *ret, struct err *err);

must_check int json_get_object(const json_t *object, const char *name, json_t **ret, struct err *err);
must_check int json_find_object(const json_t *object, const char *name, json_t **ret, struct err *err);

/* Arrays: at most count_max elements. */
must_check int json_get_array(const json_t *object, const char *name, size_t count_max, json_t **ret, struct err *err);
must_check int json_find_array(const json_t *object, const char *name, size_t count_max, json_t **ret, struct err *err);

/* Text of exactly 2 * size hexadecimal digits in either case. */
must_check int json_get_hex(const json_t *object, const char *name, uint8_t *ret, size_t size, struct err *err);

/* ERR_INVALID naming the first member that is not in names (ended by NULL). */
must_check int json_check_members(const json_t *object, const char *const *names, struct err *err);

/* Adds the value as compact text (no white space, members in the order they were set) to ret. */
must_check int json_format(const json_t *value, struct buf *ret, struct err *err);

#endif
