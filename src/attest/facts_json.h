/* SPDX-License-Identifier: Apache-2.0 */
/* What evidence says, as JSON for the verdict: docs/formats/verdict.md. */
#ifndef MSE_ATTEST_FACTS_JSON_H
#define MSE_ATTEST_FACTS_JSON_H

#include <jansson.h>

#include "mse/attest.h"

/* The caller owns the object. NULL when out of memory. */
json_t *facts_json_format(const struct attest_facts *facts);
json_t *facts_json_advisories(const struct attest_facts *facts);

/* Put a member into object; false when out of memory. value is taken over, NULL counts as out of memory. */
bool json_put(json_t *object, const char *name, json_t *value);
/* At most 64 bytes; none: null. */
bool json_put_hex(json_t *object, const char *name, const uint8_t *data, size_t size);
/* INT64_MIN and INT64_MAX, which stand for no bound: null. */
bool json_put_time(json_t *object, const char *name, int64_t time);

#endif
