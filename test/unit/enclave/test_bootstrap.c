/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <string.h>

#include "enclave/attested/bootstrap.h"

#define ARGV_MAX 24
#define ID "01234567-89ab-cdef-0123-456789abcdef"
#define REQUIRED "--app-dir", "/code", "--id", ID
#define MEASURED "MSE_ARGV=measured"

static char *const measured[] = {(char *)MEASURED, (char *)"HOME=/root", NULL};

static int parse(const char *const argv[static ARGV_MAX], char *const *env, struct bootstrap *ret, struct err *err)
{
	return bootstrap_parse((char *const *)argv, env, ret, err);
}

static const char *setting(const struct bootstrap *bootstrap, const char *name)
{
	const size_t size = strlen(name);

	for (char **env = bootstrap->env; *env; env++) {
		if (strncmp(*env, name, size) == 0 && (*env)[size] == '=')
			return *env + size + 1;
	}
	return NULL;
}

static void each_option_becomes_what_it_means(void **state)
{
	const char *const argv[ARGV_MAX] = {
	    REQUIRED, "--host",      "::1",       "--port", "8443",    "--subject", "CN=app,O=Org", "--san",
	    "a.host", "--plaincode", "--timeout", "60",     "--debug", "--ratls",   "1700000000",   "pkg.mod:make.app",
	};
	static const char *const wanted[][2] = {
	    {"MSE_APPLICATION", "pkg.mod:make.app"},
	    {"CODE_PATH", "/code"},
	    {"MSE_PLAINCODE", "1"},
	    {"MSE_LISTEN", "[::1]:8443"},
	    {"MSE_WAIT_SECONDS", "60"},
	    {"MSE_DEBUG", "1"},
	    {"MSE_RELEASE", "1"},
	    {"HOME", "/root"},
	};
	scoped(bootstrap_done) struct bootstrap made = BOOTSTRAP_INIT;
	struct err err = ERR_INIT;

	(void)state;
	assert_ok(parse(argv, measured, &made, &err), &err);
	for (size_t i = 0; i < COUNT_OF(wanted); i++) {
		assert_non_null(setting(&made, wanted[i][0]));
		assert_string_equal(setting(&made, wanted[i][0]), wanted[i][1]);
	}
	assert_string_equal(buf_text(&made.input.document),
			    "{\"certificate\":\"\",\"config_domain\":\"a.host\",\"domain\":\"a.host\",\"expires\":"
			    "\"2023-11-14T22:13:20Z\",\"log_key\":\"\",\"subject\":\"CN=app,O=Org\",\"tls\":\"self\","
			    "\"uuid\":\"" ID "\",\"version\":\"1\"}");
	assert_false(made.is_plain_allowed);
}

static void defaults(void **state)
{
	scoped(bootstrap_done) struct bootstrap made = BOOTSTRAP_INIT;
	struct err err = ERR_INIT;

	(void)state;
	assert_ok(parse((const char *const[ARGV_MAX]){REQUIRED, "--no-ssl", "app:app"}, measured, &made, &err), &err);
	assert_string_equal(setting(&made, "MSE_LISTEN"), "0.0.0.0:443");
	assert_null(setting(&made, "MSE_PLAINCODE"));
	assert_string_equal(made.input.instance.domain, "localhost");
	assert_string_equal(made.input.instance.subject, "CN=localhost");
	assert_string_equal(made.input.instance.expires, "");
	assert_int_equal(made.input.instance.tls, INSTANCE_TLS_OPERATOR);
	assert_true(made.is_plain_allowed);
}

static void refused(const char *const argv[static ARGV_MAX], char *const *env, const char *wanted)
{
	scoped(bootstrap_done) struct bootstrap made = BOOTSTRAP_INIT;
	struct err err = ERR_INIT;

	assert_int_equal(parse(argv, env, &made, &err), -1);
	if (!strstr(err.text, wanted))
		fail_msg("'%s' does not contain '%s'", err.text, wanted);
}

#define REFUSED(env, wanted, ...) refused((const char *const[ARGV_MAX]){__VA_ARGS__}, env, wanted)

static void wrong_values(void **state)
{
	(void)state;
	REFUSED(measured, "'--app-dir' is missing", "--id", ID, "--no-ssl", "app:app");
	REFUSED(measured, "'--id' is missing", "--app-dir", "/code", "--no-ssl", "app:app");
	REFUSED(measured, "application is missing", REQUIRED, "--no-ssl");
	REFUSED(measured, "wanted, not 0", REQUIRED, "app:app");
	REFUSED(measured, "wanted, not 2", REQUIRED, "--no-ssl", "--ratls", "1700000000", "app:app");
	REFUSED(measured, "'--ratls'", REQUIRED, "--ratls", "tomorrow", "app:app");
	REFUSED(measured, "'--ratls'", REQUIRED, "--ratls", "253402300800", "app:app");
	REFUSED(measured, "not a port", REQUIRED, "--no-ssl", "--port", "65536", "app:app");
	REFUSED(measured, "'--host'", REQUIRED, "--no-ssl", "--host", "a.host", "app:app");
	REFUSED(measured, "'--host': 'unix' is not", REQUIRED, "--no-ssl", "--host", "unix", "--port", "/a", "app:app");
	REFUSED(measured, "'--timeout'", REQUIRED, "--no-ssl", "--timeout", "0", "app:app");
	REFUSED(measured, "uuid", "--app-dir", "/c", "--id", "7", "--no-ssl", "app:app");
	REFUSED(measured, "config_domain", REQUIRED, "--no-ssl", "--san", "A.host", "app:app");
	REFUSED(measured, "subject", REQUIRED, "--no-ssl", "--subject", "", "app:app");
	REFUSED(measured, "'--domain'", REQUIRED, "--no-ssl", "--domain", "b", "app:app");
	REFUSED(measured, "owner's chain", REQUIRED, "--certificate", "/nowhere/chain.pem", "app:app");
	REFUSED(measured, "unknown option", REQUIRED, "--no-ssl", "--reload", "app:app");
}

/* What decides what runs needs to be measured, and the environment is never overridden. */
static void what_nothing_measures_is_refused(void **state)
{
	char *const none[] = {NULL};
	char *const other[] = {(char *)"MSE_ARGV=", (char *)"MSE_APPLICATION=app:app", (char *)"CODE_PATH=/code", NULL};
	char *const listens[] = {(char *)MEASURED, (char *)"MSE_LISTEN=127.0.0.1:1", NULL};
	scoped(bootstrap_done) struct bootstrap made = BOOTSTRAP_INIT;
	struct err err = ERR_INIT;

	(void)state;
	REFUSED(none, "nothing measures it", REQUIRED, "--no-ssl", "app:app");
	REFUSED(other, "'--plaincode' decides what runs", REQUIRED, "--no-ssl", "--plaincode", "app:app");
	REFUSED(other, "the measured setting 'MSE_APPLICATION' says 'app:app'", REQUIRED, "--no-ssl", "evil:app");
	REFUSED(listens, "the measured setting 'MSE_LISTEN'", REQUIRED, "--no-ssl", "--port", "2", "app:app");
	assert_ok(parse((const char *const[ARGV_MAX]){REQUIRED, "--no-ssl", "app:app"}, other, &made, &err), &err);
}

static void where_the_environment_says_it_stays(void **state)
{
	char *const listens[] = {(char *)MEASURED, (char *)"MSE_LISTEN=unix:/run/a", (char *)"MSE_TEE=gramine", NULL};
	scoped(bootstrap_done) struct bootstrap made = BOOTSTRAP_INIT;
	struct err err = ERR_INIT;

	(void)state;
	assert_ok(parse((const char *const[ARGV_MAX]){REQUIRED, "--no-ssl", "app:app"}, listens, &made, &err), &err);
	assert_string_equal(setting(&made, "MSE_LISTEN"), "unix:/run/a");
	assert_string_equal(setting(&made, "MSE_TEE"), "gramine");
}

static void help_and_version_need_nothing_else(void **state)
{
	scoped(bootstrap_done) struct bootstrap made = BOOTSTRAP_INIT;
	scoped(buf_done) struct buf text = BUF_INIT(16 << 10);
	struct err err = ERR_INIT;

	(void)state;
	assert_ok(parse((const char *const[ARGV_MAX]){"--help"}, measured, &made, &err), &err);
	assert_true(made.wants_help);
	assert_ok(parse((const char *const[ARGV_MAX]){"--version"}, measured, &made, &err), &err);
	assert_true(made.wants_version);
	assert_ok(bootstrap_help(&text, &err), &err);
	assert_non_null(strstr(buf_text(&text), "--certificate PEM"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_option_becomes_what_it_means),
	    cmocka_unit_test(defaults),
	    cmocka_unit_test(wrong_values),
	    cmocka_unit_test(what_nothing_measures_is_refused),
	    cmocka_unit_test(where_the_environment_says_it_stays),
	    cmocka_unit_test(help_and_version_need_nothing_else),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
