/* SPDX-License-Identifier: Apache-2.0 */
#include "db/migrate.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "base/fault.h"

static const char table_sql[] = "CREATE TABLE IF NOT EXISTS db_migrations (number INTEGER PRIMARY KEY, name TEXT NOT "
				"NULL, program_version TEXT NOT NULL, migrated_at BIGINT NOT NULL)";

/* How many of our rows the database has, after checking that it has no others. */
static int count_done(struct db *db, const struct db_migration *rows, size_t count, size_t *ret_done, struct err *err)
{
	scoped(db_stmt_freep) struct db_stmt *stmt = NULL;
	size_t done = 0;
	int status;

	if (db_query(db, &stmt, err, "SELECT number, name, program_version FROM db_migrations ORDER BY number", "") < 0)
		return -1;
	while ((status = db_step(stmt, err)) == 1) {
		const int64_t number = db_column_i64(stmt, 0);

		if (done >= count)
			return err_set(err, ERR_UNSUPPORTED,
				       "the database is newer than this program: it has migration %" PRId64
				       " '%s' of version %s, this program knows %zu",
				       number, db_column_text(stmt, 1), db_column_text(stmt, 2), count);
		if (number != rows[done].number || strcmp(db_column_text(stmt, 1), rows[done].name) != 0)
			return err_set(err, ERR_CONFLICT, "migration %" PRId64 " of the database is '%s', not '%s'",
				       number, db_column_text(stmt, 1), rows[done].name);
		done++;
	}
	if (status == 0)
		*ret_done = done;
	return status;
}

static int apply(struct db *db, const struct db_migration *row, const char *program_version, int64_t now,
		 struct err *err)
{
	if (db_run_script(db, row->sql, err) < 0)
		return -1;
	return db_exec(db, NULL, err,
		       "INSERT INTO db_migrations (number, name, program_version, migrated_at) VALUES ($1, $2, $3, $4)",
		       "itti", (int64_t)row->number, row->name, program_version, now);
}

static int apply_in_transaction(struct db *db, const struct db_migration *row, const char *program_version, int64_t now,
				struct err *err)
{
	if (db_begin(db, err) < 0)
		return -1;
	if (apply(db, row, program_version, now, err) < 0) {
		db_rollback(db);
		return -1;
	}
	fault_point("db-migrate:before");
	if (db_commit(db, err) < 0)
		return -1;
	fault_point("db-migrate:after");
	return 0;
}

int db_migrate(struct db *db, const struct db_migration *rows, size_t count, const char *program_version, int64_t now,
	       struct err *err)
{
	size_t done = 0;

	if (db_run_script(db, table_sql, err) < 0 || count_done(db, rows, count, &done, err) < 0)
		return -1;
	for (size_t i = done; i < count; i++) {
		assert(rows[i].number == (int)i + 1);
		if (apply_in_transaction(db, &rows[i], program_version, now, err) < 0)
			return err_prefix(err, "migration %d '%s'", rows[i].number, rows[i].name);
	}
	return 0;
}
