/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "domain/context.h"

#define CONFIG_1_0 \
	"version = \"1.0\"\n[config]\nname = \"helloworld\"\nproject = \"default\"\npython_application = " \
	"\"app:app\"\n" \
	"docker = \"ghcr.io/cosmian/mse-flask:20230228091325\"\n" \
	"code_secret_key = \"a389f8baf2e03cebd445d99f03600b29ca259faa9a3964e529c03effef206135\"\n"
#define INSTANCE_1_0 \
	"[instance]\nid = \"0b41c2a4-470e-4602-99e2-58a6bf7b123d\"\nconfig_domain_name = \"demo.cosmian.app\"\n" \
	"enclave_size = 1024\n"
#define NONCES_1_0 "[instance.nonces]\n\"app.py\" = \"f33f4a1a1555660f9396aea7811b0ff7b0f19503a7485914\"\n"

static int parse(const char *text, struct context *ret, struct err *err)
{
	return context_parse(text, strlen(text), ret, err);
}

static void first_version_is_read_with_its_misprint(void **state)
{
	scoped(context_done) struct context context = {0};
	struct err err = ERR_INIT;

	(void)state;
	assert_ok(parse(CONFIG_1_0 INSTANCE_1_0
			"expires_at = \"2022-11-19 09:47:26.931077+00:00\"\nssl_secret_origin = \"self\"\n" NONCES_1_0,
			&context, &err),
		  &err);
	assert_string_equal(context.name, "helloworld");
	assert_string_equal(context.ssl_certificate_origin, "self");
	assert_true(context.expires_at.date.zoned);
	assert_int_equal(context.enclave_size, 1024);
	assert_int_equal(context.port, 443);
	assert_int_equal(context.nonce_count, 1);
	assert_string_equal(context.nonces[0].path, "app.py");
}

static void naive_dates_and_owner_certificates_are_read(void **state)
{
	scoped(context_done) struct context context = {0};
	struct err err = ERR_INIT;

	(void)state;
	assert_ok(parse(CONFIG_1_0 "ssl_app_certificate = \"-----BEGIN CERTIFICATE[...]\"\n" INSTANCE_1_0
				   "expires_at = \"2022-11-18 16:22:11.516125\"\nssl_certificate_origin = "
				   "\"owner\"\n" NONCES_1_0,
			&context, &err),
		  &err);
	assert_false(context.expires_at.date.zoned);
	assert_string_equal(context.ssl_app_certificate, "-----BEGIN CERTIFICATE[...]");
}

static void second_version_keeps_every_field(void **state)
{
	static const char more[] =
	    "tests = \"tests\"\ntests_cmd = \"pytest -q\"\ntests_requirements = [\"pytest\"]\n" INSTANCE_1_0
	    "port = 8443\nssl_certificate_origin = \"self\"\nexpires_at = 2026-11-22T04:00:00Z\n"
	    "document = \"{\\\"a\\\":1}\"\n" NONCES_1_0 "[cloud]\nurl = \"https://api.mse.localhost:8443\"\n";
	scoped(buf_done) struct buf text = BUF_INIT(CONTEXT_SIZE_MAX);
	scoped(buf_done) struct buf twice = BUF_INIT(CONTEXT_SIZE_MAX);
	scoped(context_done) struct context context = {0};
	scoped(context_done) struct context again = {0};
	struct err err = ERR_INIT;

	(void)state;
	assert_ok(buf_addf(&text, &err, "%s%s", CONFIG_1_0, more), &err);
	text.data[11] = '2';
	assert_ok(context_parse(text.data, text.size, &context, &err), &err);
	buf_clear(&text);
	assert_ok(context_format(&context, &text, &err), &err);
	assert_ok(context_parse(text.data, text.size, &again, &err), &err);
	assert_string_equal(again.tests_cmd, "pytest -q");
	assert_string_equal(again.document, "{\"a\":1}");
	assert_string_equal(again.cloud_url, "https://api.mse.localhost:8443");
	assert_int_equal(again.port, 8443);
	assert_int_equal(date_to_unix(&again.expires_at.date, 0), 1795320000);
	assert_ok(context_format(&again, &twice, &err), &err);
	assert_string_equal(buf_text(&twice), buf_text(&text));
}

static void damaged_contexts_are_refused(void **state)
{
	static const struct {
		const char *text;
		const char *wanted;
	} rows[] = {
	    {"", "'version' is missing"},
	    {"version = \"3.0\"\n", "version '3.0'"},
	    {CONFIG_1_0, "'instance.id' is missing"},
	    {CONFIG_1_0 INSTANCE_1_0, "'instance.ssl_certificate_origin' is missing"},
	    {CONFIG_1_0 INSTANCE_1_0 "ssl_certificate_origin = \"none\"\n", "expected self, owner or operator"},
	    {CONFIG_1_0 INSTANCE_1_0 "ssl_certificate_origin = \"self\"\nport = 65536\n", "from 1 to 65535"},
	    {CONFIG_1_0 INSTANCE_1_0 "ssl_certificate_origin = \"self\"\nexpires_at = \"soon\"\n", "not a date"},
	    {CONFIG_1_0 INSTANCE_1_0 "ssl_certificate_origin = \"self\"\nfingerprint = \"12\"\n", "64 hex digits"},
	    {CONFIG_1_0 INSTANCE_1_0 "ssl_certificate_origin = \"self\"\n[instance.nonces]\na = \"12\"\n",
	     "48 hex digits"},
	    {CONFIG_1_0 "[instance]\nid = \"../../etc\"\nconfig_domain_name = \"d\"\nssl_certificate_origin = "
			"\"self\"\n",
	     "expected a uuid"},
	};
	struct context context = {0};
	struct err err = ERR_INIT;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		assert_int_equal(parse(rows[i].text, &context, &err), -1);
		if (!strstr(err.text, rows[i].wanted))
			fail_msg("'%s' does not contain '%s'", err.text, rows[i].wanted);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(first_version_is_read_with_its_misprint),
	    cmocka_unit_test(naive_dates_and_owner_certificates_are_read),
	    cmocka_unit_test(second_version_keeps_every_field),
	    cmocka_unit_test(damaged_contexts_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
