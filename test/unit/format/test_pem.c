/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <string.h>

#include "format/pem.h"
#include "guarded.h"

#define BEGIN "-----BEGIN CERTIFICATE-----\n"
#define END "-----END CERTIFICATE-----\n"
#define ABC BEGIN "YWJj\n" END
#define LINE64 "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

static struct pem_reader reader_of(const char *text, size_t size)
{
	return (struct pem_reader){.text = text, .size = size};
}

static void blocks_go_round(void **state)
{
	static const size_t sizes[] = {1, 2, 3, 47, 48, 49, 96, 1000};
	uint8_t bytes[1000];
	struct err err = ERR_INIT;

	(void)state;
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 7);
	for (size_t i = 0; i < COUNT_OF(sizes); i++) {
		scoped(buf_done) struct buf text = BUF_INIT(2000);
		scoped(buf_done) struct buf der = BUF_INIT(1000);
		struct pem_reader reader;

		assert_ok(pem_format(PEM_CERTIFICATE, bytes, sizes[i], &text, &err), &err);
		reader = reader_of(buf_text(&text), text.size);
		assert_int_equal(pem_next(&reader, PEM_CERTIFICATE, &der, &err), 1);
		assert_int_equal(der.size, sizes[i]);
		assert_memory_equal(der.data, bytes, sizes[i]);
		assert_int_equal(pem_next(&reader, PEM_CERTIFICATE, &der, &err), 0);
	}
}

static void blocks_follow_each_other(void **state)
{
	static const char text[] = "\n" ABC " \r\n\0" BEGIN "ZGVm\r\n" END "\0\0";
	struct pem_reader reader = reader_of(text, sizeof(text) - 1);
	scoped(buf_done) struct buf der = BUF_INIT(100);
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(pem_next(&reader, PEM_CERTIFICATE, &der, &err), 1);
	assert_string_equal(buf_text(&der), "abc");
	assert_int_equal(pem_next(&reader, PEM_CERTIFICATE, &der, &err), 1);
	assert_string_equal(buf_text(&der), "def");
	assert_int_equal(pem_next(&reader, PEM_CERTIFICATE, &der, &err), 0);
}

/* The first block of text, or how it fails. */
static void assert_refused(const char *text, const char *wanted)
{
	struct pem_reader reader = reader_of(text, strlen(text));
	scoped(buf_done) struct buf der = BUF_INIT(100);
	struct err err = ERR_INIT;

	assert_fails(pem_next(&reader, PEM_CERTIFICATE, &der, &err), &err, ERR_INVALID, wanted);
}

static void bad_blocks_are_refused(void **state)
{
	(void)state;
	assert_refused("text\n" ABC, "byte 0: text outside");
	assert_refused("-----BEGIN PRIVATE KEY-----\nYWJj\n-----END PRIVATE KEY-----\n", "byte 0: expected");
	assert_refused(END, "byte 0: expected");
	assert_refused("-----BEGIN CERTIFICATE----\nYWJj\n" END, "byte 0: expected");
	assert_refused(BEGIN "YWJj\n", "without -----END");
	assert_refused(BEGIN "YWJj\n-----END TRUST-----\n", "byte 33: bad line");
	assert_refused(BEGIN LINE64 "\n-----END TRUST-----\n" END, "byte 93: bad line");
	assert_refused(BEGIN END, "empty PEM block");
	assert_refused(BEGIN "YWJ\n" END, "no padded base64");
	assert_refused(BEGIN "YW\nJj\n" END, "byte 31: bad line");
	assert_refused(BEGIN "\nYWJj\n" END, "byte 28: bad line");
	assert_refused(BEGIN " YWJj\n" END, "no padded base64");
	assert_refused(BEGIN "Proc-Type: 4,ENCRYPTED\n\nYWJj\n" END, "bad line");
	assert_refused(BEGIN LINE64 "A\n" END, "byte 28: bad line");
}

static void a_block_is_bounded_by_its_buffer(void **state)
{
	struct pem_reader reader =
	    reader_of(BEGIN LINE64 "\n" LINE64 "\n" END, strlen(BEGIN LINE64 "\n" LINE64 "\n" END));
	scoped(buf_done) struct buf der = BUF_INIT(95);
	struct err err = ERR_INIT;

	(void)state;
	assert_fails(pem_next(&reader, PEM_CERTIFICATE, &der, &err), &err, ERR_LIMIT, "more than 95 bytes");
	der.max = 96;
	reader.position = 0;
	assert_int_equal(pem_next(&reader, PEM_CERTIFICATE, &der, &err), 1);
	assert_int_equal(der.size, 96);
}

#define LINES_MAX 16384 /* of 64 digits: 1 MiB in one block */

static int read_lines(size_t count, struct err *err)
{
	scoped(buf_done) struct buf text = BUF_INIT(2u << 20);
	scoped(buf_done) struct buf der = BUF_INIT(1u << 20);
	struct pem_reader reader;

	assert_ok(buf_add(&text, BEGIN, strlen(BEGIN), err), err);
	for (size_t i = 0; i < count; i++)
		assert_ok(buf_add(&text, LINE64 "\n", 65, err), err);
	assert_ok(buf_add(&text, END, strlen(END), err), err);
	reader = reader_of(buf_text(&text), text.size);
	return pem_next(&reader, PEM_CERTIFICATE, &der, err);
}

static void a_block_has_a_limit(void **state)
{
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(read_lines(LINES_MAX, &err), 1);
	assert_fails(read_lines(LINES_MAX + 1, &err), &err, ERR_LIMIT, "more than 1048576 bytes");
}

static void nothing_is_read_behind_the_text(void **state)
{
	static const char TEXT[] = BEGIN LINE64 "\n-----";
	struct err err = ERR_INIT;

	(void)state;
	for (size_t size = 0; size < sizeof(TEXT); size++) {
		struct pem_reader reader = reader_of((const char *)at_the_edge(TEXT, size), size);
		scoped(buf_done) struct buf der = BUF_INIT(100);

		assert_int_equal(pem_next(&reader, PEM_CERTIFICATE, &der, &err), size == 0 ? 0 : -1);
	}
}

static void explanatory_text_can_be_allowed(void **state)
{
	static const char text[] = "subject: CN=a\n" ABC "more\n" ABC "end";
	struct pem_reader reader = {.text = text, .size = sizeof(text) - 1, .explanatory_text = true};
	scoped(buf_done) struct buf der = BUF_INIT(100);
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(pem_next(&reader, PEM_CERTIFICATE, &der, &err), 1);
	assert_int_equal(pem_next(&reader, PEM_CERTIFICATE, &der, &err), 1);
	assert_int_equal(pem_next(&reader, PEM_CERTIFICATE, &der, &err), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(blocks_go_round),
	    cmocka_unit_test(blocks_follow_each_other),
	    cmocka_unit_test(bad_blocks_are_refused),
	    cmocka_unit_test(a_block_is_bounded_by_its_buffer),
	    cmocka_unit_test(a_block_has_a_limit),
	    cmocka_unit_test(nothing_is_read_behind_the_text),
	    cmocka_unit_test(explanatory_text_can_be_allowed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
