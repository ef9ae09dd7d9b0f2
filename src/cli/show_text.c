/* SPDX-License-Identifier: Apache-2.0 */
/* The object of show_decode as lines: members one under another, what is inside indented. */
#include <stdbool.h>

#include "cli/show.h"

#define INDENT 2
#define LEVELS_MAX 32
#define NAME_WIDTH 24

static int add_value(const json_t *value, int indent, struct buf *ret, struct err *err);

static int add_scalar(const json_t *value, struct buf *ret, struct err *err)
{
	if (json_is_string(value))
		return buf_add_text(ret, json_string_value(value), err);
	if (json_is_integer(value))
		return buf_addf(ret, err, "%lld", (long long)json_integer_value(value));
	if (json_is_boolean(value))
		return buf_add_text(ret, json_is_true(value) ? "yes" : "no", err);
	return buf_add_text(ret, "none", err);
}

static bool is_simple(const json_t *list)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *item = json_array_get(list, i);

		if (json_is_object(item) || json_is_array(item))
			return false;
	}
	return true;
}

static int add_simple_list(const json_t *list, struct buf *ret, struct err *err)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		if ((i > 0 && buf_add_text(ret, ", ", err) < 0) || add_scalar(json_array_get(list, i), ret, err) < 0)
			return -1;
	}
	return buf_add_text(ret, json_array_size(list) ? "\n" : "none\n", err);
}

static int add_list(const json_t *list, int indent, struct buf *ret, struct err *err)
{
	if (is_simple(list))
		return add_simple_list(list, ret, err);
	for (size_t i = 0; i < json_array_size(list); i++) {
		if (buf_addf(ret, err, "%s%*s[%zu]", i ? "" : "\n", indent, "", i) < 0 ||
		    add_value(json_array_get(list, i), indent, ret, err) < 0)
			return -1;
	}
	return 0;
}

static int add_object(const json_t *object, int indent, struct buf *ret, struct err *err)
{
	const char *name;
	json_t *value;

	json_object_foreach ((json_t *)object, name, value) {
		if (buf_addf(ret, err, "%*s%-*s ", indent, "", NAME_WIDTH, name) < 0 ||
		    add_value(value, indent, ret, err) < 0)
			return -1;
	}
	return 0;
}

/* After what names it, to the end of its last line. */
static int add_value(const json_t *value, int indent, struct buf *ret, struct err *err)
{
	if (indent > INDENT * LEVELS_MAX)
		return err_set(err, ERR_LIMIT, "nested deeper than %d", LEVELS_MAX);
	if (json_is_object(value))
		return buf_add_byte(ret, '\n', err) < 0 ? -1 : add_object(value, indent + INDENT, ret, err);
	if (json_is_array(value))
		return add_list(value, indent + INDENT, ret, err);
	return add_scalar(value, ret, err) < 0 ? -1 : buf_add_byte(ret, '\n', err);
}

int show_format(const json_t *object, struct buf *ret, struct err *err)
{
	return add_object(object, 0, ret, err);
}
