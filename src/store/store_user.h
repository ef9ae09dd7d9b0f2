/* SPDX-License-Identifier: Apache-2.0 */
/* Users. The password's hash is text of crypto/password.h. */
#ifndef MSE_STORE_STORE_USER_H
#define MSE_STORE_STORE_USER_H

#include "domain/user.h"
#include "store/store.h"

#define STORE_PASSWORD_HASH_SIZE 256

/* ERR_CONFLICT when the e-mail address is taken. */
must_check int store_user_add(struct store *store, const struct user *user, const char *password_hash, struct err *err);

/* 1 found, 0 absent. ret_password_hash may be NULL. Disabled users are found too: look at disabled_at. */
must_check int store_user_find(struct store *store, const char *id, struct user *ret, struct err *err);
must_check int store_user_find_by_email(struct store *store, const char *email, struct user *ret,
					char ret_password_hash[static STORE_PASSWORD_HASH_SIZE], struct err *err);

#endif
