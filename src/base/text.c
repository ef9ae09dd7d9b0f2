/* SPDX-License-Identifier: Apache-2.0 */
#include "base/text.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/scoped.h"

/* Bytes of the character at text, 0 if it is none (RFC 3629); stops at a zero byte. */
static size_t utf8_length(const uint8_t *text)
{
	static const struct {
		uint8_t mask, lead;
		size_t length;
		uint32_t min;
	} forms[] = {{0x80, 0x00, 1, 0}, {0xe0, 0xc0, 2, 0x80}, {0xf0, 0xe0, 3, 0x800}, {0xf8, 0xf0, 4, 0x10000}};

	for (size_t i = 0; i < COUNT_OF(forms); i++) {
		uint32_t value = text[0] & (uint8_t)~forms[i].mask;

		if ((text[0] & forms[i].mask) != forms[i].lead)
			continue;
		for (size_t k = 1; k < forms[i].length; k++) {
			if ((text[k] & 0xc0) != 0x80)
				return 0;
			value = value << 6 | (text[k] & 0x3f);
		}
		if (value < forms[i].min || value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff))
			return 0;
		return forms[i].length;
	}
	return 0;
}

size_t text_character(const char *text)
{
	const uint8_t *at = (const uint8_t *)text;
	const size_t length = utf8_length(at);
	/* C1 controls are c2 80 … c2 9f. */
	const bool is_control = *at < 0x20 || *at == 0x7f || (length == 2 && at[0] == 0xc2 && at[1] < 0xa0);

	return is_control ? 0 : length;
}

void text_clean(const char *text, char *ret, size_t size)
{
	size_t used = 0;

	while (text[used]) {
		const size_t length = text_character(text + used);

		if (used + (length ? length : 1) >= size)
			break;
		if (length)
			memmove(ret + used, text + used, length);
		else
			ret[used] = '?';
		used += length ? length : 1;
	}
	ret[used] = '\0';
}

bool text_ends_with(const char *text, const char *end)
{
	const size_t size = strlen(text);
	const size_t end_size = strlen(end);

	return size >= end_size && memcmp(text + size - end_size, end, end_size) == 0;
}
