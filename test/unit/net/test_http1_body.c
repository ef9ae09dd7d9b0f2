/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "net/http1_body.h"

/* The decoded body of text, all in one call or byte by byte; false if refused or not at its end. */
static bool decode(const char *text, size_t size, size_t step, struct buf *ret, struct err *err)
{
	struct http1_body body;
	size_t at = 0;

	http1_body_init(&body, HTTP1_CHUNKED, 0);
	while (!body.done && at < size) {
		const size_t offered = size - at < step ? size - at : step;
		const uint8_t *piece;
		size_t piece_size;
		size_t used;

		if (http1_body_take(&body, (const uint8_t *)text + at, offered, 3, &used, &piece, &piece_size, err) < 0)
			return false;
		assert_ok(buf_add(ret, piece, piece_size, err), err);
		at += used;
	}
	return body.done;
}

struct row {
	const char *text;
	const char *wanted; /* NULL: refused, or not complete */
};

static const struct row rows[] = {
    {"0\r\n\r\n", ""},
    {"3\r\nabc\r\n0\r\n\r\n", "abc"},
    {"03\r\nabc\r\n000\r\n\r\n", "abc"},
    {"a\r\n0123456789\r\n1\r\nx\r\n0\r\n\r\n", "0123456789x"},
    {"A;name=value;b\r\n0123456789\r\n0;last\r\n\r\n", "0123456789"},
    {"1\r\nx\r\n0\r\nTrailer: a\r\nOther: b\r\n\r\n", "x"},
    {"0\r\n", NULL},
    {"3\r\nab", NULL},
    {"3\nabc\r\n0\r\n\r\n", NULL},
    {"3\r\nabc\n0\r\n\r\n", NULL},
    {"3\r\nabc\r\n0\n\n", NULL},
    {"3\r\nabcd\r\n0\r\n\r\n", NULL},
    {"3 \r\nabc\r\n0\r\n\r\n", NULL},
    {" 3\r\nabc\r\n0\r\n\r\n", NULL},
    {"+3\r\nabc\r\n0\r\n\r\n", NULL},
    {"-3\r\nabc\r\n0\r\n\r\n", NULL},
    {"0x3\r\nabc\r\n0\r\n\r\n", NULL},
    {"\r\nabc\r\n0\r\n\r\n", NULL},
    {";x\r\n\r\n", NULL},
    {"g\r\n", NULL},
    {"3;a\nb\r\nabc\r\n0\r\n\r\n", NULL},
    {"3;a\x01\r\nabc\r\n0\r\n\r\n", NULL},
    {"0\r\n folded\r\n\r\n", NULL},
    {"0\r\nA: b\n\r\n", NULL},
    {"0\r\nA\r\n\r\n", NULL},
    {"0\r\nA : b\r\n\r\n", NULL},
    {"0\r\nA:\r\nB: \t\r\n\r\n", ""},
    {"10000000000000000\r\n", NULL},
    {"ffffffffffffffff\r\n", NULL},
    {"8000000000000000\r\n", NULL},
};

static void test_chunks(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		for (size_t step = 1; step < 100; step += 98) {
			scoped(buf_done) struct buf body = BUF_INIT(4096);
			struct err err = ERR_INIT;
			const bool accepted = decode(rows[i].text, strlen(rows[i].text), step, &body, &err);

			if (accepted != (rows[i].wanted != NULL))
				fail_msg("%s: %d", rows[i].text, accepted);
			if (accepted)
				assert_string_equal(buf_text(&body), rows[i].wanted);
		}
	}
}

static bool with_extension(size_t size)
{
	scoped(buf_done) struct buf text = BUF_INIT(1 << 20);
	scoped(buf_done) struct buf body = BUF_INIT(4096);
	struct err err = ERR_INIT;

	/* Two chunks: the limit is over all of one body. */
	assert_ok(buf_addf(&text, &err, "1;%0*d\r\nx\r\n0;%0100d\r\n\r\n", (int)size - 100, 0, 0), &err);
	return decode(buf_text(&text), text.size, text.size, &body, &err);
}

static bool with_trailer(size_t size)
{
	scoped(buf_done) struct buf text = BUF_INIT(1 << 20);
	scoped(buf_done) struct buf body = BUF_INIT(4096);
	struct err err = ERR_INIT;

	assert_ok(buf_addf(&text, &err, "0\r\nT: %0*d\r\n\r\n", (int)size - 3, 0), &err);
	return decode(buf_text(&text), text.size, text.size, &body, &err);
}

static void test_limits(void **state)
{
	(void)state;
	assert_true(with_extension(HTTP1_CHUNK_EXTENSION_MAX));
	assert_false(with_extension(HTTP1_CHUNK_EXTENSION_MAX + 1));
	assert_true(with_trailer(HTTP1_TRAILER_MAX));
	assert_false(with_trailer(HTTP1_TRAILER_MAX + 1));
}

static void test_counted(void **state)
{
	struct http1_body body;
	const uint8_t *piece;
	size_t size;
	size_t used;
	struct err err = ERR_INIT;

	(void)state;
	http1_body_init(&body, HTTP1_SIZED, 5);
	assert_ok(http1_body_take(&body, (const uint8_t *)"abc", 3, 100, &used, &piece, &size, &err), &err);
	assert_int_equal(size, 3);
	assert_false(body.done);
	assert_fails(http1_body_ended(&body, &err), &err, ERR_UNAVAILABLE, "inside");
	/* What follows the body is not taken. */
	assert_ok(http1_body_take(&body, (const uint8_t *)"deGET", 5, 100, &used, &piece, &size, &err), &err);
	assert_int_equal(size, 2);
	assert_int_equal(used, 2);
	assert_true(body.done);
	http1_body_init(&body, HTTP1_SIZED, 0);
	assert_true(body.done);
	http1_body_init(&body, HTTP1_NO_BODY, 7);
	assert_true(body.done);
}

static void test_until_close(void **state)
{
	struct http1_body body;
	const uint8_t *piece;
	size_t size;
	size_t used;
	struct err err = ERR_INIT;

	(void)state;
	http1_body_init(&body, HTTP1_UNTIL_CLOSE, 0);
	assert_ok(http1_body_take(&body, (const uint8_t *)"abc", 3, 100, &used, &piece, &size, &err), &err);
	assert_int_equal(size, 3);
	assert_false(body.done);
	assert_ok(http1_body_ended(&body, &err), &err);
	assert_true(body.done);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_chunks),
	    cmocka_unit_test(test_limits),
	    cmocka_unit_test(test_counted),
	    cmocka_unit_test(test_until_close),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
