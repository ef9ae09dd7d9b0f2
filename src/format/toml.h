/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TOML 1.0 (toml.io/en/v1.0.0) as a plain tree with the position of every node: tomlplusplus behind one C header.
 *
 * A document owns its nodes; node pointers live as long as it does. Tables keep the order of the file. Limits:
 * TOML_SIZE_MAX bytes in, TOML_NODES_MAX nodes, nesting as tomlplusplus allows (256). Writing is by hand: the few
 * files that we write need nothing but toml_add_text for their strings.
 */
#ifndef MSE_FORMAT_TOML_H
#define MSE_FORMAT_TOML_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "format/date.h"

#define TOML_SIZE_MAX (4u << 20)
#define TOML_NODES_MAX 200000u

#define TOML_KINDS(X) \
	X(TABLE, "table") \
	X(ARRAY, "array") \
	X(TEXT, "string") \
	X(INTEGER, "integer") \
	X(FLOAT, "float") \
	X(BOOL, "boolean") \
	X(DATE, "date") \
	X(TIME, "time of day")

enum toml_kind {
#define X(name, text) TOML_##name,
	TOML_KINDS(X)
#undef X
};

struct toml_node {
	enum toml_kind kind;
	char *key;                     /* in a table; NULL in an array and for the root */
	unsigned line, column;         /* of the value */
	unsigned key_line, key_column; /* of the key */
	char *text;                    /* TEXT: UTF-8, ends in a zero byte */
	size_t text_size;              /* without it; a text may hold zero bytes */
	int64_t integer;
	double number;
	bool boolean;
	struct date date; /* DATE, with or without time and offset */
	struct toml_node **items;
	size_t item_count;
};

struct toml_doc;

/* Failure text: "line L, column C: what". */
must_check int toml_parse(const void *data, size_t size, struct toml_doc **ret_doc, struct err *err);

/* As toml_parse; the place is given apart (1-based; 0 when the failure has none), for messages of the form
 * file:line:column. */
must_check int toml_parse_at(const void *data, size_t size, struct toml_doc **ret_doc, unsigned *ret_line,
			     unsigned *ret_column, struct err *err);

void toml_free(struct toml_doc *doc);
const struct toml_node *toml_root(const struct toml_doc *doc);

/* The member of a table, or NULL (also when node is NULL or no table). */
const struct toml_node *toml_find(const struct toml_node *node, const char *key);

/* The text of a member, or NULL when it is absent, no string, or holds a zero byte. */
const char *toml_find_text(const struct toml_node *node, const char *key);

const char *toml_kind_text(enum toml_kind kind);

/* Appends text as a basic string with its quotes, escaped as TOML 1.0 wants. */
must_check int toml_add_text(struct buf *buf, const char *text, struct err *err);

DEFINE_SCOPED_PTR(struct toml_doc, toml_free);

#endif
