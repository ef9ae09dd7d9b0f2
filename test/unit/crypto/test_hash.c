/* SPDX-License-Identifier: Apache-2.0 */
/* Expected values: FIPS 180-4 examples; BLAKE2b computed with Python's hashlib. */
#include "unit.h"

#include <string.h>

#include "base/fs.h"
#include "crypto/hash.h"
#include "hexbytes.h"

#define ABC "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

static void sha256_of_known_texts(void **state)
{
	uint8_t digest[SHA256_SIZE];

	(void)state;
	sha256("abc", 3, digest);
	assert_hex_equal(digest, sizeof(digest), ABC);
	sha256(NULL, 0, digest);
	assert_hex_equal(digest, sizeof(digest), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

static void sha256_in_pieces_is_the_same(void **state)
{
	scoped(sha256_freep) struct sha256_ctx *ctx = sha256_new();
	uint8_t digest[SHA256_SIZE];

	(void)state;
	sha256_add(ctx, "a", 1);
	sha256_add(ctx, "", 0);
	sha256_add(ctx, "bc", 2);
	sha256_finish(ctx, digest);
	assert_hex_equal(digest, sizeof(digest), ABC);
}

static void sha256_of_a_file(void **state)
{
	scoped(freep) char *dir = NULL;
	scoped(freep) char *path = NULL;
	uint8_t digest[SHA256_SIZE];
	uint64_t size = 0;
	struct err err = ERR_INIT;

	(void)state;
	assert_ok(fs_make_temp_dir("/tmp", "mse-test-hash-", &dir, &err), &err);
	assert_ok(fs_join(dir, "file", &path, &err), &err);
	assert_fails(sha256_file(path, digest, &size, &err), &err, ERR_NOT_FOUND, "file");
	assert_ok(fs_write_new(path, "abc", 3, 0600, &err), &err);
	assert_ok(sha256_file(path, digest, &size, &err), &err);
	assert_hex_equal(digest, sizeof(digest), ABC);
	assert_int_equal(size, 3);
	assert_fails(sha256_file(dir, digest, &size, &err), &err, ERR_INVALID, "not a regular file");
	assert_ok(fs_remove_tree(dir, &err), &err);
}

static void blake2b_of_known_texts(void **state)
{
	const struct hash_part parts[] = {{"a", 1}, {NULL, 0}, {"bc", 2}};
	uint8_t key[BLAKE2B_KEY_SIZE];
	uint8_t out[32];

	(void)state;
	count_up(0, key, sizeof(key));
	blake2b_keyed(key, "abc", 3, out, 32);
	assert_hex_equal(out, 32, "d63a32d3e44738d7907f964316c241adaba0abfeabc32349677578a15a203f7f");
	blake2b_keyed_parts(key, parts, 3, out, 32);
	assert_hex_equal(out, 32, "d63a32d3e44738d7907f964316c241adaba0abfeabc32349677578a15a203f7f");
	blake2b_keyed(key, NULL, 0, out, 24);
	assert_hex_equal(out, 24, "129438b4bd9d50a2bf293b8d548d92db4b84c7524e024380");
}

/* The example of RFC 6455 section 1.3. */
static void test_sha1(void **state)
{
	static const char text[] = "dGhlIHNhbXBsZSBub25jZQ==258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
	uint8_t hash[SHA1_SIZE];

	(void)state;
	sha1(text, sizeof(text) - 1, hash);
	assert_memory_equal(hash, "\xb3\x7a\x4f\x2c\xc0\x62\x4f\x16\x90\xf6\x46\x06\xcf\x38\x59\x45\xb2\xbe\xc4\xea",
			    SHA1_SIZE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_sha1),
	    cmocka_unit_test(sha256_of_known_texts),
	    cmocka_unit_test(sha256_in_pieces_is_the_same),
	    cmocka_unit_test(sha256_of_a_file),
	    cmocka_unit_test(blake2b_of_known_texts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
