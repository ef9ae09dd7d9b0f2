/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "format/instance.h"

#define HASH "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define UUID "0123abcd-0000-4000-8000-00000000000f"
#define SELF \
	"{\"certificate\":\"\",\"config_domain\":\"0123456789abcdef.mse.localhost\"," \
	"\"domain\":\"0123456789abcdef.mse.localhost\",\"expires\":\"2026-12-31T23:59:59Z\",\"log_key\":\"" HASH "\"," \
	"\"subject\":\"CN=0123456789abcdef.mse.localhost\",\"tls\":\"self\",\"uuid\":\"" UUID "\",\"version\":\"1\"}"

static struct instance self_instance(void)
{
	return (struct instance){
	    .config_domain = "0123456789abcdef.mse.localhost",
	    .domain = "0123456789abcdef.mse.localhost",
	    .expires = "2026-12-31T23:59:59Z",
	    .log_key = HASH,
	    .subject = "CN=0123456789abcdef.mse.localhost",
	    .tls = INSTANCE_TLS_SELF,
	    .uuid = UUID,
	};
}

static void the_document_is_exact(void **state)
{
	const struct instance instance = self_instance();
	scoped(buf_done) struct buf text = BUF_INIT(INSTANCE_SIZE_MAX);
	scoped(buf_done) struct buf second = BUF_INIT(INSTANCE_SIZE_MAX);
	struct instance again;
	struct err err = ERR_INIT;

	(void)state;
	assert_ok(instance_format(&instance, &text, &err), &err);
	assert_string_equal(buf_text(&text), SELF);
	assert_ok(instance_parse(text.data, text.size, &again, &err), &err);
	assert_string_equal(again.log_key, HASH);
	assert_string_equal(again.uuid, UUID);
	assert_int_equal(again.tls, INSTANCE_TLS_SELF);
	assert_ok(instance_format(&again, &second, &err), &err);
	assert_string_equal(buf_text(&second), SELF);
}

static void escapes_have_one_form(void **state)
{
	struct instance instance = self_instance();
	struct instance again;
	scoped(buf_done) struct buf text = BUF_INIT(INSTANCE_SIZE_MAX);
	struct err err = ERR_INIT;

	(void)state;
	memcpy(instance.subject, "CN=a\\,\"b/", 10);
	assert_ok(instance_format(&instance, &text, &err), &err);
	assert_non_null(strstr(buf_text(&text), "\"subject\":\"CN=a\\\\,\\\"b/\""));
	assert_ok(instance_parse(text.data, text.size, &again, &err), &err);
	assert_string_equal(again.subject, "CN=a\\,\"b/");
}

static void assert_malformed(const char *text, const char *wanted)
{
	struct instance instance;
	struct err err = ERR_INIT;

	assert_fails(instance_parse(text, strlen(text), &instance, &err), &err, ERR_INVALID, "instance-malformed: ");
	if (!strstr(err.text, wanted))
		fail_msg("'%s' does not contain '%s'", err.text, wanted);
}

/* Replaces the first `from` in the valid document. */
static void assert_malformed_with(const char *from, const char *to, const char *wanted)
{
	static char text[2 * INSTANCE_SIZE_MAX];
	const char *at = strstr(SELF, from);

	assert_non_null(at);
	(void)snprintf(text, sizeof(text), "%.*s%s%s", (int)(at - SELF), SELF, to, at + strlen(from));
	assert_malformed(text, wanted);
}

static void only_the_canonical_form_is_read(void **state)
{
	(void)state;
	assert_malformed("", "");
	assert_malformed("[]", "no JSON object");
	assert_malformed("{}", "member 'version' is missing");
	assert_malformed(SELF "\n", "not in canonical form");
	assert_malformed(" " SELF, "not in canonical form");
	assert_malformed(SELF "x", "");
	assert_malformed_with("\":\"", "\": \"", "not in canonical form");
	assert_malformed_with("CN=0", "CN=\\u0030", "not in canonical form");
	assert_malformed_with("CN=0", "CN=\\/", "not in canonical form");
	assert_malformed_with("{\"certificate\":\"\",", "{", "member 'certificate' is missing");
	assert_malformed_with("{\"certificate\":\"\",", "{\"certificate\":\"\",\"certificate\":\"\",", "duplicate");
	assert_malformed_with("{\"certificate\":\"\",", "{\"x\":\"\",\"certificate\":\"\",", "unknown member 'x'");
	assert_malformed_with("\"certificate\":\"\"", "\"certificate\":null", "expected a text");
	assert_malformed_with("\"certificate\":\"\"", "\"certificate\":[]", "nested deeper");
	assert_malformed_with("{\"certificate\":\"\",\"config_domain\":\"0123456789abcdef.mse.localhost\",",
			      "{\"config_domain\":\"0123456789abcdef.mse.localhost\",\"certificate\":\"\",",
			      "not in canonical form");
	assert_malformed_with("\"version\":\"1\"", "\"version\":\"2\"", "version '2'");
}

static void each_value_has_its_form(void **state)
{
	(void)state;
	assert_malformed_with("\"certificate\":\"\"", "\"certificate\":\"00\"", "certificate '00'");
	assert_malformed_with("0a0b", "0A0B", "log_key");
	assert_malformed_with("self", "selF", "tls 'selF'");
	assert_malformed_with("2026-12-31T23:59:59Z", "2026-02-30T00:00:00Z", "");
	assert_malformed_with("2026-12-31T23:59:59Z", "2026-12-31T23:59:59+00:00", "expires");
	assert_malformed_with("abcd-0000", "ABCD-0000", "uuid");
	assert_malformed_with("abcd-0000", "abcd00000", "uuid");
	assert_malformed_with("0123456789abcdef.mse", "0123456789ABCDEF.mse", "config_domain");
	assert_malformed_with("0123456789abcdef.mse", "a b", "config_domain");
	assert_malformed_with("\"0123456789abcdef.mse.localhost\"", "\"\"", "config_domain ''");
	assert_malformed_with("CN=0", "CN=\\t", "subject is not printable");
	assert_malformed_with("CN=0", "CN=\xc3\xa9", "subject is not printable");
}

static void sizes_have_limits(void **state)
{
	struct instance instance = self_instance();
	scoped(buf_done) struct buf text = BUF_INIT(2 * INSTANCE_SIZE_MAX);
	static char longest[INSTANCE_SIZE_MAX + 2];
	struct instance again;
	struct err err = ERR_INIT;

	(void)state;
	memset(instance.subject, 'a', INSTANCE_SUBJECT_MAX);
	memset(instance.domain, 'b', INSTANCE_DOMAIN_MAX);
	assert_ok(instance_format(&instance, &text, &err), &err);
	assert_ok(instance_parse(text.data, text.size, &again, &err), &err);
	assert_int_equal(strlen(again.subject), INSTANCE_SUBJECT_MAX);
	memset(longest, ' ', sizeof(longest) - 1);
	assert_malformed(longest, "4097 bytes, the maximum is 4096");
	memset(longest, 0, sizeof(longest));
	(void)snprintf(longest, sizeof(longest), "CN=%01100d", 0);
	assert_malformed_with("CN=", longest, "the maximum is 1024");
	(void)snprintf(longest, sizeof(longest), "%0254d", 0);
	assert_malformed_with("0123456789abcdef.mse.localhost", longest, "the maximum is 253");
}

static void tls_modes_go_round(void **state)
{
	enum instance_tls tls;
	struct err err = ERR_INIT;

	(void)state;
	for (int i = INSTANCE_TLS_SELF; i <= INSTANCE_TLS_OPERATOR; i++) {
		assert_ok(instance_tls_parse(instance_tls_text((enum instance_tls)i), &tls, &err), &err);
		assert_int_equal(tls, i);
	}
	assert_fails(instance_tls_parse("", &tls, &err), &err, ERR_INVALID, "expected self, owner, acme or operator");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_document_is_exact),
	    cmocka_unit_test(escapes_have_one_form),
	    cmocka_unit_test(only_the_canonical_form_is_read),
	    cmocka_unit_test(each_value_has_its_form),
	    cmocka_unit_test(sizes_have_limits),
	    cmocka_unit_test(tls_modes_go_round),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
