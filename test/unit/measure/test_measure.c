/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "measure/elf_image.h"
#include "measure/measure.h"
#include "test_elf.h"

#define SMALL_MANIFEST "[sgx]\nenclave_size = \"1M\"\nedmm_enable = false\nmax_threads = 1\n"
#define EDMM_MANIFEST "[sgx]\nenclave_size = \"1M\"\nedmm_enable = true\nmax_threads = 2\n"

static int run(const struct measure_params *params, const char *manifest, struct measure_result *ret, struct err *err)
{
	return measure_run(params, manifest, strlen(manifest), test_elf, sizeof(test_elf), ret, err);
}

static void assert_mrenclave(const struct measure_result *result, const char *wanted)
{
	char text[65];

	for (size_t i = 0; i < 32; i++)
		(void)snprintf(text + 2 * i, 3, "%02x", result->mrenclave[i]);
	assert_string_equal(text, wanted);
}

static void published_vector_without_edmm(void **state)
{
	const struct measure_params params = {.enclave_size = 1 << 20, .threads = 1};
	struct measure_result result;
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(strlen(SMALL_MANIFEST), 62);
	assert_ok(run(&params, SMALL_MANIFEST, &result, &err), &err);
	assert_mrenclave(&result, "1d149c7a2196c4a7802f7c5b06811702aee9e5dd28833270449f4a52f3826ccd");
	assert_int_equal(result.layout.manifest, 0xff000);
	assert_int_equal(result.layout.ssa, 0xf7000);
	assert_int_equal(result.layout.tcs, 0xf6000);
	assert_int_equal(result.layout.tls, 0xf5000);
	assert_int_equal(result.layout.stack, 0xb5000);
	assert_int_equal(result.layout.sig_stack, 0xa5000);
	assert_int_equal(result.layout.pal, 0xa4000);
	assert_int_equal(result.layout.entry, 0xa4040);
	assert_int_equal(result.layout.free_start, 0x10000);
	assert_int_equal(result.layout.free_end, 0xa4000);
	assert_int_equal(result.measured_pages, 92);
	assert_int_equal(result.free_pages, 0x94);
}

static void published_vector_with_edmm(void **state)
{
	const struct measure_params params = {.enclave_size = 1 << 20, .threads = 2, .edmm = true};
	struct measure_result result;
	struct err err = ERR_INIT;

	(void)state;
	assert_ok(run(&params, EDMM_MANIFEST, &result, &err), &err);
	assert_mrenclave(&result, "d491eaffbd9f5a178e0ea0ef7aa5e3e9fa5c80580e2388511111e668d1cf6c00");
	assert_int_equal(result.free_pages, 0);
	assert_true(result.layout.stack > result.layout.sig_stack);
}

/* The page border of the manifest: 4095 bytes and the zero byte fill one page, one more needs a second. */
static void manifest_zero_byte_counts(void **state)
{
	const struct measure_params params = {.enclave_size = 2 << 20, .threads = 1};
	struct measure_result one;
	struct measure_result two;
	struct err err = ERR_INIT;
	char text[4097];

	(void)state;
	memset(text, 'a', sizeof(text));
	text[4095] = 0;
	assert_ok(run(&params, text, &one, &err), &err);
	text[4095] = 'a';
	text[4096] = 0;
	assert_ok(run(&params, text, &two, &err), &err);
	assert_int_equal(one.layout.manifest, (2 << 20) - 0x1000);
	assert_int_equal(two.layout.manifest, (2 << 20) - 0x2000);
	assert_int_equal(two.measured_pages, one.measured_pages + 1);
}

static void every_input_changes_the_answer(void **state)
{
	struct measure_params params = {.enclave_size = 1 << 20, .threads = 1};
	uint8_t loader[TEST_ELF_SIZE];
	struct measure_result base;
	struct measure_result other;
	struct err err = ERR_INIT;

	(void)state;
	assert_ok(run(&params, "text", &base, &err), &err);
	assert_ok(run(&params, "texT", &other, &err), &err);
	assert_memory_not_equal(base.mrenclave, other.mrenclave, 32);
	memcpy(loader, test_elf, sizeof(loader));
	loader[119] ^= 1;
	assert_ok(measure_run(&params, "text", 4, loader, sizeof(loader), &other, &err), &err);
	assert_memory_not_equal(base.mrenclave, other.mrenclave, 32);
	params.enclave_size <<= 1;
	assert_ok(run(&params, "text", &other, &err), &err);
	assert_memory_not_equal(base.mrenclave, other.mrenclave, 32);
	params.threads = 2;
	assert_ok(run(&params, "text", &base, &err), &err);
	assert_memory_not_equal(base.mrenclave, other.mrenclave, 32);
}

static void params_have_bounds(void **state)
{
	struct measure_params params = {.enclave_size = MEASURE_ENCLAVE_SIZE_MAX, .threads = MEASURE_THREADS_MAX};
	struct measure_result result;
	struct err err = ERR_INIT;

	(void)state;
	assert_ok(measure_params_check(&params, &err), &err);
	params.threads++;
	assert_fails(measure_params_check(&params, &err), &err, ERR_LIMIT, "max_threads 4097");
	params.threads = 0;
	assert_fails(measure_params_check(&params, &err), &err, ERR_LIMIT, "max_threads 0");
	params.threads = 1;
	params.enclave_size = MEASURE_ENCLAVE_SIZE_MAX * 2;
	assert_fails(measure_params_check(&params, &err), &err, ERR_LIMIT, "1M to 1024G");
	params.enclave_size = 512 << 10;
	assert_fails(measure_params_check(&params, &err), &err, ERR_LIMIT, "1M to 1024G");
	params.enclave_size = 0;
	assert_fails(measure_params_check(&params, &err), &err, ERR_LIMIT, "1M to 1024G");
	params.enclave_size = 3 << 20;
	assert_fails(run(&params, "", &result, &err), &err, ERR_INVALID, "not a power of two");
}

static void enclave_must_hold_everything(void **state)
{
	struct measure_params params = {.enclave_size = 1 << 20, .threads = 2};
	struct measure_result result;
	struct err err = ERR_INIT;

	(void)state;
	assert_ok(run(&params, "", &result, &err), &err);
	params.threads = 3;
	assert_fails(run(&params, "", &result, &err), &err, ERR_INVALID, "too small");
	params.threads = MEASURE_THREADS_MAX;
	assert_fails(run(&params, "", &result, &err), &err, ERR_INVALID, "too small");
}

static void inputs_have_maxima(void **state)
{
	const struct measure_params params = {.enclave_size = 128 << 20, .threads = 1, .edmm = true};
	scoped(freep) char *text = calloc(1, MEASURE_MANIFEST_MAX + 1);
	struct measure_result result;
	struct err err = ERR_INIT;

	(void)state;
	assert_non_null(text);
	assert_ok(measure_run(&params, text, MEASURE_MANIFEST_MAX, test_elf, sizeof(test_elf), &result, &err), &err);
	assert_fails(measure_run(&params, text, MEASURE_MANIFEST_MAX + 1, test_elf, sizeof(test_elf), &result, &err),
		     &err, ERR_LIMIT, "manifest of");
	memcpy(text, test_elf, sizeof(test_elf));
	assert_ok(measure_run(&params, "", 0, text, MEASURE_LOADER_MAX, &result, &err), &err);
	assert_fails(measure_run(&params, "", 0, text, MEASURE_LOADER_MAX + 1, &result, &err), &err, ERR_LIMIT,
		     "loader of");
}

static void sizes_are_decimal_with_one_unit(void **state)
{
	static const char *const bad[] = {"",   "M",   "0x10", "1m", "1g", "1 M", "-1",
					  "+1", "1MB", "1.5G", " 1", "1T", "K1",  "18014398509481984K"};
	struct err err = ERR_INIT;
	uint64_t size;

	(void)state;
	assert_ok(measure_parse_size("1048576", &size, &err), &err);
	assert_int_equal(size, 1 << 20);
	assert_ok(measure_parse_size("4K", &size, &err), &err);
	assert_int_equal(size, 4096);
	assert_ok(measure_parse_size("512M", &size, &err), &err);
	assert_int_equal(size, 512 << 20);
	assert_ok(measure_parse_size("17179869183G", &size, &err), &err);
	assert_true(size == UINT64_C(17179869183) << 30);
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		assert_int_equal(measure_parse_size(bad[i], &size, &err), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(published_vector_without_edmm),
	    cmocka_unit_test(published_vector_with_edmm),
	    cmocka_unit_test(manifest_zero_byte_counts),
	    cmocka_unit_test(every_input_changes_the_answer),
	    cmocka_unit_test(params_have_bounds),
	    cmocka_unit_test(enclave_must_hold_everything),
	    cmocka_unit_test(inputs_have_maxima),
	    cmocka_unit_test(sizes_are_decimal_with_one_unit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
