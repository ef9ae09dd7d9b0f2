/* SPDX-License-Identifier: Apache-2.0 */
#include "format/config.h"

#include <stdio.h>
#include <string.h>

#include "base/number.h"
#include "format/toml.h"

#define PATH_TEXT_MAX 256
#define NEAREST_MAX 64 /* longer words are compared with nothing */

struct complaint {
	unsigned line, column;
	size_t order; /* of its finding, where two have one place */
	char *text;
};

struct reading {
	const struct config_schema *schema;
	const char *file;
	char *target;
	struct complaint complaints[CONFIG_ERRORS_MAX];
	size_t error_count; /* may pass CONFIG_ERRORS_MAX */
	bool no_memory;
	const struct toml_node *root;
};

static void complain(struct reading *reading, unsigned line, unsigned column, const char *format, ...)
    format_like(4, 5);

static void complain(struct reading *reading, unsigned line, unsigned column, const char *format, ...)
{
	struct complaint *complaint = &reading->complaints[size_min(reading->error_count, CONFIG_ERRORS_MAX - 1)];
	struct err text = ERR_INIT;
	va_list args;

	if (reading->error_count++ >= CONFIG_ERRORS_MAX)
		return;
	va_start(args, format);
	(void)err_setv(&text, ERR_INVALID, format, args);
	va_end(args);
	*complaint = (struct complaint){.line = line ? line : 1, .column = column ? column : 1};
	complaint->order = reading->error_count;
	complaint->text = strdup(text.text);
	reading->no_memory |= !complaint->text;
}

static int by_place(const void *a, const void *b)
{
	const struct complaint *x = a;
	const struct complaint *y = b;

	if (x->line != y->line)
		return x->line < y->line ? -1 : 1;
	if (x->column != y->column)
		return x->column < y->column ? -1 : 1;
	return x->order < y->order ? -1 : x->order > y->order;
}

/* All complaints in the order of the file; err gets the first. */
static int report(struct reading *reading, struct buf *ret_errors, struct err *err)
{
	const size_t shown = size_min(reading->error_count, CONFIG_ERRORS_MAX);

	qsort(reading->complaints, shown, sizeof(reading->complaints[0]), by_place);
	for (size_t i = 0; i < shown; i++) {
		const struct complaint *complaint = &reading->complaints[i];

		if (buf_addf(ret_errors, err, "%s%s:%u:%u: %s", i ? "\n" : "", reading->file, complaint->line,
			     complaint->column, complaint->text) < 0)
			return -1;
	}
	if (reading->error_count > shown &&
	    buf_addf(ret_errors, err, "\n%s: %zu more errors", reading->file, reading->error_count - shown) < 0)
		return -1;
	(void)err_set(err, ERR_INVALID, "%s:%u:%u: %s", reading->file, reading->complaints[0].line,
		      reading->complaints[0].column, reading->complaints[0].text);
	return -1;
}

static void reading_done(struct reading *reading)
{
	for (size_t i = 0; i < size_min(reading->error_count, CONFIG_ERRORS_MAX); i++)
		free(reading->complaints[i].text);
}

static size_t distance(const char *a, const char *b)
{
	size_t row[NEAREST_MAX + 1];
	const size_t a_size = strlen(a);
	const size_t b_size = strlen(b);

	if (a_size > NEAREST_MAX || b_size > NEAREST_MAX)
		return NEAREST_MAX;
	for (size_t j = 0; j <= b_size; j++)
		row[j] = j;
	for (size_t i = 1; i <= a_size; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= b_size; j++) {
			const size_t replaced = diagonal + (a[i - 1] != b[j - 1]);

			diagonal = row[j];
			row[j] = size_min(size_min(row[j] + 1, row[j - 1] + 1), replaced);
		}
	}
	return row[b_size];
}

const char *nearest_name(const char *word, const void *rows, size_t count, size_t stride)
{
	const char *best = NULL;
	size_t best_distance = strlen(word) / 3 + 2;

	for (size_t i = 0; i < count; i++) {
		const char *name = *(const char *const *)((const char *)rows + i * stride);
		const size_t away = distance(word, name);

		if (away < best_distance && away < strlen(name)) {
			best_distance = away;
			best = name;
		}
	}
	return best;
}

static const struct toml_node *find_path(const struct toml_node *node, const char *path)
{
	char part[PATH_TEXT_MAX];

	while (node && *path) {
		const size_t size = strcspn(path, ".");

		(void)snprintf(part, sizeof(part), "%.*s", (int)size, path);
		node = toml_find(node, part);
		path += size + (path[size] == '.');
	}
	return node;
}

/* Path of the table that holds the key: "cloud" of "cloud.code", "" of "name". */
static void parent_path(const char *path, char ret_parent[static PATH_TEXT_MAX])
{
	const char *dot = strrchr(path, '.');

	(void)snprintf(ret_parent, PATH_TEXT_MAX, "%.*s", dot ? (int)(dot - path) : 0, path);
}

static const struct config_key *find_row(const struct config_schema *schema, const char *path)
{
	for (size_t i = 0; i < schema->key_count; i++) {
		if (strcmp(schema->keys[i].path, path) == 0)
			return &schema->keys[i];
	}
	return NULL;
}

/* A table is known if it is a row or holds rows. */
static bool is_known_table(const struct config_schema *schema, const char *path)
{
	const size_t size = strlen(path);

	for (size_t i = 0; i < schema->key_count; i++) {
		if (strncmp(schema->keys[i].path, path, size) == 0 && schema->keys[i].path[size] == '.')
			return true;
	}
	return false;
}

static bool say_old_key(struct reading *reading, const char *path, const struct toml_node *node)
{
	for (size_t i = 0; i < reading->schema->old_key_count; i++) {
		const struct config_old_key *old = &reading->schema->old_keys[i];

		if (strcmp(old->path, path) != 0)
			continue;
		complain(reading, node->key_line, node->key_column, "key '%s' belongs to an older version: %s", path,
			 old->instead);
		return true;
	}
	return false;
}

static void say_unknown(struct reading *reading, const char *path, const struct toml_node *node)
{
	const struct config_schema *schema = reading->schema;
	const char *nearest = nearest_name(path, schema->keys, schema->key_count, sizeof(*schema->keys));

	if (nearest)
		complain(reading, node->key_line, node->key_column, "unknown key '%s': did you mean '%s'?", path,
			 nearest);
	else
		complain(reading, node->key_line, node->key_column, "unknown key '%s'", path);
}

static void check_known(struct reading *reading, const struct toml_node *table, const char *prefix)
{
	for (size_t i = 0; i < table->item_count; i++) {
		const struct toml_node *node = table->items[i];
		char path[PATH_TEXT_MAX];

		(void)snprintf(path, sizeof(path), "%s%s%s", prefix, *prefix ? "." : "", node->key);
		if (say_old_key(reading, path, node))
			continue;
		if (is_known_table(reading->schema, path)) {
			if (node->kind == TOML_TABLE)
				check_known(reading, node, path);
			else
				complain(reading, node->line, node->column, "'%s' is %s %s, expected a table", path,
					 node->kind == TOML_ARRAY || node->kind == TOML_INTEGER ? "an" : "a",
					 toml_kind_text(node->kind));
		} else if (!find_row(reading->schema, path)) {
			say_unknown(reading, path, node);
		}
	}
}

static void wrong_kind(struct reading *reading, const char *path, const struct toml_node *node, const char *wanted)
{
	complain(reading, node->line, node->column, "'%s' is of type %s, expected %s", path, toml_kind_text(node->kind),
		 wanted);
}

static size_t count_characters(const char *text)
{
	size_t count = 0;

	for (; *text; text++)
		count += ((unsigned char)*text & 0xc0) != 0x80;
	return count;
}

static void say_length(struct reading *reading, const struct config_key *key, const struct toml_node *node,
		       size_t length, const char *unit)
{
	if (key->min == key->max)
		complain(reading, node->line, node->column, "'%s' has %zu %s, expected %lld", key->path, length, unit,
			 (long long)key->min);
	else if (length == 0)
		complain(reading, node->line, node->column, "'%s' is empty", key->path);
	else
		complain(reading, node->line, node->column, "'%s' has %zu %s, expected %lld to %lld", key->path, length,
			 unit, (long long)key->min, (long long)key->max);
}

/* Takes the place of a default. */
static void put_text(struct reading *reading, char **field, const char *text)
{
	free(*field);
	*field = strdup(text);
	reading->no_memory |= !*field;
}

static void read_text(struct reading *reading, const struct config_key *key, const struct toml_node *node)
{
	const char *wrong;
	size_t length;

	if (node->kind != TOML_TEXT) {
		wrong_kind(reading, key->path, node, "string");
		return;
	}
	if (strlen(node->text) != node->text_size) {
		complain(reading, node->line, node->column, "'%s' holds a zero byte", key->path);
		return;
	}
	length = count_characters(node->text);
	if ((int64_t)length < key->min || (int64_t)length > key->max) {
		say_length(reading, key, node, length, "characters");
		return;
	}
	wrong = key->check ? key->check(node->text) : NULL;
	if (wrong) {
		complain(reading, node->line, node->column, "'%s' is '%.200s': %s", key->path, node->text, wrong);
		return;
	}
	put_text(reading, (void *)(reading->target + key->offset), node->text);
}

static void texts_done(struct config_texts *texts)
{
	for (size_t i = 0; i < texts->count; i++)
		free(texts->items[i]);
	free(texts->items);
	*texts = (struct config_texts){0};
}

static void read_texts(struct reading *reading, const struct config_key *key, const struct toml_node *node)
{
	struct config_texts *texts = (void *)(reading->target + key->offset);

	if (node->kind != TOML_ARRAY) {
		wrong_kind(reading, key->path, node, "array of strings");
		return;
	}
	if ((int64_t)node->item_count < key->min || (int64_t)node->item_count > key->max) {
		say_length(reading, key, node, node->item_count, "elements");
		return;
	}
	for (size_t i = 0; i < node->item_count; i++) {
		const struct toml_node *item = node->items[i];

		if (item->kind != TOML_TEXT || strlen(item->text) != item->text_size) {
			wrong_kind(reading, key->path, item, "string as element");
			return;
		}
	}
	texts_done(texts);
	texts->items = calloc(node->item_count + 1, sizeof(*texts->items));
	if (!texts->items) {
		reading->no_memory = true;
		return;
	}
	for (; texts->count < node->item_count; texts->count++)
		put_text(reading, &texts->items[texts->count], node->items[texts->count]->text);
}

static void read_integer(struct reading *reading, const struct config_key *key, const struct toml_node *node)
{
	if (node->kind != TOML_INTEGER)
		wrong_kind(reading, key->path, node, "integer");
	else if (node->integer < key->min || node->integer > key->max)
		complain(reading, node->line, node->column, "'%s' is %lld, expected %lld to %lld", key->path,
			 (long long)node->integer, (long long)key->min, (long long)key->max);
	else
		*(int64_t *)(void *)(reading->target + key->offset) = node->integer;
}

static void read_date(struct reading *reading, const struct config_key *key, const struct toml_node *node)
{
	struct config_date *date = (void *)(reading->target + key->offset);
	struct err err = ERR_INIT;
	struct date parsed;

	if (node->kind == TOML_DATE) {
		parsed = node->date;
	} else if (node->kind != TOML_TEXT) {
		wrong_kind(reading, key->path, node, "date");
		return;
	} else if (date_parse(node->text, &parsed, &err) < 0) {
		complain(reading, node->line, node->column, "'%s': %s", key->path, err.text);
		return;
	}
	if (!date_is_valid(&parsed)) {
		complain(reading, node->line, node->column, "'%s' is a date that does not exist", key->path);
		return;
	}
	*date = (struct config_date){.present = true, .date = parsed, .line = node->line, .column = node->column};
}

static void read_value(struct reading *reading, const struct config_key *key, const struct toml_node *node)
{
	switch (key->kind) {
	case CONFIG_TABLE:
		*(bool *)(reading->target + key->offset) = node->kind == TOML_TABLE;
		return;
	case CONFIG_TEXT:
		read_text(reading, key, node);
		return;
	case CONFIG_TEXTS:
		read_texts(reading, key, node);
		return;
	case CONFIG_INTEGER:
		read_integer(reading, key, node);
		return;
	case CONFIG_BOOL:
		if (node->kind == TOML_BOOL)
			*(bool *)(reading->target + key->offset) = node->boolean;
		else
			wrong_kind(reading, key->path, node, "boolean");
		return;
	case CONFIG_DATE:
		read_date(reading, key, node);
		return;
	}
}

/* A missing key is shown where its table begins. */
static void say_missing(struct reading *reading, const struct config_key *key)
{
	char parent[PATH_TEXT_MAX];
	const struct toml_node *table;
	const struct config_key *row;

	parent_path(key->path, parent);
	row = *parent ? find_row(reading->schema, parent) : NULL;
	table = find_path(reading->root, parent);
	if (!table && row && row->kind == CONFIG_TABLE && !row->required)
		return;
	if (table && table->kind != TOML_TABLE)
		return;
	complain(reading, table && *parent ? table->line : 1, table && *parent ? table->column : 1,
		 "key '%s' is missing: %s", key->path, key->doc);
}

static void read_rows(struct reading *reading)
{
	for (size_t i = 0; i < reading->schema->key_count; i++) {
		const struct config_key *key = &reading->schema->keys[i];
		const struct toml_node *node = find_path(reading->root, key->path);

		if (node)
			read_value(reading, key, node);
		else if (key->required)
			say_missing(reading, key);
	}
}

static int read_document(struct reading *reading, const void *data, size_t size, struct buf *ret_errors,
			 struct err *err)
{
	scoped(toml_freep) struct toml_doc *doc = NULL;
	unsigned line, column;

	if (toml_parse_at(data, size, &doc, &line, &column, err) < 0) {
		if (err->code != ERR_INVALID)
			return err_prefix(err, "%s", reading->file);
		complain(reading, line, column, "%s", err->text);
		return report(reading, ret_errors, err);
	}
	reading->root = toml_root(doc);
	check_known(reading, reading->root, "");
	read_rows(reading);
	if (reading->no_memory)
		return err_no_memory(err);
	return reading->error_count ? report(reading, ret_errors, err) : 0;
}

int config_read(const struct config_schema *schema, const char *file, const void *data, size_t size, void *target,
		struct buf *ret_errors, struct err *err)
{
	struct reading reading = {.schema = schema, .file = file, .target = target};
	const int status = read_document(&reading, data, size, ret_errors, err);

	reading_done(&reading);
	if (status < 0)
		config_done(schema, target);
	return status;
}

void config_done(const struct config_schema *schema, void *target)
{
	for (size_t i = 0; i < schema->key_count; i++) {
		void *field = (char *)target + schema->keys[i].offset;

		if (schema->keys[i].kind == CONFIG_TEXT)
			freep(field);
		else if (schema->keys[i].kind == CONFIG_TEXTS)
			texts_done(field);
	}
}
