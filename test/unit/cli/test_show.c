/* SPDX-License-Identifier: Apache-2.0 */
/* What bytes say: kinds are told apart, nothing hostile gets through, everything is bounded. */
#include "unit.h"

#include <string.h>

#include "cli/show.h"
#include "crypto/x509_build.h"
#include "crypto/x509_view.h"
#include "format/bundle.h"
#include "format/instance.h"
#include "format/pem.h"
#include "format/snp_report.h"

#define INSTANCE_OID "1.2.840.113741.1337.100"
#define TEXT_MAX (1u << 20)

static json_t *decode(const void *data, size_t size)
{
	struct err err = ERR_INIT;
	json_t *object = NULL;

	assert_ok(show_decode(data, size, &object, &err), &err);
	assert_true(json_is_false(json_object_get(object, "verified")));
	return object;
}

static const char *text_of(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text ? text : "";
}

static void make_certificate(const char *subject, const struct x509_extension *extension, struct buf *ret)
{
	struct err err = ERR_INIT;
	scoped(p256_freep) struct p256_key *key = NULL;
	const struct x509_spec spec = {.subject = subject,
				       .serial = {0x12, 0x34},
				       .serial_size = 2,
				       .not_before = 1700000000,
				       .not_after = 1800000000,
				       .is_ca = true,
				       .path_length = 2,
				       .key_usage = X509_USAGE_CERT_SIGN | X509_USAGE_CRL_SIGN,
				       .extensions = extension,
				       .extension_count = extension ? 1 : 0};

	assert_ok(p256_generate(&key, &err), &err);
	assert_ok(x509_build(&spec, key, NULL, NULL, ret, &err), &err);
}

static const json_t *find_extension(const json_t *certificate, const char *name)
{
	const json_t *list = json_object_get(certificate, "extensions");

	for (size_t i = 0; i < json_array_size(list); i++)
		if (strcmp(text_of(json_array_get(list, i), "name"), name) == 0)
			return json_array_get(list, i);
	return NULL;
}

static void a_certificate_shows_what_it_says(void **state)
{
	scoped(buf_done) struct buf der = BUF_INIT(X509_DER_SIZE_MAX);
	scoped(json_decrefp) json_t *object = NULL;

	(void)state;
	make_certificate("CN=an app\\, ours,O=Example", NULL, &der);
	object = decode(der.data, der.size);
	assert_string_equal(text_of(object, "kind"), "certificate");
	assert_string_equal(text_of(object, "subject"), "CN=an app\\, ours,O=Example");
	assert_string_equal(text_of(object, "issuer"), text_of(object, "subject"));
	assert_string_equal(text_of(object, "serial"), "1234");
	assert_string_equal(text_of(object, "not_before"), "2023-11-14T22:13:20Z");
	assert_string_equal(text_of(object, "key"), "P-256");
	assert_string_equal(text_of(object, "signature_algorithm"), "ecdsa-with-SHA256");
	assert_true(json_is_true(json_object_get(find_extension(object, "basicConstraints"), "ca")));
	assert_int_equal(json_integer_value(json_object_get(find_extension(object, "basicConstraints"), "path_length")),
			 1);
	assert_int_equal(json_array_size(json_object_get(find_extension(object, "keyUsage"), "usage")), 2);
}

static void nothing_steers_the_terminal(void **state)
{
	scoped(buf_done) struct buf der = BUF_INIT(X509_DER_SIZE_MAX);
	scoped(buf_done) struct buf lines = BUF_INIT(TEXT_MAX);
	scoped(json_decrefp) json_t *object = NULL;
	struct err err = ERR_INIT;

	(void)state;
	make_certificate("CN=a\\1B[2J\\C3\\A9", NULL, &der);
	object = decode(der.data, der.size);
	assert_string_equal(text_of(object, "subject"), "CN=a\\1B[2J\\C3\\A9");
	assert_ok(show_format(object, &lines, &err), &err);
	assert_null(strchr(buf_text(&lines), '\x1b'));
}

static void what_an_extension_holds_is_shown(void **state)
{
	const struct instance instance = {.config_domain = "a.localhost",
					  .domain = "b.localhost",
					  .subject = "CN=a",
					  .uuid = "0b41c2a4-470e-4602-99e2-58a6bf7b123d"};
	scoped(buf_done) struct buf document = BUF_INIT(INSTANCE_SIZE_MAX);
	scoped(buf_done) struct buf der = BUF_INIT(X509_DER_SIZE_MAX);
	scoped(json_decrefp) json_t *object = NULL;
	struct err err = ERR_INIT;
	const json_t *content;

	(void)state;
	assert_ok(instance_format(&instance, &document, &err), &err);
	make_certificate(
	    "CN=a", &(struct x509_extension){.oid = INSTANCE_OID, .data = document.data, .size = document.size}, &der);
	object = decode(der.data, der.size);
	content = json_object_get(find_extension(object, "MSE instance document"), "content");
	assert_string_equal(text_of(content, "kind"), "instance");
	assert_string_equal(text_of(content, "domain"), "b.localhost");
}

/* A certificate in an instance extension of a certificate, and so on: looked into a few times, then named only. */
static void depth_is_bounded(void **state)
{
	scoped(buf_done) struct buf der = BUF_INIT(X509_DER_SIZE_MAX);
	scoped(json_decrefp) json_t *object = NULL;
	const json_t *at;
	unsigned depth = 0;

	(void)state;
	make_certificate("CN=innermost", NULL, &der);
	for (int i = 0; i < 2 * SHOW_DEPTH_MAX; i++) {
		scoped(buf_done) struct buf outer = BUF_INIT(X509_DER_SIZE_MAX);
		const struct x509_extension extension = {.oid = INSTANCE_OID, .data = der.data, .size = der.size};

		make_certificate("CN=outer", &extension, &outer);
		buf_done(&der);
		der = outer;
		outer = BUF_INIT(0);
	}
	object = decode(der.data, der.size);
	for (at = object; json_object_get(at, "subject"); depth++)
		at = json_object_get(find_extension(at, "MSE instance document"), "content");
	assert_in_range(depth, 2, SHOW_DEPTH_MAX + 1);
	assert_true(json_is_integer(json_object_get(at, "size")));
}

static void only_so_many_certificates_are_shown(void **state)
{
	for (size_t count = SHOW_CERTIFICATES_MAX; count <= SHOW_CERTIFICATES_MAX + 1; count++) {
		scoped(buf_done) struct buf der = BUF_INIT(X509_DER_SIZE_MAX);
		scoped(buf_done) struct buf pem = BUF_INIT(TEXT_MAX);
		scoped(json_decrefp) json_t *object = NULL;
		struct err err = ERR_INIT;

		(void)state;
		make_certificate("CN=a", NULL, &der);
		for (size_t i = 0; i < count; i++)
			assert_ok(pem_format(PEM_CERTIFICATE, der.data, der.size, &pem, &err), &err);
		object = decode(pem.data, pem.size);
		assert_string_equal(text_of(object, "kind"), "pem");
		assert_int_equal(json_array_size(json_object_get(object, "certificates")), SHOW_CERTIFICATES_MAX);
		assert_int_equal(json_integer_value(json_object_get(object, "not_shown")),
				 count - SHOW_CERTIFICATES_MAX);
	}
}

static void check_refused(const void *data, size_t size, const char *part)
{
	struct err err = ERR_INIT;
	json_t *object = NULL;

	assert_fails(show_decode(data, size, &object, &err), &err, ERR_INVALID, part);
	assert_null(object);
}

static void what_breaks_its_rules_says_which(void **state)
{
	static const uint8_t zeros[8192];
	static uint8_t report[SNP_REPORT_SIZE] = {2};
	static uint8_t quote[2048] = {3};

	(void)state;
	check_refused("", 0, "empty");
	check_refused("what is this", 12, "not known");
	check_refused(zeros, sizeof(zeros), "not known");
	check_refused(report, sizeof(report), "snp-report: malformed");
	check_refused(quote, sizeof(quote), "quote: ");
	check_refused("0\x03\x02\x01", 4, "certificate: ");
	check_refused("-----BEGIN DOG-----\n-----END DOG-----\n", 38, "pem: ");
	check_refused("{\"tcbInfo\":{}}", 14, "tcb-info: ");
	check_refused("{\"enclaveIdentity\":{}}", 22, "qe-identity: ");
	check_refused("{\"format\":\"mse-bundle\"}", 23, "bundle: ");
	check_refused("{\"config_domain\":\"a\"}", 21, "instance: ");
	check_refused("{\"quote\":\"\",\"certificate\":\"\"}", 29, "attestation-answer: ");
}

static void more_than_the_maximum_is_not_looked_at(void **state)
{
	struct err err = ERR_INIT;
	json_t *object = NULL;

	(void)state;
	assert_fails(show_decode("{", SHOW_SIZE_MAX + 1, &object, &err), &err, ERR_LIMIT, "at most");
}

static void a_bundle_shows_what_is_in_it(void **state)
{
	scoped(bundle_done) struct bundle bundle;
	scoped(buf_done) struct buf text = BUF_INIT(BUNDLE_SIZE_MAX);
	scoped(json_decrefp) json_t *object = NULL;
	struct err err = ERR_INIT;
	const json_t *items;

	(void)state;
	bundle_init(&bundle);
	bundle.kind = BUNDLE_RATLS;
	make_certificate("CN=leaf", NULL, &bundle.evidence);
	assert_ok(buf_add_text(&bundle.collateral.items[COLLATERAL_ITEM_TCB_INFO], "{}", &err), &err);
	assert_ok(bundle_format(&bundle, &text, &err), &err);
	object = decode(text.data, text.size);
	assert_string_equal(text_of(object, "kind"), "bundle");
	assert_string_equal(text_of(json_object_get(object, "evidence"), "subject"), "CN=leaf");
	items = json_object_get(object, "collateral");
	assert_int_equal(json_object_size(items), 1);
	assert_string_not_equal(text_of(json_object_get(items, "tcb_info"), "unreadable"), "");
}

/* Each printable byte that RFC 4514 escapes; more than the maximum ends in dots. */
static void names_are_escaped_and_bounded(void **state)
{
	uint8_t name[2 + 2 * X509_VIEW_NAME_MAX];
	uint8_t one[] = {0x30, 0x13, 0x31, 0x11, 0x30, 0x0f, 0x06, 0x03, 0x55, 0x04, 0x03,
			 0x0c, 0x08, ' ',  'a',  ',',  '+',  '"',  '\\', ';',  ' '};
	struct err err = ERR_INIT;
	scoped(buf_done) struct buf text = BUF_INIT(2 * X509_VIEW_NAME_MAX);

	(void)state;
	assert_ok(x509_view_name((struct der){one, sizeof(one)}, &text, &err), &err);
	assert_string_equal(buf_text(&text), "CN=\\ a\\,\\+\\\"\\\\\\;\\ ");

	static const uint8_t head[] = {0x30, 0x82, 0x05, 0xf1, 0x31, 0x82, 0x05, 0xed, 0x30, 0x82, 0x05,
				       0xe9, 0x06, 0x03, 0x55, 0x04, 0x03, 0x0c, 0x82, 0x05, 0xe0};

	memset(name, 'x', sizeof(name));
	memcpy(name, head, sizeof(head));
	buf_clear(&text);
	assert_ok(x509_view_name((struct der){name, sizeof(head) + 0x5e0}, &text, &err), &err);
	assert_int_equal(text.size, X509_VIEW_NAME_MAX + 3);
	assert_string_equal(buf_text(&text) + X509_VIEW_NAME_MAX, "...");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_certificate_shows_what_it_says),
	    cmocka_unit_test(nothing_steers_the_terminal),
	    cmocka_unit_test(what_an_extension_holds_is_shown),
	    cmocka_unit_test(depth_is_bounded),
	    cmocka_unit_test(only_so_many_certificates_are_shown),
	    cmocka_unit_test(what_breaks_its_rules_says_which),
	    cmocka_unit_test(more_than_the_maximum_is_not_looked_at),
	    cmocka_unit_test(a_bundle_shows_what_is_in_it),
	    cmocka_unit_test(names_are_escaped_and_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
