/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <string.h>

#include "cloud/command.h"

#define PARSE(...) \
	command_parse((int)COUNT_OF(((const char *[]){__VA_ARGS__})), (char **)(const char *[]){__VA_ARGS__}, \
		      &command, &line, &err)

static const struct command *command;
static struct command_line line;

static void the_longest_words_win(void **state)
{
	struct err err = ERR_INIT;

	(void)state;
	assert_ok(PARSE("--data-dir", "D"), &err);
	assert_string_equal(command->words, "");
	assert_string_equal(line.values[0], "D");
	assert_ok(PARSE("user", "add", "--data-dir=D", "--email", "a@b", "--admin"), &err);
	assert_string_equal(command->words, "user add");
	assert_string_equal(line.values[0], "D");
	assert_string_equal(line.values[1], "a@b");
	assert_string_equal(line.values[2], "");
	assert_null(line.values[3]);
}

static void wrong_lines_say_what_is_wrong(void **state)
{
	struct err err = ERR_INIT;

	(void)state;
	assert_fails(PARSE("user", "--data-dir", "D"), &err, ERR_INVALID, "'user'");
	assert_fails(PARSE("init"), &err, ERR_INVALID, "init needs '--data-dir DIR'");
	assert_int_equal(command_parse(0, NULL, &command, &line, &err), -1);
	assert_string_equal(err.text, "needs '--data-dir DIR'");
	assert_fails(PARSE("serve", "--data-dir", "D"), &err, ERR_INVALID, "'msed --data-dir DIR' serves");
	assert_fails(PARSE("--data-dir"), &err, ERR_INVALID, "needs a value");
	assert_fails(PARSE("user", "add", "--data-dir", "D", "--email", "a@b", "--admin=yes"), &err, ERR_INVALID,
		     "takes no value");
	assert_fails(PARSE("--data-directory", "D"), &err, ERR_INVALID, "--data-directory");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_longest_words_win),
	    cmocka_unit_test(wrong_lines_say_what_is_wrong),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
