/* SPDX-License-Identifier: Apache-2.0 */
#include "store/store_account.h"

#include "store/store_priv.h"

#define REFRESH_KEPT_SECONDS (30LL * 24 * 3600) /* used tokens are kept so long, to notice that one comes back */

int store_failures_count(struct store *store, const char *subject, int64_t now, int64_t *ret, struct err *err)
{
	scoped(db_stmt_freep) struct db_stmt *stmt = NULL;
	int found;

	if (db_query(store->db, &stmt, err,
		     "SELECT failures FROM login_failures WHERE subject = $1 AND window_ends_at > $2", "ti", subject,
		     now) < 0)
		return -1;
	found = db_step(stmt, err);
	if (found >= 0)
		*ret = found == 1 ? db_column_i64(stmt, 0) : 0;
	return found < 0 ? -1 : 0;
}

int store_failures_add(struct store *store, const char *subject, int64_t now, int64_t window_seconds, struct err *err)
{
	return db_exec(store->db, NULL, err,
		       "INSERT INTO login_failures (subject, failures, window_ends_at) VALUES ($1, 1, $2) "
		       "ON CONFLICT (subject) DO UPDATE SET "
		       "failures = CASE WHEN login_failures.window_ends_at > $3 THEN login_failures.failures + 1 "
		       "ELSE 1 END, window_ends_at = CASE WHEN login_failures.window_ends_at > $3 "
		       "THEN login_failures.window_ends_at ELSE $2 END",
		       "tii", subject, now + window_seconds, now);
}

int store_failures_clear(struct store *store, const char *subject, struct err *err)
{
	return db_exec(store->db, NULL, err, "DELETE FROM login_failures WHERE subject = $1", "t", subject);
}

static int sweep(struct store *store, int64_t now, struct err *err)
{
	static const char *const statements[] = {
	    "DELETE FROM auth_codes WHERE expires_at <= $1",
	    "DELETE FROM device_grants WHERE expires_at <= $1",
	    "DELETE FROM login_failures WHERE window_ends_at <= $1",
	};

	for (size_t i = 0; i < COUNT_OF(statements); i++)
		if (db_exec(store->db, NULL, err, statements[i], "i", now) < 0)
			return -1;
	return db_exec(store->db, NULL, err, "DELETE FROM refresh_tokens WHERE expires_at <= $1", "i",
		       now - REFRESH_KEPT_SECONDS);
}

int store_account_sweep(struct store *store, int64_t now, struct err *err)
{
	if (store_begin(store, err) < 0)
		return -1;
	if (sweep(store, now, err) < 0) {
		store_rollback(store);
		return -1;
	}
	return store_commit(store, "signin-sweep", err);
}
