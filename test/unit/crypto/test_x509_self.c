/* SPDX-License-Identifier: Apache-2.0 */
/* Keys and algorithms of certificates that sign themselves: each rule broken alone. */
#include "unit.h"

#include <string.h>

#include "crypto/x509_parse.h"
#include "crypto/x509_self.h"
#include "der_write.h"

#define DER_MAX 4096

/* A SubjectPublicKeyInfo; right as it is made, wrong in the one way that a test asks for. */
struct spec {
	bool is_ec;
	uint8_t whole_tag, algorithm_tag, oid_tag; /* SEQUENCE, SEQUENCE, OID */
	uint8_t null_tag;                          /* of RSA's parameters; 0: left out */
	bool null_has_content;
	bool more_in_algorithm, more_in_key, more_after_key, more_in_bits;
	uint8_t key_tag, modulus_tag, exponent_tag;
	size_t modulus_size; /* with the zero byte in front */
	uint8_t modulus_front, modulus_first;
	uint8_t exponent;
	uint8_t curve_tag;
	size_t point_size;
	uint8_t point_first;
	uint8_t bits_unused;
};

static struct spec right(bool is_ec)
{
	return (struct spec){.is_ec = is_ec,
			     .whole_tag = DER_SEQUENCE,
			     .algorithm_tag = DER_SEQUENCE,
			     .oid_tag = DER_OID,
			     .null_tag = DER_NULL,
			     .key_tag = DER_SEQUENCE,
			     .modulus_tag = DER_INTEGER,
			     .exponent_tag = DER_INTEGER,
			     .modulus_size = 257,
			     .modulus_first = 0x80,
			     .exponent = 1,
			     .curve_tag = DER_OID,
			     .point_size = 97,
			     .point_first = 4};
}

static void put_rsa(const struct spec *spec, struct buf *buf)
{
	const uint8_t exponent[3] = {1, 0, spec->exponent};
	uint8_t modulus[1024];
	const size_t start = buf->size;

	memset(modulus, 0x55, sizeof(modulus));
	modulus[0] = spec->modulus_front;
	modulus[1] = spec->modulus_first;
	der_put(buf, spec->modulus_tag, modulus, spec->modulus_size);
	der_put(buf, spec->exponent_tag, exponent, sizeof(exponent));
	if (spec->more_in_key)
		der_put(buf, DER_INTEGER, "\1", 1);
	der_wrap(buf, start, spec->key_tag);
	if (spec->more_in_bits)
		der_put(buf, DER_INTEGER, "\1", 1);
}

static void put_key(const struct spec *spec, struct buf *buf)
{
	uint8_t point[256] = {spec->point_first};
	const size_t start = buf->size;

	der_put_raw(buf, &spec->bits_unused, 1);
	if (spec->is_ec)
		der_put_raw(buf, point, spec->point_size);
	else
		put_rsa(spec, buf);
	der_wrap(buf, start, DER_BIT_STRING);
}

static void put_algorithm(const struct spec *spec, struct buf *buf)
{
	static const uint8_t EC[] = {0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01};
	static const uint8_t RSA[] = {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01};
	static const uint8_t P384[] = {0x2b, 0x81, 0x04, 0x00, 0x22};
	const size_t start = buf->size;

	der_put(buf, spec->oid_tag, spec->is_ec ? EC : RSA, spec->is_ec ? sizeof(EC) : sizeof(RSA));
	if (spec->is_ec)
		der_put(buf, spec->curve_tag, P384, sizeof(P384));
	else if (spec->null_tag)
		der_put(buf, spec->null_tag, "x", spec->null_has_content ? 1 : 0);
	if (spec->more_in_algorithm)
		der_put(buf, DER_NULL, "", 0);
	der_wrap(buf, start, spec->algorithm_tag);
}

static int take(const struct spec *spec, struct err *err)
{
	struct buf buf = BUF_INIT(DER_MAX);
	struct x509_cert cert = {0};
	struct der reader;
	int result;

	put_algorithm(spec, &buf);
	put_key(spec, &buf);
	if (spec->more_after_key)
		der_put(&buf, DER_NULL, "", 0);
	der_wrap(&buf, 0, spec->whole_tag);
	reader = (struct der){buf.data, buf.size};
	result = x509_self_take_key(&reader, &cert, err);
	buf_done(&buf);
	return result;
}

static void refuse(const struct spec *spec, const char *named)
{
	struct err err = ERR_INIT;

	assert_fails(take(spec, &err), &err, ERR_INVALID, named);
}

#define REFUSE(is_ec, named, change) \
	do { \
		struct spec spec = right(is_ec); \
		change; \
		refuse(&spec, named); \
	} while (0)

static void test_right(void **state)
{
	struct spec spec = right(false);
	struct err err = ERR_INIT;

	(void)state;
	assert_ok(take(&spec, &err), &err);
	spec.modulus_size = 513;
	assert_ok(take(&spec, &err), &err);
	spec = right(true);
	assert_ok(take(&spec, &err), &err);
}

static void test_rsa_values(void **state)
{
	(void)state;
	REFUSE(false, "2048 to 4096", spec.modulus_size = 256);
	REFUSE(false, "2048 to 4096", spec.modulus_size = 514);
	REFUSE(false, "2048 to 4096", spec.modulus_front = 1);
	REFUSE(false, "2048 to 4096", spec.modulus_first = 0x7f);
	REFUSE(false, "65537", spec.exponent = 3);
}

static void test_rsa_form(void **state)
{
	(void)state;
	REFUSE(false, "RSA parameters", spec.null_tag = 0);
	REFUSE(false, "RSA parameters", spec.null_tag = DER_SEQUENCE);
	REFUSE(false, "RSA parameters are not empty", spec.null_has_content = true);
	REFUSE(false, "RSA parameters", spec.more_in_algorithm = true);
	REFUSE(false, "RSA key", spec.key_tag = DER_SET);
	REFUSE(false, "RSA key", spec.more_in_key = true);
	REFUSE(false, "RSA key", spec.more_in_bits = true);
	REFUSE(false, "RSA modulus", spec.modulus_tag = DER_OCTET_STRING);
	REFUSE(false, "RSA exponent", spec.exponent_tag = DER_OCTET_STRING);
}

static void test_ec(void **state)
{
	(void)state;
	REFUSE(true, "public key curve", spec.curve_tag = DER_OCTET_STRING);
	REFUSE(true, "public key algorithm", spec.more_in_algorithm = true);
	REFUSE(true, "uncompressed", spec.point_size = 96);
	REFUSE(true, "uncompressed", spec.point_size = 98);
	REFUSE(true, "uncompressed", spec.point_first = 3);
}

static void test_form(void **state)
{
	(void)state;
	for (int ec = 0; ec <= 1; ec++) {
		REFUSE(ec, "public key", spec.whole_tag = DER_SET);
		REFUSE(ec, "public key algorithm", spec.algorithm_tag = DER_SET);
		REFUSE(ec, "public key algorithm", spec.oid_tag = DER_OCTET_STRING);
		REFUSE(ec, "public key", spec.bits_unused = 1);
		REFUSE(ec, "public key", spec.more_after_key = true);
	}
}

static int take_algorithm(const char *bytes, size_t size, struct err *err)
{
	struct der reader = {(const uint8_t *)bytes, size};

	return x509_self_take_algorithm(&reader, err);
}

#define RSA_SHA256 "\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b"
#define ECDSA_SHA256 "\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x02"
#define TAKE(bytes) take_algorithm(bytes, sizeof(bytes) - 1, &err)

static void test_algorithm(void **state)
{
	struct err err = ERR_INIT;

	(void)state;
	assert_ok(TAKE("\x30\x0d" RSA_SHA256 "\x05\x00"), &err);
	assert_ok(TAKE("\x30\x0a" ECDSA_SHA256), &err);
	assert_fails(TAKE("\x30\x0b" RSA_SHA256), &err, ERR_INVALID, "RSA parameters");
	assert_fails(TAKE("\x30\x0d" RSA_SHA256 "\x30\x00"), &err, ERR_INVALID, "RSA parameters");
	assert_fails(TAKE("\x30\x0c" ECDSA_SHA256 "\x05\x00"), &err, ERR_INVALID, "signature algorithm");
	assert_fails(TAKE("\x31\x0a" ECDSA_SHA256), &err, ERR_INVALID, "signature algorithm: ");
	assert_fails(TAKE("\x30\x0a\x04\x08\x2a\x86\x48\xce\x3d\x04\x03\x02"), &err, ERR_INVALID,
		     "signature algorithm: ");
	assert_fails(TAKE("\x30\x0a\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x01"), &err, ERR_INVALID, "neither");
}

static void test_signature_size(void **state)
{
	static const uint8_t BYTES[513] = {1};
	struct x509_cert cert = {0};
	struct err err = ERR_INIT;

	(void)state;
	assert_ok(x509_self_keep_signature((struct der){BYTES, 1}, &cert, &err), &err);
	assert_ok(x509_self_keep_signature((struct der){BYTES, 512}, &cert, &err), &err);
	assert_fails(x509_self_keep_signature((struct der){BYTES, 0}, &cert, &err), &err, ERR_INVALID, "0 bytes");
	assert_fails(x509_self_keep_signature((struct der){BYTES, 513}, &cert, &err), &err, ERR_INVALID, "513 bytes");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_right),          cmocka_unit_test(test_rsa_values),
	    cmocka_unit_test(test_rsa_form),       cmocka_unit_test(test_ec),
	    cmocka_unit_test(test_form),           cmocka_unit_test(test_algorithm),
	    cmocka_unit_test(test_signature_size),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
