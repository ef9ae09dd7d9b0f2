/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <string.h>

#include "base/fs.h"
#include "cli/context_store.h"

#define UUID "0b41c2a4-470e-4602-99e2-58a6bf7b123d"

static char name[] = "helloworld", project[] = "default", app[] = "app:app", image[] = "mse-flask:20261122",
	    id[] = UUID, domain[] = "0123456789abcdef.mse.localhost", origin[] = "self";
static const struct context context = {.name = name,
				       .project = project,
				       .python_application = app,
				       .docker = image,
				       .id = id,
				       .config_domain_name = domain,
				       .ssl_certificate_origin = origin,
				       .port = 8443};

static int make_dir(void **state)
{
	struct err err = ERR_INIT;
	char *dir;

	if (fs_make_temp_dir("/tmp", "mse-test-context-", &dir, &err) < 0)
		return -1;
	*state = dir;
	return 0;
}

static int drop_dir(void **state)
{
	struct err err = ERR_INIT;
	const int status = fs_remove_tree(*state, &err);

	free(*state);
	return status;
}

static int count_one(const struct context_store_item *item, void *arg, struct err *err)
{
	(void)err;
	(void)item;
	++*(size_t *)arg;
	return 0;
}

static size_t count(const struct settings *settings)
{
	struct err err = ERR_INIT;
	size_t items = 0;

	assert_ok(context_store_each(settings, count_one, &items, &err), &err);
	return items;
}

static void what_is_pending_is_not_listed_until_it_is_committed(void **state)
{
	const struct settings settings = {.conf_path = *state};
	scoped(context_done) struct context loaded = {0};
	scoped(freep) char *tar = NULL;
	scoped(freep) char *kept = NULL;
	struct err err = ERR_INIT;

	assert_int_equal(count(&settings), 0);
	assert_ok(context_store_save_pending(&settings, &context, &err), &err);
	assert_int_equal(count(&settings), 0);
	assert_fails(context_store_load(&settings, UUID, &loaded, &err), &err, ERR_NOT_FOUND,
		     "Can't find context for UUID " UUID);
	assert_ok(fs_join(*state, "app.tar", &tar, &err), &err);
	assert_ok(fs_write_new(tar, "tar", 3, 0600, &err), &err);
	assert_ok(context_store_commit(&settings, &context, tar, &err), &err);
	assert_int_equal(count(&settings), 1);
	assert_ok(context_store_load(&settings, UUID, &loaded, &err), &err);
	assert_string_equal(loaded.name, "helloworld");
	assert_int_equal(loaded.port, 8443);
	assert_ok(fs_join(*state, "context/" UUID "/app.tar", &kept, &err), &err);
	assert_true(fs_exists(kept));
	assert_true(fs_exists(tar));
	assert_ok(context_store_remove(&settings, UUID, &err), &err);
	assert_int_equal(count(&settings), 0);
}

static void dropping_what_is_pending_leaves_nothing(void **state)
{
	const struct settings settings = {.conf_path = *state};
	scoped(freep) char *dir = NULL;
	struct err err = ERR_INIT;

	assert_ok(context_store_save_pending(&settings, &context, &err), &err);
	assert_ok(context_store_drop_pending(&settings, UUID, &err), &err);
	assert_ok(context_store_drop_pending(&settings, UUID, &err), &err);
	assert_ok(fs_join(*state, "context/.pending-" UUID, &dir, &err), &err);
	assert_false(fs_exists(dir));
}

static void texts_that_are_no_uuid_never_become_paths(void **state)
{
	const struct settings settings = {.conf_path = *state};
	scoped(context_done) struct context loaded = {0};
	struct err err = ERR_INIT;

	assert_fails(context_store_load(&settings, "../../etc", &loaded, &err), &err, ERR_INVALID, "not a uuid");
	assert_fails(context_store_remove(&settings, "0B41C2A4-470e-4602-99e2-58a6bf7b123d", &err), &err, ERR_INVALID,
		     "not a uuid");
}

static void purge_counts_what_it_removes(void **state)
{
	const struct settings settings = {.conf_path = *state};
	struct err err = ERR_INIT;
	size_t removed = 99;

	assert_ok(context_store_purge(&settings, &removed, &err), &err);
	assert_int_equal(removed, 0);
	assert_ok(context_store_commit(&settings, &context, NULL, &err), &err);
	assert_ok(context_store_purge(&settings, &removed, &err), &err);
	assert_int_equal(removed, 1);
	assert_int_equal(count(&settings), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(what_is_pending_is_not_listed_until_it_is_committed, make_dir, drop_dir),
	    cmocka_unit_test_setup_teardown(dropping_what_is_pending_leaves_nothing, make_dir, drop_dir),
	    cmocka_unit_test_setup_teardown(texts_that_are_no_uuid_never_become_paths, make_dir, drop_dir),
	    cmocka_unit_test_setup_teardown(purge_counts_what_it_removes, make_dir, drop_dir),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
