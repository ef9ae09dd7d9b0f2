/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <string.h>

#include "format/hex.h"

static void text_is_lower_case(void **state)
{
	const uint8_t bytes[] = {0x00, 0x0f, 0xa5, 0xff};
	char text[HEX_TEXT_SIZE(4)];
	scoped(buf_done) struct buf buf = BUF_INIT(8);
	struct err err = ERR_INIT;

	(void)state;
	hex_encode(bytes, sizeof(bytes), text);
	assert_string_equal(text, "000fa5ff");
	hex_encode(NULL, 0, text);
	assert_string_equal(text, "");
	assert_ok(hex_add(&buf, bytes, 4, &err), &err);
	assert_string_equal(buf_text(&buf), "000fa5ff");
	assert_fails(hex_add(&buf, bytes, 1, &err), &err, ERR_LIMIT, "more than 8");
}

static void decoding_is_exact(void **state)
{
	uint8_t bytes[2] = {1, 2};
	struct err err = ERR_INIT;

	(void)state;
	assert_fails(hex_decode("a5f", 3, bytes, 2, &err), &err, ERR_INVALID, "3 hex digits, expected 4");
	assert_fails(hex_decode("a5fff", 5, bytes, 2, &err), &err, ERR_INVALID, "5 hex digits");
	assert_fails(hex_decode("a5g0", 4, bytes, 2, &err), &err, ERR_INVALID, "byte 2");
	assert_fails(hex_decode("a5 0", 4, bytes, 2, &err), &err, ERR_INVALID, "byte 2");
	assert_fails(hex_decode_lower("a5Ff", 4, bytes, 2, &err), &err, ERR_INVALID, "byte 2 is no lower-case");
	assert_memory_equal(bytes, ((uint8_t[]){1, 2}), 2);
	assert_ok(hex_decode("a5Ff", 4, bytes, 2, &err), &err);
	assert_memory_equal(bytes, ((uint8_t[]){0xa5, 0xff}), 2);
	assert_ok(hex_decode_lower("09af", 4, bytes, 2, &err), &err);
	assert_memory_equal(bytes, ((uint8_t[]){0x09, 0xaf}), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(text_is_lower_case),
	    cmocka_unit_test(decoding_is_exact),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
