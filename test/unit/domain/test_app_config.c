/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "domain/app_config.h"

static const char good[] = "name = \"helloworld\"\n"
			   "python_application = \"app:app\"\n"
			   "healthcheck_endpoint = \"/health\"\n"
			   "tests_cmd = \"pytest\"\n"
			   "tests_requirements = [\"intel-sgx-ra>=1.0.1,<1.1\", \"pytest==7.2.0\",]\n"
			   "[cloud]\n"
			   "code = \"mse_src\"\n"
			   "tests = \"tests\"\n"
			   "docker = \"mse-flask:20261122\"\n"
			   "project = \"default\"\n"
			   "hardware = \"4g-eu-001\"\n";

static int parse(const char *text, struct app_config *ret, struct buf *errors, struct err *err)
{
	return app_config_parse("mse.toml", text, strlen(text), ret, errors, err);
}

/* The good text with one line replaced, or added when its key is not there. */
static void refused(const char *line, const char *wanted)
{
	scoped(buf_done) struct buf text = BUF_INIT(APP_CONFIG_SIZE_MAX);
	scoped(buf_done) struct buf errors = BUF_INIT(APP_CONFIG_ERRORS_SIZE_MAX);
	struct app_config config = {0};
	struct err err = ERR_INIT;
	const size_t key_size = strcspn(line, " =");
	const char *at = good;
	int replaced = 0;

	while (*at) {
		const size_t size = strcspn(at, "\n") + 1;

		if (strncmp(at, line, key_size) == 0 && at[key_size] == ' ') {
			assert_ok(buf_addf(&text, &err, "%s\n", line), &err);
			replaced = 1;
		} else {
			assert_ok(buf_add(&text, at, size, &err), &err);
		}
		at += size;
	}
	if (!replaced)
		assert_ok(buf_addf(&text, &err, "%s\n", line), &err);
	assert_int_equal(parse(buf_text(&text), &config, &errors, &err), -1);
	if (!strstr(buf_text(&errors), wanted))
		fail_msg("'%s' does not contain '%s'", buf_text(&errors), wanted);
}

static void the_seeds_form_is_read(void **state)
{
	scoped(buf_done) struct buf errors = BUF_INIT(APP_CONFIG_ERRORS_SIZE_MAX);
	scoped(app_config_done) struct app_config config = {0};
	scoped(freep) char *module = NULL;
	struct err err = ERR_INIT;

	(void)state;
	assert_ok(parse(good, &config, &errors, &err), &err);
	assert_string_equal(config.name, "helloworld");
	assert_int_equal(config.tests_requirements.count, 2);
	assert_string_equal(config.tests_requirements.items[1], "pytest==7.2.0");
	assert_string_equal(config.hardware, "4g-eu-001");
	assert_null(config.secrets);
	assert_false(config.has_ssl);
	module = app_config_module(&config);
	assert_string_equal(module, "app");
}

static void every_error_is_told_at_once_with_its_place(void **state)
{
	static const char text[] = "name = \"\"\n"
				   "python_application = 3\n"
				   "helthcheck_endpoint = \"/\"\n"
				   "tests_cmd = \"pytest\"\n"
				   "tests_requirements = [1]\n"
				   "resource = \"free\"\n"
				   "[cloud]\n"
				   "hardware = \"4g-eu-001-too-long\"\n";
	scoped(buf_done) struct buf errors = BUF_INIT(APP_CONFIG_ERRORS_SIZE_MAX);
	struct app_config config = {0};
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(parse(text, &config, &errors, &err), -1);
	assert_string_equal(
	    buf_text(&errors),
	    "mse.toml:1:1: key 'healthcheck_endpoint' is missing: GET endpoint without authentication and parameters "
	    "that tells whether the application is ready: below 500\n"
	    "mse.toml:1:8: 'name' is empty\n"
	    "mse.toml:2:22: 'python_application' is of type integer, expected string\n"
	    "mse.toml:3:1: unknown key 'helthcheck_endpoint': did you mean 'healthcheck_endpoint'?\n"
	    "mse.toml:5:23: 'tests_requirements' is of type integer, expected string as element\n"
	    "mse.toml:6:1: key 'resource' belongs to an older version: use 'hardware' in [cloud]\n"
	    "mse.toml:7:1: key 'cloud.code' is missing: folder of the code, relative to this file\n"
	    "mse.toml:7:1: key 'cloud.tests' is missing: folder of the tests, relative to this file\n"
	    "mse.toml:7:1: key 'cloud.docker' is missing: image to run, NAME:TAG\n"
	    "mse.toml:7:1: key 'cloud.project' is missing: project that groups applications for payment\n"
	    "mse.toml:8:12: 'cloud.hardware' has 18 characters, expected 1 to 16");
}

static void values_are_checked(void **state)
{
	(void)state;
	refused("python_application = \"app\"",
		"mse.toml:2:22: 'python_application' is 'app': expected module:variable");
	refused("python_application = \"../app:app\"", "expected module:variable");
	refused("healthcheck_endpoint = \"health\"", "starts with /");
	refused("healthcheck_endpoint = \"/h?a=1\"", "no parameters");
	refused("expiration_date = \"tomorrow\"", "mse.toml:12:19: 'cloud.expiration_date': 'tomorrow' is not a date");
	refused("expiration_date = 5", "expected date");
	refused("logs = \"everyone\"", "expected \"owner\" or \"operator\"");
	refused("[cloud.ssl]", "mse.toml:12:1: key 'cloud.ssl.domain_name' is missing");
	refused("[code]\nlocation = \"x\"",
		"key 'code' belongs to an older version: use 'code' and 'docker' in [cloud]");
	refused("[plans]", "use 'hardware' in [cloud]");
	refused("name = \"x", "mse.toml:1:");
}

static void names_have_a_longest_length(void **state)
{
	scoped(buf_done) struct buf errors = BUF_INIT(APP_CONFIG_ERRORS_SIZE_MAX);
	struct app_config config = {0};
	struct err err = ERR_INIT;
	char text[1024];
	char name[APP_NAME_MAX + 2];

	(void)state;
	memset(name, 'n', sizeof(name));
	name[APP_NAME_MAX] = '\0';
	(void)snprintf(text, sizeof(text), "name = \"%s\"%s", name, strchr(good, '\n'));
	assert_ok(parse(text, &config, &errors, &err), &err);
	app_config_done(&config);
	name[APP_NAME_MAX] = 'n';
	name[APP_NAME_MAX + 1] = '\0';
	(void)snprintf(text, sizeof(text), "name = \"%s\"%s", name, strchr(good, '\n'));
	assert_fails(parse(text, &config, &errors, &err), &err, ERR_INVALID, "has 256 characters, expected 1 to 255");
}

static void what_is_written_is_read_again(void **state)
{
	scoped(buf_done) struct buf errors = BUF_INIT(APP_CONFIG_ERRORS_SIZE_MAX);
	scoped(buf_done) struct buf text = BUF_INIT(APP_CONFIG_SIZE_MAX);
	scoped(app_config_done) struct app_config config = {0};
	scoped(app_config_done) struct app_config again = {0};
	struct err err = ERR_INIT;

	(void)state;
	assert_ok(parse(good, &config, &errors, &err), &err);
	config.expiration_date = (struct config_date){.present = true};
	config.expiration_date.date = date_from_unix(2000000000);
	assert_ok(app_config_format(&config, &text, &err), &err);
	assert_ok(parse(buf_text(&text), &again, &errors, &err), &err);
	assert_string_equal(again.docker, config.docker);
	assert_int_equal(date_to_unix(&again.expiration_date.date, 0), 2000000000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_seeds_form_is_read),
	    cmocka_unit_test(every_error_is_told_at_once_with_its_place),
	    cmocka_unit_test(values_are_checked),
	    cmocka_unit_test(names_have_a_longest_length),
	    cmocka_unit_test(what_is_written_is_read_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
