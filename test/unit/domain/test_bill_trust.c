/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <string.h>

#include "domain/bill_trust.h"

struct fixture {
	uint8_t digest[32], other[32];
	struct bill_signature signature;
	uint8_t publishers[2][32];
};

static struct fixture make_fixture(void)
{
	scoped(secret_done) struct secret seed = SECRET_INIT;
	struct fixture fixture;
	struct err err = ERR_INIT;

	memset(&fixture, 7, sizeof(fixture));
	memset(fixture.other, 8, sizeof(fixture.other));
	assert_ok(secret_new(&seed, 32, &err), &err);
	memset(seed.data, 9, seed.size);
	assert_ok(bill_sign(fixture.digest, &seed, &fixture.signature, &err), &err);
	memcpy(fixture.publishers[1], fixture.signature.key, 32);
	return fixture;
}

static void a_bill_without_grounds_is_refused(void **state)
{
	const struct fixture fixture = make_fixture();
	struct bill_grounds grounds = {.pinned = NULL};
	enum bill_trust trust;
	struct err err = ERR_INIT;

	(void)state;
	assert_fails(bill_trust_check(fixture.digest, &grounds, &trust, &err), &err, ERR_UNTRUSTED, "bill-untrusted: ");
	grounds.pinned = fixture.other;
	assert_fails(bill_trust_check(fixture.digest, &grounds, &trust, &err), &err, ERR_UNTRUSTED, "not as pinned");
	grounds.recomputed = fixture.other;
	assert_fails(bill_trust_check(fixture.digest, &grounds, &trust, &err), &err, ERR_UNTRUSTED,
		     "not as recomputed here");
	/* signed, but by nobody the client trusts */
	grounds.signature = &fixture.signature;
	grounds.publishers = fixture.publishers;
	grounds.publisher_count = 1;
	assert_fails(bill_trust_check(fixture.digest, &grounds, &trust, &err), &err, ERR_UNTRUSTED, "not signed by");
}

static void each_ground_is_named(void **state)
{
	const struct fixture fixture = make_fixture();
	struct bill_grounds grounds = {
	    .signature = &fixture.signature, .publishers = fixture.publishers, .publisher_count = 2};
	enum bill_trust trust;
	struct err err = ERR_INIT;

	(void)state;
	assert_ok(bill_trust_check(fixture.digest, &grounds, &trust, &err), &err);
	assert_string_equal(bill_trust_text(trust), "signed");
	grounds.pinned = fixture.digest;
	assert_ok(bill_trust_check(fixture.digest, &grounds, &trust, &err), &err);
	assert_string_equal(bill_trust_text(trust), "signed");
	grounds.recomputed = fixture.digest;
	assert_ok(bill_trust_check(fixture.digest, &grounds, &trust, &err), &err);
	assert_string_equal(bill_trust_text(trust), "recomputed");
	grounds = (struct bill_grounds){.pinned = fixture.digest, .recomputed = fixture.other};
	assert_ok(bill_trust_check(fixture.digest, &grounds, &trust, &err), &err);
	assert_string_equal(bill_trust_text(trust), "pinned");
}

static void false_signatures_of_publishers_are_refused(void **state)
{
	struct fixture fixture = make_fixture();
	const struct bill_grounds grounds = {.pinned = fixture.other,
					     .signature = &fixture.signature,
					     .publishers = fixture.publishers,
					     .publisher_count = 2};
	enum bill_trust trust;
	struct err err = ERR_INIT;

	(void)state;
	assert_fails(bill_trust_check(fixture.other, &grounds, &trust, &err), &err, ERR_UNTRUSTED, "for another bill");
	memcpy(fixture.signature.bill, fixture.other, 32);
	assert_fails(bill_trust_check(fixture.other, &grounds, &trust, &err), &err, ERR_UNTRUSTED, "does not verify");
	memcpy(fixture.signature.bill, fixture.digest, 32);
	fixture.signature.signature[0] ^= 1;
	assert_fails(bill_trust_check(fixture.digest, &grounds, &trust, &err), &err, ERR_UNTRUSTED, "does not verify");
}

static void publisher_keys_have_one_size(void **state)
{
	scoped(secret_done) struct secret seed = SECRET_INIT;
	struct fixture fixture = make_fixture();
	struct err err = ERR_INIT;

	(void)state;
	assert_ok(secret_new(&seed, 31, &err), &err);
	assert_fails(bill_sign(fixture.digest, &seed, &fixture.signature, &err), &err, ERR_INVALID, "of 31 bytes");
}

static struct bill *make_bill(uint8_t loader, const char *const *paths, const uint8_t *fills, size_t count)
{
	uint8_t hash[32];
	struct bill *bill = NULL;
	struct err err = ERR_INIT;

	memset(hash, loader, sizeof(hash));
	assert_ok(bill_new("mse-flask:1", hash, &bill, &err), &err);
	for (size_t i = 0; i < count; i++) {
		memset(hash, fills[i], sizeof(hash));
		assert_ok(bill_add(bill, paths[i], hash, 1, &err), &err);
	}
	assert_ok(bill_sort(bill, &err), &err);
	return bill;
}

static void differences_are_named(void **state)
{
	scoped(bill_freep) struct bill *expected =
	    make_bill(1, (const char *const[]){"a", "b", "c"}, (const uint8_t[]){1, 2, 3}, 3);
	scoped(bill_freep) struct bill *seen =
	    make_bill(2, (const char *const[]){"a", "b", "d"}, (const uint8_t[]){1, 9, 3}, 3);
	scoped(buf_done) struct buf lines = BUF_INIT(1024);
	struct err err = ERR_INIT;

	(void)state;
	assert_ok(bill_diff(expected, expected, 5, &lines, &err), &err);
	assert_int_equal(lines.size, 0);
	assert_ok(bill_diff(expected, seen, 5, &lines, &err), &err);
	assert_string_equal(buf_text(&lines), "\nthe loader differs\n'b' differs\n'c' is not there\n'd' is there only");
	buf_clear(&lines);
	assert_ok(bill_diff(expected, seen, 1, &lines, &err), &err);
	assert_string_equal(buf_text(&lines), "\nthe loader differs\n'b' differs\nand 2 more");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_bill_without_grounds_is_refused),
	    cmocka_unit_test(each_ground_is_named),
	    cmocka_unit_test(false_signatures_of_publishers_are_refused),
	    cmocka_unit_test(publisher_keys_have_one_size),
	    cmocka_unit_test(differences_are_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
