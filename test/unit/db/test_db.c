/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fs.h"
#include "db/db.h"

#define THREADS 4
#define ROUNDS 25

struct place {
	char *dir;
	char *path;
	struct db *db;
};

static int open_place(void **state)
{
	struct place *place = calloc(1, sizeof(*place));
	struct err err = ERR_INIT;

	assert_non_null(place);
	assert_ok(fs_make_temp_dir("/tmp", "cloud-db-", &place->dir, &err), &err);
	assert_ok(fs_join(place->dir, "test.db", &place->path, &err), &err);
	assert_ok(db_open(place->path, &place->db, &err), &err);
	assert_ok(db_run_script(place->db, "CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT UNIQUE, n BIGINT);", &err),
		  &err);
	*state = place;
	return 0;
}

static int close_place(void **state)
{
	struct place *place = *state;
	struct err err = ERR_INIT;

	db_close(place->db);
	assert_ok(fs_remove_tree(place->dir, &err), &err);
	free(place->path);
	free(place->dir);
	free(place);
	return 0;
}

static int64_t count_rows(struct db *db)
{
	scoped(db_stmt_freep) struct db_stmt *stmt = NULL;
	struct err err = ERR_INIT;

	assert_ok(db_query(db, &stmt, &err, "SELECT count(*) FROM t", ""), &err);
	assert_int_equal(db_step(stmt, &err), 1);
	return db_column_i64(stmt, 0);
}

static void what_is_bound_comes_back(void **state)
{
	struct place *place = *state;
	scoped(db_stmt_freep) struct db_stmt *stmt = NULL;
	struct err err = ERR_INIT;
	int64_t changed = 0;

	assert_ok(db_exec(place->db, &changed, &err, "INSERT INTO t (a, n) VALUES ($1, $2), ($3, $4)", "titi",
			  "it's; DROP TABLE t", INT64_MIN, NULL, (int64_t)7),
		  &err);
	assert_int_equal(changed, 2);
	assert_ok(db_query(place->db, &stmt, &err, "SELECT a, n FROM t ORDER BY id", ""), &err);
	assert_int_equal(db_step(stmt, &err), 1);
	assert_string_equal(db_column_text(stmt, 0), "it's; DROP TABLE t");
	assert_true(db_column_i64(stmt, 1) == INT64_MIN);
	assert_int_equal(db_step(stmt, &err), 1);
	assert_true(db_column_is_null(stmt, 0));
	assert_null(db_column_text(stmt, 0));
	assert_int_equal(db_step(stmt, &err), 0);
}

static void a_parameter_used_twice_is_bound_once(void **state)
{
	struct place *place = *state;
	scoped(db_stmt_freep) struct db_stmt *stmt = NULL;
	struct err err = ERR_INIT;

	assert_ok(db_query(place->db, &stmt, &err, "SELECT $1, $2, $1", "ti", "x", (int64_t)2), &err);
	assert_int_equal(db_step(stmt, &err), 1);
	assert_string_equal(db_column_text(stmt, 2), "x");
}

static void constraints_are_conflicts(void **state)
{
	struct place *place = *state;
	struct err err = ERR_INIT;

	assert_ok(db_exec(place->db, NULL, &err, "INSERT INTO t (a) VALUES ($1)", "t", "x"), &err);
	assert_fails(db_exec(place->db, NULL, &err, "INSERT INTO t (a) VALUES ($1)", "t", "x"), &err, ERR_CONFLICT,
		     "UNIQUE");
}

static void one_statement_at_a_time(void **state)
{
	struct place *place = *state;
	struct err err = ERR_INIT;

	assert_fails(db_exec(place->db, NULL, &err, "SELECT 1; SELECT 2", ""), &err, ERR_INTERNAL, "one statement");
	assert_fails(db_exec(place->db, NULL, &err, "", ""), &err, ERR_INTERNAL, "one statement");
	assert_fails(db_exec(place->db, NULL, &err, "SELEC", ""), &err, ERR_INTERNAL, "syntax");
}

static void texts_have_a_maximum(void **state)
{
	struct place *place = *state;
	struct err err = ERR_INIT;
	scoped(freep) char *text = malloc(DB_TEXT_MAX + 2);

	assert_non_null(text);
	memset(text, 'x', DB_TEXT_MAX + 1);
	text[DB_TEXT_MAX] = 0;
	assert_ok(db_exec(place->db, NULL, &err, "INSERT INTO t (a) VALUES ($1)", "t", text), &err);
	text[DB_TEXT_MAX] = 'x';
	text[DB_TEXT_MAX + 1] = 0;
	assert_fails(db_exec(place->db, NULL, &err, "INSERT INTO t (a) VALUES ($1)", "t", text), &err, ERR_LIMIT,
		     "1048576");
}

static void a_rolled_back_part_dooms_the_whole(void **state)
{
	struct place *place = *state;
	struct err err = ERR_INIT;

	assert_ok(db_begin(place->db, &err), &err);
	assert_ok(db_exec(place->db, NULL, &err, "INSERT INTO t (a) VALUES ('1')", ""), &err);
	assert_ok(db_begin(place->db, &err), &err);
	db_rollback(place->db);
	assert_fails(db_commit(place->db, &err), &err, ERR_INTERNAL, "rolled back");
	assert_int_equal(count_rows(place->db), 0);

	assert_ok(db_begin(place->db, &err), &err);
	assert_ok(db_begin(place->db, &err), &err);
	assert_ok(db_exec(place->db, NULL, &err, "INSERT INTO t (a) VALUES ('1')", ""), &err);
	assert_ok(db_commit(place->db, &err), &err);
	assert_ok(db_commit(place->db, &err), &err);
	assert_int_equal(count_rows(place->db), 1);
}

/* Each adds one to the same number ROUNDS times, reading it first: lost updates would show. */
static void *add_up(void *arg)
{
	struct db *db = arg;

	for (int i = 0; i < ROUNDS; i++) {
		struct db_stmt *stmt = NULL;
		struct err err = ERR_INIT;
		int64_t n = -1;

		if (db_begin(db, &err) < 0)
			return db;
		if (db_query(db, &stmt, &err, "SELECT n FROM t WHERE a = 'sum'", "") == 0 && db_step(stmt, &err) == 1)
			n = db_column_i64(stmt, 0);
		db_stmt_free(stmt);
		if (db_exec(db, NULL, &err, "UPDATE t SET n = $1 WHERE a = 'sum'", "i", n + 1) < 0 ||
		    db_commit(db, &err) < 0)
			return db;
	}
	return NULL;
}

static void threads_take_turns(void **state)
{
	struct place *place = *state;
	struct db_stmt *stmt = NULL;
	pthread_t threads[THREADS];
	struct err err = ERR_INIT;
	void *result;

	assert_ok(db_exec(place->db, NULL, &err, "INSERT INTO t (a, n) VALUES ('sum', 0)", ""), &err);
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, add_up, place->db), 0);
	for (int i = 0; i < THREADS; i++) {
		assert_int_equal(pthread_join(threads[i], &result), 0);
		assert_null(result);
	}
	assert_ok(db_query(place->db, &stmt, &err, "SELECT n FROM t WHERE a = 'sum'", ""), &err);
	assert_int_equal(db_step(stmt, &err), 1);
	assert_int_equal(db_column_i64(stmt, 0), THREADS * ROUNDS);
	db_stmt_free(stmt);
}

static void the_file_is_private_and_in_wal_mode(void **state)
{
	struct place *place = *state;
	scoped(db_stmt_freep) struct db_stmt *stmt = NULL;
	struct err err = ERR_INIT;
	struct stat info;

	assert_int_equal(stat(place->path, &info), 0);
	assert_int_equal(info.st_mode & 0777, 0600);
	assert_ok(db_query(place->db, &stmt, &err,
			   "SELECT (SELECT * FROM pragma_journal_mode), "
			   "(SELECT * FROM pragma_synchronous)",
			   ""),
		  &err);
	assert_int_equal(db_step(stmt, &err), 1);
	assert_string_equal(db_column_text(stmt, 0), "wal");
	assert_int_equal(db_column_i64(stmt, 1), 2); /* FULL */
}

static void unknown_schemes_are_refused(void **state)
{
	struct err err = ERR_INIT;
	struct db *db;

	(void)state;
	assert_fails(db_open("oracle://host/x", &db, &err), &err, ERR_UNSUPPORTED, "oracle");
	assert_fails(db_open("/nonexistent/dir/x.db", &db, &err), &err, ERR_NOT_FOUND, "/nonexistent/dir/x.db");
}

#define WITH_PLACE(test) cmocka_unit_test_setup_teardown(test, open_place, close_place)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    WITH_PLACE(what_is_bound_comes_back),
	    WITH_PLACE(a_parameter_used_twice_is_bound_once),
	    WITH_PLACE(constraints_are_conflicts),
	    WITH_PLACE(one_statement_at_a_time),
	    WITH_PLACE(texts_have_a_maximum),
	    WITH_PLACE(a_rolled_back_part_dooms_the_whole),
	    WITH_PLACE(threads_take_turns),
	    WITH_PLACE(the_file_is_private_and_in_wal_mode),
	    cmocka_unit_test(unknown_schemes_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
