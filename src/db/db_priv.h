/* SPDX-License-Identifier: Apache-2.0 */
/* What a driver fills in. Only src/db includes this. Calls arrive one at a time: db.c holds the lock. */
#ifndef MSE_DB_DB_PRIV_H
#define MSE_DB_DB_PRIV_H

#include "db/db.h"

struct db_ops {
	const char *scheme;    /* as in SCHEME:ADDRESS */
	const char *begin_sql; /* starts a transaction that may write */
	int (*open)(const char *address, void **ret_handle, struct err *err);
	void (*close)(void *handle);
	int (*run_script)(void *handle, const char *sql, struct err *err);
	int (*prepare)(void *handle, const char *sql, void **ret_stmt, struct err *err);
	void (*finalize)(void *stmt);
	int (*bind_text)(void *stmt, int index, const char *text, struct err *err);
	int (*bind_i64)(void *stmt, int index, int64_t value, struct err *err);
	int (*bind_null)(void *stmt, int index, struct err *err);
	int (*step)(void *stmt, struct err *err);
	const char *(*column_text)(void *stmt, int column);
	int64_t (*column_i64)(void *stmt, int column);
	bool (*column_is_null)(void *stmt, int column);
	int64_t (*changes)(void *handle);
};

extern const struct db_ops db_sqlite_ops;

#endif
