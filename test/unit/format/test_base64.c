/* SPDX-License-Identifier: Apache-2.0 */
/* The texts of "foobar" are those of RFC 4648 section 10. */
#include "unit.h"

#include <string.h>

#include "format/base64.h"

static const struct {
	const char *plain;
	const char *padded;
	const char *url;
} rows[] = {
    {"", "", ""},
    {"f", "Zg==", "Zg"},
    {"fo", "Zm8=", "Zm8"},
    {"foo", "Zm9v", "Zm9v"},
    {"foob", "Zm9vYg==", "Zm9vYg"},
    {"fooba", "Zm9vYmE=", "Zm9vYmE"},
    {"foobar", "Zm9vYmFy", "Zm9vYmFy"},
    {"\xfb\xff\xfe", "+//+", "-__-"},
};

typedef int (*convert)(const char *text, size_t size, struct buf *ret, struct err *err);

static void both_alphabets_go_round(void **state)
{
	struct err err = ERR_INIT;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		scoped(buf_done) struct buf out = BUF_INIT(8);

		assert_ok(base64_encode(rows[i].plain, strlen(rows[i].plain), &out, &err), &err);
		assert_string_equal(buf_text(&out), rows[i].padded);
		buf_clear(&out);
		assert_ok(base64_decode(rows[i].padded, strlen(rows[i].padded), &out, &err), &err);
		assert_string_equal(buf_text(&out), rows[i].plain);
		buf_clear(&out);
		assert_ok(base64url_encode(rows[i].plain, strlen(rows[i].plain), &out, &err), &err);
		assert_string_equal(buf_text(&out), rows[i].url);
		buf_clear(&out);
		assert_ok(base64url_decode(rows[i].url, strlen(rows[i].url), &out, &err), &err);
		assert_string_equal(buf_text(&out), rows[i].plain);
	}
}

static void all_byte_values_go_round(void **state)
{
	uint8_t bytes[256];
	scoped(buf_done) struct buf text = BUF_INIT(1000);
	scoped(buf_done) struct buf again = BUF_INIT(256);
	struct err err = ERR_INIT;

	(void)state;
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 167);
	assert_ok(base64_encode(bytes, sizeof(bytes), &text, &err), &err);
	assert_ok(base64_decode(buf_text(&text), text.size, &again, &err), &err);
	assert_int_equal(again.size, sizeof(bytes));
	assert_memory_equal(again.data, bytes, sizeof(bytes));
}

static void assert_refused(convert decode, const char *text, const char *wanted)
{
	scoped(buf_done) struct buf out = BUF_INIT(100);
	struct err err = ERR_INIT;

	assert_fails(decode(text, strlen(text), &out, &err), &err, ERR_INVALID, wanted);
	assert_int_equal(out.size, 0);
}

static void there_is_one_text_for_each_bytes(void **state)
{
	(void)state;
	assert_refused(base64_decode, "Zg", "no padded base64");
	assert_refused(base64_decode, "Zg=", "no padded base64");
	assert_refused(base64_decode, "Z===", "byte 1 is no base64 digit");
	assert_refused(base64_decode, "====", "byte 0 is no base64 digit");
	assert_refused(base64_decode, "Zg==Zg==", "byte 2 is no base64 digit");
	assert_refused(base64_decode, "Zh==", "unused bits");
	assert_refused(base64_decode, "Zm9=", "unused bits");
	assert_refused(base64_decode, "-__-", "byte 0 is no base64 digit");
	assert_refused(base64_decode, "Zm9\n", "byte 3 is no base64 digit");
	assert_refused(base64_decode, " Zm9", "byte 0 is no base64 digit");
	assert_refused(base64url_decode, "Z", "no whole bytes");
	assert_refused(base64url_decode, "Zg==", "byte 2 is no base64 digit");
	assert_refused(base64url_decode, "Zh", "unused bits");
	assert_refused(base64url_decode, "+//+", "byte 0 is no base64 digit");
}

static void the_result_is_bounded(void **state)
{
	scoped(buf_done) struct buf out = BUF_INIT(2);
	struct err err = ERR_INIT;

	(void)state;
	assert_fails(base64_decode("Zm9v", 4, &out, &err), &err, ERR_LIMIT, "more than 2 bytes");
	assert_ok(base64_decode("Zm8=", 4, &out, &err), &err);
	assert_string_equal(buf_text(&out), "fo");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(both_alphabets_go_round),
	    cmocka_unit_test(all_byte_values_go_round),
	    cmocka_unit_test(there_is_one_text_for_each_bytes),
	    cmocka_unit_test(the_result_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
