/* SPDX-License-Identifier: Apache-2.0 */
/*
 * secretbox, sealedbox, aead. The known boxes were computed by an independent Python implementation of the NaCl
 * construction over the keys below, not by libsodium.
 */
#include "unit.h"

#include <string.h>

#include "crypto/aead.h"
#include "crypto/sealedbox.h"
#include "crypto/secretbox.h"
#include "hexbytes.h"

#define BOX \
	"6465666768696a6b6c6d6e6f707172737475767778797a7b" \
	"f782019461a0ef78fdda7e8cd699e30872cbf0a74e9ee981d5914ffb10ad"
#define SEALED \
	"358072d6365880d1aeea329adf9121383851ed21a28e3b75e965d0d2cd166254" \
	"07677dc076a94f422e67929187d7687651a17f6ae6f5"
#define BLOB \
	"c8c9cacbcccdcecfd0d1d2d3d4d5d6d7d8d9dadbdcdddedf" \
	"0a1c49f027a017b277c496ad90e706ae5f178e8752"

static uint8_t key[32];

static int make_key(void **state)
{
	(void)state;
	count_up(0, key, sizeof(key));
	return 0;
}

static void secretbox_is_nonce_and_box(void **state)
{
	scoped(buf_done) struct buf box = BUF_INIT(1000);
	uint8_t nonce[SECRETBOX_NONCE_SIZE];
	struct err err = ERR_INIT;

	(void)state;
	count_up(100, nonce, sizeof(nonce));
	assert_ok(secretbox_seal(key, nonce, "print('hello')", 14, &box, &err), &err);
	assert_hex_equal(box.data, box.size, BOX);
}

static void secretbox_opens_only_whole(void **state)
{
	scoped(buf_done) struct buf plain = BUF_INIT(14);
	uint8_t box[54];
	struct err err = ERR_INIT;

	(void)state;
	hex_bytes(BOX, box, sizeof(box));
	assert_ok(secretbox_open(key, box, sizeof(box), &plain, &err), &err);
	assert_string_equal(buf_text(&plain), "print('hello')");
	buf_clear(&plain);
	for (size_t i = 0; i < sizeof(box); i++) {
		box[i] ^= 1;
		assert_fails(secretbox_open(key, box, sizeof(box), &plain, &err), &err, ERR_UNTRUSTED, "does not open");
		box[i] ^= 1;
	}
	assert_fails(secretbox_open(key, box, sizeof(box) - 1, &plain, &err), &err, ERR_UNTRUSTED, "does not open");
	assert_fails(secretbox_open(key, box, SECRETBOX_OVERHEAD - 1, &plain, &err), &err, ERR_UNTRUSTED, "39 bytes");
	assert_int_equal(plain.size, 0);
}

static void an_empty_text_has_a_box(void **state)
{
	scoped(buf_done) struct buf box = BUF_INIT(SECRETBOX_OVERHEAD);
	scoped(buf_done) struct buf plain = BUF_INIT(10);
	const uint8_t nonce[SECRETBOX_NONCE_SIZE] = {0};
	struct err err = ERR_INIT;

	(void)state;
	assert_ok(secretbox_seal(key, nonce, NULL, 0, &box, &err), &err);
	assert_int_equal(box.size, SECRETBOX_OVERHEAD);
	assert_ok(secretbox_open(key, box.data, box.size, &plain, &err), &err);
	assert_int_equal(plain.size, 0);
}

static void sealedbox_of_others_opens(void **state)
{
	scoped(secret_done) struct secret private_key = SECRET_INIT;
	scoped(secret_done) struct secret plain = SECRET_INIT;
	uint8_t public_key[X25519_KEY_SIZE];
	uint8_t again[X25519_KEY_SIZE];
	uint8_t box[54];
	struct err err = ERR_INIT;

	(void)state;
	assert_ok(x25519_keypair_from_seed(key, public_key, &private_key, &err), &err);
	assert_hex_equal(public_key, 32, "4701d08488451f545a409fb58ae3e58581ca40ac3f7f114698cd71deac73ca01");
	assert_hex_equal(private_key.data, 32, "3d94eea49c580aef816935762be049559d6d1440dede12e6a125f1841fff8e6f");
	assert_ok(x25519_public(private_key.data, again, &err), &err);
	assert_memory_equal(again, public_key, sizeof(again));
	hex_bytes(SEALED, box, sizeof(box));
	assert_ok(sealedbox_open(public_key, private_key.data, box, sizeof(box), &plain, &err), &err);
	assert_int_equal(plain.size, 6);
	assert_memory_equal(plain.data, "secret", 6);
	secret_done(&plain);
	for (size_t i = 0; i < sizeof(box); i++) {
		box[i] ^= 1;
		assert_fails(sealedbox_open(public_key, private_key.data, box, sizeof(box), &plain, &err), &err,
			     ERR_UNTRUSTED, "does not open");
		box[i] ^= 1;
	}
}

static void sealedbox_goes_round(void **state)
{
	scoped(secret_done) struct secret private_key = SECRET_INIT;
	scoped(secret_done) struct secret plain = SECRET_INIT;
	scoped(buf_done) struct buf box = BUF_INIT(3 + SEALEDBOX_OVERHEAD);
	const uint8_t small_order[X25519_KEY_SIZE] = {0};
	uint8_t public_key[X25519_KEY_SIZE];
	struct err err = ERR_INIT;

	(void)state;
	assert_ok(x25519_generate(public_key, &private_key, &err), &err);
	assert_ok(sealedbox_seal(public_key, "abc", 3, &box, &err), &err);
	assert_ok(sealedbox_open(public_key, private_key.data, box.data, box.size, &plain, &err), &err);
	assert_memory_equal(plain.data, "abc", 3);
	secret_done(&plain);
	assert_fails(sealedbox_open(public_key, private_key.data, box.data, SEALEDBOX_OVERHEAD - 1, &plain, &err), &err,
		     ERR_UNTRUSTED, "47 bytes");
	buf_clear(&box);
	assert_fails(sealedbox_seal(small_order, "abc", 3, &box, &err), &err, ERR_INVALID, "small order");
	assert_int_equal(box.size, 0);
}

static void aead_opens_a_known_blob(void **state)
{
	scoped(secret_done) struct secret plain = SECRET_INIT;
	uint8_t blob[45];
	struct err err = ERR_INIT;

	(void)state;
	hex_bytes(BLOB, blob, sizeof(blob));
	assert_ok(xchacha_open(key, "mse-seal-1", 10, blob, sizeof(blob), &plain, &err), &err);
	assert_int_equal(plain.size, 5);
	assert_memory_equal(plain.data, "state", 5);
	secret_done(&plain);
	assert_fails(xchacha_open(key, "mse-seal-2", 10, blob, sizeof(blob), &plain, &err), &err, ERR_UNTRUSTED,
		     "does not open");
	for (size_t i = 0; i < sizeof(blob); i++) {
		blob[i] ^= 0x80;
		assert_fails(xchacha_open(key, "mse-seal-1", 10, blob, sizeof(blob), &plain, &err), &err, ERR_UNTRUSTED,
			     "does not open");
		blob[i] ^= 0x80;
	}
	assert_fails(xchacha_open(key, NULL, 0, blob, XCHACHA_OVERHEAD - 1, &plain, &err), &err, ERR_UNTRUSTED,
		     "39 bytes");
}

static void aead_takes_a_new_nonce_each_time(void **state)
{
	scoped(buf_done) struct buf first = BUF_INIT(1000);
	scoped(buf_done) struct buf second = BUF_INIT(1000);
	scoped(secret_done) struct secret plain = SECRET_INIT;
	struct err err = ERR_INIT;

	(void)state;
	assert_ok(xchacha_seal(key, "ad", 2, "state", 5, &first, &err), &err);
	assert_ok(xchacha_seal(key, "ad", 2, "state", 5, &second, &err), &err);
	assert_int_equal(first.size, 5 + XCHACHA_OVERHEAD);
	assert_memory_not_equal(first.data, second.data, first.size);
	assert_ok(xchacha_open(key, "ad", 2, second.data, second.size, &plain, &err), &err);
	assert_memory_equal(plain.data, "state", 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(secretbox_is_nonce_and_box),
	    cmocka_unit_test(secretbox_opens_only_whole),
	    cmocka_unit_test(an_empty_text_has_a_box),
	    cmocka_unit_test(sealedbox_of_others_opens),
	    cmocka_unit_test(sealedbox_goes_round),
	    cmocka_unit_test(aead_opens_a_known_blob),
	    cmocka_unit_test(aead_takes_a_new_nonce_each_time),
	};

	return cmocka_run_group_tests(tests, make_key, NULL);
}
