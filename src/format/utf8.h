/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Is it UTF-8 (RFC 3629)? In pieces, and refused at the first byte that no text can have there: no overlong forms, no
 * surrogates, nothing beyond U+10FFFF. Pure.
 */
#ifndef MSE_FORMAT_UTF8_H
#define MSE_FORMAT_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* All zero at the beginning of a text. */
struct utf8_check {
	uint8_t left; /* bytes that the present character still needs */
	uint8_t min;  /* what the next of them may be, if left > 0 */
	uint8_t max;
};

/* false: no text begins so; check is of no use then. */
bool utf8_check_take(struct utf8_check *check, const void *data, size_t size);
/* No character is cut off here. */
bool utf8_check_is_whole(const struct utf8_check *check);

bool utf8_is_valid(const void *data, size_t size);

#endif
