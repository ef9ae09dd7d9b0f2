/* SPDX-License-Identifier: Apache-2.0 */
#include "store/store_token.h"

#include <string.h>

#include "store/store_priv.h"

#define USE_NOTED_EVERY_SECONDS 60

int store_refresh_add(struct store *store, const struct refresh_token *token, struct err *err)
{
	return db_exec(store->db, NULL, err,
		       "INSERT INTO refresh_tokens (hash, family, user_id, client_id, scope, created_at, expires_at) "
		       "VALUES ($1, $2, $3, $4, $5, $6, $7)",
		       "tttttii", token->hash, token->family, token->user_id, token->client_id, token->scope,
		       token->created_at, token->expires_at);
}

static int read_refresh(const struct db_stmt *stmt, struct refresh_token *ret, struct err *err)
{
	memset(ret, 0, sizeof(*ret));
	if (STORE_COPY(stmt, 0, ret->hash, err) < 0 || STORE_COPY(stmt, 1, ret->family, err) < 0 ||
	    STORE_COPY(stmt, 2, ret->user_id, err) < 0 || STORE_COPY(stmt, 3, ret->client_id, err) < 0 ||
	    STORE_COPY(stmt, 4, ret->scope, err) < 0)
		return -1;
	ret->created_at = db_column_i64(stmt, 5);
	ret->expires_at = db_column_i64(stmt, 6);
	ret->used_at = db_column_i64(stmt, 7);
	ret->revoked_at = db_column_i64(stmt, 8);
	return 0;
}

int store_refresh_find(struct store *store, const char *hash, struct refresh_token *ret, struct err *err)
{
	scoped(db_stmt_freep) struct db_stmt *stmt = NULL;
	int found;

	if (db_query(store->db, &stmt, err,
		     "SELECT hash, family, user_id, client_id, scope, created_at, expires_at, used_at, "
		     "revoked_at FROM refresh_tokens WHERE hash = $1",
		     "t", hash) < 0)
		return -1;
	found = db_step(stmt, err);
	return found == 1 && read_refresh(stmt, ret, err) < 0 ? -1 : found;
}

/* 1 and the successor stored, 0 if old is not usable any more. */
static int rotate(struct store *store, const char *old_hash, const struct refresh_token *next, int64_t now,
		  struct err *err)
{
	int64_t changed = 0;

	if (db_exec(store->db, &changed, err,
		    "UPDATE refresh_tokens SET used_at = $1 WHERE hash = $2 AND used_at IS NULL AND revoked_at IS NULL",
		    "it", now, old_hash) < 0)
		return -1;
	if (changed != 1)
		return 0;
	return store_refresh_add(store, next, err) < 0 ? -1 : 1;
}

int store_refresh_rotate(struct store *store, const char *old_hash, const struct refresh_token *next, int64_t now,
			 struct err *err)
{
	int rotated;

	if (store_begin(store, err) < 0)
		return -1;
	rotated = rotate(store, old_hash, next, now, err);
	if (rotated < 0) {
		store_rollback(store);
		return -1;
	}
	return store_commit(store, "signin-refresh-rotate", err) < 0 ? -1 : rotated;
}

int store_refresh_revoke_family(struct store *store, const char *family, int64_t now, struct err *err)
{
	return db_exec(store->db, NULL, err,
		       "UPDATE refresh_tokens SET revoked_at = $1 WHERE family = $2 AND revoked_at IS NULL", "it", now,
		       family);
}

int store_api_token_add(struct store *store, const struct api_token *token, struct err *err)
{
	scoped(db_stmt_freep) struct db_stmt *stmt = NULL;

	if (db_query(store->db, &stmt, err,
		     "INSERT INTO api_tokens (id, hash, user_id, name, created_at, expires_at) "
		     "VALUES ($1, $2, $3, $4, $5, $6)",
		     "tttti", token->id, token->hash, token->user_id, token->name, token->created_at) < 0)
		return -1;
	if (token->expires_at && db_bind_i64(stmt, 6, token->expires_at, err) < 0)
		return -1;
	return db_step(stmt, err) < 0 ? -1 : 0;
}

static int note_use(struct store *store, const char *hash, int64_t now, struct err *err)
{
	return db_exec(store->db, NULL, err,
		       "UPDATE api_tokens SET last_used_at = $1 WHERE hash = $2 AND "
		       "(last_used_at IS NULL OR last_used_at < $3)",
		       "iti", now, hash, now - USE_NOTED_EVERY_SECONDS);
}

int store_api_token_find(struct store *store, const char *hash, int64_t now, char ret_user_id[static UUID_TEXT_SIZE],
			 struct err *err)
{
	scoped(db_stmt_freep) struct db_stmt *stmt = NULL;
	int found;

	if (db_query(store->db, &stmt, err,
		     "SELECT user_id FROM api_tokens WHERE hash = $1 AND revoked_at IS NULL AND "
		     "(expires_at IS NULL OR expires_at > $2)",
		     "ti", hash, now) < 0)
		return -1;
	found = db_step(stmt, err);
	if (found == 1 && store_copy_text(stmt, 0, ret_user_id, UUID_TEXT_SIZE, err) < 0)
		return -1;
	db_stmt_freep(&stmt);
	return found == 1 && note_use(store, hash, now, err) < 0 ? -1 : found;
}
