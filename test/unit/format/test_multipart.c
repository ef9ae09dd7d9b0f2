/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <string.h>

#include "base/buf.h"
#include "format/multipart.h"

#define OUTPUT_MAX (1 << 20)
#define PART "--B\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n"

static int begin(void *arg, const struct multipart_part *part, struct err *err)
{
	return buf_addf(arg, err, "[%s]", part->name);
}

static int add(void *arg, const void *data, size_t size, struct err *err)
{
	return buf_add(arg, data, size, err);
}

static int end(void *arg, struct err *err)
{
	return buf_add_text(arg, "[/]", err);
}

static int read_all(const char *text, size_t step, struct buf *ret, struct err *err)
{
	const struct multipart_handler handler = {.begin = begin, .data = add, .end = end, .arg = ret};
	scoped(multipart_freep) struct multipart *multipart = NULL;
	const size_t size = strlen(text);

	if (multipart_new("multipart/form-data; charset=x; boundary=\"B\"", &handler, &multipart, err) < 0)
		return -1;
	for (size_t at = 0; at < size; at += step)
		if (multipart_feed(multipart, text + at, size - at < step ? size - at : step, err) < 0)
			return -1;
	return multipart_finish(multipart, err);
}

static void parts_come_out_however_they_are_cut(void **state)
{
	static const char text[] =
	    PART "one\r\n--A-\r\n--\r\n--B\r\nX-Other: y\r\n"
		 "content-disposition: form-data; filename=\"a;name=z\"; name=b\r\n\r\n\r\n--B--\r\n";
	struct err err = ERR_INIT;

	(void)state;
	for (size_t step = 1; step < sizeof(text); step++) {
		scoped(buf_done) struct buf seen = BUF_INIT(OUTPUT_MAX);

		assert_ok(read_all(text, step, &seen, &err), &err);
		assert_string_equal(buf_text(&seen), "[a]one\r\n--A-\r\n--[/][b][/]");
	}
}

static void broken_bodies_are_refused(void **state)
{
	static const struct {
		const char *text, *wanted;
	} cases[] = {
	    {"", "closing boundary"},
	    {PART "one\r\n--B", "closing boundary"},
	    {PART "one", "closing boundary"},
	    {"--Bx\r\n", "without a line end"},
	    {"--B\r\n\r\none\r\n--B--", "without a name"},
	    {"--B\r\nContent-Disposition: form-data\r\n\r\none\r\n--B--", "without a name"},
	    {"--B\r\nContent-Disposition: form-data; name=\"a\r\n\r\none\r\n--B--", "no closing quote"},
	    {"--B\r\nContent-Disposition: attachment; name=a\r\n\r\none\r\n--B--", "not form-data"},
	    {"--B\r\nContent-Transfer-Encoding: base64\r\n\r\n\r\n--B--", "base64"},
	};
	struct err err = ERR_INIT;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		scoped(buf_done) struct buf seen = BUF_INIT(OUTPUT_MAX);

		assert_int_equal(read_all(cases[i].text, 1, &seen, &err), -1);
		if (!strstr(err.text, cases[i].wanted))
			fail_msg("%zu: '%s' does not contain '%s'", i, err.text, cases[i].wanted);
	}
}

static void content_types_are_checked(void **state)
{
	static const char *const bad[] = {"application/json", "multipart/form-data",
					  "multipart/form-data; boundary=", "multipart/form-data; boundary=\"a",
					  "multipart/form-data; boundary=a<b"};
	const struct multipart_handler handler = {.begin = begin, .data = add, .end = end};
	struct multipart *multipart = NULL;
	struct err err = ERR_INIT;
	char type[200] = "multipart/form-data; boundary=";

	(void)state;
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		assert_int_equal(multipart_new(bad[i], &handler, &multipart, &err), -1);
	memset(type + strlen(type), 'b', MULTIPART_BOUNDARY_MAX);
	assert_ok(multipart_new(type, &handler, &multipart, &err), &err);
	multipart_free(multipart);
	type[strlen(type)] = 'b';
	assert_fails(multipart_new(type, &handler, &multipart, &err), &err, ERR_LIMIT, "boundary");
}

static void parts_and_header_lines_have_a_maximum(void **state)
{
	scoped(buf_done) struct buf text = BUF_INIT(OUTPUT_MAX);
	scoped(buf_done) struct buf seen = BUF_INIT(OUTPUT_MAX);
	struct err err = ERR_INIT;

	(void)state;
	for (int i = 0; i < MULTIPART_PARTS_MAX; i++)
		assert_ok(buf_add_text(&text, PART "\r\n", &err), &err);
	assert_ok(buf_add_text(&text, "--B--", &err), &err);
	assert_ok(read_all(buf_text(&text), 1000, &seen, &err), &err);
	text.size -= 5;
	assert_ok(buf_add_text(&text, PART "\r\n--B--", &err), &err);
	assert_fails(read_all(buf_text(&text), 1000, &seen, &err), &err, ERR_LIMIT, "16 parts");

	buf_clear(&text);
	assert_ok(buf_add_text(&text, "--B\r\nX: ", &err), &err);
	for (int i = 0; i < MULTIPART_HEADER_MAX; i++)
		assert_ok(buf_add_byte(&text, 'x', &err), &err);
	assert_fails(read_all(buf_text(&text), 100, &seen, &err), &err, ERR_LIMIT, "8192");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(parts_come_out_however_they_are_cut),
	    cmocka_unit_test(broken_bodies_are_refused),
	    cmocka_unit_test(content_types_are_checked),
	    cmocka_unit_test(parts_and_header_lines_have_a_maximum),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
