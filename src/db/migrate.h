/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbered, append-only migrations. Each runs once, in its own transaction together with its row in the table
 * db_migrations (number, name, program version, time). A database that has a number we do not know was written by
 * a newer program: refused with ERR_UNSUPPORTED, nothing touched. One whose names differ from ours was written by
 * another program: ERR_CONFLICT.
 */
#ifndef MSE_DB_MIGRATE_H
#define MSE_DB_MIGRATE_H

#include "db/db.h"

struct db_migration {
	int number; /* 1, 2, 3 … without a gap */
	const char *name;
	const char *sql;
};

must_check int db_migrate(struct db *db, const struct db_migration *rows, size_t count, const char *program_version,
			  int64_t now, struct err *err);

#endif
