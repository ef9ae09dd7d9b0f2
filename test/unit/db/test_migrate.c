/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <string.h>

#include "base/fs.h"
#include "db/migrate.h"

static const struct db_migration rows[] = {
    {1, "0001_one", "CREATE TABLE one (x TEXT);"},
    {2, "0002_two", "CREATE TABLE two (x TEXT); INSERT INTO two VALUES ('a');"},
    {3, "0003_bad", "CREATE TABLE three (x TEXT); CREATE TABLE one (x TEXT);"},
};

struct place {
	char *dir;
	struct db *db;
};

static int open_place(void **state)
{
	struct place *place = calloc(1, sizeof(*place));
	scoped(freep) char *path = NULL;
	struct err err = ERR_INIT;

	assert_non_null(place);
	assert_ok(fs_make_temp_dir("/tmp", "cloud-migrate-", &place->dir, &err), &err);
	assert_ok(fs_join(place->dir, "test.db", &path, &err), &err);
	assert_ok(db_open(path, &place->db, &err), &err);
	*state = place;
	return 0;
}

static int close_place(void **state)
{
	struct place *place = *state;
	struct err err = ERR_INIT;

	db_close(place->db);
	assert_ok(fs_remove_tree(place->dir, &err), &err);
	free(place->dir);
	free(place);
	return 0;
}

static bool has_table(struct db *db, const char *name)
{
	scoped(db_stmt_freep) struct db_stmt *stmt = NULL;
	struct err err = ERR_INIT;

	assert_ok(db_query(db, &stmt, &err, "SELECT 1 FROM sqlite_schema WHERE name = $1", "t", name), &err);
	return db_step(stmt, &err) == 1;
}

static void each_runs_once(void **state)
{
	struct place *place = *state;
	struct err err = ERR_INIT;

	assert_ok(db_migrate(place->db, rows, 1, "1.0", 100, &err), &err);
	assert_false(has_table(place->db, "two"));
	assert_ok(db_migrate(place->db, rows, 2, "1.1", 200, &err), &err);
	assert_true(has_table(place->db, "two"));
	assert_ok(db_migrate(place->db, rows, 2, "1.1", 300, &err), &err);
}

static void one_that_fails_leaves_nothing(void **state)
{
	struct place *place = *state;
	struct err err = ERR_INIT;

	assert_fails(db_migrate(place->db, rows, 3, "1.0", 100, &err), &err, ERR_INTERNAL, "0003_bad");
	assert_true(has_table(place->db, "two"));
	assert_false(has_table(place->db, "three"));
	assert_ok(db_migrate(place->db, rows, 2, "1.0", 100, &err), &err);
}

static void a_newer_database_is_refused(void **state)
{
	struct place *place = *state;
	struct err err = ERR_INIT;

	assert_ok(db_migrate(place->db, rows, 2, "9.9", 100, &err), &err);
	assert_fails(db_migrate(place->db, rows, 1, "1.0", 200, &err), &err, ERR_UNSUPPORTED, "9.9");
}

static void anothers_database_is_refused(void **state)
{
	static const struct db_migration other[] = {{1, "0001_other", "CREATE TABLE other (x TEXT)"}};
	struct place *place = *state;
	struct err err = ERR_INIT;

	assert_ok(db_migrate(place->db, other, 1, "1.0", 100, &err), &err);
	assert_fails(db_migrate(place->db, rows, 2, "1.0", 200, &err), &err, ERR_CONFLICT, "0001_other");
	assert_false(has_table(place->db, "one"));
}

#define WITH_PLACE(test) cmocka_unit_test_setup_teardown(test, open_place, close_place)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    WITH_PLACE(each_runs_once),
	    WITH_PLACE(one_that_fails_leaves_nothing),
	    WITH_PLACE(a_newer_database_is_refused),
	    WITH_PLACE(anothers_database_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
