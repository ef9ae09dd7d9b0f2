/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text that others wrote (paths, answers, parts of them in messages), made fit for people, JSON and the environment:
 * UTF-8 (RFC 3629: no overlong forms, no surrogates) without control characters. Pure.
 */
#ifndef MSE_BASE_TEXT_H
#define MSE_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>

bool text_ends_with(const char *text, const char *end);

/* Bytes of the printable character at text, 1 to 4; 0 at the end and where there is none. */
size_t text_character(const char *text);

/*
 * At most size - 1 bytes and a zero byte (size >= 1), cut between two characters; each byte that belongs to no
 * printable character becomes '?'. ret may be text itself.
 */
void text_clean(const char *text, char *ret, size_t size);

#endif
