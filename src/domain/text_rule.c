/* SPDX-License-Identifier: Apache-2.0 */
#include "domain/text_rule.h"

#include <stdint.h>
#include <string.h>

#define DOMAIN_MAX 253
#define LABEL_MAX 63

/* Bytes of the character at text, 0 if it is none (RFC 3629). */
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

bool text_is_printable_utf8(const char *text)
{
	for (const uint8_t *at = (const uint8_t *)text; *at;) {
		const size_t length = utf8_length(at);
		/* C1 controls are c2 80 … c2 9f. */
		const bool control = *at < 0x20 || *at == 0x7f || (length == 2 && at[0] == 0xc2 && at[1] < 0xa0);

		if (length == 0 || control)
			return false;
		at += length;
	}
	return true;
}

int text_check_name(const char *field, const char *text, size_t max, struct err *err)
{
	const size_t length = strlen(text);

	if (length == 0 || length > max)
		return err_set(err, ERR_INVALID, "'%s' must have 1 to %zu bytes, got %zu", field, max, length);
	if (!text_is_printable_utf8(text))
		return err_set(err, ERR_INVALID, "'%s' must be UTF-8 without control characters", field);
	return 0;
}

static bool is_label(const char *label, size_t length)
{
	if (length == 0 || length > LABEL_MAX || label[0] == '-' || label[length - 1] == '-')
		return false;
	return strspn(label, "abcdefghijklmnopqrstuvwxyz0123456789-") >= length;
}

int text_check_domain(const char *field, const char *text, struct err *err)
{
	size_t labels = 0;

	if (strlen(text) > DOMAIN_MAX)
		return err_set(err, ERR_INVALID, "'%s' must have at most %d characters", field, DOMAIN_MAX);
	for (const char *label = text;; labels++) {
		const size_t length = strcspn(label, ".");

		if (!is_label(label, length))
			return err_set(err, ERR_INVALID, "'%s' is not a domain name in lower case: '%s'", field, text);
		if (!label[length])
			break;
		label += length + 1;
	}
	if (labels == 0)
		return err_set(err, ERR_INVALID, "'%s' needs at least two labels: '%s'", field, text);
	return 0;
}
