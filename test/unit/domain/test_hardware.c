/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <string.h>

#include "domain/hardware.h"

#define NOW 1800000000
#define YEAR (365LL * 24 * 3600)

static const struct hardware paid = {.name = "2g-eu-001", .memory_mib = 2048, .cores = 1, .enclave_size_mib = 2048};
static const struct hardware free_one = {.name = "4g-eu-001",
					 .memory_mib = 4096,
					 .cores = 1,
					 .enclave_size_mib = 4096,
					 .is_free = true,
					 .forced_expiry_seconds = HARDWARE_FREE_EXPIRY_SECONDS};

static int64_t expiry(const struct hardware *hardware, int64_t requested, int64_t certificate_end)
{
	struct err err = ERR_INIT;
	int64_t end = 0;

	assert_ok(hardware_expiry(hardware, requested, certificate_end, NOW, &end, &err), &err);
	return end;
}

static void expiry_follows_the_rules(void **state)
{
	(void)state;
	assert_int_equal(expiry(&paid, 0, 0), NOW + YEAR);
	assert_int_equal(expiry(&paid, NOW + 10, 0), NOW + 10);
	assert_int_equal(expiry(&paid, 0, NOW + 100), NOW + 100);
	assert_int_equal(expiry(&paid, NOW + 100, NOW + 100), NOW + 100);
	assert_int_equal(expiry(&free_one, 0, 0), NOW + 4 * 3600);
	assert_int_equal(expiry(&free_one, NOW + YEAR, 0), NOW + 4 * 3600);
	assert_int_equal(expiry(&free_one, NOW + 60, 0), NOW + 60);
	assert_int_equal(expiry(&free_one, 0, NOW + 100), NOW + 100);
}

static void wrong_dates_are_refused(void **state)
{
	struct err err = ERR_INIT;
	int64_t end;

	(void)state;
	assert_fails(hardware_expiry(&paid, NOW, 0, NOW, &end, &err), &err, ERR_INVALID, "in the past");
	assert_fails(hardware_expiry(&paid, NOW + 101, NOW + 100, NOW, &end, &err), &err, ERR_INVALID,
		     "after the end of the certificate");
	assert_fails(hardware_expiry(&paid, 0, NOW, NOW, &end, &err), &err, ERR_INVALID, "certificate has expired");
}

static void kinds_are_checked(void **state)
{
	struct hardware hardware = paid;
	struct err err = ERR_INIT;

	(void)state;
	assert_ok(hardware_check(&paid, &err), &err);
	hardware.enclave_size_mib = 3000;
	assert_fails(hardware_check(&hardware, &err), &err, ERR_INVALID, "power of 2");
	hardware = paid;
	hardware.cores = HARDWARE_CORES_MAX + 1;
	assert_fails(hardware_check(&hardware, &err), &err, ERR_INVALID, "cores");
	assert_fails(hardware_check_name("", &err), &err, ERR_INVALID, "got 0");
	assert_fails(hardware_check_name("a/b", &err), &err, ERR_INVALID, "letters");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(expiry_follows_the_rules),
	    cmocka_unit_test(wrong_dates_are_refused),
	    cmocka_unit_test(kinds_are_checked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
