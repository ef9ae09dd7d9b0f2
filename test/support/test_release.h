/* SPDX-License-Identifier: Apache-2.0 */
/* A small release with its bill, for tests that need a manifest. */
#ifndef MSE_TEST_TEST_RELEASE_H
#define MSE_TEST_TEST_RELEASE_H

#include <string.h>

#include "domain/release.h"
#include "measure/sim_loader.h"
#include "unit.h"

static inline struct bill *test_bill(void)
{
	struct bill *bill;
	struct err err = ERR_INIT;
	uint8_t digest[32];

	memset(digest, 0x11, sizeof(digest));
	assert_ok(bill_new("mse-test:1", sim_loader_sha256, &bill, &err), &err);
	assert_ok(bill_add(bill, "usr/bin/mse-enclave", digest, 1000, &err), &err);
	digest[0] = 0x22;
	assert_ok(bill_add(bill, "usr/lib/libc.so.6", digest, 2000, &err), &err);
	assert_ok(bill_sort(bill, &err), &err);
	return bill;
}

static inline struct release *test_release(void)
{
	struct release *release;
	struct err err = ERR_INIT;
	uint8_t digest[32];

	memset(digest, 0x33, sizeof(digest));
	assert_ok(release_new(&release, &err), &err);
	assert_ok(release_set_application(release, "app:app", &err), &err);
	assert_ok(release_add_file(release, "templates/\"x\".html.enc", digest, 10, &err), &err);
	digest[0] = 0x44;
	assert_ok(release_add_file(release, "app.py.enc", digest, 20, &err), &err);
	release->has_owner_key = true;
	memset(release->owner_key, 0x55, sizeof(release->owner_key));
	release->has_code_key_id = true;
	memset(release->code_key_id, 0x66, sizeof(release->code_key_id));
	return release;
}

#endif
