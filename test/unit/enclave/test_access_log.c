/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <string.h>

#include "enclave/serve/access_log.h"

static const struct access_log_entry plain_entry = {
    .client = "192.0.2.1",
    .method = "GET",
    .target = "/a?b",
    .version = "1.1",
    .now = 971186136,
    .done = {.status = 200, .body_size = 2326, .duration_ns = 1234567},
};

static void line_is(enum access_log_format format, const struct access_log_entry *entry, const char *wanted)
{
	scoped(buf_done) struct buf line = BUF_INIT(ACCESS_LOG_LINE_MAX);
	struct err err = ERR_INIT;

	assert_ok(access_log_format_line(format, entry, &line, &err), &err);
	assert_string_equal(line.size ? buf_text(&line) : "", wanted);
}

static void formats(void **state)
{
	(void)state;
	line_is(ACCESS_LOG_NONE, &plain_entry, "");
	line_is(ACCESS_LOG_COMMON, &plain_entry,
		"192.0.2.1 - - [10/Oct/2000:13:55:36 +0000] \"GET /a?b HTTP/1.1\" 200 2326\n");
	line_is(ACCESS_LOG_COMBINED, &plain_entry,
		"192.0.2.1 - - [10/Oct/2000:13:55:36 +0000] \"GET /a?b HTTP/1.1\" 200 2326 \"-\" \"-\"\n");
	line_is(ACCESS_LOG_JSON, &plain_entry,
		"{\"time\":\"2000-10-10T13:55:36Z\",\"client\":\"192.0.2.1\",\"method\":\"GET\",\"target\":\"/a?b\","
		"\"protocol\":\"HTTP/1.1\",\"status\":200,\"bytes\":2326,\"duration_ms\":1.235,\"referer\":\"\","
		"\"user_agent\":\"\"}\n");
}

/* What a client sends stays inside its line and its quotes. */
static void hostile_bytes(void **state)
{
	struct access_log_entry entry = plain_entry;

	(void)state;
	entry.client = "";
	entry.target = "/\"\\\x7f";
	entry.user_agent = "a\nb\x1b[0m\xff\"";
	entry.done.status = 0;
	line_is(ACCESS_LOG_COMBINED, &entry,
		"- - - [10/Oct/2000:13:55:36 +0000] \"GET /\\\"\\\\\\x7f HTTP/1.1\" 000 2326 \"-\" "
		"\"a\\x0ab\\x1b[0m\\xff\\\"\"\n");
	line_is(ACCESS_LOG_JSON, &entry,
		"{\"time\":\"2000-10-10T13:55:36Z\",\"client\":\"\",\"method\":\"GET\",\"target\":\"/\\\"\\\\\\u007f\","
		"\"protocol\":\"HTTP/1.1\",\"status\":0,\"bytes\":2326,\"duration_ms\":1.235,\"referer\":\"\","
		"\"user_agent\":\"a\\u000ab\\u001b[0m\\u00ff\\\"\"}\n");
}

static void names(void **state)
{
	enum access_log_format format;
	struct err err = ERR_INIT;

	(void)state;
	assert_ok(access_log_format_parse("combined", &format, &err), &err);
	assert_int_equal(format, ACCESS_LOG_COMBINED);
	assert_fails(access_log_format_parse("apache", &format, &err), &err, ERR_INVALID, "'apache'");
}

/* As much as fits between the marks of the line, whatever the bytes; one more is cut, and said to be. */
static void long_texts_are_cut(void **state)
{
	static const enum access_log_format formats[] = {ACCESS_LOG_COMMON, ACCESS_LOG_COMBINED, ACCESS_LOG_JSON};
	static char text[ACCESS_LOG_TEXT_MAX + 2];
	struct access_log_entry entry = plain_entry;
	struct err err = ERR_INIT;

	(void)state;
	entry.target = entry.referer = entry.user_agent = text;
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		for (size_t over = 0; over < 2; over++) {
			scoped(buf_done) struct buf line = BUF_INIT(ACCESS_LOG_LINE_MAX);

			memset(text, 0xff, ACCESS_LOG_TEXT_MAX + over);
			text[ACCESS_LOG_TEXT_MAX + over] = 0;
			assert_ok(access_log_format_line(formats[i], &entry, &line, &err), &err);
			assert_int_equal(strstr(buf_text(&line), "...") != NULL, over > 0);
			assert_int_equal(line.data[line.size - 1], '\n');
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(formats),
	    cmocka_unit_test(hostile_bytes),
	    cmocka_unit_test(names),
	    cmocka_unit_test(long_texts_are_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
