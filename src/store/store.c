/* SPDX-License-Identifier: Apache-2.0 */
#include "store/store.h"

#include <string.h>

#include "store/store_priv.h"

int store_open(const char *url, int64_t now, struct store **ret, struct err *err)
{
	scoped(db_closep) struct db *db = NULL;
	struct store *store;

	if (db_open(url, &db, err) < 0 ||
	    db_migrate(db, store_migrations, store_migration_count, MSE_VERSION, now, err) < 0)
		return -1;
	store = calloc(1, sizeof(*store));
	if (!store)
		return err_no_memory(err);
	store->db = TAKE_PTR(db);
	*ret = store;
	return 0;
}

void store_close(struct store *store)
{
	if (!store)
		return;
	db_close(store->db);
	free(store);
}

int store_begin(struct store *store, struct err *err)
{
	return db_begin(store->db, err);
}

void store_rollback(struct store *store)
{
	db_rollback(store->db);
}

int store_commit_now(struct store *store, struct err *err)
{
	return db_commit(store->db, err);
}

int store_copy_text(const struct db_stmt *stmt, int column, char *ret, size_t size, struct err *err)
{
	const char *text = db_column_text(stmt, column);
	const size_t length = text ? strlen(text) : 0;

	if (length >= size)
		return err_set(err, ERR_INTERNAL, "column %d of the database has %zu bytes, at most %zu are expected",
			       column, length, size - 1);
	memcpy(ret, text ? text : "", length);
	ret[length] = 0;
	return 0;
}

bool store_column_bool(const struct db_stmt *stmt, int column)
{
	return db_column_i64(stmt, column) != 0;
}
