/* SPDX-License-Identifier: Apache-2.0 */
/* The signed bytes are found as received; what they mean is tested in test/unit/attest. */
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "format/signed_json.h"

#define ZEROS "00000000000000000000000000000000"
#define SIGNATURE "\"signature\":\"" ZEROS ZEROS ZEROS "0000000000000000000000000000000A\""

static void expect_range(const char *text, const char *range)
{
	struct signed_json json;
	struct err err = ERR_INIT;

	assert_ok(signed_json_parse(text, strlen(text), "body", &json, &err), &err);
	assert_int_equal(json.signed_size, strlen(range));
	assert_memory_equal(json.signed_data, range, strlen(range));
	assert_true(json_is_object(json.body));
	assert_int_equal(json.signature[63], 0x0a);
	signed_json_done(&json);
}

static void refuses(const char *text)
{
	struct signed_json json;
	struct err err = ERR_INIT;

	assert_int_equal(signed_json_parse(text, strlen(text), "body", &json, &err), -1);
}

static void test_ranges(void **state)
{
	(void)state;
	expect_range("{\"body\":{}," SIGNATURE "}", "{}");
	expect_range(" {" SIGNATURE "\n,\t\"body\" : { \"a\" : [ 1 , { } ] } } ", "{ \"a\" : [ 1 , { } ] }");
	expect_range("{\"x\":\"}{\\\"body\\\":{}\",\"body\":{\"b\":\"\\\\\\\"}\"}," SIGNATURE "}",
		     "{\"b\":\"\\\\\\\"}\"}");
	expect_range("{\"x\":{\"body\":{\"inner\":1}},\"bod\\u0079\":{\"outer\":1}," SIGNATURE "}", "{\"outer\":1}");
	expect_range("{\"x\":[1,[2],\"]\"],\"y\":null,\"z\":-1.5e3,\"body\":{}," SIGNATURE "}", "{}");
}

static void test_refusals(void **state)
{
	(void)state;
	refuses("");
	refuses("[]");
	refuses("{}");
	refuses("{\"body\":{}}");
	refuses("{" SIGNATURE "}");
	refuses("{\"body\":[]," SIGNATURE "}");
	refuses("{\"body\":{},\"body\":{}," SIGNATURE "}");
	refuses("{\"body\":{},\"bod\\u0079\":{}," SIGNATURE "}");
	refuses("{\"body\":{},\"signature\":\"00\"}");
	refuses("{\"body\":{},\"signature\":1}");
	refuses("{\"body\":{}," SIGNATURE "}x");
	refuses("{\"body\":{\"a\":1,\"a\":1}," SIGNATURE "}");
}

static void test_limits(void **state)
{
	char *text = malloc(SIGNED_JSON_SIZE_MAX + 1);
	struct signed_json json;
	struct err err = ERR_INIT;
	const char head[] = "{\"body\":{}," SIGNATURE "}";

	(void)state;
	assert_non_null(text);
	memset(text, ' ', SIGNED_JSON_SIZE_MAX + 1);
	memcpy(text, head, sizeof(head) - 1);
	assert_ok(signed_json_parse(text, SIGNED_JSON_SIZE_MAX, "body", &json, &err), &err);
	signed_json_done(&json);
	assert_fails(signed_json_parse(text, SIGNED_JSON_SIZE_MAX + 1, "body", &json, &err), &err, ERR_LIMIT,
		     "expected 1 to");
	free(text);
	refuses("{\"body\":{\"a\":[[[[[[[1]]]]]]]}," SIGNATURE "}");
	expect_range("{\"body\":{\"a\":[[[[[[1]]]]]]}," SIGNATURE "}", "{\"a\":[[[[[[1]]]]]]}");
}

/* An array of so many numbers and whatever else counts: two brackets, one comma, the first value. */
static int parse_many(size_t values, struct err *err)
{
	char *text = malloc(SIGNED_JSON_SIZE_MAX);
	struct signed_json json = {0};
	size_t used;
	int result;

	assert_non_null(text);
	used = (size_t)snprintf(text, SIGNED_JSON_SIZE_MAX, "{\"body\":{\"a\":[0");
	for (size_t i = 5; i < values; i++)
		used += (size_t)snprintf(text + used, SIGNED_JSON_SIZE_MAX - used, ",1");
	used += (size_t)snprintf(text + used, SIGNED_JSON_SIZE_MAX - used, "]}," SIGNATURE "}");
	result = signed_json_parse(text, used, "body", &json, err);
	signed_json_done(&json);
	free(text);
	return result;
}

static void test_number_of_values(void **state)
{
	struct err err = ERR_INIT;

	(void)state;
	assert_ok(parse_many(SIGNED_JSON_VALUES_MAX, &err), &err);
	assert_fails(parse_many(SIGNED_JSON_VALUES_MAX + 1, &err), &err, ERR_LIMIT, "of more than 8192 values");
}

static void advisories(const char *text, int result, size_t count)
{
	json_t *level = json_loads(text, 0, NULL);
	struct advisories list = {.count = 99};
	struct err err = ERR_INIT;

	assert_int_equal(advisories_parse(level, &list, &err), result);
	if (result == 0)
		assert_int_equal(list.count, count);
	json_decref(level);
}

static void test_advisories(void **state)
{
	char text[8192] = "{\"advisoryIDs\":[";
	const size_t start = strlen(text);

	(void)state;
	advisories("{}", 0, 0);
	advisories("{\"advisoryIDs\":[]}", 0, 0);
	advisories("{\"advisoryIDs\":[\"A\",\"B\"]}", 0, 2);
	advisories("{\"advisoryIDs\":[\"1234567890123456789012345678901\"]}", 0, 1);
	advisories("{\"advisoryIDs\":[\"12345678901234567890123456789012\"]}", -1, 0);
	advisories("{\"advisoryIDs\":[\"A B\"]}", -1, 0);
	advisories("{\"advisoryIDs\":[\"!~\"]}", 0, 1);
	advisories("{\"advisoryIDs\":[\"A\\u007f\"]}", -1, 0);
	advisories("{\"advisoryIDs\":[\"A\\u00e4\"]}", -1, 0);
	advisories("{\"advisoryIDs\":null}", -1, 0);
	for (size_t i = 0; i < ADVISORIES_MAX; i++)
		(void)strcat(text, i ? ",\"A\"" : "\"A\"");
	(void)strcat(text, "]}");
	advisories(text, 0, ADVISORIES_MAX);
	memmove(text + start + 4, text + start, strlen(text + start) + 1);
	memcpy(text + start, "\"B\",", 4);
	advisories(text, -1, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_ranges),           cmocka_unit_test(test_refusals),   cmocka_unit_test(test_limits),
	    cmocka_unit_test(test_number_of_values), cmocka_unit_test(test_advisories),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
