/* SPDX-License-Identifier: Apache-2.0 */
/* What OpenSSL writes (x509_build, crl_build) our readers read; refusals are tested in test/unit/attest. */
#include "unit.h"

#include <string.h>

#include "crypto/crl_build.h"
#include "crypto/crl_parse.h"
#include "crypto/x509_build.h"
#include "crypto/x509_parse.h"

#define NOW 1750000000

static struct p256_key *key;
static struct buf der;
static struct x509_cert *cert;

static int setup(void **state)
{
	static const char *const NAMES[] = {"a.example", "b.example"};
	static const char *const ADDRESSES[] = {"127.0.0.1", "::1"};
	static const struct x509_extension EXTRA = {"1.2.3.4", true, "raw", 3};
	const struct x509_spec spec = {
	    .subject = "CN=Some CA,O=Example",
	    .serial = {0x80, 1},
	    .serial_size = 2,
	    .not_before = NOW,
	    .not_after = 2524608000, /* 2050: GeneralizedTime */
	    .is_ca = true,
	    .path_length = 1,
	    .key_usage = X509_USAGE_CERT_SIGN | X509_USAGE_CRL_SIGN,
	    .dns_names = NAMES,
	    .dns_count = 2,
	    .ip_addresses = ADDRESSES,
	    .ip_count = 2,
	    .extensions = &EXTRA,
	    .extension_count = 1,
	};
	struct err err = ERR_INIT;

	(void)state;
	der = BUF_INIT(1u << 20);
	if (p256_generate(&key, &err) < 0 || x509_build(&spec, key, NULL, NULL, &der, &err) < 0 ||
	    x509_parse(der.data, der.size, &cert, &err) < 0) {
		print_error("%s\n", err.text);
		return -1;
	}
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	x509_cert_free(cert);
	buf_done(&der);
	p256_free(key);
	return 0;
}

static void test_fields(void **state)
{
	uint8_t point[P256_POINT_SIZE];
	char name[X509_COMMON_NAME_SIZE];
	const struct x509_ext *extra;

	(void)state;
	assert_int_equal(cert->serial.size, 2);
	assert_memory_equal(cert->serial.data, "\x80\x01", 2);
	assert_int_equal(cert->not_before, NOW);
	assert_int_equal(cert->not_after, 2524608000);
	assert_true(cert->is_ca);
	assert_int_equal(cert->path_length, 0);
	assert_int_equal(cert->key_usage, X509_BIT_CERT_SIGN | X509_BIT_CRL_SIGN);
	p256_point(key, point);
	assert_memory_equal(cert->point, point + 1, 64);
	assert_true(der_equal(cert->issuer, cert->subject));
	x509_common_name(cert, name);
	assert_string_equal(name, "Some CA");
	extra = x509_find_extension(cert, "1.2.3.4");
	assert_non_null(extra);
	assert_true(extra->critical);
	assert_memory_equal(extra->value.data, "raw", 3);
	assert_null(x509_find_extension(cert, "1.2.3"));
}

static void test_spki(void **state)
{
	struct buf spki = BUF_INIT(1024);
	struct err err = ERR_INIT;

	(void)state;
	assert_ok(p256_spki_der(key, &spki, &err), &err);
	assert_int_equal(spki.size, cert->spki.size);
	assert_memory_equal(spki.data, cert->spki.data, spki.size);
	buf_done(&spki);
}

static void test_verify(void **state)
{
	struct p256_key *other = NULL;
	struct x509_cert wrong = *cert;
	uint8_t point[P256_POINT_SIZE];
	struct err err = ERR_INIT;

	(void)state;
	assert_ok(x509_verify(cert, cert, &err), &err);
	assert_ok(p256_generate(&other, &err), &err);
	p256_point(other, point);
	assert_ok(p256_public_new(point + 1, &wrong.key, &err), &err);
	assert_int_equal(x509_verify(cert, &wrong, &err), -1);
	assert_int_equal(err.code, ERR_UNTRUSTED);
	p256_public_free(wrong.key);
	p256_free(other);
}

static void test_critical(void **state)
{
	static const char *const ALL[] = {X509_OID_BASIC_CONSTRAINTS, X509_OID_KEY_USAGE, "1.2.3.4", NULL};
	static const char *const SOME[] = {X509_OID_BASIC_CONSTRAINTS, X509_OID_KEY_USAGE, NULL};
	struct err err = ERR_INIT;

	(void)state;
	assert_ok(x509_check_critical(cert, ALL, &err), &err);
	assert_fails(x509_check_critical(cert, SOME, &err), &err, ERR_INVALID, "1.2.3.4");
}

static void test_names(void **state)
{
	static const char *const EXPECTED[] = {"a.example", "b.example", "127.0.0.1", "::1"};
	struct der reader;
	char text[X509_SAN_TEXT_SIZE];
	struct err err = ERR_INIT;

	(void)state;
	assert_ok(x509_san_open(x509_find_extension(cert, X509_OID_SUBJECT_ALT_NAME), &reader, &err), &err);
	for (size_t i = 0; i < COUNT_OF(EXPECTED); i++) {
		assert_int_equal(x509_san_next(&reader, text, &err), 1);
		assert_string_equal(text, EXPECTED[i]);
	}
	assert_int_equal(x509_san_next(&reader, text, &err), 0);
}

/* Cut anywhere, one byte more, or one bit of the structure changed: never a crash, never a certificate that verifies.
 */
static void test_damage(void **state)
{
	struct err err = ERR_INIT;
	struct x509_cert *damaged = NULL;

	(void)state;
	for (size_t cut = 0; cut < der.size; cut++)
		assert_int_equal(x509_parse(der.data, cut, &damaged, &err), -1);
	assert_ok(buf_add_byte(&der, 0, &err), &err);
	assert_int_equal(x509_parse(der.data, der.size, &damaged, &err), -1);
	der.size--;
	for (size_t i = 0; i < der.size; i++) {
		der.data[i] ^= 1;
		if (x509_parse(der.data, der.size, &damaged, &err) == 0) {
			assert_int_equal(x509_verify(damaged, cert, &err), -1);
			x509_cert_free(damaged);
			damaged = NULL;
		}
		der.data[i] ^= 1;
	}
}

/* The bits that a bit string says are not used are zero (X.690 11.2.1), and set none of the usages. */
static void test_unused_bits(void **state)
{
	static const uint8_t USAGE[] = {0x03, 0x02, 0x01, 0x06};
	static const struct {
		uint8_t unused, bits;
		bool fine;
	} CASES[] = {{1, 0x06, true}, {2, 0x06, false}, {7, 0x06, false}, {7, 0x80, true},  {7, 0xc0, false},
		     {0, 0x06, true}, {0, 0xff, true},  {6, 0xc0, true},  {5, 0x30, false}, {8, 0x00, false}};
	uint8_t *at = memmem(der.data, der.size, USAGE, sizeof(USAGE));

	(void)state;
	assert_non_null(at);
	for (size_t i = 0; i < COUNT_OF(CASES); i++) {
		struct x509_cert *changed = NULL;
		struct err err = ERR_INIT;

		at[2] = CASES[i].unused;
		at[3] = CASES[i].bits;
		if (CASES[i].fine) {
			assert_ok(x509_parse(der.data, der.size, &changed, &err), &err);
			assert_int_equal(changed->key_usage, CASES[i].bits);
			x509_cert_free(changed);
		} else {
			assert_fails(x509_parse(der.data, der.size, &changed, &err), &err, ERR_INVALID, "keyUsage");
		}
	}
	memcpy(at, USAGE, sizeof(USAGE));
}

static void test_size_limit(void **state)
{
	struct x509_cert *large = NULL;
	uint8_t *bytes = calloc(1, X509_PARSE_SIZE_MAX + 1);
	struct err err = ERR_INIT;

	(void)state;
	assert_non_null(bytes);
	assert_fails(x509_parse(bytes, X509_PARSE_SIZE_MAX + 1, &large, &err), &err, ERR_LIMIT, "expected 1 to");
	assert_fails(x509_parse(bytes, X509_PARSE_SIZE_MAX, &large, &err), &err, ERR_INVALID, "DER");
	free(bytes);
}

static void test_crl(void **state)
{
	const struct crl_revoked revoked[] = {{{5}, 1, NOW}, {{0x80, 2}, 2, NOW}};
	const struct crl_spec spec = {
	    .this_update = NOW, .next_update = NOW + 100, .number = 7, .revoked = revoked, .revoked_count = 2};
	struct buf list = BUF_INIT(1u << 20);
	struct x509_crl *crl = NULL;
	struct err err = ERR_INIT;

	(void)state;
	assert_ok(crl_build(&spec, key, &der, &list, &err), &err);
	assert_ok(crl_parse(list.data, list.size, &crl, &err), &err);
	assert_true(der_equal(crl->issuer, cert->subject));
	assert_int_equal(crl->this_update, NOW);
	assert_int_equal(crl->next_update, NOW + 100);
	assert_ok(crl_verify(crl, cert, &err), &err);
	/* What was not read revokes everything. */
	assert_int_equal(crl_revoked_count(crl), 0);
	assert_true(crl_is_revoked(crl, (struct der){(const uint8_t *)"\x02", 1}));
	for (int i = 0; i < 2; i++)
		assert_ok(crl_read_entries(crl, &err), &err);
	assert_int_equal(crl_revoked_count(crl), 2);
	assert_true(crl_is_revoked(crl, (struct der){(const uint8_t *)"\x05", 1}));
	assert_true(crl_is_revoked(crl, (struct der){(const uint8_t *)"\x80\x02", 2}));
	assert_false(crl_is_revoked(crl, (struct der){(const uint8_t *)"\x02", 1}));
	assert_false(crl_is_revoked(crl, cert->serial));
	x509_crl_free(crl);
	buf_done(&list);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_fields),     cmocka_unit_test(test_spki),        cmocka_unit_test(test_verify),
	    cmocka_unit_test(test_critical),   cmocka_unit_test(test_names),       cmocka_unit_test(test_damage),
	    cmocka_unit_test(test_size_limit), cmocka_unit_test(test_unused_bits), cmocka_unit_test(test_crl),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
