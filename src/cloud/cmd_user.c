/* SPDX-License-Identifier: Apache-2.0 */
/* `msed user add` and `msed token create`: also while msed serves. */
#include <stdio.h>
#include <string.h>

#include "base/number.h"
#include "cloud/accounts.h"
#include "cloud/auth.h"
#include "cloud/cloud.h"
#include "cloud/command.h"
#include "store/store_user.h"

#define TOKEN_TEXT_MAX 128
#define EXPIRES_MAX (10LL * 365 * 86400)

enum { ADD_DATA_DIR, ADD_EMAIL, ADD_ADMIN, ADD_PASSWORD_STDIN };

static const struct command_option add_options[] = {
    [ADD_DATA_DIR] = {"--data-dir", "DIR", "the directory that msed init made", true, false},
    [ADD_EMAIL] = {"--email", "EMAIL", "the new user's address", true, false},
    [ADD_ADMIN] = {"--admin", NULL, "an administrator", false, false},
    [ADD_PASSWORD_STDIN] = {"--password-stdin", NULL, "read the password from standard input", false, false},
};

static int run_add(const struct command_line *line, struct err *err)
{
	scoped(cloud_closep) struct cloud *cloud = NULL;
	scoped(secret_done) struct secret password = SECRET_INIT;
	const char *email = line->values[ADD_EMAIL];
	bool made = false;

	if (cloud_open(line->values[ADD_DATA_DIR], &cloud, err) < 0 ||
	    account_password(line->values[ADD_PASSWORD_STDIN] != NULL, email, &password, &made, err) < 0 ||
	    account_create(cloud->store, email, &password, line->values[ADD_ADMIN] != NULL, cloud_now(cloud), err) < 0)
		return -1;
	(void)printf("user %s added\n", email);
	if (made)
		(void)printf("password (shown once): %.*s\n", (int)password.size, (const char *)password.data);
	return 0;
}

const struct command command_user_add = {
    .words = "user add",
    .summary = "add a user, with a default project and the free hardware",
    .options = add_options,
    .option_count = COUNT_OF(add_options),
    .run = run_add,
};

enum { TOKEN_DATA_DIR, TOKEN_USER, TOKEN_NAME, TOKEN_EXPIRES };

static const struct command_option token_options[] = {
    [TOKEN_DATA_DIR] = {"--data-dir", "DIR", "the directory that msed init made", true, false},
    [TOKEN_USER] = {"--user", "EMAIL", "whose token", true, false},
    [TOKEN_NAME] = {"--name", "TEXT", "what it is for", false, false},
    [TOKEN_EXPIRES] = {"--expires-in", "SECONDS", "without it the token has no end", false, false},
};

static int find_user(struct store *store, const char *email, struct user *ret, struct err *err)
{
	char hash[STORE_PASSWORD_HASH_SIZE], normal[USER_EMAIL_SIZE];
	int found;

	if (user_normalize_email(email, normal, err) < 0)
		return -1;
	found = store_user_find_by_email(store, normal, ret, hash, err);
	if (found == 0)
		return err_set(err, ERR_NOT_FOUND, "there is no user '%s'", normal);
	return found < 0 ? -1 : 0;
}

static int run_token(const struct command_line *line, struct err *err)
{
	scoped(cloud_closep) struct cloud *cloud = NULL;
	scoped(buf_done) struct buf text = BUF_INIT(TOKEN_TEXT_MAX);
	const char *name = line->values[TOKEN_NAME];
	struct user user;
	int64_t expires_in = 0;

	if (name && strlen(name) > 128)
		return err_set(err, ERR_INVALID, "'--name' has more than 128 bytes");
	if (line->values[TOKEN_EXPIRES] &&
	    number_parse_i64(line->values[TOKEN_EXPIRES], 1, EXPIRES_MAX, &expires_in, err) < 0)
		return err_prefix(err, "'--expires-in'");
	if (cloud_open(line->values[TOKEN_DATA_DIR], &cloud, err) < 0 ||
	    find_user(cloud->store, line->values[TOKEN_USER], &user, err) < 0 ||
	    auth_make_api_token(cloud->store, user.id, name ? name : "", cloud_now(cloud), expires_in, &text, err) < 0)
		return -1;
	(void)printf("%s\n", buf_text(&text));
	return 0;
}

const struct command command_token_create = {
    .words = "token create",
    .summary = "make an API token for a machine; it is printed once and stored as a hash",
    .options = token_options,
    .option_count = COUNT_OF(token_options),
    .run = run_token,
};
