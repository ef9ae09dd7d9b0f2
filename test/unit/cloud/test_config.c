/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <string.h>

#include "base/fs.h"
#include "cloud/config.h"

static int make_dir(void **state)
{
	struct err err = ERR_INIT;
	char *dir = NULL;

	assert_ok(fs_make_temp_dir("/tmp", "cloud-config-", &dir, &err), &err);
	*state = dir;
	return 0;
}

static int remove_dir(void **state)
{
	struct err err = ERR_INIT;

	assert_ok(fs_remove_tree(*state, &err), &err);
	free(*state);
	return 0;
}

static void write_config(const char *dir, const char *text)
{
	scoped(freep) char *path = NULL;
	struct err err = ERR_INIT;

	assert_ok(fs_join(dir, CONFIG_FILE_NAME, &path, &err), &err);
	assert_ok(fs_write_atomic(path, text, strlen(text), 0600, &err), &err);
}

static void what_is_saved_is_loaded(void **state)
{
	struct cloud_config config, loaded;
	struct err err = ERR_INIT;

	assert_ok(cloud_config_defaults(&config, &err), &err);
	config.base_domain = strdup("mse.localhost");
	config.public_port = 8443;
	assert_ok(cloud_config_save(&config, *state, &err), &err);
	assert_ok(cloud_config_load(*state, &loaded, &err), &err);
	assert_string_equal(loaded.base_domain, "mse.localhost");
	assert_int_equal(loaded.public_port, 8443);
	assert_string_equal(loaded.engine, "process");
	assert_null(loaded.public_address);
	assert_int_equal(loaded.threads, config.threads);
	cloud_config_done(&config);
	cloud_config_done(&loaded);
}

static void errors_name_the_place(void **state)
{
	static const struct {
		const char *text, *wanted;
	} cases[] = {
	    {"public_port = 8443\n", "base_domain"},
	    {"base_domain = \"a.b\"\npublic_port = 0\n", ":2:"},
	    {"base_domain = \"a.b\"\npublic_port = 65536\n", ":2:"},
	    {"base_domain = \"A b\"\npublic_port = 1\n", "domain name"},
	    {"base_domain = \"a.b\"\npublic_port = 1\nengine = \"magic\"\n", "process"},
	    {"base_domain = \"a.b\"\npublic_port = 1\nlog_format = \"xml\"\n", "json"},
	    {"base_domain = \"a.b\"\npublic_port = 1\nbase_domein = \"x\"\n", "base_domain"},
	    {"base_domain = \n", ":1:"},
	};
	struct cloud_config config;
	struct err err = ERR_INIT;

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		write_config(*state, cases[i].text);
		assert_int_equal(cloud_config_load(*state, &config, &err), -1);
		if (!strstr(err.text, cases[i].wanted))
			fail_msg("'%s' does not contain '%s'", err.text, cases[i].wanted);
	}
}

static void without_a_file_it_says_what_to_do(void **state)
{
	struct cloud_config config;
	struct err err = ERR_INIT;

	assert_fails(cloud_config_load(*state, &config, &err), &err, ERR_NOT_FOUND, "run msed init first");
}

#define WITH_DIR(test) cmocka_unit_test_setup_teardown(test, make_dir, remove_dir)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    WITH_DIR(what_is_saved_is_loaded),
	    WITH_DIR(errors_name_the_place),
	    WITH_DIR(without_a_file_it_says_what_to_do),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
