/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <string.h>

#include "format/toml.h"

static void nodes_know_their_place_and_order(void **state)
{
	static const char text[] = "z = \"one\"\na = [1, true]\n[t]\n  d = 2026-11-22T01:02:03.5+01:00\n";
	scoped(toml_freep) struct toml_doc *doc = NULL;
	struct err err = ERR_INIT;
	const struct toml_node *root, *date;

	(void)state;
	assert_ok(toml_parse(text, strlen(text), &doc, &err), &err);
	root = toml_root(doc);
	assert_int_equal(root->item_count, 3);
	assert_string_equal(root->items[0]->key, "z");
	assert_string_equal(toml_find_text(root, "z"), "one");
	assert_int_equal(root->items[1]->items[0]->integer, 1);
	assert_true(root->items[1]->items[1]->boolean);
	date = toml_find(toml_find(root, "t"), "d");
	assert_int_equal(date->key_line, 4);
	assert_int_equal(date->key_column, 3);
	assert_int_equal(date->column, 7);
	assert_int_equal(date->date.offset_minutes, 60);
	assert_int_equal(date->date.nanosecond, 500000000);
	assert_null(toml_find(root, "y"));
	assert_null(toml_find_text(root, "a"));
}

static void errors_name_line_and_column(void **state)
{
	scoped(toml_freep) struct toml_doc *doc = NULL;
	struct err err = ERR_INIT;

	(void)state;
	assert_fails(toml_parse("a = 1\nb = = 2\n", 14, &doc, &err), &err, ERR_INVALID, "line 2, column 5: ");
	assert_fails(toml_parse("a = 1\na = 2\n", 12, &doc, &err), &err, ERR_INVALID, "line 2");
	assert_null(doc);
}

static void size_and_depth_are_limited(void **state)
{
	scoped(toml_freep) struct toml_doc *doc = NULL;
	scoped(freep) char *text = malloc(TOML_SIZE_MAX + 1);
	struct err err = ERR_INIT;

	(void)state;
	memset(text, '\n', TOML_SIZE_MAX + 1);
	assert_ok(toml_parse(text, TOML_SIZE_MAX, &doc, &err), &err);
	assert_fails(toml_parse(text, TOML_SIZE_MAX + 1, &doc, &err), &err, ERR_LIMIT, "at most");
	memcpy(text, "a = ", 4);
	memset(text + 4, '[', 100000);
	assert_fails(toml_parse(text, 100004, &doc, &err), &err, ERR_INVALID, "line 1");
}

static void node_count_is_limited(void **state)
{
	scoped(toml_freep) struct toml_doc *doc = NULL;
	scoped(buf_done) struct buf text = BUF_INIT(TOML_SIZE_MAX);
	struct err err = ERR_INIT;

	(void)state;
	assert_ok(buf_add_text(&text, "a = [", &err), &err);
	/* root and array count too */
	for (size_t i = 0; i < TOML_NODES_MAX - 2; i++)
		assert_ok(buf_add_text(&text, "0,", &err), &err);
	assert_ok(buf_add_text(&text, "]", &err), &err);
	assert_ok(toml_parse(text.data, text.size, &doc, &err), &err);
	text.size--;
	assert_ok(buf_add_text(&text, "0]", &err), &err);
	toml_freep(&doc);
	assert_fails(toml_parse(text.data, text.size, &doc, &err), &err, ERR_LIMIT, "values");
}

static void written_texts_come_back(void **state)
{
	static const char text[] = "quote \" back \\ line \n tab \t bell \a del \x7f \xc3\xa9";
	scoped(toml_freep) struct toml_doc *doc = NULL;
	scoped(buf_done) struct buf out = BUF_INIT(1000);
	struct err err = ERR_INIT;

	(void)state;
	assert_ok(buf_add_text(&out, "k = ", &err), &err);
	assert_ok(toml_add_text(&out, text, &err), &err);
	assert_ok(toml_parse(out.data, out.size, &doc, &err), &err);
	assert_string_equal(toml_find_text(toml_root(doc), "k"), text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(nodes_know_their_place_and_order), cmocka_unit_test(errors_name_line_and_column),
	    cmocka_unit_test(size_and_depth_are_limited),       cmocka_unit_test(node_count_is_limited),
	    cmocka_unit_test(written_texts_come_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
