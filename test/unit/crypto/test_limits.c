/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates and lists at each limit of their readers, and one beyond it; names that are shown and names that are
 * not. */
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "crypto/crl_parse.h"
#include "crypto/x509_parse.h"
#include "der_write.h"
#include "test_pki.h"

#define DER_MAX (64u << 10)
#define UTF8_STRING 0x0c
#define CRL_EXTENSIONS_MAX 16
#define SERIAL_MAX 20
#define DEPTH_MAX 16

/* Right as it is made, wrong in the one way that a test asks for. Its signature is none. */
struct spec {
	size_t serial_size;
	size_t extensions;
	size_t depth;             /* of the deepest element */
	const struct buf *name;   /* content of the subject's SEQUENCE; NULL: empty */
	const uint8_t *key_usage; /* content of its BIT STRING, NULL: absent */
	size_t key_usage_size;
	const struct der *oid; /* content of an extension's, NULL: none */
	uint8_t point_first;
};

static struct spec right(void)
{
	return (struct spec){.serial_size = 1, .depth = 4, .point_first = 4};
}

static void put_algorithm(struct buf *buf)
{
	const size_t start = buf->size;

	der_put_oid(buf, "1.2.840.10045.4.3.2");
	der_wrap(buf, start, DER_SEQUENCE);
}

static void put_dates(struct buf *buf)
{
	der_put_time(buf, TEST_TIME);
	der_put_time(buf, TEST_TIME + TEST_DAY);
}

static void put_key(struct buf *buf, uint8_t point_first)
{
	const size_t start = buf->size;
	uint8_t point[66] = {0};

	der_put_oid(buf, "1.2.840.10045.2.1");
	der_put_oid(buf, "1.2.840.10045.3.1.7");
	der_wrap(buf, start, DER_SEQUENCE);
	p256_point(test_key(TEST_KEY_CA), point + 1);
	point[1] = point_first;
	der_put(buf, DER_BIT_STRING, point, sizeof(point));
	der_wrap(buf, start, DER_SEQUENCE);
}

/* A name so deep that the deepest element has this depth; a name's own SEQUENCE, without content, has 3. */
static void put_deep_name(struct buf *buf, size_t depth)
{
	const size_t start = buf->size;

	for (size_t i = 3; i <= depth; i++)
		der_wrap(buf, start, DER_SEQUENCE);
}

static void put_more_extensions(struct buf *buf, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		char oid[32];

		(void)snprintf(oid, sizeof(oid), "1.2.3.%zu", i + 1);
		der_put_extension(buf, oid, false, "", 0);
	}
}

static void put_extensions(struct buf *buf, const struct spec *spec)
{
	const size_t start = buf->size;

	if (spec->oid) {
		const size_t item = buf->size;

		der_put(buf, DER_OID, spec->oid->data, spec->oid->size);
		der_put(buf, DER_OCTET_STRING, "", 0);
		der_wrap(buf, item, DER_SEQUENCE);
	}
	if (spec->key_usage) {
		struct buf bits = BUF_INIT(64);

		der_put(&bits, DER_BIT_STRING, spec->key_usage, spec->key_usage_size);
		der_put_extension(buf, X509_OID_KEY_USAGE, true, bits.data, bits.size);
		buf_done(&bits);
	}
	put_more_extensions(buf, spec->extensions);
	if (buf->size == start)
		return;
	der_wrap(buf, start, DER_SEQUENCE);
	der_wrap(buf, start, DER_CONTEXT_CONSTRUCTED(3));
}

static void finish(struct buf *buf)
{
	static const uint8_t SIGNATURE[] = {0, DER_SEQUENCE, 6, DER_INTEGER, 1, 1, DER_INTEGER, 1, 1};

	der_wrap(buf, 0, DER_SEQUENCE);
	put_algorithm(buf);
	der_put(buf, DER_BIT_STRING, SIGNATURE, sizeof(SIGNATURE));
	der_wrap(buf, 0, DER_SEQUENCE);
}

static void put_certificate(struct buf *buf, const struct spec *spec)
{
	static const uint8_t SERIAL[32] = {1, 2, 3};
	size_t start;

	der_put_int(buf, DER_INTEGER, 2);
	der_wrap(buf, 0, DER_CONTEXT_CONSTRUCTED(0));
	der_put_unsigned(buf, SERIAL, spec->serial_size);
	put_algorithm(buf);
	put_deep_name(buf, spec->depth);
	start = buf->size;
	put_dates(buf);
	der_wrap(buf, start, DER_SEQUENCE);
	der_put(buf, DER_SEQUENCE, spec->name ? spec->name->data : NULL, spec->name ? spec->name->size : 0);
	put_key(buf, spec->point_first);
	put_extensions(buf, spec);
	finish(buf);
}

static struct x509_cert *parse(const struct spec *spec, struct err *err)
{
	struct buf der = BUF_INIT(DER_MAX);
	struct x509_cert *cert = NULL;

	put_certificate(&der, spec);
	if (x509_parse(der.data, der.size, &cert, err) < 0)
		assert_null(cert);
	buf_done(&der);
	return cert;
}

static void accept(const struct spec *spec)
{
	struct err err = ERR_INIT;
	struct x509_cert *cert = parse(spec, &err);

	if (!cert)
		fail_msg("refused: %s", err.text);
	x509_cert_free(cert);
}

static void refuse(const struct spec *spec, enum err_code code, const char *named)
{
	struct err err = ERR_INIT;

	assert_null(parse(spec, &err));
	assert_fails(-1, &err, code, named);
}

static void test_serial(void **state)
{
	struct spec spec = right();

	(void)state;
	spec.serial_size = SERIAL_MAX;
	accept(&spec);
	spec.serial_size++;
	refuse(&spec, ERR_INVALID, "serial of 21 bytes");
}

static void test_extensions(void **state)
{
	struct spec spec = right();

	(void)state;
	spec.extensions = X509_PARSE_EXTENSIONS_MAX;
	accept(&spec);
	spec.extensions++;
	refuse(&spec, ERR_LIMIT, "more than 32 extensions");
}

static void test_depth(void **state)
{
	struct spec spec = right();

	(void)state;
	spec.depth = DEPTH_MAX;
	accept(&spec);
	spec.depth++;
	refuse(&spec, ERR_INVALID, "nested deeper than 16");
}

static void test_key_usage(void **state)
{
	static const uint8_t BITS[] = {0, 0x06, 0x80, 0x80};
	struct spec spec = right();

	(void)state;
	spec.key_usage = BITS;
	for (spec.key_usage_size = 0; spec.key_usage_size <= sizeof(BITS); spec.key_usage_size++) {
		if (spec.key_usage_size == 2 || spec.key_usage_size == 3)
			accept(&spec);
		else
			refuse(&spec, ERR_INVALID, "keyUsage");
	}
}

/* Refused though nothing asks for such an extension. */
static void test_oid(void **state)
{
	static const struct der OIDS[] = {
	    {(const uint8_t *)"", 0},
	    {(const uint8_t *)"\x55\x80\x1d", 3},
	    {(const uint8_t *)"\x55\x9d", 2},
	    {(const uint8_t *)"\x55\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f", 11},
	};
	struct spec spec = right();

	(void)state;
	spec.oid = &(const struct der){(const uint8_t *)"\x55\x1d\x01", 3};
	accept(&spec);
	for (size_t i = 0; i < COUNT_OF(OIDS); i++) {
		spec.oid = &OIDS[i];
		refuse(&spec, ERR_INVALID, "OID");
	}
}

static void test_point(void **state)
{
	static const uint8_t FIRSTS[] = {0, 2, 3, 5, 6, 7};
	struct spec spec = right();

	(void)state;
	for (size_t i = 0; i < COUNT_OF(FIRSTS); i++) {
		spec.point_first = FIRSTS[i];
		refuse(&spec, ERR_INVALID, "uncompressed");
	}
}

/* ---- revocation lists ---- */

struct list_spec {
	size_t extensions;
	size_t depth;
};

static void put_list(struct buf *buf, const struct list_spec *spec)
{
	static const uint8_t NUMBER[] = {DER_INTEGER, 1, 1};
	static const uint8_t AUTHORITY[] = {DER_SEQUENCE, 2, DER_CONTEXT(0), 0};
	size_t start;

	der_put_int(buf, DER_INTEGER, 1);
	put_algorithm(buf);
	put_deep_name(buf, spec->depth);
	put_dates(buf);
	start = buf->size;
	der_put_extension(buf, "2.5.29.20", false, NUMBER, sizeof(NUMBER));
	der_put_extension(buf, "2.5.29.35", false, AUTHORITY, sizeof(AUTHORITY));
	put_more_extensions(buf, spec->extensions - 2);
	der_wrap(buf, start, DER_SEQUENCE);
	der_wrap(buf, start, DER_CONTEXT_CONSTRUCTED(0));
	finish(buf);
}

static int read_list(size_t extensions, size_t depth, struct err *err)
{
	const struct list_spec spec = {extensions, depth};
	struct buf der = BUF_INIT(DER_MAX);
	struct x509_crl *crl = NULL;
	int result;

	put_list(&der, &spec);
	result = crl_parse(der.data, der.size, &crl, err);
	x509_crl_free(crl);
	buf_done(&der);
	return result;
}

static void test_list(void **state)
{
	struct err err = ERR_INIT;

	(void)state;
	assert_ok(read_list(CRL_EXTENSIONS_MAX, DEPTH_MAX, &err), &err);
	assert_fails(read_list(CRL_EXTENSIONS_MAX + 1, DEPTH_MAX, &err), &err, ERR_LIMIT,
		     "more than 16 CRL extensions");
	assert_fails(read_list(CRL_EXTENSIONS_MAX, DEPTH_MAX + 1, &err), &err, ERR_INVALID, "nested deeper than 16");
}

/* ---- common names ---- */

/* An attribute of a name, its tags as they should be unless a test says otherwise. */
struct attribute {
	uint8_t set_tag, attribute_tag, oid_tag;
	const char *oid;
	const char *text;
	size_t size;
	bool no_value;
};

static struct attribute common_name(const char *text, size_t size)
{
	return (struct attribute){DER_SET, DER_SEQUENCE, DER_OID, "2.5.4.3", text, size, false};
}

static void put_attribute(struct buf *buf, const struct attribute *attribute)
{
	const size_t start = buf->size;

	der_put_oid(buf, attribute->oid);
	buf->data[start] = attribute->oid_tag;
	if (!attribute->no_value)
		der_put(buf, UTF8_STRING, attribute->text, attribute->size);
	der_wrap(buf, start, attribute->attribute_tag);
	der_wrap(buf, start, attribute->set_tag);
}

static void expect_name(const struct attribute *list, size_t count, const char *expected)
{
	struct buf name = BUF_INIT(DER_MAX);
	struct spec spec = right();
	struct err err = ERR_INIT;
	char seen[X509_COMMON_NAME_SIZE] = "?";
	struct x509_cert *cert;

	for (size_t i = 0; i < count; i++)
		put_attribute(&name, &list[i]);
	spec.name = &name;
	cert = parse(&spec, &err);
	assert_non_null(cert);
	x509_common_name(cert, seen);
	assert_string_equal(seen, expected);
	x509_cert_free(cert);
	buf_done(&name);
}

static void expect_text(const char *text, size_t size, bool is_shown)
{
	const struct attribute one = common_name(text, size);

	expect_name(&one, 1, is_shown ? text : "");
}

static void test_name_texts(void **state)
{
	char text[X509_COMMON_NAME_SIZE + 1] = "";

	(void)state;
	expect_text("", 0, true);
	expect_text(" some~name", 10, true);
	expect_text("a\x1f", 2, false);
	expect_text("a\x7f", 2, false);
	expect_text("a\xc3\xa4", 3, false);
	memset(text, 'n', X509_COMMON_NAME_SIZE - 1);
	expect_text(text, X509_COMMON_NAME_SIZE - 1, true);
	text[X509_COMMON_NAME_SIZE - 1] = 'n';
	expect_text(text, X509_COMMON_NAME_SIZE, false);
}

/* None is shown when there are two, or when one attribute of the name cannot be read. */
static void test_name_forms(void **state)
{
	struct attribute list[2] = {common_name("a", 1), common_name("b", 1)};

	(void)state;
	expect_name(list, 2, "");
	list[1].oid = "2.5.4.10";
	expect_name(list, 2, "a");
	list[1].set_tag = DER_SEQUENCE;
	expect_name(list, 2, "");
	list[1].set_tag = DER_SET;
	list[1].attribute_tag = DER_SET;
	expect_name(list, 2, "");
	list[1].attribute_tag = DER_SEQUENCE;
	list[1].oid_tag = DER_OCTET_STRING;
	expect_name(list, 2, "");
	list[1].oid_tag = DER_OID;
	list[1].no_value = true;
	expect_name(list, 2, "");
	expect_name(list, 0, "");
}

/* ---- alternative names ---- */

static int read_name(uint8_t tag, const char *text, size_t size, char ret[static X509_SAN_TEXT_SIZE], struct err *err)
{
	struct buf name = BUF_INIT(DER_MAX);
	struct der reader;
	int found;

	der_put(&name, tag, text, size);
	reader = (struct der){name.data, name.size};
	found = x509_san_next(&reader, ret, err);
	buf_done(&name);
	return found;
}

static void test_alternative_names(void **state)
{
	static const char ADDRESS[17] = {1, 2, 3, 4};
	static const size_t BAD_SIZES[] = {0, 3, 5, 15, 17};
	char text[X509_SAN_TEXT_SIZE + 1] = "", seen[X509_SAN_TEXT_SIZE];
	struct der reader;
	struct err err = ERR_INIT;

	(void)state;
	memset(text, 'n', X509_SAN_TEXT_SIZE);
	assert_int_equal(read_name(DER_CONTEXT(2), text, X509_SAN_TEXT_SIZE - 1, seen, &err), 1);
	assert_int_equal(strlen(seen), X509_SAN_TEXT_SIZE - 1);
	assert_fails(read_name(DER_CONTEXT(2), text, X509_SAN_TEXT_SIZE, seen, &err), &err, ERR_INVALID, "neither");
	assert_fails(read_name(DER_CONTEXT(2), "", 0, seen, &err), &err, ERR_INVALID, "neither");
	assert_fails(read_name(DER_CONTEXT(2), "a b", 3, seen, &err), &err, ERR_INVALID, "not printable");
	assert_fails(read_name(DER_CONTEXT(2), "a\x7f", 2, seen, &err), &err, ERR_INVALID, "not printable");
	assert_int_equal(read_name(DER_CONTEXT(2), "!~", 2, seen, &err), 1);
	reader = (struct der){(const uint8_t *)"\x82\x05"
					       "abcd",
			      6};
	assert_fails(x509_san_next(&reader, seen, &err), &err, ERR_INVALID, "DER: element of 5 bytes");
	assert_fails(read_name(DER_CONTEXT(1), "a@b", 3, seen, &err), &err, ERR_INVALID, "neither");
	assert_int_equal(read_name(DER_CONTEXT(7), ADDRESS, 4, seen, &err), 1);
	assert_string_equal(seen, "1.2.3.4");
	assert_int_equal(read_name(DER_CONTEXT(7), ADDRESS, 16, seen, &err), 1);
	for (size_t i = 0; i < COUNT_OF(BAD_SIZES); i++)
		assert_fails(read_name(DER_CONTEXT(7), ADDRESS, BAD_SIZES[i], seen, &err), &err, ERR_INVALID,
			     "neither");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_serial),     cmocka_unit_test(test_extensions),
	    cmocka_unit_test(test_depth),      cmocka_unit_test(test_key_usage),
	    cmocka_unit_test(test_oid),        cmocka_unit_test(test_point),
	    cmocka_unit_test(test_list),       cmocka_unit_test(test_name_texts),
	    cmocka_unit_test(test_name_forms), cmocka_unit_test(test_alternative_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
