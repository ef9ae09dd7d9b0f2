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
	grounds.recomputed = fixture.digest;
	assert_ok(bill_trust_check(fixture.digest, &grounds, &trust, &err), &err);
	assert_string_equal(bill_trust_text(trust), "recomputed");
	grounds.pinned = fixture.digest;
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

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_bill_without_grounds_is_refused),
	    cmocka_unit_test(each_ground_is_named),
	    cmocka_unit_test(false_signatures_of_publishers_are_refused),
	    cmocka_unit_test(publisher_keys_have_one_size),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
