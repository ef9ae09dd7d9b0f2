/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "measure/measure_manifest.h"
#include "test_elf.h"

#define SMALL "[sgx]\nenclave_size = \"1M\"\nedmm_enable = false\nmax_threads = 1\n"
#define SMALL_HEX "1d149c7a2196c4a7802f7c5b06811702aee9e5dd28833270449f4a52f3826ccd"

static int read_params(const char *text, struct measure_params *ret, struct err *err)
{
	return measure_manifest_params(text, strlen(text), ret, err);
}

static void published_vector(void **state)
{
	struct err err = ERR_INIT;
	uint8_t digest[32];
	char text[65];

	(void)state;
	assert_ok(measure_enclave(SMALL, strlen(SMALL), test_elf, sizeof(test_elf), digest, &err), &err);
	for (size_t i = 0; i < 32; i++)
		(void)snprintf(text + 2 * i, 3, "%02x", digest[i]);
	assert_string_equal(text, SMALL_HEX);
}

static void toml_in_any_dress_is_read(void **state)
{
	static const char *const texts[] = {
	    "sgx.enclave_size = \"4G\"\nsgx.max_threads = 16\nsgx.edmm_enable = true\n",
	    "sgx = { enclave_size = '4096M', max_threads = 0x10, edmm_enable = true }\n",
	    ("x = '''\n[sgx]\nenclave_size = '1M'\n'''\n['sgx']\n'enclave_size' = '4194304K'\n"
	     "max_threads = 16 # threads\nedmm_enable = true\n[[sgx.trusted_files]]\nmax_threads = 1\n"),
	};
	struct measure_params params;
	struct err err = ERR_INIT;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(texts); i++) {
		assert_ok(read_params(texts[i], &params, &err), &err);
		assert_true(params.enclave_size == UINT64_C(4) << 30);
		assert_int_equal(params.threads, 16);
		assert_true(params.edmm);
	}
}

static void errors_name_line_and_key(void **state)
{
	static const struct {
		const char *text, *part;
	} rows[] = {
	    {"", "manifest: there is no table 'sgx'"},
	    {"sgx = 1\n", "no table 'sgx'"},
	    {"[sgx\n", "line 1"},
	    {"[sgx]\nmax_threads = 1\nedmm_enable = true\n", "'sgx.enclave_size' is missing"},
	    {"[sgx]\nenclave_size = \"1M\"\nedmm_enable = true\n", "'sgx.max_threads' is missing"},
	    {"[sgx]\nenclave_size = \"1M\"\nmax_threads = 1\n", "'sgx.edmm_enable' is missing"},
	    {"[sgx]\nenclave_size = 1048576\n", "line 2: 'sgx.enclave_size' is of type integer, expected string"},
	    {"[sgx]\n\nenclave_size = \"1m\"\n", "line 3: 'sgx.enclave_size': "},
	    {"[sgx]\nenclave_size = \"0x100000\"\n", "line 2: 'sgx.enclave_size': "},
	    {"[sgx]\nenclave_size = \"1M\\u0000\"\n", "line 2: 'sgx.enclave_size'"},
	    {"[sgx]\nenclave_size = \"1M\"\nmax_threads = \"1\"\n", "line 3: 'sgx.max_threads' is of type string"},
	    {"[sgx]\nenclave_size = \"1M\"\nmax_threads = 0\n", "line 3: 'sgx.max_threads' is 0"},
	    {"[sgx]\nenclave_size = \"1M\"\nmax_threads = 4097\n", "line 3: 'sgx.max_threads' is 4097"},
	    {"[sgx]\nenclave_size = \"1M\"\nmax_threads = 1\nedmm_enable = 1\n", "line 4: 'sgx.edmm_enable'"},
	    {"[sgx]\nenclave_size = \"3M\"\nmax_threads = 1\nedmm_enable = true\n", "line 2: sgx.enclave_size 3145728"},
	};
	struct measure_params params;
	struct err err = ERR_INIT;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		assert_int_equal(read_params(rows[i].text, &params, &err), -1);
		if (!strstr(err.text, rows[i].part))
			fail_msg("'%s' does not contain '%s'", err.text, rows[i].part);
	}
}

static void reports_hold_the_whole_result(void **state)
{
	scoped(buf_done) struct buf text = BUF_INIT(10000);
	scoped(buf_done) struct buf json = BUF_INIT(10000);
	struct err err = ERR_INIT;

	(void)state;
	assert_ok(measure_report(SMALL, strlen(SMALL), test_elf, sizeof(test_elf), false, &text, &err), &err);
	assert_true(strncmp(buf_text(&text), "mrenclave       " SMALL_HEX "\n", 81) == 0);
	assert_non_null(strstr(buf_text(&text), "\nsig_stack       0xa5000\n"));
	assert_ok(measure_report(SMALL, strlen(SMALL), test_elf, sizeof(test_elf), true, &json, &err), &err);
	assert_string_equal(buf_text(&json),
			    "{\"mrenclave\":\"" SMALL_HEX "\",\"enclave_size\":1048576,\"threads\":1,\"edmm\":false,"
			    "\"measured_pages\":92,\"free_pages\":148,\"layout\":{\"manifest\":1044480,\"ssa\":1011712,"
			    "\"tcs\":1007616,\"tls\":1003520,\"stack\":741376,\"sig_stack\":675840,\"pal\":671744,"
			    "\"entry\":671808,\"free_start\":65536,\"free_end\":671744}}\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(published_vector),
	    cmocka_unit_test(toml_in_any_dress_is_read),
	    cmocka_unit_test(errors_name_line_and_key),
	    cmocka_unit_test(reports_hold_the_whole_result),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
