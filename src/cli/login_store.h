/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CONF/login.toml (mission F1): e-mail and refresh token as the original wrote them, and of ours: the cloud they are
 * for, the running access token with its end, or an API token instead of both. Mode 0600, replaced atomically.
 * Tokens are wiped by login_done.
 */
#ifndef MSE_CLI_LOGIN_STORE_H
#define MSE_CLI_LOGIN_STORE_H

#include <stdint.h>

#include "cli/settings.h"

#define LOGIN_FILE_MAX (64u << 10)
#define LOGIN_TOKEN_MAX 8192

struct login {
	char *url;
	char *email;
	char *refresh_token;
	char *access_token;
	int64_t access_expires; /* Unix seconds */
	int64_t access_refresh; /* from when on it is to be renewed */
	char *api_token;
};

void login_done(struct login *login);
/* 1 signed in (to any cloud), 0 not. */
must_check int login_load(const struct settings *settings, struct login *ret_login, struct err *err);
must_check int login_save(const struct settings *settings, const struct login *login, struct err *err);
must_check int login_remove(const struct settings *settings, struct err *err);
/* Held while a refresh token is exchanged: two commands at once must not both use the same one. Close the
 * descriptor to let go. */
must_check int login_lock(const struct settings *settings, int *ret_fd, struct err *err);

#endif
