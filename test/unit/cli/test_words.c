/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <string.h>

#include "cli/words.h"

static void assert_words(const char *text, const char *const *wanted)
{
	scoped(words_done) struct words words = {0};
	struct err err = ERR_INIT;
	size_t i = 0;

	assert_ok(words_split(text, &words, &err), &err);
	for (; wanted[i]; i++)
		assert_string_equal(words.items[i], wanted[i]);
	assert_int_equal(words.count, i);
	assert_null(words.items[i]);
}

static void quotes_are_understood_without_a_shell(void **state)
{
	(void)state;
	assert_words("pytest", (const char *[]){"pytest", NULL});
	assert_words("  pytest\t-k 'a b' \"c \\\" d\" e\\ f ",
		     (const char *[]){"pytest", "-k", "a b", "c \" d", "e f", NULL});
	assert_words("a'b'\"c\" ''", (const char *[]){"abc", "", NULL});
	assert_words("$HOME *.py ; rm", (const char *[]){"$HOME", "*.py", ";", "rm", NULL});
	assert_words("'\\n' \"\\n\"", (const char *[]){"\\n", "\\n", NULL});
}

static void broken_lines_are_refused(void **state)
{
	scoped(words_done) struct words words = {0};
	struct err err = ERR_INIT;

	(void)state;
	assert_fails(words_split("", &words, &err), &err, ERR_INVALID, "no command");
	assert_fails(words_split(" \n", &words, &err), &err, ERR_INVALID, "no command");
	assert_fails(words_split("a 'b", &words, &err), &err, ERR_INVALID, "' is not closed");
	assert_fails(words_split("a \"b", &words, &err), &err, ERR_INVALID, "\" is not closed");
	assert_fails(words_split("a \\", &words, &err), &err, ERR_INVALID, "\\ is last");
}

static void word_count_is_limited(void **state)
{
	scoped(words_done) struct words words = {0};
	struct err err = ERR_INIT;
	char text[2 * (WORDS_MAX + 1) + 1];

	(void)state;
	for (size_t i = 0; i < sizeof(text) - 1; i++)
		text[i] = i % 2 ? ' ' : 'w';
	text[2 * WORDS_MAX] = '\0';
	assert_ok(words_split(text, &words, &err), &err);
	assert_int_equal(words.count, WORDS_MAX);
	words_done(&words);
	text[2 * WORDS_MAX] = 'w';
	text[2 * WORDS_MAX + 1] = '\0';
	assert_fails(words_split(text, &words, &err), &err, ERR_LIMIT, "more than");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(quotes_are_understood_without_a_shell),
	    cmocka_unit_test(broken_lines_are_refused),
	    cmocka_unit_test(word_count_is_limited),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
