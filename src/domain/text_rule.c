/* SPDX-License-Identifier: Apache-2.0 */
#include "domain/text_rule.h"

#include <string.h>

#include "base/text.h"

#define DOMAIN_MAX 253
#define LABEL_MAX 63

bool text_is_printable_utf8(const char *text)
{
	for (size_t length; *text; text += length) {
		length = text_character(text);
		if (length == 0)
			return false;
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
