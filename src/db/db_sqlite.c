/* SPDX-License-Identifier: Apache-2.0 */
#include "db/db_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>

#include "base/fd.h"

#define BUSY_TIMEOUT_MS 10000 /* another process (msed user add) may hold the database for a moment */

static enum err_code code_of(int status)
{
	switch (status & 0xff) {
	case SQLITE_CONSTRAINT:
		return ERR_CONFLICT;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
	case SQLITE_FULL:
		return ERR_UNAVAILABLE;
	case SQLITE_NOMEM:
		return ERR_NO_MEMORY;
	case SQLITE_IOERR:
	case SQLITE_CANTOPEN:
	case SQLITE_READONLY:
		return ERR_IO;
	default:
		return ERR_INTERNAL;
	}
}

static int fail(sqlite3 *handle, int status, struct err *err)
{
	return err_set(err, code_of(status), "database: %s", handle ? sqlite3_errmsg(handle) : sqlite3_errstr(status));
}

static void close_handle(void *handle)
{
	(void)sqlite3_close_v2(handle);
}

static int run_script(void *handle, const char *sql, struct err *err)
{
	const int status = sqlite3_exec(handle, sql, NULL, NULL, NULL);

	return status == SQLITE_OK ? 0 : fail(handle, status, err);
}

/* SQLite would create the file with the umask's mode. */
static int create_private(const char *path, struct err *err)
{
	scoped(fd_closep) int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	return fd < 0 ? err_set_errno(err, "cannot open database '%s'", path) : 0;
}

static int open_handle(const char *path, void **ret_handle, struct err *err)
{
	static const char pragmas[] = "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;"
				      "PRAGMA trusted_schema=OFF;";
	sqlite3 *handle = NULL;
	int status;

	if (create_private(path, err) < 0)
		return -1;
	status = sqlite3_open_v2(path, &handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_FULLMUTEX, NULL);
	if (status == SQLITE_OK)
		status = sqlite3_busy_timeout(handle, BUSY_TIMEOUT_MS);
	if (status != SQLITE_OK || run_script(handle, pragmas, err) < 0) {
		if (status != SQLITE_OK)
			(void)fail(handle, status, err);
		close_handle(handle);
		return err_prefix(err, "cannot open database '%s'", path);
	}
	(void)sqlite3_extended_result_codes(handle, 1);
	*ret_handle = handle;
	return 0;
}

static int prepare(void *handle, const char *sql, void **ret_stmt, struct err *err)
{
	sqlite3_stmt *stmt = NULL;
	const char *tail = NULL;
	const int status = sqlite3_prepare_v2(handle, sql, -1, &stmt, &tail);

	if (status != SQLITE_OK)
		return fail(handle, status, err);
	if (!stmt || (tail && *tail)) {
		(void)sqlite3_finalize(stmt);
		return err_set(err, ERR_INTERNAL, "database: not exactly one statement: %.100s", sql);
	}
	*ret_stmt = stmt;
	return 0;
}

static void finalize(void *stmt)
{
	(void)sqlite3_finalize(stmt);
}

static int bound(void *stmt, int status, struct err *err)
{
	return status == SQLITE_OK ? 0 : fail(sqlite3_db_handle(stmt), status, err);
}

static int bind_text(void *stmt, int index, const char *text, struct err *err)
{
	return bound(stmt, sqlite3_bind_text(stmt, index, text, -1, SQLITE_TRANSIENT), err);
}

static int bind_i64(void *stmt, int index, int64_t value, struct err *err)
{
	return bound(stmt, sqlite3_bind_int64(stmt, index, value), err);
}

static int bind_null(void *stmt, int index, struct err *err)
{
	return bound(stmt, sqlite3_bind_null(stmt, index), err);
}

static int step(void *stmt, struct err *err)
{
	const int status = sqlite3_step(stmt);

	if (status == SQLITE_ROW)
		return 1;
	if (status == SQLITE_DONE)
		return 0;
	return fail(sqlite3_db_handle(stmt), status, err);
}

static const char *column_text(void *stmt, int column)
{
	return (const char *)sqlite3_column_text(stmt, column);
}

static int64_t column_i64(void *stmt, int column)
{
	return sqlite3_column_int64(stmt, column);
}

static bool column_is_null(void *stmt, int column)
{
	return sqlite3_column_type(stmt, column) == SQLITE_NULL;
}

static int64_t changes(void *handle)
{
	return sqlite3_changes64(handle);
}

const struct db_ops db_sqlite_ops = {
    .scheme = "sqlite",
    .begin_sql = "BEGIN IMMEDIATE",
    .open = open_handle,
    .close = close_handle,
    .run_script = run_script,
    .prepare = prepare,
    .finalize = finalize,
    .bind_text = bind_text,
    .bind_i64 = bind_i64,
    .bind_null = bind_null,
    .step = step,
    .column_text = column_text,
    .column_i64 = column_i64,
    .column_is_null = column_is_null,
    .changes = changes,
};
