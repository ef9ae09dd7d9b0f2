/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <string.h>

#include "test_release.h"

struct pair {
	struct buf expected, seen, lines;
};

static struct pair make_pair(void)
{
	scoped(release_freep) struct release *release = test_release();
	scoped(bill_freep) struct bill *bill = test_bill();
	struct pair pair = {.expected = BUF_INIT(1u << 20), .seen = BUF_INIT(1u << 20), .lines = BUF_INIT(1u << 20)};
	struct err err = ERR_INIT;

	assert_ok(release_manifest_format(release, bill, &pair.expected, &err), &err);
	assert_ok(release_manifest_format(release, bill, &pair.seen, &err), &err);
	return pair;
}

static void pair_done(struct pair *pair)
{
	buf_done(&pair->expected);
	buf_done(&pair->seen);
	buf_done(&pair->lines);
}

static int diff(struct pair *pair, size_t lines_max)
{
	struct err err = ERR_INIT;

	buf_clear(&pair->lines);
	return release_diff(pair->expected.data, pair->expected.size, pair->seen.data, pair->seen.size, lines_max,
			    &pair->lines, &err);
}

/* Puts as many bytes of to over the only place of from. */
static void alter(struct buf *text, const char *from, const char *to)
{
	char *at = strstr((char *)text->data, from);

	assert_non_null(at);
	assert_int_equal(strlen(from), strlen(to));
	memcpy(at, to, strlen(to));
}

static void equal_texts_have_no_difference(void **state)
{
	scoped(pair_done) struct pair pair = make_pair();

	(void)state;
	assert_int_equal(diff(&pair, 10), 0);
	assert_int_equal(pair.lines.size, 0);
}

static void a_changed_file_is_named(void **state)
{
	scoped(pair_done) struct pair pair = make_pair();

	(void)state;
	alter(&pair.seen, "sha256 = \"2211", "sha256 = \"2311");
	assert_int_equal(diff(&pair, 10), 1);
	assert_string_equal(buf_text(&pair.lines),
			    "trusted file 'usr/lib/libc.so.6': "
			    "sha256 2311111111111111111111111111111111111111111111111111111111111111, expected "
			    "sha256 2211111111111111111111111111111111111111111111111111111111111111\n");
}

static void settings_and_missing_files_are_named(void **state)
{
	scoped(pair_done) struct pair pair = make_pair();
	const char *text;

	(void)state;
	alter(&pair.seen, "MSE_RESTART = \"sealed\"", "MSE_RESTART = \"owner\" ");
	alter(&pair.seen, "max_threads = 64", "max_threads = 65");
	alter(&pair.seen, "libc.so.6", "libz.so.6");
	assert_int_equal(diff(&pair, 10), 1);
	text = buf_text(&pair.lines);
	assert_non_null(strstr(text, "setting 'sgx.max_threads': 65, expected 64\n"));
	assert_non_null(strstr(text, "setting 'loader.env.MSE_RESTART': \"owner\" , expected \"sealed\"\n"));
	assert_non_null(strstr(text, "trusted file 'usr/lib/libc.so.6': absent, expected sha256 2211"));
	assert_non_null(strstr(text, "trusted file 'usr/lib/libz.so.6': sha256 2211"));
	assert_int_equal(diff(&pair, 2), 1);
	assert_non_null(strstr(buf_text(&pair.lines), "\nand 2 more\n"));
}

static void form_alone_is_said(void **state)
{
	scoped(pair_done) struct pair pair = make_pair();
	struct err err = ERR_INIT;

	(void)state;
	assert_ok(buf_add_text(&pair.seen, "# more\n", &err), &err);
	assert_int_equal(diff(&pair, 10), 1);
	assert_true(strncmp(buf_text(&pair.lines), "manifest text: form differs from line ", 38) == 0);
}

static void seen_text_cannot_write_to_the_terminal(void **state)
{
	scoped(pair_done) struct pair pair = make_pair();

	(void)state;
	alter(&pair.seen, "app:app", "a\x1b[31mp");
	assert_int_equal(diff(&pair, 10), 1);
	assert_null(strchr(buf_text(&pair.lines), 0x1b));
	assert_non_null(strstr(buf_text(&pair.lines), "\"a?[31mp\""));
}

static void rubbish_is_an_error_or_a_difference(void **state)
{
	scoped(pair_done) struct pair pair = make_pair();
	struct err err = ERR_INIT;
	uint8_t *room;

	(void)state;
	buf_clear(&pair.seen);
	assert_int_equal(diff(&pair, 10), 1);
	assert_ok(buf_add_text(&pair.seen, "a = ", &err), &err);
	assert_ok(buf_reserve(&pair.seen, 2000, &room, &err), &err);
	memset(room, 'x', 2000);
	pair.seen.size += 1024;
	assert_int_equal(diff(&pair, 10), 1);
	pair.seen.size++;
	assert_int_equal(diff(&pair, 10), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(equal_texts_have_no_difference),
	    cmocka_unit_test(a_changed_file_is_named),
	    cmocka_unit_test(settings_and_missing_files_are_named),
	    cmocka_unit_test(form_alone_is_said),
	    cmocka_unit_test(seen_text_cannot_write_to_the_terminal),
	    cmocka_unit_test(rubbish_is_an_error_or_a_difference),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
