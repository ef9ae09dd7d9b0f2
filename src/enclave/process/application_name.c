/* SPDX-License-Identifier: Apache-2.0 */
#include "enclave/process/application_name.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* A dotted Python name: every part an ASCII identifier. */
static bool is_dotted_name(const char *text, size_t size)
{
	bool at_start = true;

	for (size_t i = 0; i < size; i++) {
		const char c = text[i];
		const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';

		if (c == '.' ? at_start : !letter && (at_start || c < '0' || c > '9'))
			return false;
		at_start = c == '.';
	}
	return !at_start;
}

int application_name_parse(const char *text, char **ret_module, const char **ret_variable, struct err *err)
{
	const char *colon = strchr(text, ':');

	if (!colon || !is_dotted_name(text, (size_t)(colon - text)) || !is_dotted_name(colon + 1, strlen(colon + 1)))
		return err_set(err, ERR_INVALID, "'%s', expected 'module:variable'", text);
	*ret_module = strndup(text, (size_t)(colon - text));
	if (!*ret_module)
		return err_no_memory(err);
	*ret_variable = colon + 1;
	return 0;
}
