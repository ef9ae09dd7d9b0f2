/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "crypto/hash.h"
#include "test_release.h"

static void texts_and_enums_round_trip(void **state)
{
	struct err err = ERR_INIT;
	enum release_tee tee;
	enum release_restart restart;
	enum release_logs logs;
	enum release_egress egress;

	(void)state;
#define X(name, text) \
	assert_string_equal(release_tee_text(RELEASE_TEE_##name), text); \
	assert_ok(release_tee_parse(text, &tee, &err), &err); \
	assert_int_equal(tee, RELEASE_TEE_##name);
	RELEASE_TEES(X)
#undef X
#define X(name, text) \
	assert_string_equal(release_restart_text(RELEASE_RESTART_##name), text); \
	assert_ok(release_restart_parse(text, &restart, &err), &err); \
	assert_int_equal(restart, RELEASE_RESTART_##name);
	RELEASE_RESTARTS(X)
#undef X
#define X(name, text) \
	assert_string_equal(release_logs_text(RELEASE_LOGS_##name), text); \
	assert_ok(release_logs_parse(text, &logs, &err), &err); \
	assert_int_equal(logs, RELEASE_LOGS_##name);
	RELEASE_LOGSS(X)
#undef X
#define X(name, text) \
	assert_string_equal(release_egress_text(RELEASE_EGRESS_##name), text); \
	assert_ok(release_egress_parse(text, &egress, &err), &err); \
	assert_int_equal(egress, RELEASE_EGRESS_##name);
	RELEASE_EGRESSES(X)
#undef X
	assert_fails(release_tee_parse("tdx", &tee, &err), &err, ERR_INVALID, "'tdx', expected 'sim' or 'gramine'");
	assert_fails(release_egress_parse("", &egress, &err), &err, ERR_INVALID, "expected 'none'");
}

static void applications_are_module_and_variable(void **state)
{
	static const char *const bad[] = {"",     "app",  ":app", "app:",   "a b:c",  "a:b:c", "1a:b",
					  "a:1b", ".a:b", "a.:b", "a..b:c", "a\"b:c", "a:b\n", "\xc3\xa9:app"};
	scoped(release_freep) struct release *release = NULL;
	struct err err = ERR_INIT;
	char text[RELEASE_APPLICATION_MAX + 2];

	(void)state;
	assert_ok(release_new(&release, &err), &err);
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		if (release_set_application(release, bad[i], &err) == 0)
			fail_msg("accepted: '%s'", bad[i]);
		assert_string_equal(release->application, "");
	}
	assert_ok(release_set_application(release, "pkg.mod_1:_app.wsgi", &err), &err);
	memset(text, 'a', sizeof(text));
	text[1] = ':';
	text[RELEASE_APPLICATION_MAX + 1] = 0;
	assert_fails(release_set_application(release, text, &err), &err, ERR_LIMIT, "more than 128");
	text[RELEASE_APPLICATION_MAX] = 0;
	assert_ok(release_set_application(release, text, &err), &err);
}

static void healthchecks_are_paths(void **state)
{
	static const char *const bad[] = {"", "x", "/a b", "/a\"", "/a\\", "/\n", "/\xc3\xa9"};
	scoped(release_freep) struct release *release = NULL;
	struct err err = ERR_INIT;
	char text[RELEASE_HEALTHCHECK_MAX + 2];

	(void)state;
	assert_ok(release_new(&release, &err), &err);
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		assert_int_equal(release_set_healthcheck(release, bad[i], &err), -1);
	assert_ok(release_set_healthcheck(release, "/health?x=1", &err), &err);
	memset(text, 'a', sizeof(text));
	text[0] = '/';
	text[RELEASE_HEALTHCHECK_MAX + 1] = 0;
	assert_fails(release_set_healthcheck(release, text, &err), &err, ERR_LIMIT, "more than 255");
	text[RELEASE_HEALTHCHECK_MAX] = 0;
	assert_ok(release_set_healthcheck(release, text, &err), &err);
}

static void code_files_are_kept_in_order(void **state)
{
	static const char *const order[] = {"m", "z", "a", "n", "b/c", "b"};
	static const char *const wanted[] = {"a", "b", "b/c", "m", "n", "z"};
	static const uint8_t digest[32];
	scoped(release_freep) struct release *release = NULL;
	struct err err = ERR_INIT;

	(void)state;
	assert_ok(release_new(&release, &err), &err);
	for (size_t i = 0; i < COUNT_OF(order); i++)
		assert_ok(release_add_file(release, order[i], digest, i, &err), &err);
	for (size_t i = 0; i < COUNT_OF(wanted); i++)
		assert_string_equal(release->files[i].path, wanted[i]);
	assert_fails(release_add_file(release, "m", digest, 0, &err), &err, ERR_CONFLICT, "'m' is there twice");
	assert_fails(release_add_file(release, "../m", digest, 0, &err), &err, ERR_INVALID, "'../m': path has a part");
	assert_int_equal(release->file_count, COUNT_OF(wanted));
}

static void code_files_have_a_maximum(void **state)
{
	static const uint8_t digest[32];
	scoped(release_freep) struct release *release = NULL;
	struct err err = ERR_INIT;
	char path[16];

	(void)state;
	assert_ok(release_new(&release, &err), &err);
	for (int i = 0; i < TAR_ENTRIES_MAX; i++) {
		(void)snprintf(path, sizeof(path), "%05d", i);
		assert_ok(release_add_file(release, path, digest, 0, &err), &err);
	}
	assert_fails(release_add_file(release, "more", digest, 0, &err), &err, ERR_LIMIT, "more than 10000");
}

static int write_buf(void *arg, const void *data, size_t size, struct err *err)
{
	return buf_add(arg, data, size, err);
}

static void a_tar_is_hashed_file_by_file(void **state)
{
	scoped(buf_done) struct buf tar = BUF_INIT(1u << 20);
	scoped(release_freep) struct release *release = NULL;
	struct tar_writer writer;
	struct tar_memory memory;
	struct err err = ERR_INIT;
	uint8_t digest[32];

	(void)state;
	tar_writer_init(&writer, (struct tar_sink){.write = write_buf, .arg = &tar});
	assert_ok(tar_write_file(&writer, "a.enc", 5, &err), &err);
	assert_ok(tar_write_data(&writer, "hello", 5, &err), &err);
	assert_ok(tar_write_file(&writer, "b/c.enc", 0, &err), &err);
	assert_ok(tar_write_end(&writer, &err), &err);
	memory = (struct tar_memory){.data = tar.data, .size = tar.size};
	assert_ok(release_new(&release, &err), &err);
	assert_ok(release_add_code(release, tar_source_memory(&memory), &err), &err);
	assert_int_equal(release->file_count, 2);
	assert_string_equal(release->files[1].path, "b/c.enc");
	sha256("hello", 5, digest);
	assert_memory_equal(release->files[0].sha256, digest, 32);
	assert_int_equal(release->files[0].size, 5);
	memory = (struct tar_memory){.data = tar.data, .size = tar.size - 600};
	assert_fails(release_add_code(release, tar_source_memory(&memory), &err), &err, ERR_CONFLICT, "code tar");
}

static void environment_is_sorted_and_whole(void **state)
{
	scoped(release_freep) struct release *release = test_release();
	struct release_env env;
	struct err err = ERR_INIT;
	bool found = false;

	(void)state;
	assert_ok(release_env_make(release, &env, &err), &err);
	assert_null(env.entries[env.count]);
	for (size_t i = 1; i < env.count; i++)
		assert_true(strcmp(env.entries[i - 1], env.entries[i]) < 0);
	for (size_t i = 0; i < env.count; i++)
		found |= strcmp(env.entries[i], "MSE_APPLICATION=app:app") == 0;
	assert_true(found);
	release_env_done(&env);
	assert_int_equal(env.count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(texts_and_enums_round_trip),      cmocka_unit_test(applications_are_module_and_variable),
	    cmocka_unit_test(healthchecks_are_paths),          cmocka_unit_test(code_files_are_kept_in_order),
	    cmocka_unit_test(code_files_have_a_maximum),       cmocka_unit_test(a_tar_is_hashed_file_by_file),
	    cmocka_unit_test(environment_is_sorted_and_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
