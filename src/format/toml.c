/* SPDX-License-Identifier: Apache-2.0 */
#include "format/toml.h"

#include <string.h>

#include "format/toml_shim.h"

struct toml_doc {
	struct toml_node *root;
	size_t count;
	bool no_memory;
};

static void node_free(struct toml_node *node)
{
	if (!node)
		return;
	for (size_t i = 0; i < node->item_count; i++)
		node_free(node->items[i]);
	free(node->items);
	free(node->key);
	free(node->text);
	free(node);
}

void toml_free(struct toml_doc *doc)
{
	if (!doc)
		return;
	node_free(doc->root);
	free(doc);
}

static enum toml_kind kind_of(enum toml_shim_kind kind)
{
	switch (kind) {
	case TOML_SHIM_TABLE:
		return TOML_TABLE;
	case TOML_SHIM_ARRAY:
		return TOML_ARRAY;
	case TOML_SHIM_TEXT:
		return TOML_TEXT;
	case TOML_SHIM_INTEGER:
		return TOML_INTEGER;
	case TOML_SHIM_FLOAT:
		return TOML_FLOAT;
	case TOML_SHIM_BOOL:
		return TOML_BOOL;
	case TOML_SHIM_DATE:
		return TOML_DATE;
	case TOML_SHIM_TIME:
		return TOML_TIME;
	}
	return TOML_TEXT;
}

static struct date date_of(const struct toml_shim_value *value)
{
	return (struct date){.year = value->year,
			     .month = value->month,
			     .day = value->day,
			     .hour = value->hour,
			     .minute = value->minute,
			     .second = value->second,
			     .nanosecond = value->nanosecond,
			     .zoned = value->zoned,
			     .offset_minutes = value->offset_minutes};
}

static char *copy_text(const char *text, size_t size)
{
	char *copy = malloc(size + 1);

	if (!copy)
		return NULL;
	if (size)
		memcpy(copy, text, size);
	copy[size] = '\0';
	return copy;
}

static struct toml_node *node_new(const struct toml_shim_value *value)
{
	scoped(freep) struct toml_node *node = calloc(1, sizeof(*node));
	scoped(freep) char *key = NULL;

	if (!node)
		return NULL;
	if (value->key && !(key = copy_text(value->key, value->key_size)))
		return NULL;
	if (value->kind == TOML_SHIM_TEXT && !(node->text = copy_text(value->text, value->text_size)))
		return NULL;
	node->kind = kind_of(value->kind);
	node->key = TAKE_PTR(key);
	node->line = value->line;
	node->column = value->column;
	node->key_line = value->key_line;
	node->key_column = value->key_column;
	node->text_size = value->text_size;
	node->integer = value->integer;
	node->number = value->number;
	node->boolean = value->boolean;
	node->date = date_of(value);
	return TAKE_PTR(node);
}

/* Doubles at powers of two, so that items need no capacity of their own. */
static bool append(struct toml_node *parent, struct toml_node *node)
{
	const size_t count = parent->item_count;

	if ((count & (count - 1)) == 0) {
		struct toml_node **items = realloc(parent->items, (count ? 2 * count : 1) * sizeof(*items));

		if (!items)
			return false;
		parent->items = items;
	}
	parent->items[parent->item_count++] = node;
	return true;
}

static void *take(void *arg, void *parent, const struct toml_shim_value *value)
{
	struct toml_doc *doc = arg;
	struct toml_node *node;

	if (doc->count++ == TOML_NODES_MAX)
		return NULL;
	node = node_new(value);
	if (!node || (parent && !append(parent, node))) {
		node_free(node);
		doc->no_memory = true;
		return NULL;
	}
	if (!parent)
		doc->root = node;
	return node;
}

int toml_parse_at(const void *data, size_t size, struct toml_doc **ret_doc, unsigned *ret_line, unsigned *ret_column,
		  struct err *err)
{
	scoped(toml_freep) struct toml_doc *doc = calloc(1, sizeof(*doc));
	struct toml_shim_failure failure = {0};
	int status;

	*ret_line = *ret_column = 0;
	if (!doc)
		return err_no_memory(err);
	if (size > TOML_SIZE_MAX)
		return err_set(err, ERR_LIMIT, "%zu bytes of TOML, at most %u are read", size, TOML_SIZE_MAX);
	status = toml_shim_parse(size ? data : "", size, take, doc, &failure);
	if (status == -2 && doc->no_memory)
		return err_no_memory(err);
	if (status == -2)
		return err_set(err, ERR_LIMIT, "more than %u values", TOML_NODES_MAX);
	if (status < 0) {
		*ret_line = failure.line;
		*ret_column = failure.column;
		return err_set(err, ERR_INVALID, "%s", failure.text);
	}
	*ret_doc = TAKE_PTR(doc);
	return 0;
}

int toml_parse(const void *data, size_t size, struct toml_doc **ret_doc, struct err *err)
{
	unsigned line, column;

	if (toml_parse_at(data, size, ret_doc, &line, &column, err) == 0)
		return 0;
	return line ? err_prefix(err, "line %u, column %u", line, column) : -1;
}

const struct toml_node *toml_root(const struct toml_doc *doc)
{
	return doc->root;
}

const struct toml_node *toml_find(const struct toml_node *node, const char *key)
{
	if (!node || node->kind != TOML_TABLE)
		return NULL;
	for (size_t i = 0; i < node->item_count; i++) {
		if (strcmp(node->items[i]->key, key) == 0)
			return node->items[i];
	}
	return NULL;
}

const char *toml_find_text(const struct toml_node *node, const char *key)
{
	const struct toml_node *found = toml_find(node, key);

	if (!found || found->kind != TOML_TEXT || strlen(found->text) != found->text_size)
		return NULL;
	return found->text;
}

const char *toml_kind_text(enum toml_kind kind)
{
	switch (kind) {
#define X(name, text) \
	case TOML_##name: \
		return text;
		TOML_KINDS(X)
#undef X
	}
	return "value";
}

static int add_escaped(struct buf *buf, unsigned char c, struct err *err)
{
	switch (c) {
	case '"':
		return buf_add_text(buf, "\\\"", err);
	case '\\':
		return buf_add_text(buf, "\\\\", err);
	case '\n':
		return buf_add_text(buf, "\\n", err);
	case '\r':
		return buf_add_text(buf, "\\r", err);
	case '\t':
		return buf_add_text(buf, "\\t", err);
	}
	if (c < 0x20 || c == 0x7f)
		return buf_addf(buf, err, "\\u%04X", c);
	return buf_add_byte(buf, c, err);
}

int toml_add_text(struct buf *buf, const char *text, struct err *err)
{
	if (buf_add_byte(buf, '"', err) < 0)
		return -1;
	for (; *text; text++) {
		if (add_escaped(buf, (unsigned char)*text, err) < 0)
			return -1;
	}
	return buf_add_byte(buf, '"', err);
}
