/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "domain/requirement.h"

static void lines_are_read(void **state)
{
	struct requirement requirement;
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(requirement_parse("Flask >= 2.0 , <3 # why\r\n", &requirement, &err), 1);
	assert_string_equal(requirement.name, "Flask");
	assert_string_equal(requirement.specifiers, ">=2.0,<3");
	assert_int_equal(requirement_parse("uvicorn[standard]==0.17", &requirement, &err), 1);
	assert_string_equal(requirement.name, "uvicorn");
	assert_string_equal(requirement.specifiers, "==0.17");
	assert_int_equal(requirement_parse("a#b", &requirement, &err), -1);
	assert_int_equal(requirement_parse("", &requirement, &err), 0);
	assert_int_equal(requirement_parse("  # only this", &requirement, &err), 0);
}

static void what_depends_on_the_machine_is_refused(void **state)
{
	static const char *const bad[] = {"-r other.txt", "--hash=sha256:0", "a @ https://x/", "https://x/a.whl",
					  "a; python_version<'3'"};
	struct requirement requirement;
	struct err err = ERR_INIT;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		assert_fails(requirement_parse(bad[i], &requirement, &err), &err, ERR_UNSUPPORTED, "not taken");
	assert_fails(requirement_parse("=1", &requirement, &err), &err, ERR_INVALID, "names no distribution");
	assert_fails(requirement_parse("a[b", &requirement, &err), &err, ERR_INVALID, "bracket");
	assert_fails(requirement_parse("a(b)", &requirement, &err), &err, ERR_INVALID, "version specifier");
}

static void lines_and_names_have_a_maximum(void **state)
{
	char line[REQUIREMENT_LINE_MAX + 2];
	struct requirement requirement;
	struct err err = ERR_INIT;

	(void)state;
	memset(line, 'a', sizeof(line));
	line[REQUIREMENT_NAME_SIZE - 1] = 0;
	assert_int_equal(requirement_parse(line, &requirement, &err), 1);
	line[REQUIREMENT_NAME_SIZE - 1] = 'a';
	line[REQUIREMENT_NAME_SIZE] = 0;
	assert_fails(requirement_parse(line, &requirement, &err), &err, ERR_INVALID, "names no distribution");
	line[REQUIREMENT_NAME_SIZE] = 'a';
	line[REQUIREMENT_LINE_MAX + 1] = 0;
	assert_fails(requirement_parse(line, &requirement, &err), &err, ERR_LIMIT, "1024");
}

static void versions_compare_as_pep_440_says(void **state)
{
	static const struct {
		const char *version, *specifiers;
		int met;
	} cases[] = {
	    {"2.2.2", "", 1},         {"2.2.2", "==2.2.2", 1},
	    {"2.2.2", "==2.2", 0},    {"2.2", "==2.2.0", 1},
	    {"2.2.2", "==2.2.*", 1},  {"2.3", "==2.2.*", 0},
	    {"2.3", "!=2.2.*", 1},    {"2.10", ">2.9", 1},
	    {"2.10", "<2.9", 0},      {"2.2.2", ">=2,<3", 1},
	    {"3.0", ">=2,<3", 0},     {"2.2.2", "~=2.1", 1},
	    {"3.0", "~=2.1", 0},      {"2.1.9", "~=2.1.4", 1},
	    {"2.2", "~=2.1.4", 0},    {"1.0rc1", ">=1.0", 0},
	    {"1.0.post1", ">1.0", 1}, {"1.0.dev3", "<1.0a1", 1},
	    {"1.0a2", ">1.0a1", 1},   {"1.2.3+deb12u1", "==1.2.3", 1},
	};
	struct requirement requirement = {.name = "a"};
	struct err err = ERR_INIT;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		(void)snprintf(requirement.specifiers, sizeof(requirement.specifiers), "%s", cases[i].specifiers);
		if (requirement_is_met(&requirement, cases[i].version, &err) != cases[i].met)
			fail_msg("%s of %s", cases[i].specifiers, cases[i].version);
	}
}

static void wrong_specifiers_are_errors(void **state)
{
	static const char *const bad[] = {
	    "==", "==x", ">=1.*", "~=1", "==1.2.3.4.5.6.7.8.9.10.11.12.13.14.15.16.17", "==9999999999", ">=1 2"};
	struct requirement requirement = {.name = "a"};
	struct err err = ERR_INIT;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		(void)snprintf(requirement.specifiers, sizeof(requirement.specifiers), "%s", bad[i]);
		assert_int_equal(requirement_is_met(&requirement, "1.0", &err), -1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(lines_are_read),
	    cmocka_unit_test(what_depends_on_the_machine_is_refused),
	    cmocka_unit_test(lines_and_names_have_a_maximum),
	    cmocka_unit_test(versions_compare_as_pep_440_says),
	    cmocka_unit_test(wrong_specifiers_are_errors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
