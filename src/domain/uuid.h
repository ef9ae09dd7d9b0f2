/* SPDX-License-Identifier: Apache-2.0 */
/* UUIDs, version 4, as lower-case text. The randomness is the caller's. */
#ifndef MSE_DOMAIN_UUID_H
#define MSE_DOMAIN_UUID_H

#include <stdbool.h>
#include <stdint.h>

#define UUID_TEXT_SIZE 37 /* 36 characters and the zero byte */

void uuid_format(const uint8_t random[static 16], char ret_text[static UUID_TEXT_SIZE]);

/* Canonical form: lower case, hyphens in place. Any version is fine. */
bool uuid_is_valid(const char *text);

#endif
