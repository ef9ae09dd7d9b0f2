/* SPDX-License-Identifier: Apache-2.0 */
/* What names that people choose may look like. Pure. */
#ifndef MSE_DOMAIN_TEXT_RULE_H
#define MSE_DOMAIN_TEXT_RULE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

/* Well-formed UTF-8 (no overlong forms, no surrogates) without control characters. */
bool text_is_printable_utf8(const char *text);

/* 1 to max bytes, printable. Messages name the field. */
must_check int text_check_name(const char *field, const char *text, size_t max, struct err *err);

/* A DNS name in lower case: labels of letters, digits and inner hyphens, 63 bytes each, 253 in all, two labels up. */
must_check int text_check_domain(const char *field, const char *text, struct err *err);

#endif
