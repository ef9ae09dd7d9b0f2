/* SPDX-License-Identifier: Apache-2.0 */
#include "store/store_user.h"

#include <string.h>

#include "store/store_priv.h"

#define USER_COLUMNS \
	"id, email, given_name, family_name, is_admin, email_verified, configured, created_at, disabled_at, " \
	"password_hash"

static int read_user(const struct db_stmt *stmt, struct user *ret, struct err *err)
{
	struct user user = {0};

	if (STORE_COPY(stmt, 0, user.id, err) < 0 || STORE_COPY(stmt, 1, user.email, err) < 0 ||
	    STORE_COPY(stmt, 2, user.given_name, err) < 0 || STORE_COPY(stmt, 3, user.family_name, err) < 0)
		return -1;
	user.is_admin = store_column_bool(stmt, 4);
	user.email_verified = store_column_bool(stmt, 5);
	user.configured = store_column_bool(stmt, 6);
	user.created_at = db_column_i64(stmt, 7);
	user.disabled_at = db_column_i64(stmt, 8);
	*ret = user;
	return 0;
}

int store_user_add(struct store *store, const struct user *user, const char *password_hash, struct err *err)
{
	struct err cause = ERR_INIT;

	if (db_exec(store->db, NULL, &cause,
		    "INSERT INTO users (id, email, given_name, family_name, password_hash, is_admin, email_verified, "
		    "configured, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
		    "tttttbbbi", user->id, user->email, user->given_name, user->family_name, password_hash,
		    user->is_admin, user->email_verified, user->configured, user->created_at) == 0)
		return 0;
	if (cause.code == ERR_CONFLICT)
		return err_set(err, ERR_CONFLICT, "there is a user '%s' already", user->email);
	*err = cause;
	return -1;
}

int store_user_find(struct store *store, const char *id, struct user *ret, struct err *err)
{
	scoped(db_stmt_freep) struct db_stmt *stmt = NULL;
	int found;

	if (db_query(store->db, &stmt, err, "SELECT " USER_COLUMNS " FROM users WHERE id = $1", "t", id) < 0)
		return -1;
	found = db_step(stmt, err);
	return found == 1 && read_user(stmt, ret, err) < 0 ? -1 : found;
}

int store_user_find_by_email(struct store *store, const char *email, struct user *ret,
			     char ret_password_hash[static STORE_PASSWORD_HASH_SIZE], struct err *err)
{
	scoped(db_stmt_freep) struct db_stmt *stmt = NULL;
	int found;

	if (db_query(store->db, &stmt, err, "SELECT " USER_COLUMNS " FROM users WHERE email = $1", "t", email) < 0)
		return -1;
	found = db_step(stmt, err);
	if (found == 1 && (read_user(stmt, ret, err) < 0 ||
			   store_copy_text(stmt, 9, ret_password_hash, STORE_PASSWORD_HASH_SIZE, err) < 0))
		return -1;
	return found;
}
