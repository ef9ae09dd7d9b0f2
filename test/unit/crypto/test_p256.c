/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <string.h>

#include "crypto/ecdsa_der.h"
#include "crypto/hash.h"
#include "crypto/p256.h"
#include "format/hex.h"
#include "hexbytes.h"

/* The group's order and the field's prime, SEC 2 section 2.4.2. */
#define ORDER "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551"
#define PRIME "ffffffff00000001000000000000000000000000ffffffffffffffffffffffff"

static struct p256_key *key;
static uint8_t point[P256_POINT_SIZE];
static uint8_t signature[P256_SIGNATURE_SIZE];

static int set_up(void **state)
{
	struct err err = ERR_INIT;

	(void)state;
	assert_ok(p256_generate(&key, &err), &err);
	p256_point(key, point);
	assert_ok(p256_sign_raw(key, "text", 4, signature, &err), &err);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	p256_free(key);
	return 0;
}

static int verify(const uint8_t sig[static 64])
{
	struct err err = ERR_INIT;
	const int result = p256_verify_raw(point + 1, "text", 4, sig, &err);

	if (result < 0)
		assert_int_equal(err.code, ERR_UNTRUSTED);
	return result;
}

static void a_signature_fits_only_its_text_and_key(void **state)
{
	scoped(p256_freep) struct p256_key *other = NULL;
	uint8_t other_point[P256_POINT_SIZE];
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(point[0], 4);
	assert_int_equal(verify(signature), 0);
	assert_fails(p256_verify_raw(point + 1, "texT", 4, signature, &err), &err, ERR_UNTRUSTED, "does not fit");
	assert_ok(p256_generate(&other, &err), &err);
	p256_point(other, other_point);
	assert_fails(p256_verify_raw(other_point + 1, "text", 4, signature, &err), &err, ERR_UNTRUSTED, "does not fit");
}

static void r_and_s_out_of_range_are_refused(void **state)
{
	uint8_t bad[P256_SIGNATURE_SIZE];

	(void)state;
	for (size_t half = 0; half < 64; half += 32) {
		memcpy(bad, signature, sizeof(bad));
		memset(bad + half, 0, 32);
		assert_int_equal(verify(bad), -1);
		hex_bytes(ORDER, bad + half, 32);
		assert_int_equal(verify(bad), -1);
		memset(bad + half, 0xff, 32);
		assert_int_equal(verify(bad), -1);
	}
}

/* n - s is the other valid s of the same r. */
static void the_other_s_is_valid_too(void **state)
{
	uint8_t order[32];
	uint8_t other[P256_SIGNATURE_SIZE];
	int borrow = 0;

	(void)state;
	hex_bytes(ORDER, order, sizeof(order));
	memcpy(other, signature, sizeof(other));
	for (int i = 31; i >= 0; i--) {
		const int digit = order[i] - signature[32 + i] - borrow;

		borrow = digit < 0;
		other[32 + i] = (uint8_t)digit;
	}
	assert_int_equal(verify(other), 0);
}

/* Made anew or like another key: the same answer. */
static int check_point(const uint8_t xy[static 64], struct err *err)
{
	scoped(p256_public_freep) struct p256_public *public = NULL;
	scoped(p256_public_freep) struct p256_public *like = NULL;
	scoped(p256_public_freep) struct p256_public *second = NULL;
	struct err other = ERR_INIT;
	const int result = p256_public_new(xy, &public, err);

	assert_ok(p256_public_new(point + 1, &like, &other), &other);
	assert_int_equal(p256_public_like(like, xy, &second, &other), result);
	if (result < 0)
		assert_string_equal(other.text, err->text);
	return result;
}

/* A key that is made like another is its own point's, and leaves the other as it was. */
static void a_key_like_another_is_its_own(void **state)
{
	scoped(p256_freep) struct p256_key *other = NULL;
	scoped(p256_public_freep) struct p256_public *like = NULL;
	scoped(p256_public_freep) struct p256_public *public = NULL;
	uint8_t other_point[P256_POINT_SIZE];
	struct err err = ERR_INIT;

	(void)state;
	assert_ok(p256_generate(&other, &err), &err);
	p256_point(other, other_point);
	assert_ok(p256_public_new(other_point + 1, &like, &err), &err);
	assert_ok(p256_public_like(like, point + 1, &public, &err), &err);
	assert_ok(p256_verify(public, "text", 4, signature, &err), &err);
	assert_fails(p256_verify(like, "text", 4, signature, &err), &err, ERR_UNTRUSTED, "does not fit");
}

static void signatures_in_der(void **state)
{
	static const struct {
		uint8_t r[3], s[3];
		const char *der;
	} CASES[] = {
	    {{0, 0, 0}, {0, 0, 1}, "3006020100020101"},
	    {{0, 0, 0x7f}, {0, 0, 0x80}, "300702017f02020080"},
	    {{0, 0x80, 0},
	     {1, 2, 3},
	     "300a0203008000020301"
	     "0203"},
	    {{0xff, 0xff, 0xff}, {0x7f, 0xff, 0xff}, "300b020400ffffff02037fffff"},
	};
	uint8_t most[ECDSA_DER_NUMBER_MAX];
	uint8_t der[ECDSA_DER_SIZE_MAX];
	char text[2 * ECDSA_DER_SIZE_MAX + 1];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(CASES); i++) {
		hex_encode(der, ecdsa_der_format(CASES[i].r, CASES[i].s, 3, der), text);
		assert_string_equal(text, CASES[i].der);
	}
	memset(most, 0xff, sizeof(most));
	assert_int_equal(ecdsa_der_format(most, most, sizeof(most), der), ECDSA_DER_SIZE_MAX);
	assert_int_equal(der[1], ECDSA_DER_SIZE_MAX - 2);
}

static void points_off_the_curve_are_refused(void **state)
{
	uint8_t bad[64];
	struct err err = ERR_INIT;

	(void)state;
	assert_ok(check_point(point + 1, &err), &err);
	memcpy(bad, point + 1, sizeof(bad));
	bad[63] ^= 1;
	assert_fails(check_point(bad, &err), &err, ERR_UNTRUSTED, "not on the curve");
	assert_fails(p256_verify_raw(bad, "text", 4, signature, &err), &err, ERR_UNTRUSTED, "not on the curve");
	memset(bad, 0, sizeof(bad));
	assert_fails(check_point(bad, &err), &err, ERR_UNTRUSTED, "not on the curve");
	hex_bytes(PRIME, bad, 32); /* x = p is x = 0 unreduced; y below is a root for x = 0 */
	hex_bytes("66485c780e2f83d72433bd5d84a06bb6541c2af31dae871728bf856a174f93f4", bad + 32, 32);
	assert_fails(check_point(bad, &err), &err, ERR_UNTRUSTED, "not on the curve");
	memset(bad, 0, 32);
	assert_ok(check_point(bad, &err), &err);
}

static void private_keys_go_round(void **state)
{
	scoped(secret_done) struct secret der = SECRET_INIT;
	scoped(secret_done) struct secret pem = SECRET_INIT;
	scoped(p256_freep) struct p256_key *from_der = NULL;
	scoped(p256_freep) struct p256_key *from_pem = NULL;
	uint8_t again[P256_POINT_SIZE];
	struct err err = ERR_INIT;

	(void)state;
	assert_ok(p256_save_der(key, &der, &err), &err);
	assert_ok(p256_load_der(der.data, der.size, &from_der, &err), &err);
	p256_point(from_der, again);
	assert_memory_equal(again, point, sizeof(again));
	assert_ok(p256_save_pem(key, &pem, &err), &err);
	assert_memory_equal(pem.data, "-----BEGIN PRIVATE KEY-----\n", 28);
	assert_memory_equal(pem.data + pem.size - 26, "-----END PRIVATE KEY-----\n", 26);
	assert_ok(p256_load_pem(pem.data, pem.size, &from_pem, &err), &err);
	p256_point(from_pem, again);
	assert_memory_equal(again, point, sizeof(again));
}

static void der_must_end_with_the_key(void **state)
{
	scoped(secret_done) struct secret der = SECRET_INIT;
	scoped(p256_freep) struct p256_key *loaded = NULL;
	uint8_t longer[P256_DER_SIZE_MAX + 1] = {0};
	struct err err = ERR_INIT;

	(void)state;
	assert_ok(p256_save_der(key, &der, &err), &err);
	memcpy(longer, der.data, der.size);
	assert_fails(p256_load_der(longer, der.size + 1, &loaded, &err), &err, ERR_INVALID, "bytes after");
	assert_fails(p256_load_der(longer, der.size - 1, &loaded, &err), &err, ERR_INVALID, "no private key");
	assert_fails(p256_load_der(longer, 0, &loaded, &err), &err, ERR_INVALID, "no private key");
	assert_fails(p256_load_der(longer, sizeof(longer), &loaded, &err), &err, ERR_LIMIT, "the maximum is 1024");
	assert_fails(p256_load_pem(longer, sizeof(longer), &loaded, &err), &err, ERR_LIMIT, "the maximum is 1024");
	assert_null(loaded);
}

static void halves_must_agree(void **state)
{
	scoped(secret_done) struct secret der = SECRET_INIT;
	scoped(p256_freep) struct p256_key *loaded = NULL;
	struct err err = ERR_INIT;

	(void)state;
	assert_ok(p256_save_der(key, &der, &err), &err);
	/* PKCS #8 as OpenSSL writes it: the 32 private bytes begin at 36, the public point is at the end. */
	der.data[36 + 31] ^= 1;
	assert_fails(p256_load_der(der.data, der.size, &loaded, &err), &err, ERR_INVALID, "do not agree");
}

/* Made for this test alone. */
static const char p384_key[] = "-----BEGIN PRIVATE KEY-----\n"
			       "MIG2AgEAMBAGByqGSM49AgEGBSuBBAAiBIGeMIGbAgEBBDBLvwOYZ7JTrLFNTKPd\n"
			       "l3dQAO3D4I9ADMLnhqfJpEwGkmh1rtBw8M2p6EtSMbUnQ9OhZANiAARDCW4MTIgx\n"
			       "P9xXEifDQosKwTpVxKSolIXwRlmxLIhOlkDjoni4hFLIJ8NW9rilne3Uk3O8oSYu\n"
			       "Xv2HrNin56ZPcxPuLBkvbYk1tY8ppicvbVzr1Kd26TsWKmDeExXl0tE=\n"
			       "-----END PRIVATE KEY-----\n";

/* Made for this test alone. */
static const char explicit_key[] = "-----BEGIN PRIVATE KEY-----\n"
				   "MIIBeQIBADCCAQMGByqGSM49AgEwgfcCAQEwLAYHKoZIzj0BAQIhAP////8AAAAB\n"
				   "AAAAAAAAAAAAAAAA////////////////MFsEIP////8AAAABAAAAAAAAAAAAAAAA\n"
				   "///////////////8BCBaxjXYqjqT57PrvVV2mIa8ZR0GsMxTsPY7zjw+J9JgSwMV\n"
				   "AMSdNgiG5wSTamZ44ROdJreBn36QBEEEaxfR8uEsQkf4vOblY6RA8ncDfYEt6zOg\n"
				   "9KE5RdiYwpZP40Li/hp/m47n60p8D54WK84zV2sxXs7LtkBoN79R9QIhAP////8A\n"
				   "AAAA//////////+85vqtpxeehPO5ysL8YyVRAgEBBG0wawIBAQQgqsBeBUwk+tgy\n"
				   "6rzqXMMGH6pj7tv4zwNhXEsWlIXGSc6hRANCAAQOi4D88JEfQNZ3codufqDsBUZ/\n"
				   "JbHsjuuHLqSIPD3R4GvuvuNQ3BsWoCPy3x/HcqcxNiezFOabbC223XFwaKCr\n"
				   "-----END PRIVATE KEY-----\n";

static void keys_of_another_curve_are_refused(void **state)
{
	scoped(p256_freep) struct p256_key *loaded = NULL;
	struct err err = ERR_INIT;

	(void)state;
	assert_fails(p256_load_pem(p384_key, strlen(p384_key), &loaded, &err), &err, ERR_INVALID, "not on the curve");
	assert_fails(p256_load_pem(explicit_key, strlen(explicit_key), &loaded, &err), &err, ERR_INVALID, "spells");
	assert_fails(p256_load_pem("text", 4, &loaded, &err), &err, ERR_INVALID, "no private key in PEM");
}

static void nothing_follows_a_pem_key(void **state)
{
	scoped(secret_done) struct secret pem = SECRET_INIT;
	scoped(p256_freep) struct p256_key *loaded = NULL;
	char text[P256_DER_SIZE_MAX] = "";
	struct err err = ERR_INIT;

	(void)state;
	assert_ok(p256_save_pem(key, &pem, &err), &err);
	memcpy(text, pem.data, pem.size);
	memcpy(text + pem.size, " \n", 2);
	assert_ok(p256_load_pem(text, pem.size + 2, &loaded, &err), &err);
	p256_free(TAKE_PTR(loaded));
	memcpy(text + pem.size, "x", 1);
	assert_fails(p256_load_pem(text, pem.size + 1, &loaded, &err), &err, ERR_INVALID, "text after");
}

static void spki_names_curve_and_point(void **state)
{
	scoped(buf_done) struct buf der = BUF_INIT(1000);
	uint8_t wanted[91];
	uint8_t digest[32];
	uint8_t from_key[32];
	struct err err = ERR_INIT;

	(void)state;
	hex_bytes("3059301306072a8648ce3d020106082a8648ce3d030107034200", wanted, 26);
	memcpy(wanted + 26, point, sizeof(point));
	assert_ok(p256_spki_der(key, &der, &err), &err);
	assert_int_equal(der.size, sizeof(wanted));
	assert_memory_equal(der.data, wanted, sizeof(wanted));
	sha256(wanted, sizeof(wanted), digest);
	assert_ok(p256_spki_sha256(key, from_key, &err), &err);
	assert_memory_equal(from_key, digest, sizeof(digest));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_signature_fits_only_its_text_and_key),
	    cmocka_unit_test(r_and_s_out_of_range_are_refused),
	    cmocka_unit_test(the_other_s_is_valid_too),
	    cmocka_unit_test(points_off_the_curve_are_refused),
	    cmocka_unit_test(a_key_like_another_is_its_own),
	    cmocka_unit_test(signatures_in_der),
	    cmocka_unit_test(private_keys_go_round),
	    cmocka_unit_test(der_must_end_with_the_key),
	    cmocka_unit_test(halves_must_agree),
	    cmocka_unit_test(keys_of_another_curve_are_refused),
	    cmocka_unit_test(nothing_follows_a_pem_key),
	    cmocka_unit_test(spki_names_curve_and_point),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
