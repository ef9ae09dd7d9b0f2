/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "format/toml_json.h"

static int convert(const char *text, struct buf *ret, struct err *err)
{
	scoped(toml_freep) struct toml_doc *doc = NULL;

	assert_ok(toml_parse(text, strlen(text), &doc, err), err);
	return toml_to_json(toml_root(doc), ret, err);
}

static void gives(const char *toml, const char *json)
{
	scoped(buf_done) struct buf text = BUF_INIT(1u << 16);
	struct err err = ERR_INIT;

	assert_ok(convert(toml, &text, &err), &err);
	assert_string_equal(buf_text(&text), json);
}

static void refuses(const char *toml, const char *named)
{
	scoped(buf_done) struct buf text = BUF_INIT(1u << 16);
	struct err err = ERR_INIT;

	assert_fails(convert(toml, &text, &err), &err, ERR_INVALID, named);
}

static void test_values(void **state)
{
	(void)state;
	gives("", "{}");
	gives("a = 1\nb = -2\nc = true\nd = \"x\\\"\\\\\\n\\u00e9\"\n",
	      "{\"a\":1,\"b\":-2,\"c\":true,\"d\":\"x\\\"\\\\\\u000a\xc3\xa9\"}");
	gives("l = [1, [\"a\"], []]\n[t.u]\nx = false\n[[m]]\nk = 1\n[[m]]\n",
	      "{\"l\":[1,[\"a\"],[]],\"t\":{\"u\":{\"x\":false}},\"m\":[{\"k\":1},{}]}");
	gives("\"a b\" = 2026-11-22T02:02:03+01:00\n", "{\"a b\":\"2026-11-22T01:02:03Z\"}");
}

static void test_refused(void **state)
{
	char deep[256];

	(void)state;
	refuses("a = 1\nb = 1.5\n", "line 2, column 5");
	refuses("a = 10:00:00\n", "time of day");
	refuses("a = 2026-11-22\n", "time zone");
	refuses("a = 2026-11-22T00:00:00\n", "time zone");
	refuses("a = 2026-11-22T00:00:00.5Z\n", "whole seconds");
	refuses("a = \"\\u0000\"\n", "zero byte");
	(void)snprintf(deep, sizeof(deep), "a = %.*s%.*s\n", TOML_JSON_DEPTH_MAX - 1,
		       "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[", TOML_JSON_DEPTH_MAX - 1,
		       "]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]");
	{
		scoped(buf_done) struct buf text = BUF_INIT(1u << 16);
		struct err err = ERR_INIT;

		assert_ok(convert(deep, &text, &err), &err);
	}
	(void)snprintf(deep, sizeof(deep), "a = %.*s%.*s\n", TOML_JSON_DEPTH_MAX,
		       "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[", TOML_JSON_DEPTH_MAX,
		       "]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]");
	refuses(deep, "too deep");
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_values), cmocka_unit_test(test_refused)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
