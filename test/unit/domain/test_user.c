/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <string.h>

#include "domain/user.h"
#include "domain/uuid.h"

static void addresses_are_lowered(void **state)
{
	static const char *const bad[] = {"", "a", "@b", "a@", "a@b@c", "a b@c", "<a>@b", "a@b\n", "\xc3\xa9@b"};
	char email[USER_EMAIL_SIZE];
	char longest[USER_EMAIL_SIZE + 1];
	struct err err = ERR_INIT;

	(void)state;
	assert_ok(user_normalize_email("Admin@Example.COM", email, &err), &err);
	assert_string_equal(email, "admin@example.com");
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		assert_int_equal(user_normalize_email(bad[i], email, &err), -1);
	memset(longest, 'a', sizeof(longest));
	longest[1] = '@';
	longest[USER_EMAIL_SIZE - 1] = 0;
	assert_ok(user_normalize_email(longest, email, &err), &err);
	longest[USER_EMAIL_SIZE - 1] = 'a';
	longest[USER_EMAIL_SIZE] = 0;
	assert_fails(user_normalize_email(longest, email, &err), &err, ERR_INVALID, "254");
}

static void passwords_have_a_length(void **state)
{
	char password[USER_PASSWORD_MAX + 1];
	struct err err = ERR_INIT;

	(void)state;
	memset(password, 'p', sizeof(password));
	assert_ok(user_check_password(password, USER_PASSWORD_MIN, &err), &err);
	assert_ok(user_check_password(password, USER_PASSWORD_MAX, &err), &err);
	assert_fails(user_check_password(password, USER_PASSWORD_MIN - 1, &err), &err, ERR_INVALID, "got 9");
	assert_fails(user_check_password(password, USER_PASSWORD_MAX + 1, &err), &err, ERR_INVALID, "got 1025");
	password[3] = 0;
	assert_fails(user_check_password(password, 20, &err), &err, ERR_INVALID, "zero byte");
}

static void uuids_are_version_4(void **state)
{
	static const uint8_t ones[16] = {[0 ... 15] = 0xff};
	char text[UUID_TEXT_SIZE];

	(void)state;
	uuid_format(ones, text);
	assert_string_equal(text, "ffffffff-ffff-4fff-bfff-ffffffffffff");
	assert_true(uuid_is_valid(text));
	assert_false(uuid_is_valid("FFFFFFFF-ffff-4fff-bfff-ffffffffffff"));
	assert_false(uuid_is_valid("ffffffff-ffff-4fff-bfff-fffffffffff"));
	assert_false(uuid_is_valid("ffffffff-ffff-4fff-bfff-fffffffffff/"));
	assert_false(uuid_is_valid("fffffffff-fff-4fff-bfff-ffffffffffff"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(addresses_are_lowered),
	    cmocka_unit_test(passwords_have_a_length),
	    cmocka_unit_test(uuids_are_version_4),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
