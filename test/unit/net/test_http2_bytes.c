/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "net/http2_bytes.h"

#define ROUNDS 3000

/* Bytes come out in the order they went in, however pieces are cut. */
static void test_order(void **state)
{
	struct http2_bytes bytes = {0};
	struct err err = ERR_INIT;
	uint8_t put = 0;
	uint8_t want = 0;

	(void)state;
	for (size_t round = 0; round < ROUNDS; round++) {
		uint8_t piece[700];
		const size_t in = round * 131 % sizeof(piece);
		size_t out;

		for (size_t i = 0; i < in; i++)
			piece[i] = put++;
		assert_ok(http2_bytes_add(&bytes, piece, in, &err), &err);
		out = http2_bytes_take(&bytes, piece, round * 137 % sizeof(piece));
		for (size_t i = 0; i < out; i++)
			assert_int_equal(piece[i], want++);
	}
	http2_bytes_done(&bytes);
	assert_int_equal(http2_bytes_size(&bytes), 0);
}

static void test_empty_keeps_nothing(void **state)
{
	struct http2_bytes bytes = {0};
	struct err err = ERR_INIT;
	char text[8];

	(void)state;
	assert_int_equal(http2_bytes_take(&bytes, text, sizeof(text)), 0);
	assert_ok(http2_bytes_add(&bytes, "abc", 3, &err), &err);
	assert_int_equal(http2_bytes_take(&bytes, text, 2), 2);
	assert_non_null(bytes.data);
	assert_int_equal(http2_bytes_take(&bytes, text, sizeof(text)), 1);
	assert_null(bytes.data);
}

static void test_some_keeps_its_memory(void **state)
{
	struct http2_bytes bytes = {0};
	struct err err = ERR_INIT;
	const uint8_t *data;
	char text[8];

	(void)state;
	assert_ok(http2_bytes_add(&bytes, "abc", 3, &err), &err);
	data = bytes.data;
	assert_int_equal(http2_bytes_take_some(&bytes, text, sizeof(text)), 3);
	assert_int_equal(http2_bytes_size(&bytes), 0);
	assert_ok(http2_bytes_add(&bytes, "de", 2, &err), &err);
	assert_ptr_equal(bytes.data, data);
	assert_int_equal(http2_bytes_take(&bytes, text, sizeof(text)), 2);
	assert_memory_equal(text, "de", 2);
	assert_null(bytes.data);
	/* Kept, and nothing comes any more. */
	assert_ok(http2_bytes_add(&bytes, "f", 1, &err), &err);
	assert_int_equal(http2_bytes_take_some(&bytes, text, sizeof(text)), 1);
	assert_int_equal(http2_bytes_take(&bytes, text, sizeof(text)), 0);
	assert_null(bytes.data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_order),
	    cmocka_unit_test(test_empty_keeps_nothing),
	    cmocka_unit_test(test_some_keeps_its_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
