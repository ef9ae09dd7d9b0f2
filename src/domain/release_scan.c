/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "domain/release_priv.h"

struct scan {
	char section[RELEASE_KEY_MAX + 1];
	char key[RELEASE_KEY_MAX + 1];
	char value[RELEASE_VALUE_MAX + 1];
	bool starts_item;
};

static int copy_part(char *ret, size_t max, const char *from, size_t size, struct err *err)
{
	if (size > max)
		return err_set(err, ERR_LIMIT, "%zu bytes where at most %zu are allowed", size, max);
	memcpy(ret, from, size);
	ret[size] = 0;
	return 0;
}

/* "[name]" or "[[name]]" */
static int read_header(struct scan *scan, const char *line, size_t size, struct err *err)
{
	const size_t brackets = size > 1 && line[1] == '[' ? 2 : 1;

	if (size < 2 * brackets || line[size - 1] != ']')
		return err_set(err, ERR_INVALID, "table header without an end");
	scan->starts_item = brackets == 2;
	return copy_part(scan->section, RELEASE_KEY_MAX, line + brackets, size - 2 * brackets, err);
}

/* A string loses its quotes and the backslash before a quote; true if value was one. */
static bool unquote(char *value)
{
	const size_t size = strlen(value);
	char *to = value;

	if (size < 2 || value[0] != '"' || value[size - 1] != '"')
		return false;
	for (size_t i = 1; i < size - 1; i++) {
		if (value[i] == '\\' && value[i + 1] == '"' && i + 1 < size - 1)
			continue;
		*to++ = value[i];
	}
	*to = 0;
	return true;
}

static int read_assignment(struct scan *scan, const char *line, size_t size, size_t number,
			   int (*visit)(const struct release_line *line, void *arg, struct err *err), void *arg,
			   struct err *err)
{
	const char *equals = memchr(line, ' ', size);
	struct release_line parts = {
	    .section = scan->section, .key = scan->key, .value = scan->value, .number = number};

	if (!equals || size - (size_t)(equals - line) < 3 || memcmp(equals, " = ", 3) != 0 ||
	    strnlen(line, size) < size)
		return 0;
	if (copy_part(scan->key, RELEASE_KEY_MAX, line, (size_t)(equals - line), err) < 0 ||
	    copy_part(scan->value, RELEASE_VALUE_MAX, equals + 3, size - (size_t)(equals + 3 - line), err) < 0)
		return -1;
	parts.is_text = unquote(scan->value);
	parts.starts_item = scan->starts_item;
	scan->starts_item = false;
	return visit(&parts, arg, err);
}

int release_scan(const char *text, size_t size,
		 int (*visit)(const struct release_line *line, void *arg, struct err *err), void *arg, struct err *err)
{
	struct scan scan = {.section = ""};
	size_t number = 0;

	for (size_t at = 0; text && at < size;) {
		const char *line = text + at;
		const char *newline = memchr(line, '\n', size - at);
		const size_t length = newline ? (size_t)(newline - line) : size - at;
		int status = 0;

		number++;
		if (length && line[0] == '[')
			status = read_header(&scan, line, length, err);
		else if (length && line[0] != '#')
			status = read_assignment(&scan, line, length, number, visit, arg, err);
		if (status < 0)
			return err_prefix(err, "line %zu", number);
		at += length + 1;
	}
	return 0;
}
