/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys of AMD's certificates: RSA-4096 with exponent 65537 or P-384, in the one form that is written of each
 * (attestation-evidence.md section 3 "Chain"); what the chain makes of it is test/unit/attest/test_snp_chain.c.
 */
#include "unit.h"

#include <string.h>

#include "amd_evidence.h"
#include "crypto/amd_key.h"
#include "crypto/crl_parse.h"
#include "crypto/x509_amd.h"
#include "der_write.h"
#include "guarded.h"

#define OID_RSA "1.2.840.113549.1.1.1"
#define OID_EC "1.2.840.10045.2.1"
#define OID_P384 "1.3.132.0.34"
#define OID_P521 "1.3.132.0.35"
#define MODULUS_SIZE 512

static struct amd_evidence evidence;
static struct buf der;

static int setup(void **state)
{
	(void)state;
	amd_evidence_init(&evidence, SNP_PRODUCT_MILAN, 5, false);
	amd_evidence_build(&evidence);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	amd_evidence_done(&evidence);
	buf_done(&der);
	return 0;
}

/* A certificate with this SubjectPublicKeyInfo, which is then let go. */
static bool is_taken(struct buf *spki)
{
	struct amd_cert cert = evidence.vek;
	struct x509_cert *parsed = NULL;
	struct err err = ERR_INIT;
	bool taken;

	cert.spki = spki;
	amd_cert_make(&cert, &der);
	taken = x509_parse_amd(der.data, der.size, &parsed, &err) == 0;
	if (taken)
		assert_true(parsed->key_kind == X509_KEY_P384 || parsed->key_kind == X509_KEY_RSA_4096);
	x509_cert_free(parsed);
	buf_done(spki);
	return taken;
}

struct rsa {
	size_t modulus_size;
	uint8_t first; /* byte of the modulus */
	int64_t exponent;
	bool parameters, parameter_bytes, trailing_parameter, inner_trailing, outer_trailing, key_trailing;
};

static const struct rsa RIGHT = {.modulus_size = MODULUS_SIZE, .first = 0x80, .exponent = 65537, .parameters = true};

static bool rsa_is_taken(const struct rsa *rsa)
{
	uint8_t modulus[MODULUS_SIZE + 1];
	struct buf spki = BUF_INIT(4096);
	size_t start;

	memset(modulus, 0x5b, sizeof(modulus));
	modulus[0] = rsa->first;
	der_put_oid(&spki, OID_RSA);
	if (rsa->parameters)
		der_put(&spki, 0x05, "x", rsa->parameter_bytes);
	if (rsa->trailing_parameter)
		der_put(&spki, 0x05, "", 0);
	der_wrap(&spki, 0, 0x30);
	start = spki.size;
	der_put_unsigned(&spki, modulus, rsa->modulus_size);
	der_put_int(&spki, 0x02, rsa->exponent);
	if (rsa->inner_trailing)
		der_put_int(&spki, 0x02, 1);
	der_wrap(&spki, start, 0x30);
	if (rsa->key_trailing)
		der_put_raw(&spki, "", 1);
	{
		struct buf bits = BUF_INIT(4096);

		der_put_raw(&bits, "", 1);
		der_put_raw(&bits, spki.data + start, spki.size - start);
		spki.size = start;
		der_put(&spki, 0x03, bits.data, bits.size);
		buf_done(&bits);
	}
	if (rsa->outer_trailing)
		der_put_int(&spki, 0x02, 1);
	der_wrap(&spki, 0, 0x30);
	return is_taken(&spki);
}

#define RSA_REFUSED(...) \
	do { \
		struct rsa rsa = RIGHT; \
\
		__VA_ARGS__; \
		assert_false(rsa_is_taken(&rsa)); \
	} while (0)

static void test_rsa(void **state)
{
	(void)state;
	assert_true(rsa_is_taken(&RIGHT));
	RSA_REFUSED(rsa.modulus_size = MODULUS_SIZE - 1);
	RSA_REFUSED(rsa.modulus_size = MODULUS_SIZE + 1);
	RSA_REFUSED(rsa.first = 0x7f);
	RSA_REFUSED(rsa.exponent = 3);
	RSA_REFUSED(rsa.exponent = 65539);
	RSA_REFUSED(rsa.exponent = 0x1000100);
	RSA_REFUSED(rsa.parameters = false);
	RSA_REFUSED(rsa.parameter_bytes = true);
	RSA_REFUSED(rsa.trailing_parameter = true);
	RSA_REFUSED(rsa.inner_trailing = true);
	RSA_REFUSED(rsa.outer_trailing = true);
	RSA_REFUSED(rsa.key_trailing = true);
}

/* 4096 bits are not enough if they are negative, or have a zero byte in front that need not be. */
static void test_rsa_modulus_form(void **state)
{
	uint8_t modulus[MODULUS_SIZE + 1] = {0x00, 0x7f};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct buf spki = BUF_INIT(4096);
		struct buf bits = BUF_INIT(4096);

		memset(modulus + 2, 0x5b, sizeof(modulus) - 2);
		modulus[0] = i == 1 ? 0x01 : 0x00;
		modulus[1] = i == 0 ? 0x7f : 0x80;
		der_put_oid(&spki, OID_RSA);
		der_put(&spki, 0x05, "", 0);
		der_wrap(&spki, 0, 0x30);
		der_put(&bits, 0x02, modulus, sizeof(modulus));
		der_put_int(&bits, 0x02, 65537);
		der_wrap(&bits, 0, 0x30);
		{
			struct buf content = BUF_INIT(4096);

			der_put_raw(&content, "", 1);
			der_put_raw(&content, bits.data, bits.size);
			der_put(&spki, 0x03, content.data, content.size);
			buf_done(&content);
		}
		der_wrap(&spki, 0, 0x30);
		assert_int_equal(is_taken(&spki), i == 2);
		buf_done(&bits);
	}
}

struct ec {
	const char *algorithm, *curve;
	size_t size;
	uint8_t first;
	bool off_curve, trailing;
};

static bool ec_is_taken(const struct ec *ec)
{
	struct buf own = BUF_INIT(4096);
	struct buf spki = BUF_INIT(4096);
	uint8_t bits[98 + 1] = {0};

	amd_put_spki(&own, AMD_KEY_VCEK);
	memcpy(bits, own.data + own.size - 98, 98);
	bits[1] = ec->first;
	if (ec->off_curve)
		bits[97] ^= 1;
	der_put_oid(&spki, ec->algorithm);
	if (ec->curve)
		der_put_oid(&spki, ec->curve);
	if (ec->trailing)
		der_put(&spki, 0x05, "", 0);
	der_wrap(&spki, 0, 0x30);
	der_put(&spki, 0x03, bits, ec->size + 1);
	der_wrap(&spki, 0, 0x30);
	buf_done(&own);
	return is_taken(&spki);
}

static void test_p384(void **state)
{
	(void)state;
	assert_true(ec_is_taken(&(struct ec){OID_EC, OID_P384, 97, 4, false, false}));
	assert_false(ec_is_taken(&(struct ec){OID_EC, OID_P384, 97, 4, true, false}));
	assert_false(ec_is_taken(&(struct ec){OID_EC, OID_P384, 97, 4, false, true}));
	assert_false(ec_is_taken(&(struct ec){OID_EC, OID_P384, 96, 4, false, false}));
	assert_false(ec_is_taken(&(struct ec){OID_EC, OID_P384, 98, 4, false, false}));
	assert_false(ec_is_taken(&(struct ec){OID_EC, OID_P384, 49, 2, false, false}));
	/* Both hybrid forms, of which OpenSSL would take the one that tells y's last bit right. */
	assert_false(ec_is_taken(&(struct ec){OID_EC, OID_P384, 97, 6, false, false}));
	assert_false(ec_is_taken(&(struct ec){OID_EC, OID_P384, 97, 7, false, false}));
	assert_false(ec_is_taken(&(struct ec){OID_EC, OID_P521, 97, 4, false, false}));
	assert_false(ec_is_taken(&(struct ec){OID_EC, NULL, 97, 4, false, false}));
	assert_false(ec_is_taken(&(struct ec){"1.3.132.1.12", OID_P384, 97, 4, false, false})); /* id-ecDH */
	assert_false(ec_is_taken(&(struct ec){"1.3.101.112", NULL, 97, 4, false, false}));
}

/* A key of the one kind does nothing of the other's. */
static void test_wrong_use(void **state)
{
	static const uint8_t SCALAR[AMD_SCALAR_SIZE] = {1};
	struct x509_cert *ask = NULL, *vek = NULL;
	struct err err = ERR_INIT;

	(void)state;
	assert_ok(x509_parse_amd(evidence.ask_der.data, evidence.ask_der.size, &ask, &err), &err);
	assert_ok(x509_parse_amd(evidence.vek_der.data, evidence.vek_der.size, &vek, &err), &err);
	assert_ok(x509_verify_amd(vek, ask, &err), &err);
	assert_int_equal(x509_verify_amd(vek, vek, &err), -1);
	assert_int_equal(err.code, ERR_UNTRUSTED);
	assert_int_equal(amd_key_verify_report(ask->amd_key, "x", 1, SCALAR, SCALAR, &err), -1);
	assert_int_equal(err.code, ERR_UNTRUSTED);
	x509_cert_free(ask);
	x509_cert_free(vek);
}

/* Neither family's reader takes the other's. */
static void test_families(void **state)
{
	struct x509_cert *cert = NULL;
	struct x509_crl *crl = NULL;
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(x509_parse(evidence.ask_der.data, evidence.ask_der.size, &cert, &err), -1);
	assert_int_equal(x509_parse(evidence.vek_der.data, evidence.vek_der.size, &cert, &err), -1);
	assert_int_equal(crl_parse(evidence.crl_der.data, evidence.crl_der.size, &crl, &err), -1);
	assert_ok(crl_parse_amd(evidence.crl_der.data, evidence.crl_der.size, &crl, &err), &err);
	x509_crl_free(crl);
}

static bool algorithm_is_taken(const struct buf *buf)
{
	struct der reader = {at_the_edge(buf->data, buf->size), buf->size};
	struct err err = ERR_INIT;

	return x509_amd_take_algorithm(&reader, &err) == 0 && reader.size == 0;
}

/* The bytes of the two right forms, each changed in one place. Offsets: 0 SEQUENCE, 2 OID, 13 parameters, 70 trailer.
 */
static void test_algorithm(void **state)
{
	struct buf right = BUF_INIT(256), trailer = BUF_INIT(256);

	(void)state;
	amd_put_algorithm(&right, AMD_PSS);
	amd_put_algorithm(&trailer, AMD_PSS_TRAILER);
	assert_true(algorithm_is_taken(&right));
	assert_true(algorithm_is_taken(&trailer));
	for (size_t i = 0; i < trailer.size; i++) {
		trailer.data[i] ^= 1;
		assert_false(algorithm_is_taken(&trailer));
		trailer.data[i] ^= 1;
	}
	for (size_t i = 0; i < right.size; i++) {
		right.data[i] ^= 1;
		assert_false(algorithm_is_taken(&right));
		right.data[i] ^= 1;
	}
	buf_done(&right);
	buf_done(&trailer);
}

/* Parameters cut short, or with something after them; something after the parameters. */
static void test_algorithm_lengths(void **state)
{
	struct buf right = BUF_INIT(256);

	(void)state;
	amd_put_algorithm(&right, AMD_PSS);
	for (size_t cut = 0; cut <= 52; cut++) {
		struct buf other = BUF_INIT(256);

		der_put_raw(&other, right.data + 2, 11); /* the OID */
		der_put(&other, 0x30, right.data + 15, 52 - cut);
		der_wrap(&other, 0, 0x30);
		assert_int_equal(algorithm_is_taken(&other), cut == 0);
		buf_done(&other);
	}
	for (int inside = 0; inside <= 1; inside++) {
		struct buf other = BUF_INIT(256);

		der_put_raw(&other, right.data + 15, 52);
		if (inside)
			der_put(&other, 0x05, "", 0);
		der_wrap(&other, 0, 0x30);
		if (!inside)
			der_put(&other, 0x05, "", 0);
		{
			struct buf whole = BUF_INIT(256);

			der_put_raw(&whole, right.data + 2, 11);
			der_put_raw(&whole, other.data, other.size);
			der_wrap(&whole, 0, 0x30);
			assert_false(algorithm_is_taken(&whole));
			buf_done(&whole);
		}
		buf_done(&other);
	}
	buf_done(&right);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_rsa),
	    TEST(test_rsa_modulus_form),
	    TEST(test_p384),
	    TEST(test_wrong_use),
	    TEST(test_families),
	    TEST(test_algorithm),
	    TEST(test_algorithm_lengths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
