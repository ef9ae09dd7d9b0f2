/* SPDX-License-Identifier: Apache-2.0 */
#include "format/toml_json.h"

#include <inttypes.h>
#include <string.h>

#include "base/clock.h"

static int refuse(const struct toml_node *node, const char *what, struct err *err)
{
	return err_set(err, ERR_INVALID, "line %u, column %u: %s", node->line, node->column, what);
}

static int add_text(const char *text, struct buf *ret, struct err *err)
{
	if (buf_add_text(ret, "\"", err) < 0)
		return -1;
	for (const char *at = text; *at; at++) {
		const unsigned char c = (unsigned char)*at;
		const int result = c == '"' || c == '\\' ? buf_addf(ret, err, "\\%c", c)
				   : c < 0x20            ? buf_addf(ret, err, "\\u%04x", c)
							 : buf_add(ret, at, 1, err);

		if (result < 0)
			return -1;
	}
	return buf_add_text(ret, "\"", err);
}

static int add_date(const struct toml_node *node, struct buf *ret, struct err *err)
{
	char text[CLOCK_TEXT_SIZE];

	if (!node->date.zoned || node->date.nanosecond != 0)
		return refuse(node, "a date must have a time zone and whole seconds", err);
	clock_format_utc(date_to_unix(&node->date, 0), text);
	return add_text(text, ret, err);
}

static int add_node(const struct toml_node *node, size_t depth, struct buf *ret, struct err *err);

static int add_items(const struct toml_node *node, size_t depth, struct buf *ret, struct err *err)
{
	const bool table = node->kind == TOML_TABLE;

	if (depth == 0)
		return refuse(node, "nested too deep", err);
	if (buf_add_text(ret, table ? "{" : "[", err) < 0)
		return -1;
	for (size_t i = 0; i < node->item_count; i++) {
		if (i > 0 && buf_add_text(ret, ",", err) < 0)
			return -1;
		if (table && (add_text(node->items[i]->key, ret, err) < 0 || buf_add_text(ret, ":", err) < 0))
			return -1;
		if (add_node(node->items[i], depth - 1, ret, err) < 0)
			return -1;
	}
	return buf_add_text(ret, table ? "}" : "]", err);
}

static int add_node(const struct toml_node *node, size_t depth, struct buf *ret, struct err *err)
{
	switch (node->kind) {
	case TOML_TABLE:
	case TOML_ARRAY:
		return add_items(node, depth, ret, err);
	case TOML_TEXT:
		if (strlen(node->text) != node->text_size)
			return refuse(node, "a text with a zero byte", err);
		return add_text(node->text, ret, err);
	case TOML_INTEGER:
		return buf_addf(ret, err, "%" PRId64, node->integer);
	case TOML_BOOL:
		return buf_add_text(ret, node->boolean ? "true" : "false", err);
	case TOML_DATE:
		return add_date(node, ret, err);
	case TOML_FLOAT:
	case TOML_TIME:
		return refuse(node, "expected no fraction and no time of day", err);
	}
	return refuse(node, "unknown kind of value", err);
}

int toml_to_json(const struct toml_node *root, struct buf *ret, struct err *err)
{
	return add_node(root, TOML_JSON_DEPTH_MAX, ret, err);
}
