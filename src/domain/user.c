/* SPDX-License-Identifier: Apache-2.0 */
#include "domain/user.h"

#include <ctype.h>
#include <string.h>

int user_normalize_email(const char *email, char ret_email[static USER_EMAIL_SIZE], struct err *err)
{
	const size_t length = strlen(email);
	const char *at = strchr(email, '@');

	if (length >= USER_EMAIL_SIZE)
		return err_set(err, ERR_INVALID, "e-mail address of more than %d characters", USER_EMAIL_SIZE - 1);
	if (!at || at == email || !at[1] || strchr(at + 1, '@'))
		return err_set(err, ERR_INVALID, "'%s' is not an e-mail address", email);
	for (size_t i = 0; i < length; i++) {
		const unsigned char c = (unsigned char)email[i];

		if (c <= 0x20 || c >= 0x7f || strchr("<>\"'(),:;[]\\", c))
			return err_set(err, ERR_INVALID, "the e-mail address has a character that is not taken");
	}
	for (size_t i = 0; i <= length; i++)
		ret_email[i] = (char)tolower((unsigned char)email[i]);
	return 0;
}

int user_check_password(const char *password, size_t size, struct err *err)
{
	if (size < USER_PASSWORD_MIN || size > USER_PASSWORD_MAX)
		return err_set(err, ERR_INVALID, "a password has %d to %d bytes, got %zu", USER_PASSWORD_MIN,
			       USER_PASSWORD_MAX, size);
	if (memchr(password, 0, size))
		return err_set(err, ERR_INVALID, "a password holds no zero byte");
	return 0;
}
