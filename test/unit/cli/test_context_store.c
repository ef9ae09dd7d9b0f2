/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "base/fs.h"
#include "cli/context_pending.h"
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

static const struct context_begun begun = {.cloud_url = "https://api.mse.localhost:8443",
					   .project_id = "2b41c2a4-470e-4602-99e2-58a6bf7b123d",
					   .name = "helloworld",
					   .fingerprint = "ab",
					   .at = 1700000000};

struct seen {
	size_t count;
	int answer; /* of the visit */
	char name[32], fingerprint[8];
	int64_t at;
};

static int note_cut_off(const struct context_begun *found, void *arg, struct err *err)
{
	struct seen *seen = arg;

	(void)err;
	seen->count++;
	seen->at = found->at;
	(void)snprintf(seen->name, sizeof(seen->name), "%s", found->name ? found->name : "");
	(void)snprintf(seen->fingerprint, sizeof(seen->fingerprint), "%s", found->name ? found->fingerprint : "");
	return seen->answer;
}

static size_t count_cut_off(const struct settings *settings, int answer)
{
	struct seen seen = {.answer = answer};
	struct err err = ERR_INIT;

	assert_ok(context_pending_each(settings, note_cut_off, &seen, &err), &err);
	if (seen.count > 0) {
		assert_string_equal(seen.name, "helloworld");
		assert_string_equal(seen.fingerprint, "ab");
		assert_int_equal(seen.at, 1700000000);
	}
	return seen.count;
}

static void what_is_pending_is_not_listed_until_it_is_committed(void **state)
{
	const struct settings settings = {.conf_path = *state};
	scoped(context_pending_done) struct context_pending pending = CONTEXT_PENDING_INIT;
	scoped(context_done) struct context loaded = {0};
	scoped(freep) char *tar = NULL;
	scoped(freep) char *kept = NULL;
	scoped(freep) char *rest = NULL;
	struct err err = ERR_INIT;

	assert_int_equal(count(&settings), 0);
	assert_ok(context_pending_begin(&settings, &begun, &pending, &err), &err);
	assert_ok(context_pending_save(&pending, &context, &err), &err);
	assert_int_equal(count(&settings), 0);
	assert_fails(context_store_load(&settings, UUID, &loaded, &err), &err, ERR_NOT_FOUND,
		     "Can't find context for UUID " UUID);
	assert_ok(fs_join(*state, "app.tar", &tar, &err), &err);
	assert_ok(fs_write_new(tar, "tar", 3, 0600, &err), &err);
	assert_ok(context_pending_commit(&settings, &pending, &context, tar, &err), &err);
	assert_int_equal(count(&settings), 1);
	assert_ok(context_store_load(&settings, UUID, &loaded, &err), &err);
	assert_string_equal(loaded.name, "helloworld");
	assert_int_equal(loaded.port, 8443);
	assert_ok(fs_join(*state, "context/" UUID "/app.tar", &kept, &err), &err);
	assert_true(fs_exists(kept));
	assert_true(fs_exists(tar));
	assert_ok(fs_join(*state, "context/" UUID "/begun.json", &rest, &err), &err);
	assert_false(fs_exists(rest));
	assert_int_equal(count_cut_off(&settings, 0), 0);
	assert_ok(context_store_remove(&settings, UUID, &err), &err);
	assert_int_equal(count(&settings), 0);
}

static void dropping_what_is_pending_leaves_nothing(void **state)
{
	const struct settings settings = {.conf_path = *state};
	struct context_pending pending = CONTEXT_PENDING_INIT;
	scoped(freep) char *dir = NULL;
	struct err err = ERR_INIT;

	assert_ok(context_pending_begin(&settings, &begun, &pending, &err), &err);
	dir = strdup(pending.dir);
	assert_true(fs_exists(dir));
	assert_ok(context_pending_drop(&pending, &err), &err);
	assert_ok(context_pending_drop(&pending, &err), &err);
	assert_false(fs_exists(dir));
}

static void what_was_cut_off_is_found_by_the_next_one(void **state)
{
	const struct settings settings = {.conf_path = *state};
	struct context_pending pending = CONTEXT_PENDING_INIT;
	struct err err = ERR_INIT;

	assert_int_equal(count_cut_off(&settings, 1), 0);
	assert_ok(context_pending_begin(&settings, &begun, &pending, &err), &err);
	assert_ok(context_pending_save(&pending, &context, &err), &err);
	assert_int_equal(count_cut_off(&settings, 1), 0); /* its mse lives */
	context_pending_done(&pending);
	assert_int_equal(count_cut_off(&settings, 0), 1);
	assert_int_equal(count_cut_off(&settings, 1), 1);
	assert_int_equal(count_cut_off(&settings, 1), 0);
}

static void what_was_cut_off_before_it_began_has_no_name(void **state)
{
	const struct settings settings = {.conf_path = *state};
	struct seen seen = {.answer = 1};
	scoped(freep) char *dir = NULL;
	struct err err = ERR_INIT;

	assert_ok(fs_join(*state, "context/.pending-abcdef", &dir, &err), &err);
	assert_ok(fs_make_dirs(dir, 0700, &err), &err);
	assert_ok(context_pending_each(&settings, note_cut_off, &seen, &err), &err);
	assert_int_equal(seen.count, 1);
	assert_string_equal(seen.name, "");
	assert_true(seen.at > 1700000000);
	assert_false(fs_exists(dir));
}

static void a_file_that_says_nothing_is_named(void **state)
{
	const struct settings settings = {.conf_path = *state};
	struct seen seen = {.answer = 1};
	scoped(freep) char *dir = NULL;
	scoped(freep) char *file = NULL;
	struct err err = ERR_INIT;

	assert_ok(fs_join(*state, "context/.pending-abcdef", &dir, &err), &err);
	assert_ok(fs_make_dirs(dir, 0700, &err), &err);
	assert_ok(fs_join(dir, "begun.json", &file, &err), &err);
	assert_ok(fs_write_new(file, "{}", 2, 0600, &err), &err);
	assert_fails(context_pending_each(&settings, note_cut_off, &seen, &err), &err, ERR_INVALID, "begun.json");
	assert_true(fs_exists(dir));
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
	struct context_pending pending = CONTEXT_PENDING_INIT;
	size_t removed = 99;

	assert_ok(context_store_purge(&settings, &removed, &err), &err);
	assert_int_equal(removed, 0);
	assert_ok(context_pending_begin(&settings, &begun, &pending, &err), &err);
	assert_ok(context_pending_commit(&settings, &pending, &context, NULL, &err), &err);
	assert_ok(context_store_purge(&settings, &removed, &err), &err);
	assert_int_equal(removed, 1);
	assert_int_equal(count(&settings), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(what_is_pending_is_not_listed_until_it_is_committed, make_dir, drop_dir),
	    cmocka_unit_test_setup_teardown(dropping_what_is_pending_leaves_nothing, make_dir, drop_dir),
	    cmocka_unit_test_setup_teardown(what_was_cut_off_is_found_by_the_next_one, make_dir, drop_dir),
	    cmocka_unit_test_setup_teardown(what_was_cut_off_before_it_began_has_no_name, make_dir, drop_dir),
	    cmocka_unit_test_setup_teardown(a_file_that_says_nothing_is_named, make_dir, drop_dir),
	    cmocka_unit_test_setup_teardown(texts_that_are_no_uuid_never_become_paths, make_dir, drop_dir),
	    cmocka_unit_test_setup_teardown(purge_counts_what_it_removes, make_dir, drop_dir),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
