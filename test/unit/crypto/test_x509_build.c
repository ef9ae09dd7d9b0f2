/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates and CRLs are read back with OpenSSL itself. */
#include "unit.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "crypto/crl_build.h"
#include "crypto/x509_build.h"
#include "hexbytes.h"

#define NOW 1795312800 /* 2026-11-22 */
#define YEAR (365 * 86400)

static struct p256_key *root_key;
static struct p256_key *leaf_key;
static struct buf root_der = BUF_INIT(X509_DER_SIZE_MAX);

static const struct x509_spec root_spec = {
    .subject = "CN=Test Root,O=Tests",
    .not_before = NOW,
    .not_after = NOW + YEAR,
    .is_ca = true,
    .path_length = 2,
    .key_usage = X509_USAGE_CERT_SIGN | X509_USAGE_CRL_SIGN,
};

static int set_up(void **state)
{
	struct err err = ERR_INIT;

	(void)state;
	assert_ok(p256_generate(&root_key, &err), &err);
	assert_ok(p256_generate(&leaf_key, &err), &err);
	assert_ok(x509_build(&root_spec, root_key, NULL, NULL, &root_der, &err), &err);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	p256_free(root_key);
	p256_free(leaf_key);
	buf_done(&root_der);
	return 0;
}

static X509 *read_cert(const struct buf *der)
{
	const uint8_t *at = der->data;
	X509 *cert = d2i_X509(NULL, &at, (long)der->size);

	assert_non_null(cert);
	assert_ptr_equal(at, der->data + der->size);
	return cert;
}

static X509 *build_leaf(const struct x509_spec *spec)
{
	scoped(buf_done) struct buf der = BUF_INIT(X509_DER_SIZE_MAX);
	struct err err = ERR_INIT;

	assert_ok(x509_build(spec, leaf_key, root_key, &root_der, &der, &err), &err);
	return read_cert(&der);
}

static struct x509_spec leaf_spec(void)
{
	return (struct x509_spec){.subject = "CN=leaf", .not_before = NOW, .not_after = NOW + YEAR};
}

static void root_is_a_self_signed_ca(void **state)
{
	X509 *cert = read_cert(&root_der);

	(void)state;
	assert_int_equal(X509_verify(cert, p256_evp(root_key)), 1);
	assert_int_equal(X509_check_ca(cert), 1);
	assert_int_equal(X509_get_pathlen(cert), 1);
	assert_int_equal(X509_get_key_usage(cert), KU_KEY_CERT_SIGN | KU_CRL_SIGN);
	assert_int_equal(X509_get_signature_nid(cert), NID_ecdsa_with_SHA256);
	assert_int_equal(X509_get_version(cert), X509_VERSION_3);
	assert_int_equal(X509_get_ext_by_NID(cert, NID_authority_key_identifier, -1), -1);
	assert_int_equal(X509_get_ext_count(cert), 3);
	assert_int_equal(X509_check_issued(cert, cert), X509_V_OK);
	X509_free(cert);
}

static void serial_is_random_and_16_bytes(void **state)
{
	struct x509_spec spec = leaf_spec();
	X509 *first = build_leaf(&spec);
	X509 *second = build_leaf(&spec);
	const ASN1_INTEGER *serial = X509_get0_serialNumber(first);

	(void)state;
	assert_int_equal(ASN1_STRING_length(serial), 16);
	assert_int_equal(ASN1_STRING_type(serial), V_ASN1_INTEGER);
	assert_in_range(ASN1_STRING_get0_data(serial)[0], 1, 0x7f);
	assert_int_not_equal(ASN1_INTEGER_cmp(serial, X509_get0_serialNumber(second)), 0);
	X509_free(first);
	X509_free(second);
}

static void a_given_serial_is_taken(void **state)
{
	scoped(buf_done) struct buf der = BUF_INIT(X509_DER_SIZE_MAX);
	struct x509_spec spec = leaf_spec();
	struct err err = ERR_INIT;
	X509 *cert;

	(void)state;
	memcpy(spec.serial, "\x80\x01", 2);
	spec.serial_size = 2;
	cert = build_leaf(&spec);
	assert_int_equal(ASN1_INTEGER_get(X509_get0_serialNumber(cert)), 0x8001);
	X509_free(cert);
	memset(spec.serial, 0xff, sizeof(spec.serial));
	spec.serial_size = 20;
	assert_fails(x509_build(&spec, leaf_key, NULL, NULL, &der, &err), &err, ERR_INVALID, "more than 20 bytes");
	memset(spec.serial, 0, sizeof(spec.serial));
	assert_fails(x509_build(&spec, leaf_key, NULL, NULL, &der, &err), &err, ERR_INVALID, "zero");
}

static void leaf_is_issued_by_the_root(void **state)
{
	static const char *const dns[] = {"app.example", "conf.example"};
	static const char *const ip[] = {"127.0.0.1", "::1"};
	struct x509_spec spec = leaf_spec();
	X509 *root = read_cert(&root_der);
	X509 *cert;

	(void)state;
	spec.basic_constraints = true;
	spec.key_usage = X509_USAGE_DIGITAL_SIGNATURE;
	spec.extended_usage = X509_EXTENDED_SERVER_AUTH;
	spec.dns_names = dns;
	spec.dns_count = 2;
	spec.ip_addresses = ip;
	spec.ip_count = 2;
	spec.crl_url = "http://crl.example/root";
	cert = build_leaf(&spec);
	assert_int_equal(X509_check_issued(root, cert), X509_V_OK);
	assert_int_equal(X509_verify(cert, p256_evp(root_key)), 1);
	assert_int_equal(X509_check_ca(cert), 0);
	assert_int_equal(X509_get_extension_flags(cert) & (EXFLAG_BCONS | EXFLAG_CRITICAL), EXFLAG_BCONS);
	assert_int_equal(X509_get_key_usage(cert), KU_DIGITAL_SIGNATURE);
	assert_int_equal(X509_get_extended_key_usage(cert), XKU_SSL_SERVER);
	assert_int_equal(X509_check_host(cert, "conf.example", 0, 0, NULL), 1);
	assert_int_equal(X509_check_host(cert, "leaf", 0, 0, NULL), 0);
	assert_int_equal(X509_check_ip_asc(cert, "127.0.0.1", 0), 1);
	assert_int_equal(X509_check_ip_asc(cert, "::1", 0), 1);
	assert_int_equal(X509_get_ext_count(cert), 7);
	X509_free(cert);
	X509_free(root);
}

static void raw_extensions_are_taken_as_they_are(void **state)
{
	/* The OID of the instance document with the DER that attested-channel.md section 3 gives for it. */
	static const uint8_t oid_der[] = {0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf8, 0x4d, 0x8a, 0x39, 0x64};
	const struct x509_extension extensions[] = {
	    {"1.2.840.113741.1337.100", false, "{\"raw\"}", 7},
	    {"1.2.3.4", true, "", 0},
	};
	struct x509_spec spec = leaf_spec();
	uint8_t oid[sizeof(oid_der)];
	uint8_t *oid_at = oid;
	X509_EXTENSION *extension;
	X509 *cert;

	(void)state;
	spec.extensions = extensions;
	spec.extension_count = 2;
	cert = build_leaf(&spec);
	extension = X509_get_ext(cert, 2);
	assert_int_equal(i2d_ASN1_OBJECT(X509_EXTENSION_get_object(extension), NULL), sizeof(oid_der));
	(void)i2d_ASN1_OBJECT(X509_EXTENSION_get_object(extension), &oid_at);
	assert_memory_equal(oid, oid_der, sizeof(oid_der));
	assert_int_equal(X509_EXTENSION_get_critical(extension), 0);
	assert_int_equal(ASN1_STRING_length(X509_EXTENSION_get_data(extension)), 7);
	assert_memory_equal(ASN1_STRING_get0_data(X509_EXTENSION_get_data(extension)), "{\"raw\"}", 7);
	extension = X509_get_ext(cert, 3);
	assert_int_equal(X509_EXTENSION_get_critical(extension), 1);
	assert_int_equal(ASN1_STRING_length(X509_EXTENSION_get_data(extension)), 0);
	X509_free(cert);
}

static void dates_are_exact(void **state)
{
	struct x509_spec spec = leaf_spec();
	X509 *cert;

	(void)state;
	spec.not_before = 2524607999; /* 2049-12-31T23:59:59Z: the last UTCTime */
	spec.not_after = 2524608000;
	cert = build_leaf(&spec);
	assert_int_equal(ASN1_STRING_type(X509_get0_notBefore(cert)), V_ASN1_UTCTIME);
	assert_memory_equal(ASN1_STRING_get0_data(X509_get0_notBefore(cert)), "491231235959Z", 13);
	assert_int_equal(ASN1_STRING_type(X509_get0_notAfter(cert)), V_ASN1_GENERALIZEDTIME);
	assert_memory_equal(ASN1_STRING_get0_data(X509_get0_notAfter(cert)), "20500101000000Z", 15);
	X509_free(cert);
}

static void names_are_read_last_first(void **state)
{
	struct x509_spec spec = leaf_spec();
	char text[200];
	X509 *cert;

	(void)state;
	spec.subject = "cn=a\\,b\\20\\c3\\a9\\ ,OU=x = y,C=FR,ST=Ile-de-France";
	cert = build_leaf(&spec);
	(void)X509_NAME_oneline(X509_get_subject_name(cert), text, sizeof(text));
	assert_string_equal(text, "/ST=Ile-de-France/C=FR/OU=x = y/CN=a,b \\xC3\\xA9 ");
	assert_int_equal(X509_NAME_ENTRY_set(X509_NAME_get_entry(X509_get_subject_name(cert), 3)), 3);
	X509_free(cert);
}

static void bad_names_are_refused(void **state)
{
	static const struct {
		const char *name;
		const char *text;
	} rows[] = {
	    {"", "byte 0: no '='"},
	    {"CN", "byte 0: no '='"},
	    {"CN=", "byte 3: empty value"},
	    {"CN=a,", "byte 5: no '='"},
	    {"CN=a,,O=b", "byte 5: no '='"},
	    {"XX=a", "unknown attribute type"},
	    {"CN=a+O=b", "more than one attribute"},
	    {"CN= a", "first character"},
	    {"CN=#30", "first character"},
	    {"CN=a ", "last space"},
	    {"CN=a ,O=b", "last space"},
	    {"CN=a;b", "must be escaped"},
	    {"CN=a\\", "bad escape"},
	    {"CN=a\\q", "bad escape"},
	    {"CN=a\\0", "bad escape"},
	    {"CN=a\\00", "bad escape"},
	    {"CN=a\\c3", "cannot hold"},
	    {"C=FRA", "longer than"},
	    {"C=F", "cannot hold"},
	    {"C=F_", "cannot hold"},
	    {"DC=\\c3\\a9", "cannot hold"},
	    {"CN=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "byte 67: value longer"},
	    {"C=AA,C=AA,C=AA,C=AA,C=AA,C=AA,C=AA,C=AA,C=AA,C=AA,C=AA,C=AA,C=AA,C=AA,C=AA,C=AA,C=AA", "too many"},
	};
	struct err err = ERR_INIT;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		assert_fails(x509_check_name(rows[i].name, &err), &err, ERR_INVALID, rows[i].text);
	assert_ok(x509_check_name("CN=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", &err), &err);
	assert_int_equal(ERR_peek_error(), 0);
}

static void bad_specs_are_refused(void **state)
{
	static const char *const bad_ip[] = {"127.0.0.256"};
	static const char *const bad_dns[] = {"a b"};
	const struct x509_extension bad_oid = {"1.2.bad", false, "", 0};
	scoped(buf_done) struct buf der = BUF_INIT(X509_DER_SIZE_MAX);
	struct x509_spec spec = leaf_spec();
	struct err err = ERR_INIT;

	(void)state;
	spec.ip_addresses = bad_ip;
	spec.ip_count = 1;
	assert_fails(x509_build(&spec, leaf_key, NULL, NULL, &der, &err), &err, ERR_INVALID, "no IP address");
	spec = leaf_spec();
	spec.dns_names = bad_dns;
	spec.dns_count = 1;
	assert_fails(x509_build(&spec, leaf_key, NULL, NULL, &der, &err), &err, ERR_INVALID, "not printable");
	spec.dns_count = X509_SAN_COUNT_MAX + 1;
	assert_fails(x509_build(&spec, leaf_key, NULL, NULL, &der, &err), &err, ERR_LIMIT, "alternative names");
	spec = leaf_spec();
	spec.extensions = &bad_oid;
	spec.extension_count = 1;
	assert_fails(x509_build(&spec, leaf_key, NULL, NULL, &der, &err), &err, ERR_INVALID, "no object identifier");
	spec.extension_count = X509_EXTENSION_COUNT_MAX + 1;
	assert_fails(x509_build(&spec, leaf_key, NULL, NULL, &der, &err), &err, ERR_LIMIT, "extensions");
	spec = leaf_spec();
	assert_fails(x509_build(&spec, leaf_key, leaf_key, &root_der, &der, &err), &err, ERR_INVALID, "does not fit");
	assert_int_equal(der.size, 0);
	assert_int_equal(ERR_peek_error(), 0);
}

static void an_extension_of_the_most_bytes_fits(void **state)
{
	static const uint8_t bytes[X509_DER_SIZE_MAX + 1];
	struct x509_extension extension = {"1.2.3.4", false, bytes, 64 << 10};
	scoped(buf_done) struct buf der = BUF_INIT(2 * X509_DER_SIZE_MAX);
	struct x509_spec spec = leaf_spec();
	struct err err = ERR_INIT;

	(void)state;
	spec.extensions = &extension;
	spec.extension_count = 1;
	assert_ok(x509_build(&spec, leaf_key, NULL, NULL, &der, &err), &err);
	extension.size = X509_DER_SIZE_MAX;
	assert_fails(x509_build(&spec, leaf_key, NULL, NULL, &der, &err), &err, ERR_LIMIT, "certificate of");
	extension.size = X509_DER_SIZE_MAX + 1;
	assert_fails(x509_build(&spec, leaf_key, NULL, NULL, &der, &err), &err, ERR_LIMIT, "extension of");
}

static X509_CRL *build_crl(const struct crl_spec *spec)
{
	scoped(buf_done) struct buf der = BUF_INIT(X509_DER_SIZE_MAX);
	struct err err = ERR_INIT;
	const uint8_t *at;
	X509_CRL *crl;

	assert_ok(crl_build(spec, root_key, &root_der, &der, &err), &err);
	at = der.data;
	crl = d2i_X509_CRL(NULL, &at, (long)der.size);
	assert_non_null(crl);
	assert_ptr_equal(at, der.data + der.size);
	return crl;
}

static void crl_lists_what_is_revoked(void **state)
{
	const struct crl_revoked revoked[] = {
	    {.serial = {0x80, 2}, .serial_size = 2, .revoked_at = NOW},
	    {.serial = {7}, .serial_size = 1, .revoked_at = NOW},
	};
	const struct crl_spec spec = {
	    .this_update = NOW, .next_update = NOW + 86400, .number = 5, .revoked = revoked, .revoked_count = 2};
	X509_CRL *crl = build_crl(&spec);
	X509_REVOKED *entry = NULL;
	ASN1_INTEGER *serial = ASN1_INTEGER_new();
	ASN1_INTEGER *number = X509_CRL_get_ext_d2i(crl, NID_crl_number, NULL, NULL);

	(void)state;
	assert_int_equal(X509_CRL_verify(crl, p256_evp(root_key)), 1);
	assert_int_equal(X509_CRL_get_version(crl), X509_CRL_VERSION_2);
	assert_int_equal(ASN1_INTEGER_get(number), 5);
	assert_true(X509_CRL_get_ext_by_NID(crl, NID_authority_key_identifier, -1) >= 0);
	assert_int_equal(ASN1_INTEGER_set(serial, 0x8002), 1);
	assert_int_equal(X509_CRL_get0_by_serial(crl, &entry, serial), 1);
	assert_int_equal(ASN1_INTEGER_set(serial, 8), 1);
	assert_int_equal(X509_CRL_get0_by_serial(crl, &entry, serial), 0);
	ASN1_INTEGER_free(serial);
	ASN1_INTEGER_free(number);
	X509_CRL_free(crl);
}

static void an_empty_crl_has_no_list(void **state)
{
	const struct crl_spec spec = {.this_update = NOW, .next_update = NOW + 86400, .number = 1};
	X509_CRL *crl = build_crl(&spec);

	(void)state;
	assert_null(X509_CRL_get_REVOKED(crl));
	X509_CRL_free(crl);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(root_is_a_self_signed_ca),
	    cmocka_unit_test(serial_is_random_and_16_bytes),
	    cmocka_unit_test(a_given_serial_is_taken),
	    cmocka_unit_test(leaf_is_issued_by_the_root),
	    cmocka_unit_test(raw_extensions_are_taken_as_they_are),
	    cmocka_unit_test(dates_are_exact),
	    cmocka_unit_test(names_are_read_last_first),
	    cmocka_unit_test(bad_names_are_refused),
	    cmocka_unit_test(bad_specs_are_refused),
	    cmocka_unit_test(an_extension_of_the_most_bytes_fits),
	    cmocka_unit_test(crl_lists_what_is_revoked),
	    cmocka_unit_test(an_empty_crl_has_no_list),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
