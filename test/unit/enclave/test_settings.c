/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/fs.h"
#include "enclave/process/settings.h"

#define KEY "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define ENV_MAX 24

static char *env[ENV_MAX];

static void set_env(const char *entry)
{
	const size_t name_size = (size_t)(strchr(entry, '=') - entry) + 1;
	size_t i = 0;

	while (env[i] && strncmp(env[i], entry, name_size) != 0)
		i++;
	assert_true(i + 1 < ENV_MAX);
	free(env[i]);
	env[i] = strdup(entry);
}

static int setup(void **state)
{
	(void)state;
	set_env("MSE_APPLICATION=app:app");
	set_env("MSE_TEE=sim");
	set_env("MSE_RELEASE=1");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	for (size_t i = 0; i < ENV_MAX; i++) {
		free(env[i]);
		env[i] = NULL;
	}
	return 0;
}

static void defaults(void **state)
{
	scoped(settings_done) struct settings settings;
	struct err err = ERR_INIT;

	(void)state;
	assert_ok(settings_load(env, &settings, &err), &err);
	assert_string_equal(settings.module, "app");
	assert_string_equal(settings.variable, "app");
	assert_string_equal(settings.listen_path, "/run/mse/app.sock");
	assert_string_equal(settings.code_path, "/code");
	assert_string_equal(settings.state_path, "/state");
	assert_string_equal(settings.instance_path, "/instance");
	assert_string_equal(settings.module_path, "/mse-app");
	assert_int_equal(settings.tee, TEE_KIND_SIM);
	assert_int_equal(settings.threads, 8);
	assert_true(settings.is_restart_sealed);
	assert_false(settings.is_log_plain || settings.is_plaincode || settings.has_owner_key ||
		     settings.has_code_key_id);
}

static void everything_set(void **state)
{
	scoped(settings_done) struct settings settings;
	struct err err = ERR_INIT;

	(void)state;
	set_env("MSE_APPLICATION=a.b_2.c:x.y");
	set_env("MSE_LISTEN=unix:/tmp/s");
	set_env("MSE_OWNER_KEY=" KEY);
	set_env("MSE_CODE_KEY_ID=" KEY);
	set_env("MSE_RESTART=owner");
	set_env("MSE_LOGS=operator");
	set_env("MSE_PLAINCODE=1");
	set_env("MSE_THREADS=48");
	assert_ok(settings_load(env, &settings, &err), &err);
	assert_string_equal(settings.module, "a.b_2.c");
	assert_string_equal(settings.variable, "x.y");
	assert_string_equal(settings.listen_path, "/tmp/s");
	assert_int_equal(settings.threads, SETTINGS_THREADS_MAX);
	assert_false(settings.is_restart_sealed);
	assert_true(settings.is_log_plain && settings.is_plaincode && settings.has_owner_key &&
		    settings.has_code_key_id);
	assert_int_equal(settings.owner_key[1], 0x23);
	assert_int_equal(settings.code_key_id[31], 0xef);
}

static void refused(const char *entry, const char *wanted)
{
	scoped(settings_done) struct settings settings;
	struct err err = ERR_INIT;
	const size_t name_size = (size_t)(strchr(entry, '=') - entry);
	char *before = NULL;

	for (size_t i = 0; env[i]; i++) {
		if (strncmp(env[i], entry, name_size + 1) == 0)
			before = strdup(env[i]);
	}
	set_env(entry);
	assert_int_equal(settings_load(env, &settings, &err), -1);
	if (!strstr(err.text, wanted))
		fail_msg("'%s' does not contain '%s'", err.text, wanted);
	/* Back to what it was, or to something harmless. */
	for (size_t i = 0; env[i]; i++) {
		if (strncmp(env[i], entry, name_size + 1) == 0) {
			free(env[i]);
			env[i] = before ? before : strdup("X=y");
		}
	}
}

static void wrong_values_name_the_setting(void **state)
{
	char too_long[SETTINGS_TEXT_MAX + 40] = "MODULE_PATH=";

	(void)state;
	refused("MSE_RELEASE=2", "'MSE_RELEASE' is '2'");
	refused("MSE_RELEASE=", "'MSE_RELEASE'");
	refused("MSE_TEE=tdx", "'MSE_TEE'");
	refused("MSE_APPLICATION=app", "'MSE_APPLICATION'");
	refused("MSE_APPLICATION=:app", "'MSE_APPLICATION'");
	refused("MSE_APPLICATION=app:", "'MSE_APPLICATION'");
	refused("MSE_APPLICATION=a..b:c", "'MSE_APPLICATION'");
	refused("MSE_APPLICATION=1a:c", "'MSE_APPLICATION'");
	refused("MSE_APPLICATION=a:b;c", "'MSE_APPLICATION'");
	refused("MSE_APPLICATION=a/b:c", "'MSE_APPLICATION'");
	refused("MSE_LISTEN=tcp:1", "'MSE_LISTEN'");
	refused("MSE_LISTEN=unix:relative", "'MSE_LISTEN'");
	refused("MSE_LISTEN=localhost", "'MSE_LISTEN'");
	refused("MSE_LISTEN=127.0.0.1:65536", "'MSE_LISTEN'");
	refused("MSE_PROXY=maybe", "'MSE_PROXY'");
	refused("MSE_WAIT_SECONDS=31622401", "'MSE_WAIT_SECONDS'");
	refused("MSE_WAIT_SECONDS=1.5", "'MSE_WAIT_SECONDS'");
	refused("MSE_DEBUG=2", "'MSE_DEBUG'");
	refused("MSE_ARGV=1", "'MSE_ARGV'");
	refused("MSE_INTERFACE=cgi", "'MSE_INTERFACE'");
	refused("MSE_THREADS=0", "'MSE_THREADS'");
	refused("MSE_THREADS=49", "'MSE_THREADS'");
	refused("MSE_OWNER_KEY=01", "'MSE_OWNER_KEY'");
	refused("MSE_OWNER_KEY=0123456789ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef", "'MSE_OWNER_KEY'");
	refused("MSE_CODE_KEY_ID=" KEY "00", "'MSE_CODE_KEY_ID'");
	refused("MSE_RESTART=never", "'MSE_RESTART'");
	refused("MSE_LOGS=", "'MSE_LOGS'");
	refused("MSE_PLAINCODE=yes", "'MSE_PLAINCODE'");
	memset(too_long + strlen(too_long), 'x', SETTINGS_TEXT_MAX + 1);
	refused(too_long, "'MODULE_PATH' is longer");
}

static void longest_texts_pass(void **state)
{
	char longest[SETTINGS_TEXT_MAX + 40] = "MODULE_PATH=";
	char listen[200] = "MSE_LISTEN=unix:/";
	scoped(settings_done) struct settings settings;
	struct err err = ERR_INIT;

	(void)state;
	memset(longest + strlen(longest), 'x', SETTINGS_TEXT_MAX);
	set_env(longest);
	memset(listen + strlen(listen), 'y', 106);
	set_env(listen);
	assert_ok(settings_load(env, &settings, &err), &err);
	assert_int_equal(strlen(settings.listen_path), 107);
	listen[strlen(listen)] = 'y';
	refused(listen, "more than 107");
}

static void ports_and_proxies(void **state)
{
	static const struct {
		const char *listen;
		const char *proxy;
		enum http_proxy_mode wanted;
	} rows[] = {
	    {"MSE_LISTEN=unix:/s", "MSE_PROXY=", HTTP_PROXY_OPTIONAL},
	    {"MSE_LISTEN=0.0.0.0:443", "MSE_PROXY=", HTTP_PROXY_NONE},
	    {"MSE_LISTEN=[::1]:0", "MSE_PROXY=required", HTTP_PROXY_REQUIRED},
	    {"MSE_LISTEN=unix:/s", "MSE_PROXY=none", HTTP_PROXY_NONE},
	};

	(void)state;
	set_env("MSE_WAIT_SECONDS=31622400");
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		scoped(settings_done) struct settings settings;
		struct err err = ERR_INIT;

		set_env(rows[i].listen);
		set_env(rows[i].proxy);
		assert_ok(settings_load(env, &settings, &err), &err);
		assert_int_equal(settings.proxy, rows[i].wanted);
		assert_int_equal(settings.listen_path[0] != 0, settings.listen_address.is_unix);
		assert_int_equal(settings.wait_seconds, 31622400);
	}
}

static void missing_ones_are_named(void **state)
{
	scoped(settings_done) struct settings settings;
	struct err err = ERR_INIT;
	char *none[] = {NULL};

	(void)state;
	assert_fails(settings_load(none, &settings, &err), &err, ERR_INVALID, "'MSE_APPLICATION' is missing");
}

static void plain_code_without_owner_is_for_simulation(void **state)
{
	scoped(settings_done) struct settings settings;
	struct err err = ERR_INIT;

	(void)state;
	set_env("MSE_PLAINCODE=1");
	set_env("MSE_OWNER_KEY=" KEY);
	set_env("MSE_TEE=gramine");
	assert_ok(settings_load(env, &settings, &err), &err);
	refused("MSE_OWNER_KEY=", "plain code without an owner key");
}

static void find_row(const char *text, const char *name, const char *fallback)
{
	char row[200];

	if (!fallback || !*fallback)
		(void)snprintf(row, sizeof(row), "| `%s` | %s |", name, fallback ? "empty" : "required");
	else
		(void)snprintf(row, sizeof(row), "| `%s` | `%s` |", name, fallback);
	if (!strstr(text, row))
		fail_msg("no row '%s'", row);
}

/* docs/formats/enclave-settings.md has a row for each setting, with its default. */
static void the_document_lists_all(void **state)
{
	scoped(freep) char *path = NULL;
	scoped(buf_done) struct buf text = BUF_INIT(64 << 10);
	struct err err = ERR_INIT;
	(void)state;
	assert_ok(fs_join(getenv("MSE_TEST_SOURCE_DIR"), "docs/formats/enclave-settings.md", &path, &err), &err);
	assert_ok(fs_read(path, &text, &err), &err);
#define X(name, field, fallback) find_row(buf_text(&text), name, fallback);
	SETTINGS_TEXTS(X)
#undef X
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(defaults, setup, teardown),
	    cmocka_unit_test_setup_teardown(everything_set, setup, teardown),
	    cmocka_unit_test_setup_teardown(wrong_values_name_the_setting, setup, teardown),
	    cmocka_unit_test_setup_teardown(longest_texts_pass, setup, teardown),
	    cmocka_unit_test_setup_teardown(missing_ones_are_named, setup, teardown),
	    cmocka_unit_test_setup_teardown(plain_code_without_owner_is_for_simulation, setup, teardown),
	    cmocka_unit_test_setup_teardown(ports_and_proxies, setup, teardown),
	    cmocka_unit_test(the_document_lists_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
