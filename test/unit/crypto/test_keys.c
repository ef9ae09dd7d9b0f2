/* SPDX-License-Identifier: Apache-2.0 */
/* ed25519, kdf, password, random. Expected values computed with Python's cryptography and hashlib. */
#include "unit.h"

#include <string.h>

#include "crypto/ed25519.h"
#include "crypto/kdf.h"
#include "crypto/password.h"
#include "crypto/random.h"
#include "hexbytes.h"

#define SIGNATURE \
	"37b95aba1eef081916c273200cd2a1ef67b1a3e979da1d742396b33eb7c31ac6" \
	"a30c3b60cb796011b285f216169951bd7027a822b4a6e57cd49d9f7eaf55b40c"

static void ed25519_of_a_known_seed(void **state)
{
	uint8_t seed[ED25519_SEED_SIZE];
	uint8_t public_key[ED25519_PUBLIC_SIZE];
	uint8_t signature[ED25519_SIGNATURE_SIZE];

	(void)state;
	count_up(0, seed, sizeof(seed));
	ed25519_from_seed(seed, public_key);
	assert_hex_equal(public_key, 32, "03a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8");
	ed25519_sign(seed, "mse-ticket-1 test", 17, signature);
	assert_hex_equal(signature, sizeof(signature), SIGNATURE);
}

static void ed25519_refuses_what_does_not_fit(void **state)
{
	const uint8_t small_order[ED25519_PUBLIC_SIZE] = {1};
	const uint8_t zero_signature[ED25519_SIGNATURE_SIZE] = {1};
	uint8_t seed[ED25519_SEED_SIZE];
	uint8_t public_key[ED25519_PUBLIC_SIZE];
	uint8_t signature[ED25519_SIGNATURE_SIZE];
	struct err err = ERR_INIT;

	(void)state;
	count_up(0, seed, sizeof(seed));
	ed25519_from_seed(seed, public_key);
	hex_bytes(SIGNATURE, signature, sizeof(signature));
	assert_ok(ed25519_verify(public_key, "mse-ticket-1 test", 17, signature, &err), &err);
	assert_fails(ed25519_verify(public_key, "mse-ticket-1 tesT", 17, signature, &err), &err, ERR_UNTRUSTED,
		     "does not fit");
	for (size_t i = 0; i < sizeof(signature); i++) {
		signature[i] ^= 4;
		assert_fails(ed25519_verify(public_key, "mse-ticket-1 test", 17, signature, &err), &err, ERR_UNTRUSTED,
			     "does not fit");
		signature[i] ^= 4;
	}
	/* The neutral element as key and as R, S = 0: fits every text unless the library looks. */
	assert_fails(ed25519_verify(small_order, "any", 3, zero_signature, &err), &err, ERR_UNTRUSTED, "does not fit");
}

static void kdf_is_keyed_blake2b_of_label_and_data(void **state)
{
	const uint8_t digest[32] = {0};
	uint8_t key[KDF_KEY_SIZE];
	uint8_t out[32];
	uint8_t other[32];

	(void)state;
	count_up(0, key, sizeof(key));
	kdf_derive(key, "mse-code-1", digest, sizeof(digest), out, sizeof(out));
	assert_hex_equal(out, 32, "4fd130b11b0aa30f6d799301ffa0b89962a381c1490bc7e0abf888c8a10ad7ab");
	kdf_derive(key, "mse-log-1", NULL, 0, other, sizeof(other));
	assert_memory_not_equal(out, other, sizeof(out));
}

static void password_hash_verifies_only_itself(void **state)
{
	char hash[PASSWORD_HASH_SIZE];
	char again[PASSWORD_HASH_SIZE];
	static const char longest[PASSWORD_SIZE_MAX + 1] = "x";
	struct err err = ERR_INIT;

	(void)state;
	assert_ok(password_hash("correct horse", 13, hash, &err), &err);
	assert_ok(password_hash("correct horse", 13, again, &err), &err);
	assert_memory_equal(hash, "$argon2id$v=19$m=65536,t=2,p=1$", 31);
	assert_string_not_equal(hash, again);
	assert_true(password_verify(hash, "correct horse", 13));
	assert_false(password_verify(hash, "correct horsE", 13));
	assert_false(password_verify(NULL, "correct horse", 13));
	assert_false(password_verify("not a hash", "correct horse", 13));
	assert_ok(password_hash(longest, PASSWORD_SIZE_MAX, hash, &err), &err);
	assert_true(password_verify(hash, longest, PASSWORD_SIZE_MAX));
	assert_false(password_verify(hash, longest, PASSWORD_SIZE_MAX + 1));
	assert_fails(password_hash(longest, PASSWORD_SIZE_MAX + 1, hash, &err), &err, ERR_LIMIT, "the maximum is 1024");
}

static void random_bytes_differ(void **state)
{
	uint8_t first[32] = {0};
	uint8_t second[32] = {0};

	(void)state;
	random_bytes(first, sizeof(first));
	random_bytes(second, sizeof(second));
	assert_memory_not_equal(first, second, sizeof(first));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(ed25519_of_a_known_seed),
	    cmocka_unit_test(ed25519_refuses_what_does_not_fit),
	    cmocka_unit_test(kdf_is_keyed_blake2b_of_label_and_data),
	    cmocka_unit_test(password_hash_verifies_only_itself),
	    cmocka_unit_test(random_bytes_differ),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
