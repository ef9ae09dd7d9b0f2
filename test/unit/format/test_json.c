/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <string.h>

#include "format/json.h"

static json_t *parse(const char *text)
{
	json_t *root = NULL;
	struct err err = ERR_INIT;

	assert_ok(json_parse_strict(text, strlen(text), 8, &root, &err), &err);
	return root;
}

static void assert_refused(const char *text, size_t size, const char *wanted)
{
	json_t *root = NULL;
	struct err err = ERR_INIT;

	assert_fails(json_parse_strict(text, size, 8, &root, &err), &err, ERR_INVALID, wanted);
	assert_null(root);
}

#define REFUSED(text, wanted) assert_refused(text, sizeof(text) - 1, wanted)

static void only_strict_texts_are_read(void **state)
{
	(void)state;
	json_decref(parse(" {\"a\":[1,2.5,\"x\",true,null]} \n"));
	json_decref(parse("[]"));
	REFUSED("", "");
	REFUSED("1", "");
	REFUSED("\"text\"", "");
	REFUSED("{} x", "");
	REFUSED("{}{}", "");
	REFUSED("{}\0", "");
	REFUSED("{\"a\":1,}", "");
	REFUSED("{a:1}", "");
	REFUSED("{'a':1}", "");
	REFUSED("{\"a\":01}", "");
	REFUSED("{\"a\":+1}", "");
	REFUSED("{\"a\":NaN}", "");
	REFUSED("{\"a\":1e999}", "");
	REFUSED("{\"a\":99999999999999999999}", "too big");
	REFUSED("// note\n{}", "");
	REFUSED("\xef\xbb\xbf{}", "");
}

static void names_are_unique_after_unescaping(void **state)
{
	(void)state;
	REFUSED("{\"a\":1,\"a\":1}", "duplicate");
	REFUSED("{\"a\":1,\"\\u0061\":1}", "duplicate");
	REFUSED("[{\"x\":{\"a\":1,\"b\":2,\"a\":3}}]", "duplicate");
	json_decref(parse("{\"a\":1,\"A\":1}"));
}

static void texts_are_utf_8_without_nul(void **state)
{
	(void)state;
	json_decref(parse("{\"a\":\"\xc3\xa9\\ud83d\\ude00\"}"));
	REFUSED("{\"a\":\"\xc3\"}", "");
	REFUSED("{\"a\":\"\xc0\x80\"}", "");
	REFUSED("{\"a\":\"\xed\xa0\x80\"}", "");
	REFUSED("{\"a\":\"\\ud800\"}", "");
	REFUSED("{\"a\":\"\\u0000\"}", "");
	REFUSED("{\"a\\u0000b\":1}", "");
	REFUSED("{\"a\":\"\n\"}", "");
}

static void depth_is_counted_before_anything_is_read(void **state)
{
	static char deep[1000000];
	json_t *root = NULL;
	struct err err = ERR_INIT;

	(void)state;
	assert_ok(json_parse_strict("[[]]", 4, 2, &root, &err), &err);
	json_decref(TAKE_PTR(root));
	assert_fails(json_parse_strict("[[]]", 4, 1, &root, &err), &err, ERR_LIMIT,
		     "byte 1: JSON nested deeper than 1");
	assert_ok(json_parse_strict("[{},[],{}]", 10, 2, &root, &err), &err);
	json_decref(TAKE_PTR(root));
	assert_ok(json_parse_strict("[\"[[[{\\\"[[\"]", 12, 1, &root, &err), &err);
	json_decref(TAKE_PTR(root));
	memset(deep, '[', sizeof(deep));
	assert_fails(json_parse_strict(deep, sizeof(deep), 8, &root, &err), &err, ERR_LIMIT, "byte 8");
	/* Closing more than was opened must not buy depth. */
	assert_int_equal(json_parse_strict("]]]]]]]]]][[", 12, 1, &root, &err), -1);
	assert_null(root);
}

static void getters_name_what_is_wrong(void **state)
{
	scoped(json_decrefp) json_t *root = parse("{\"text\":\"\xc3\xa9\xc3\xa9\",\"int\":5,\"real\":5.0,\"yes\":true,"
						  "\"list\":[1,2],\"map\":{},\"nothing\":null}");
	const char *text = NULL;
	int64_t number = 0;
	bool flag = false;
	json_t *value = NULL;
	struct err err = ERR_INIT;

	(void)state;
	assert_ok(json_get_text(root, "text", 4, &text, &err), &err);
	assert_string_equal(text, "\xc3\xa9\xc3\xa9");
	assert_fails(json_get_text(root, "text", 3, &text, &err), &err, ERR_INVALID, "member 'text' has 4 bytes");
	assert_fails(json_get_text(root, "none", 3, &text, &err), &err, ERR_INVALID, "member 'none' is missing");
	assert_fails(json_get_text(root, "int", 3, &text, &err), &err, ERR_INVALID, "is an integer, expected a text");
	assert_fails(json_get_text(root, "nothing", 3, &text, &err), &err, ERR_INVALID, "is null, expected a text");
	assert_ok(json_get_int(root, "int", 5, 5, &number, &err), &err);
	assert_int_equal(number, 5);
	assert_fails(json_get_int(root, "int", 6, 9, &number, &err), &err, ERR_INVALID, "'int' is 5, expected 6..9");
	assert_fails(json_get_int(root, "int", 0, 4, &number, &err), &err, ERR_INVALID, "'int' is 5, expected 0..4");
	assert_fails(json_get_int(root, "real", 0, 9, &number, &err), &err, ERR_INVALID, "a number that is no integer");
	assert_fails(json_get_int(root, "yes", 0, 9, &number, &err), &err, ERR_INVALID, "is true, expected an integer");
	assert_ok(json_get_bool(root, "yes", &flag, &err), &err);
	assert_true(flag);
	assert_fails(json_get_bool(root, "int", &flag, &err), &err, ERR_INVALID, "expected true or false");
	assert_ok(json_get_array(root, "list", 2, &value, &err), &err);
	assert_fails(json_get_array(root, "list", 1, &value, &err), &err, ERR_INVALID, "2 elements, the maximum is 1");
	assert_fails(json_get_array(root, "map", 1, &value, &err), &err, ERR_INVALID,
		     "is an object, expected an array");
	assert_ok(json_get_object(root, "map", &value, &err), &err);
	assert_fails(json_get_object(root, "list", &value, &err), &err, ERR_INVALID, "is an array, expected an object");
}

static void finders_tell_absent_from_wrong(void **state)
{
	scoped(json_decrefp) json_t *root = parse("{\"text\":\"x\",\"int\":5,\"no\":false,\"list\":[],\"map\":{}}");
	const char *text = NULL;
	int64_t number = 0;
	bool flag = true;
	json_t *value = NULL;
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(json_find_text(root, "text", 1, &text, &err), 1);
	assert_int_equal(json_find_text(root, "none", 1, &text, &err), 0);
	assert_int_equal(json_find_text(root, "int", 1, &text, &err), -1);
	assert_int_equal(json_find_int(root, "int", 0, 9, &number, &err), 1);
	assert_int_equal(json_find_int(root, "none", 0, 9, &number, &err), 0);
	assert_int_equal(json_find_bool(root, "no", &flag, &err), 1);
	assert_false(flag);
	assert_int_equal(json_find_bool(root, "none", &flag, &err), 0);
	assert_int_equal(json_find_array(root, "list", 0, &value, &err), 1);
	assert_int_equal(json_find_array(root, "none", 0, &value, &err), 0);
	assert_int_equal(json_find_object(root, "map", &value, &err), 1);
	assert_int_equal(json_find_object(root, "none", &value, &err), 0);
}

static void hex_members_have_one_size(void **state)
{
	scoped(json_decrefp) json_t *root = parse("{\"h\":\"0aFF\",\"bad\":\"0aFx\",\"long\":\"0aFF00\"}");
	uint8_t bytes[2] = {0};
	struct err err = ERR_INIT;

	(void)state;
	assert_ok(json_get_hex(root, "h", bytes, 2, &err), &err);
	assert_memory_equal(bytes, ((uint8_t[]){0x0a, 0xff}), 2);
	assert_fails(json_get_hex(root, "bad", bytes, 2, &err), &err, ERR_INVALID, "member 'bad': byte 3");
	assert_fails(json_get_hex(root, "long", bytes, 2, &err), &err, ERR_INVALID, "member 'long' has 6 bytes");
	assert_fails(json_get_hex(root, "h", bytes, 1, &err), &err, ERR_INVALID, "member 'h'");
}

static void unknown_members_are_named(void **state)
{
	static const char *const names[] = {"a", "b", NULL};
	scoped(json_decrefp) json_t *good = parse("{\"b\":1}");
	scoped(json_decrefp) json_t *bad = parse("{\"a\":1,\"c\":1}");
	struct err err = ERR_INIT;

	(void)state;
	assert_ok(json_check_members(good, names, &err), &err);
	assert_fails(json_check_members(bad, names, &err), &err, ERR_INVALID, "unknown member 'c'");
}

/* An error may itself be put into JSON: it must stay UTF-8 where it is cut. */
static void errors_do_not_cut_characters(void **state)
{
	char text[200] = "{\"a\":\"x";
	json_t *root;
	json_t *as_json;
	const char *value;
	struct err err = ERR_INIT;

	(void)state;
	for (size_t i = 0; i < 40; i++)
		memcpy(text + 7 + 2 * i, "\xc3\xa9", 3);
	memcpy(text + 7 + 80, "\"}", 3);
	root = parse(text);
	assert_fails(json_get_text(root, "a", 10, &value, &err), &err, ERR_INVALID, "81 bytes");
	as_json = json_string(err.text);
	assert_non_null(as_json);
	json_decref(as_json);
	json_decref(root);
}

static void texts_are_written_compactly(void **state)
{
	scoped(json_decrefp) json_t *root = parse("{ \"b\" : [ 1 , \"\\u00e9\\n\" ], \"a\" : { } }");
	scoped(buf_done) struct buf text = BUF_INIT(100);
	scoped(buf_done) struct buf small = BUF_INIT(5);
	struct err err = ERR_INIT;

	(void)state;
	assert_ok(json_format(root, &text, &err), &err);
	assert_string_equal(buf_text(&text), "{\"b\":[1,\"\xc3\xa9\\n\"],\"a\":{}}");
	assert_fails(json_format(root, &small, &err), &err, ERR_LIMIT, "more than 5 bytes");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(only_strict_texts_are_read),   cmocka_unit_test(names_are_unique_after_unescaping),
	    cmocka_unit_test(texts_are_utf_8_without_nul),  cmocka_unit_test(depth_is_counted_before_anything_is_read),
	    cmocka_unit_test(getters_name_what_is_wrong),   cmocka_unit_test(finders_tell_absent_from_wrong),
	    cmocka_unit_test(hex_members_have_one_size),    cmocka_unit_test(unknown_members_are_named),
	    cmocka_unit_test(errors_do_not_cut_characters), cmocka_unit_test(texts_are_written_compactly),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
