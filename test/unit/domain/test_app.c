/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "domain/app.h"

static struct app_request good_request(void)
{
	return (struct app_request){
	    .name = "helloworld",
	    .project = "default",
	    .hardware = "4g-eu-001",
	    .docker = "mse-flask:20261122",
	    .python_application = "app:app",
	    .healthcheck_endpoint = "/",
	};
}

static void a_plain_request_is_taken(void **state)
{
	const struct app_request request = good_request();
	struct err err = ERR_INIT;

	(void)state;
	assert_ok(app_request_check(&request, &err), &err);
	assert_int_equal(app_request_tls(&request), APP_TLS_SELF);
}

static void names_have_1_to_255_bytes(void **state)
{
	struct app_request request = good_request();
	struct err err = ERR_INIT;
	char name[257];

	(void)state;
	memset(name, 'n', sizeof(name));
	name[255] = 0;
	request.name = name;
	assert_ok(app_request_check(&request, &err), &err);
	name[255] = 'n';
	name[256] = 0;
	assert_fails(app_request_check(&request, &err), &err, ERR_INVALID, "'name' must have 1 to 255 bytes, got 256");
	request.name = "";
	assert_fails(app_request_check(&request, &err), &err, ERR_INVALID, "got 0");
	request.name = "a\nb";
	assert_fails(app_request_check(&request, &err), &err, ERR_INVALID, "control");
	request.name = "\xc3\x28";
	assert_fails(app_request_check(&request, &err), &err, ERR_INVALID, "UTF-8");
	request.name = NULL;
	assert_fails(app_request_check(&request, &err), &err, ERR_INVALID, "'name' is missing");
}

static void hardware_has_at_most_16_characters(void **state)
{
	struct app_request request = good_request();
	struct err err = ERR_INIT;

	(void)state;
	request.hardware = "0123456789abcdef";
	assert_ok(app_request_check(&request, &err), &err);
	request.hardware = "0123456789abcdefg";
	assert_fails(app_request_check(&request, &err), &err, ERR_INVALID, "16");
}

static void python_applications_are_module_and_variable(void **state)
{
	static const char *const good[] = {"app:app", "a.b.c:d_1", "_x:_y"};
	static const char *const bad[] = {"app", "app:", ":app", "a..b:c", "a.:c", "1a:b", "a:b:c", "a:b c", "a/b:c"};
	struct app_request request = good_request();
	struct err err = ERR_INIT;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(good); i++) {
		request.python_application = good[i];
		assert_ok(app_request_check(&request, &err), &err);
	}
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		request.python_application = bad[i];
		assert_fails(app_request_check(&request, &err), &err, ERR_INVALID, "module:variable");
	}
}

static void health_checks_are_paths(void **state)
{
	struct app_request request = good_request();
	struct err err = ERR_INIT;

	(void)state;
	request.healthcheck_endpoint = "/health/live";
	assert_ok(app_request_check(&request, &err), &err);
	request.healthcheck_endpoint = "health";
	assert_fails(app_request_check(&request, &err), &err, ERR_INVALID, "start with '/'");
	request.healthcheck_endpoint = "/health?x=1";
	assert_fails(app_request_check(&request, &err), &err, ERR_INVALID, "without parameters");
	request.healthcheck_endpoint = "/a b";
	assert_fails(app_request_check(&request, &err), &err, ERR_INVALID, "without parameters");
}

static void latest_is_refused(void **state)
{
	static const char *const bad[] = {"mse-flask:latest", "mse-flask", "host:5000/mse-flask"};
	struct err err = ERR_INIT;

	(void)state;
	assert_ok(app_check_docker("host:5000/mse-flask:20230228091325", &err), &err);
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		assert_fails(app_check_docker(bad[i], &err), &err, ERR_INVALID,
			     "You shouldn't use latest tag for the docker image");
}

static void ssl_fields_go_together(void **state)
{
	struct app_request request = good_request();
	struct err err = ERR_INIT;

	(void)state;
	request.domain_name = "demo.owner.com";
	assert_fails(app_request_check(&request, &err), &err, ERR_INVALID, "go together");
	request.ssl_certificate = "-----BEGIN";
	assert_ok(app_request_check(&request, &err), &err);
	assert_int_equal(app_request_tls(&request), APP_TLS_OWNER);
	request.dev_mode = true;
	assert_int_equal(app_request_tls(&request), APP_TLS_OPERATOR);
	request.dev_mode = false;
	request.domain_name = "Demo.owner.com";
	assert_fails(app_request_check(&request, &err), &err, ERR_INVALID, "domain_name");
}

static void only_owners_domains_are_taken_over(void **state)
{
	struct app_request request = good_request();
	struct err err = ERR_INIT;

	(void)state;
	request.replaces = "0b41c2a4-470e-4602-99e2-58a6bf7b123d";
	assert_fails(app_request_check(&request, &err), &err, ERR_INVALID, "owner's domain and certificate");
	request.domain_name = "app.example.org";
	request.ssl_certificate = "-----BEGIN";
	assert_ok(app_request_check(&request, &err), &err);
	request.replaces = "0b41c2a4";
	assert_fails(app_request_check(&request, &err), &err, ERR_INVALID, "must be the uuid");
	request.replaces = "0b41c2a4-470e-4602-99e2-58a6bf7b123d";
	request.dev_mode = true;
	assert_fails(app_request_check(&request, &err), &err, ERR_INVALID, "owner's domain and certificate");
}

static void what_may_be_replaced(void **state)
{
	const struct app good = {
	    .id = "x", .name = "n", .domain_name = "app.example.org", .state = APP_RUNNING, .tls = APP_TLS_OWNER};
	struct err err = ERR_INIT;
	struct app old = good;

	(void)state;
	assert_ok(app_check_replaces(&good, &old, &err), &err);
	old.tls = APP_TLS_SELF;
	assert_fails(app_check_replaces(&good, &old, &err), &err, ERR_INVALID, "the domain of the app x");
	old = good;
	old.domain_name[0] = 'b';
	assert_fails(app_check_replaces(&good, &old, &err), &err, ERR_INVALID,
		     "'bpp.example.org', not 'app.example.org'");
	old = good;
	old.name[0] = 'm';
	assert_fails(app_check_replaces(&good, &old, &err), &err, ERR_INVALID, "is named `m`, not `n`");
	old = good;
	old.state = APP_STOPPED;
	assert_fails(app_check_replaces(&good, &old, &err), &err, ERR_CONFLICT, "not active any more");
	old = good;
	old.stop_wanted = true;
	assert_fails(app_check_replaces(&good, &old, &err), &err, ERR_CONFLICT, "not active any more");
	old = good;
	old.replaced_by[0] = 'y';
	assert_fails(app_check_replaces(&good, &old, &err), &err, ERR_CONFLICT, "replaced by y already");
	old = good;
	old.replaces[0] = 'z';
	assert_fails(app_check_replaces(&good, &old, &err), &err, ERR_CONFLICT, "yet to replace z");
}

static void domains_follow_the_mode(void **state)
{
	struct app app = {.tls = APP_TLS_SELF};
	struct err err = ERR_INIT;
	char label[APP_LABEL_SIZE];

	(void)state;
	assert_ok(app_set_domains(&app, "0123456789abcdef", "mse.localhost", NULL, &err), &err);
	assert_string_equal(app.domain_name, "0123456789abcdef.mse.localhost");
	assert_string_equal(app.config_domain_name, app.domain_name);
	app.tls = APP_TLS_OPERATOR;
	assert_ok(app_set_domains(&app, "0123456789abcdef", "mse.localhost", NULL, &err), &err);
	assert_string_equal(app.domain_name, "0123456789abcdef.op.mse.localhost");
	assert_string_equal(app.config_domain_name, "0123456789abcdef.mse.localhost");
	app.tls = APP_TLS_OWNER;
	assert_ok(app_set_domains(&app, "0123456789abcdef", "mse.localhost", "demo.owner.com", &err), &err);
	assert_string_equal(app.domain_name, "demo.owner.com");
	assert_ok(app_label_of(app.config_domain_name, "mse.localhost", label, &err), &err);
	assert_string_equal(label, "0123456789abcdef");
	assert_fails(app_label_of("0123456789abcde.mse.localhost", "mse.localhost", label, &err), &err, ERR_INVALID,
		     "not a name of ours");
	assert_fails(app_label_of("0123456789abcdef.other", "mse.localhost", label, &err), &err, ERR_INVALID,
		     "not a name of ours");
}

/* Else one customer takes the API's name, or the name that another one's app will have again. */
static void an_owners_domain_is_not_the_clouds(void **state)
{
	static const char *const ours[] = {"mse.localhost", "api.mse.localhost", "0123456789abcdef.mse.localhost",
					   "0123456789abcdef.op.mse.localhost", "www.shop.mse.localhost"};
	static const char *const others[] = {"demo.owner.com", "notmse.localhost", "mse.localhost.com"};
	struct app app = {.tls = APP_TLS_OWNER};
	struct err err = ERR_INIT;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(ours); i++)
		assert_fails(app_set_domains(&app, "fedcba9876543210", "mse.localhost", ours[i], &err), &err,
			     ERR_INVALID, "which is the cloud's");
	for (size_t i = 0; i < COUNT_OF(others); i++)
		assert_ok(app_set_domains(&app, "fedcba9876543210", "mse.localhost", others[i], &err), &err);
}

static void times_may_have_a_fraction(void **state)
{
	struct err err = ERR_INIT;
	int64_t seconds;

	(void)state;
	assert_ok(app_parse_time("2026-11-22T01:02:03.123456Z", &seconds, &err), &err);
	assert_int_equal(seconds, 1795309323);
	assert_ok(app_parse_time("2026-11-22T01:02:03Z", &seconds, &err), &err);
	assert_int_equal(seconds, 1795309323);
	assert_fails(app_parse_time("2026-11-22T01:02:03.Z", &seconds, &err), &err, ERR_INVALID, "RFC 3339");
	assert_fails(app_parse_time("2026-11-22T01:02:03.1+00:00", &seconds, &err), &err, ERR_INVALID, "RFC 3339");
	assert_fails(app_parse_time("tomorrow", &seconds, &err), &err, ERR_INVALID, "tomorrow");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_plain_request_is_taken),
	    cmocka_unit_test(names_have_1_to_255_bytes),
	    cmocka_unit_test(hardware_has_at_most_16_characters),
	    cmocka_unit_test(python_applications_are_module_and_variable),
	    cmocka_unit_test(health_checks_are_paths),
	    cmocka_unit_test(latest_is_refused),
	    cmocka_unit_test(ssl_fields_go_together),
	    cmocka_unit_test(only_owners_domains_are_taken_over),
	    cmocka_unit_test(what_may_be_replaced),
	    cmocka_unit_test(domains_follow_the_mode),
	    cmocka_unit_test(an_owners_domain_is_not_the_clouds),
	    cmocka_unit_test(times_may_have_a_fraction),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
