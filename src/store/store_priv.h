/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the store_<noun>.c files only. */
#ifndef MSE_STORE_STORE_PRIV_H
#define MSE_STORE_STORE_PRIV_H

#include "db/db.h"
#include "db/migrate.h"
#include "store/store.h"

struct store {
	struct db *db;
};

/* Made by meson from sql/NNNN_name.sql. */
extern const struct db_migration store_migrations[];
extern const size_t store_migration_count;

/* Copies a column; "" for NULL. A value that does not fit means somebody else wrote the row: ERR_INTERNAL. */
must_check int store_copy_text(const struct db_stmt *stmt, int column, char *ret, size_t size, struct err *err);

/* bool column */
bool store_column_bool(const struct db_stmt *stmt, int column);

#define STORE_COPY(stmt, column, field, err) store_copy_text((stmt), (column), (field), sizeof(field), (err))

#endif
