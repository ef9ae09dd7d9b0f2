/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <errno.h>
#include <string.h>

static void prefix_puts_the_name_in_front(void **state)
{
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(err_set(&err, ERR_INVALID, "byte %d: version %d, expected 3", 0, 1), -1);
	assert_int_equal(err_prefix(&err, "quote '%s'", "q.bin"), -1);
	assert_string_equal(err.text, "quote 'q.bin': byte 0: version 1, expected 3");
	assert_int_equal(err.code, ERR_INVALID);
}

static void errno_chooses_the_code(void **state)
{
	struct err err = ERR_INIT;

	(void)state;
	errno = ENOENT;
	assert_int_equal(err_set_errno(&err, "cannot open '%s'", "x"), -1);
	assert_int_equal(err.code, ERR_NOT_FOUND);
	assert_int_equal(err.os_errno, ENOENT);
	assert_string_equal(err.text, "cannot open 'x': No such file or directory");
	errno = EACCES;
	(void)err_set_errno(&err, "x");
	assert_int_equal(err.code, ERR_IO);
}

static void long_text_is_cut_and_says_so(void **state)
{
	struct err err = ERR_INIT;
	char text[ERR_TEXT_SIZE * 2];

	(void)state;
	memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 1] = 0;
	(void)err_set(&err, ERR_LIMIT, "%s", text);
	assert_int_equal(strlen(err.text), ERR_TEXT_SIZE - 1);
	assert_string_equal(err.text + ERR_TEXT_SIZE - 4, "...");
	(void)err_prefix(&err, "head");
	assert_memory_equal(err.text, "head: aaa", 9);
	assert_string_equal(err.text + ERR_TEXT_SIZE - 4, "...");
}

static void every_code_has_its_own_text(void **state)
{
	(void)state;
#define X(name, text) assert_string_equal(err_code_text(ERR_##name), text);
	ERR_CODES(X)
#undef X
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(prefix_puts_the_name_in_front),
	    cmocka_unit_test(errno_chooses_the_code),
	    cmocka_unit_test(long_text_is_cut_and_says_so),
	    cmocka_unit_test(every_code_has_its_own_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
