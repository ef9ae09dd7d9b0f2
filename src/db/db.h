/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one interface to a relational database. It knows none of our nouns and contains no statement of ours: SQL
 * text lives in src/store and sql/ alone. Today's driver is SQLite (db_sqlite.c); another one is another struct
 * db_ops (db_priv.h) that db_open chooses by the URL's scheme.
 *
 * Statements are prepared, their parameters always bound: $1, $2, … in the order of their first appearance (the
 * form that both SQLite and PostgreSQL read). A struct db may be used by any number of threads: a statement holds
 * the database from db_prepare until db_stmt_free, a transaction from db_begin until db_commit or db_rollback, and
 * both nest within one thread. Keep them short.
 *
 * Text and blobs returned belong to the statement and last until its next step.
 */
#ifndef MSE_DB_DB_H
#define MSE_DB_DB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define DB_TEXT_MAX (1 << 20) /* longest text or blob that can be bound */

struct db;
struct db_stmt;

/* url: "sqlite:PATH" or a path. The file is created with mode 0600 if absent. WAL, synchronous=FULL, foreign keys. */
must_check int db_open(const char *url, struct db **ret_db, struct err *err);
void db_close(struct db *db);
DEFINE_SCOPED_PTR(struct db, db_close);

must_check int db_begin(struct db *db, struct err *err);
/* On failure the transaction is rolled back. Either way it is over. */
must_check int db_commit(struct db *db, struct err *err);
void db_rollback(struct db *db);

/* Several statements without parameters: migrations only. */
must_check int db_run_script(struct db *db, const char *sql, struct err *err);

must_check int db_prepare(struct db *db, const char *sql, struct db_stmt **ret_stmt, struct err *err);
void db_stmt_free(struct db_stmt *stmt);
DEFINE_SCOPED_PTR(struct db_stmt, db_stmt_free);

/* Parameters count from 1. What is bound is copied. A NULL text is SQL's NULL. */
must_check int db_bind_text(struct db_stmt *stmt, int index, const char *text, struct err *err);
must_check int db_bind_i64(struct db_stmt *stmt, int index, int64_t value, struct err *err);
must_check int db_bind_null(struct db_stmt *stmt, int index, struct err *err);

/* 1: a row, 0: no more. ERR_CONFLICT when a constraint forbids it, ERR_UNAVAILABLE when the disk is full. */
must_check int db_step(struct db_stmt *stmt, struct err *err);

/* Columns count from 0. NULL reads as NULL, 0 and false. */
const char *db_column_text(const struct db_stmt *stmt, int column);
int64_t db_column_i64(const struct db_stmt *stmt, int column);
bool db_column_is_null(const struct db_stmt *stmt, int column);

/*
 * Prepare, bind, run to the end. *ret_changed (may be NULL) is the number of rows changed. format has a letter for each
 * parameter: 't' const char *, 'i' int64_t, 'b' bool as int.
 */
must_check int db_exec(struct db *db, int64_t *ret_changed, struct err *err, const char *sql, const char *format, ...);

/* Prepare and bind as above; the caller steps and frees. */
must_check int db_query(struct db *db, struct db_stmt **ret_stmt, struct err *err, const char *sql, const char *format,
			...);

#endif
