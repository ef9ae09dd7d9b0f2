/* SPDX-License-Identifier: Apache-2.0 */
#include "store/store_grant.h"

#include <string.h>

#include "store/store_priv.h"

int store_code_add(struct store *store, const struct auth_code *code, struct err *err)
{
	return db_exec(store->db, NULL, err,
		       "INSERT INTO auth_codes (hash, user_id, client_id, redirect_uri, code_challenge, scope, nonce, "
		       "family, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
		       "tttttttti", code->hash, code->user_id, code->client_id, code->redirect_uri,
		       code->code_challenge, code->scope, code->nonce, code->family, code->expires_at);
}

static int read_code(const struct db_stmt *stmt, struct auth_code *ret, struct err *err)
{
	memset(ret, 0, sizeof(*ret));
	if (STORE_COPY(stmt, 0, ret->hash, err) < 0 || STORE_COPY(stmt, 1, ret->user_id, err) < 0 ||
	    STORE_COPY(stmt, 2, ret->client_id, err) < 0 || STORE_COPY(stmt, 3, ret->redirect_uri, err) < 0 ||
	    STORE_COPY(stmt, 4, ret->code_challenge, err) < 0 || STORE_COPY(stmt, 5, ret->scope, err) < 0 ||
	    STORE_COPY(stmt, 6, ret->nonce, err) < 0 || STORE_COPY(stmt, 7, ret->family, err) < 0)
		return -1;
	ret->expires_at = db_column_i64(stmt, 8);
	ret->used_at = db_column_i64(stmt, 9);
	return 0;
}

static int find_code(struct store *store, const char *hash, struct auth_code *ret, struct err *err)
{
	scoped(db_stmt_freep) struct db_stmt *stmt = NULL;
	int found;

	if (db_query(store->db, &stmt, err,
		     "SELECT hash, user_id, client_id, redirect_uri, code_challenge, scope, nonce, family, "
		     "expires_at, used_at FROM auth_codes WHERE hash = $1",
		     "t", hash) < 0)
		return -1;
	found = db_step(stmt, err);
	return found == 1 && read_code(stmt, ret, err) < 0 ? -1 : found;
}

int store_code_take(struct store *store, const char *hash, int64_t now, struct auth_code *ret, struct err *err)
{
	int found;

	if (store_begin(store, err) < 0)
		return -1;
	found = find_code(store, hash, ret, err);
	if (found < 0 ||
	    db_exec(store->db, NULL, err, "UPDATE auth_codes SET used_at = $1 WHERE hash = $2 AND used_at IS NULL",
		    "it", now, hash) < 0) {
		store_rollback(store);
		return -1;
	}
	return store_commit(store, "signin-code-take", err) < 0 ? -1 : found;
}

int store_device_add(struct store *store, const struct device_grant *grant, struct err *err)
{
	return db_exec(store->db, NULL, err,
		       "INSERT INTO device_grants (hash, user_code, client_id, scope, answer, family, expires_at, "
		       "polled_at) VALUES ($1, $2, $3, $4, '', $5, $6, 0)",
		       "ttttti", grant->hash, grant->user_code, grant->client_id, grant->scope, grant->family,
		       grant->expires_at);
}

static int read_grant(struct db_stmt *stmt, struct device_grant *ret, struct err *err)
{
	const int found = db_step(stmt, err);

	if (found != 1)
		return found;
	memset(ret, 0, sizeof(*ret));
	if (STORE_COPY(stmt, 0, ret->hash, err) < 0 || STORE_COPY(stmt, 1, ret->user_code, err) < 0 ||
	    STORE_COPY(stmt, 2, ret->client_id, err) < 0 || STORE_COPY(stmt, 3, ret->scope, err) < 0 ||
	    STORE_COPY(stmt, 4, ret->user_id, err) < 0 || STORE_COPY(stmt, 5, ret->answer, err) < 0 ||
	    STORE_COPY(stmt, 6, ret->family, err) < 0)
		return -1;
	ret->expires_at = db_column_i64(stmt, 7);
	ret->polled_at = db_column_i64(stmt, 8);
	return 1;
}

#define GRANT_SELECT \
	"SELECT hash, user_code, client_id, scope, user_id, answer, family, expires_at, polled_at FROM " \
	"device_grants "

int store_device_find(struct store *store, const char *hash, struct device_grant *ret, struct err *err)
{
	scoped(db_stmt_freep) struct db_stmt *stmt = NULL;

	if (db_query(store->db, &stmt, err, GRANT_SELECT "WHERE hash = $1", "t", hash) < 0)
		return -1;
	return read_grant(stmt, ret, err);
}

int store_device_find_waiting(struct store *store, const char *user_code, int64_t now, struct device_grant *ret,
			      struct err *err)
{
	scoped(db_stmt_freep) struct db_stmt *stmt = NULL;

	if (db_query(store->db, &stmt, err, GRANT_SELECT "WHERE user_code = $1 AND answer = '' AND expires_at > $2",
		     "ti", user_code, now) < 0)
		return -1;
	return read_grant(stmt, ret, err);
}

int store_device_answer(struct store *store, const char *user_code, const char *user_id, const char *answer,
			struct err *err)
{
	int64_t changed = 0;

	if (db_exec(store->db, &changed, err,
		    "UPDATE device_grants SET user_id = $1, answer = $2 WHERE user_code = $3 AND answer = ''", "ttt",
		    user_id, answer, user_code) < 0)
		return -1;
	if (changed != 1)
		return err_set(err, ERR_NOT_FOUND, "there is no such code, or it was answered");
	return 0;
}

int store_device_polled(struct store *store, const char *hash, int64_t now, struct err *err)
{
	return db_exec(store->db, NULL, err, "UPDATE device_grants SET polled_at = $1 WHERE hash = $2", "it", now,
		       hash);
}

int store_device_take(struct store *store, const char *hash, struct err *err)
{
	int64_t changed = 0;

	if (db_exec(store->db, &changed, err, "DELETE FROM device_grants WHERE hash = $1", "t", hash) < 0)
		return -1;
	return changed == 1;
}
