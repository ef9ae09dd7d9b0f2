/* SPDX-License-Identifier: Apache-2.0 */
#include "domain/uuid.h"

#include <stddef.h>
#include <string.h>

static bool has_hyphen(size_t position)
{
	return position == 8 || position == 13 || position == 18 || position == 23;
}

void uuid_format(const uint8_t random[static 16], char ret_text[static UUID_TEXT_SIZE])
{
	static const char digits[] = "0123456789abcdef";
	size_t at = 0;

	for (size_t i = 0; i < 16; i++) {
		uint8_t byte = random[i];

		if (i == 6)
			byte = (byte & 0x0f) | 0x40; /* RFC 9562: version 4 */
		if (i == 8)
			byte = (byte & 0x3f) | 0x80; /* and its variant */
		if (has_hyphen(at))
			ret_text[at++] = '-';
		ret_text[at++] = digits[byte >> 4];
		ret_text[at++] = digits[byte & 15];
	}
	ret_text[at] = 0;
}

bool uuid_is_valid(const char *text)
{
	if (strlen(text) != UUID_TEXT_SIZE - 1)
		return false;
	for (size_t i = 0; text[i]; i++) {
		const bool hex = (text[i] >= '0' && text[i] <= '9') || (text[i] >= 'a' && text[i] <= 'f');

		if (has_hyphen(i) ? text[i] != '-' : !hex)
			return false;
	}
	return true;
}
