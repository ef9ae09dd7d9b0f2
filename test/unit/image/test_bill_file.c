/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <string.h>

#include "domain/bill_trust.h"
#include "image/image.h"
#include "temp_dir.h"

static struct bill *make_bill(void)
{
	static const uint8_t digest[32] = {1};
	struct err err = ERR_INIT;
	struct bill *bill;

	assert_ok(bill_new("mse-test:1", digest, &bill, &err), &err);
	assert_ok(bill_add(bill, "usr/x", digest, 3, &err), &err);
	return bill;
}

static void saved_bills_are_loaded_with_the_same_digest(void **state)
{
	scoped(bill_freep) struct bill *bill = make_bill();
	scoped(bill_freep) struct bill *again = NULL;
	scoped(freep) char *path = temp_dir_path(state, "bill.json");
	struct err err = ERR_INIT;
	uint8_t saved[32];
	uint8_t loaded[32];

	assert_ok(image_bill_save(bill, path, saved, &err), &err);
	assert_ok(image_bill_load(path, &again, loaded, &err), &err);
	assert_memory_equal(saved, loaded, 32);
	assert_string_equal(again->files[0].path, "usr/x");
}

static void a_signed_bill_is_trusted_by_the_publisher_key(void **state)
{
	scoped(bill_freep) struct bill *bill = make_bill();
	scoped(secret_done) struct secret seed = SECRET_INIT;
	scoped(freep) char *path = temp_dir_path(state, "bill.json");
	scoped(freep) char *signature_path = temp_dir_path(state, "bill.sig");
	scoped(buf_done) struct buf text = BUF_INIT(BILL_SIGNATURE_TEXT_MAX);
	struct bill_signature signature;
	struct bill_grounds grounds = {.signature = &signature, .publisher_count = 1};
	enum bill_trust trust;
	struct err err = ERR_INIT;
	uint8_t digest[32];
	uint8_t key[1][32];

	assert_ok(secret_new(&seed, 32, &err), &err);
	assert_ok(image_bill_save(bill, path, digest, &err), &err);
	assert_ok(image_bill_sign(path, &seed, signature_path, &err), &err);
	assert_ok(fs_read(signature_path, &text, &err), &err);
	assert_ok(bill_signature_parse(text.data, text.size, &signature, &err), &err);
	memcpy(key[0], signature.key, 32);
	grounds.publishers = (const uint8_t(*)[32])key;
	assert_ok(bill_trust_check(digest, &grounds, &trust, &err), &err);
	assert_int_equal(trust, BILL_TRUST_SIGNED);
}

static void other_files_are_refused(void **state)
{
	scoped(freep) char *path = temp_dir_path(state, "bill.json");
	struct bill *bill = NULL;
	struct err err = ERR_INIT;
	uint8_t digest[32];

	assert_fails(image_bill_load(path, &bill, digest, &err), &err, ERR_NOT_FOUND, "bill.json");
	assert_ok(fs_write_new(path, "{}", 2, 0600, &err), &err);
	assert_fails(image_bill_load(path, &bill, digest, &err), &err, ERR_INVALID, "bill.json': bill, byte 0");
	assert_null(bill);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(saved_bills_are_loaded_with_the_same_digest, temp_dir_make, temp_dir_drop),
	    cmocka_unit_test_setup_teardown(a_signed_bill_is_trusted_by_the_publisher_key, temp_dir_make,
					    temp_dir_drop),
	    cmocka_unit_test_setup_teardown(other_files_are_refused, temp_dir_make, temp_dir_drop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
