/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <string.h>

#include "enclave/process/arguments.h"

#define ARGV_MAX 8

struct seen {
	const char *host;
	const char *quiet;
	const char *operand;
};

static int parse(const char *const argv[static ARGV_MAX], struct seen *ret, struct err *err)
{
	const struct argument rows[] = {
	    {"--host", "HOST", "where", &ret->host},
	    {"--quiet", NULL, "say less", &ret->quiet},
	};

	*ret = (struct seen){0};
	return arguments_parse(rows, COUNT_OF(rows), (char *const *)argv, &ret->operand, err);
}

static void forms(void **state)
{
	const char *const rows[][ARGV_MAX] = {
	    {"--host", "a", "--quiet", "app:app"},
	    {"app:app", "--quiet", "--host=a"},
	    {"--quiet", "--host", "a", "--", "app:app"},
	};
	struct err err = ERR_INIT;
	struct seen seen;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		assert_ok(parse(rows[i], &seen, &err), &err);
		assert_string_equal(seen.host, "a");
		assert_string_equal(seen.quiet, "1");
		assert_string_equal(seen.operand, "app:app");
	}
	assert_ok(parse((const char *const[ARGV_MAX]){"--host=", "--", "--quiet"}, &seen, &err), &err);
	assert_string_equal(seen.host, "");
	assert_string_equal(seen.operand, "--quiet");
	assert_null(seen.quiet);
	assert_ok(parse((const char *const[ARGV_MAX]){NULL}, &seen, &err), &err);
	assert_null(seen.operand);
}

static void wrong(void **state)
{
	const struct {
		const char *argv[ARGV_MAX];
		const char *wanted;
	} rows[] = {
	    {{"--hos", "a"}, "unknown option '--hos'"},
	    {{"--hostess=a"}, "unknown option '--hostess=a'"},
	    {{"-q"}, "unknown option '-q'"},
	    {{"--host"}, "'--host' wants a value: HOST"},
	    {{"--host", "a", "--host=b"}, "'--host' is given twice"},
	    {{"--quiet=1"}, "'--quiet' takes no value"},
	    {{"a:b", "c:d"}, "'c:d' is one argument too many"},
	};
	struct err err = ERR_INIT;
	struct seen seen;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		assert_fails(parse(rows[i].argv, &seen, &err), &err, ERR_INVALID, rows[i].wanted);
}

static void some_may_be_repeated(void **state)
{
	const char *hosts[3] = {0};
	const struct argument rows[] = {{"--host", "HOST", "where", hosts, COUNT_OF(hosts)}};
	const char *const argv[] = {"--host", "a", "--host=b", "--host", "c", NULL, NULL};
	const char *const many[] = {"--host=a", "--host=b", "--host=c", "--host=d", NULL};
	const char *operand;
	struct err err = ERR_INIT;

	(void)state;
	assert_ok(arguments_parse(rows, 1, (char *const *)argv, &operand, &err), &err);
	assert_string_equal(hosts[0], "a");
	assert_string_equal(hosts[2], "c");
	memset(hosts, 0, sizeof(hosts));
	assert_fails(arguments_parse(rows, 1, (char *const *)many, &operand, &err), &err, ERR_INVALID,
		     "'--host' is given more than 3 times");
}

static void help_has_a_line_for_each(void **state)
{
	const char *ignored = NULL;
	const struct argument rows[] = {{"--host", "HOST", "where", &ignored}, {"--quiet", NULL, "say less", &ignored}};
	scoped(buf_done) struct buf text = BUF_INIT(1000);
	struct err err = ERR_INIT;

	(void)state;
	assert_ok(arguments_help(rows, COUNT_OF(rows), &text, &err), &err);
	assert_string_equal(buf_text(&text), "  --host HOST                    where\n"
					     "  --quiet                        say less\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(forms),
	    cmocka_unit_test(wrong),
	    cmocka_unit_test(some_may_be_repeated),
	    cmocka_unit_test(help_has_a_line_for_each),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
