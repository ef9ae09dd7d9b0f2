/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <string.h>

#include "domain/text_rule.h"

static void utf8_is_strict(void **state)
{
	static const char *const good[] = {"", "abc", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80", "\xef\xbf\xbd"};
	static const char *const bad[] = {
	    "\x80", "\xc0\x80", "\xe0\x80\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xf8\x88\x80\x80\x80",
	    "\xc3", "\x7f",     "\x1b[31m",     "\xc2\x85"};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(good); i++)
		assert_true(text_is_printable_utf8(good[i]));
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		assert_false(text_is_printable_utf8(bad[i]));
}

static void domains_are_ldh_labels(void **state)
{
	static const char *const bad[] = {"",     "localhost", "a..b",  ".a.b",  "a.b.",  "-a.b",
					  "a-.b", "A.b",       "a_b.c", "a b.c", "*.a.b", "a.b/c"};
	struct err err = ERR_INIT;
	char label[80];

	(void)state;
	assert_ok(text_check_domain("d", "xn--a.example.com", &err), &err);
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		assert_fails(text_check_domain("d", bad[i], &err), &err, ERR_INVALID, "'d'");
	memset(label, 'a', sizeof(label));
	memcpy(label + 63, ".b", 3);
	assert_ok(text_check_domain("d", label, &err), &err);
	label[63] = 'a';
	memcpy(label + 64, ".b", 3);
	assert_fails(text_check_domain("d", label, &err), &err, ERR_INVALID, "not a domain name");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(utf8_is_strict),
	    cmocka_unit_test(domains_are_ldh_labels),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
