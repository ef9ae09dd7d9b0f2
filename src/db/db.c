/* SPDX-License-Identifier: Apache-2.0 */
#include "db/db.h"

#include <assert.h>
#include <pthread.h>
#include <stdarg.h>
#include <string.h>

#include "base/fault.h"
#include "db/db_priv.h"

struct db {
	const struct db_ops *ops;
	void *handle;
	pthread_mutex_t lock; /* recursive: a transaction and the statements in it are one thread's */
	int depth;            /* of db_begin; only the outermost one reaches the engine */
	bool doomed;          /* an inner transaction was rolled back */
};

struct db_stmt {
	struct db *db;
	void *handle;
};

static const struct db_ops *const drivers[] = {&db_sqlite_ops};

/* The driver of "SCHEME:ADDRESS"; a bare path is SQLite's. */
static const struct db_ops *driver_of(const char *url, const char **ret_address)
{
	for (size_t i = 0; i < COUNT_OF(drivers); i++) {
		const size_t length = strlen(drivers[i]->scheme);

		if (strncmp(url, drivers[i]->scheme, length) == 0 && url[length] == ':') {
			*ret_address = url + length + 1;
			return drivers[i];
		}
	}
	*ret_address = url;
	return strstr(url, "://") ? NULL : &db_sqlite_ops;
}

static int init_lock(pthread_mutex_t *lock)
{
	pthread_mutexattr_t attributes;
	int status;

	if (pthread_mutexattr_init(&attributes) != 0)
		return -1;
	status = pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_RECURSIVE);
	if (status == 0)
		status = pthread_mutex_init(lock, &attributes);
	(void)pthread_mutexattr_destroy(&attributes);
	return status == 0 ? 0 : -1;
}

int db_open(const char *url, struct db **ret_db, struct err *err)
{
	const char *address;
	const struct db_ops *ops = driver_of(url, &address);
	struct db *db;

	if (!ops)
		return err_set(err, ERR_UNSUPPORTED, "no database driver for '%s'", url);
	db = calloc(1, sizeof(*db));
	if (!db)
		return err_no_memory(err);
	db->ops = ops;
	if (init_lock(&db->lock) < 0) {
		free(db);
		return err_set(err, ERR_INTERNAL, "cannot make a lock");
	}
	if (ops->open(address, &db->handle, err) < 0) {
		(void)pthread_mutex_destroy(&db->lock);
		free(db);
		return -1;
	}
	*ret_db = db;
	return 0;
}

void db_close(struct db *db)
{
	if (!db)
		return;
	db->ops->close(db->handle);
	(void)pthread_mutex_destroy(&db->lock);
	free(db);
}

static void lock(struct db *db)
{
	(void)pthread_mutex_lock(&db->lock);
}

static void unlock(struct db *db)
{
	(void)pthread_mutex_unlock(&db->lock);
}

int db_run_script(struct db *db, const char *sql, struct err *err)
{
	int status;

	lock(db);
	status = db->ops->run_script(db->handle, sql, err);
	unlock(db);
	return status;
}

int db_begin(struct db *db, struct err *err)
{
	lock(db);
	if (db->depth == 0 && db->ops->run_script(db->handle, db->ops->begin_sql, err) < 0) {
		unlock(db);
		return err_prefix(err, "cannot begin a transaction");
	}
	if (db->depth == 0)
		db->doomed = false;
	db->depth++;
	return 0;
}

static int end_outermost(struct db *db, struct err *err)
{
	struct err ignored = ERR_INIT;

	if (!db->doomed && db->ops->run_script(db->handle, "COMMIT", err) == 0)
		return 0;
	if (db->doomed)
		(void)err_set(err, ERR_INTERNAL, "part of the transaction was rolled back");
	IGNORE_RESULT(db->ops->run_script(db->handle, "ROLLBACK", &ignored) < 0);
	return -1;
}

int db_commit(struct db *db, struct err *err)
{
	int status = 0;

	assert(db->depth > 0);
	db->depth--;
	if (db->depth == 0)
		status = end_outermost(db, err);
	unlock(db);
	return status < 0 ? err_prefix(err, "cannot commit") : 0;
}

void db_rollback(struct db *db)
{
	struct err ignored = ERR_INIT;

	assert(db->depth > 0);
	db->depth--;
	db->doomed = true;
	if (db->depth == 0)
		IGNORE_RESULT(db->ops->run_script(db->handle, "ROLLBACK", &ignored) < 0);
	unlock(db);
}

int db_prepare(struct db *db, const char *sql, struct db_stmt **ret_stmt, struct err *err)
{
	struct db_stmt *stmt = calloc(1, sizeof(*stmt));

	if (!stmt)
		return err_no_memory(err);
	lock(db);
	stmt->db = db;
	if (db->ops->prepare(db->handle, sql, &stmt->handle, err) < 0) {
		unlock(db);
		free(stmt);
		return -1;
	}
	*ret_stmt = stmt;
	return 0;
}

void db_stmt_free(struct db_stmt *stmt)
{
	if (!stmt)
		return;
	stmt->db->ops->finalize(stmt->handle);
	unlock(stmt->db);
	free(stmt);
}

int db_bind_text(struct db_stmt *stmt, int index, const char *text, struct err *err)
{
	if (!text)
		return db_bind_null(stmt, index, err);
	if (strlen(text) > DB_TEXT_MAX)
		return err_set(err, ERR_LIMIT, "a text of more than %d bytes for the database", DB_TEXT_MAX);
	return stmt->db->ops->bind_text(stmt->handle, index, text, err);
}

int db_bind_i64(struct db_stmt *stmt, int index, int64_t value, struct err *err)
{
	return stmt->db->ops->bind_i64(stmt->handle, index, value, err);
}

int db_bind_null(struct db_stmt *stmt, int index, struct err *err)
{
	return stmt->db->ops->bind_null(stmt->handle, index, err);
}

static int bind_list(struct db_stmt *stmt, struct err *err, const char *format, va_list args)
{
	int status = 0;

	for (int i = 0; format[i] && status == 0; i++) {
		if (format[i] == 't')
			status = db_bind_text(stmt, i + 1, va_arg(args, const char *), err);
		else if (format[i] == 'i')
			status = db_bind_i64(stmt, i + 1, va_arg(args, int64_t), err);
		else if (format[i] == 'b')
			status = db_bind_i64(stmt, i + 1, va_arg(args, int) != 0, err);
		else
			status = err_set(err, ERR_INTERNAL, "bind format '%s'", format);
	}
	return status;
}

int db_step(struct db_stmt *stmt, struct err *err)
{
	return stmt->db->ops->step(stmt->handle, err);
}

const char *db_column_text(const struct db_stmt *stmt, int column)
{
	return stmt->db->ops->column_text(stmt->handle, column);
}

int64_t db_column_i64(const struct db_stmt *stmt, int column)
{
	return stmt->db->ops->column_i64(stmt->handle, column);
}

bool db_column_is_null(const struct db_stmt *stmt, int column)
{
	return stmt->db->ops->column_is_null(stmt->handle, column);
}

static int prepare_bound(struct db *db, struct db_stmt **ret_stmt, struct err *err, const char *sql, const char *format,
			 va_list args)
{
	scoped(db_stmt_freep) struct db_stmt *stmt = NULL;

	if (db_prepare(db, sql, &stmt, err) < 0 || bind_list(stmt, err, format, args) < 0)
		return -1;
	*ret_stmt = TAKE_PTR(stmt);
	return 0;
}

int db_query(struct db *db, struct db_stmt **ret_stmt, struct err *err, const char *sql, const char *format, ...)
{
	va_list args;
	int status;

	va_start(args, format);
	status = prepare_bound(db, ret_stmt, err, sql, format, args);
	va_end(args);
	return status;
}

int db_exec(struct db *db, int64_t *ret_changed, struct err *err, const char *sql, const char *format, ...)
{
	scoped(db_stmt_freep) struct db_stmt *stmt = NULL;
	va_list args;
	int status;

	va_start(args, format);
	status = prepare_bound(db, &stmt, err, sql, format, args);
	va_end(args);
	if (status < 0)
		return -1;
	if (db->depth == 0) /* a transaction has points of its own around its commit */
		fault_point("db-write:before");
	do {
		status = db_step(stmt, err);
	} while (status == 1);
	if (db->depth == 0)
		fault_point("db-write:after");
	if (status == 0 && ret_changed)
		*ret_changed = db->ops->changes(db->handle);
	return status;
}
