/* SPDX-License-Identifier: Apache-2.0 */
/* What carries a report: Cosmian's RA-TLS extension, and Azure's HCL wrapping. */
#include "unit.h"

#include <string.h>

#include "amd_evidence.h"
#include "format/hcl_report.h"
#include "format/snp_extension.h"
#include "guarded.h"

#define AT_COUNT 1184
#define AT_FIRST 1188
#define AT_WORDS 1216
#define AT_JSON 1236

static struct amd_evidence evidence;

static int setup(void **state)
{
	(void)state;
	amd_evidence_init(&evidence, SNP_PRODUCT_MILAN, 5, false);
	amd_evidence_build(&evidence);
	amd_evidence_table(&evidence, 1 << SNP_CERT_ARK | 1 << SNP_CERT_ASK | 1 << SNP_CERT_VCEK);
	amd_evidence_wrap(&evidence, HCL_REPORT_SIZE_MAX);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	amd_evidence_done(&evidence);
	return 0;
}

static bool extension_is_taken(const void *data, size_t size)
{
	struct snp_extension extension;
	struct err err = ERR_INIT;

	return snp_extension_parse(at_the_edge(data, size), size, &extension, &err) == 0;
}

static void assert_blob(const struct snp_blob *blob, const struct buf *wanted)
{
	assert_int_equal(blob->size, wanted->size);
	assert_memory_equal(blob->data, wanted->data, wanted->size);
}

static void test_table(void **state)
{
	struct snp_extension extension;
	struct err err = ERR_INIT;

	(void)state;
	assert_ok(snp_extension_parse(evidence.extension.data, evidence.extension.size, &extension, &err), &err);
	assert_ptr_equal(extension.report.data, evidence.extension.data);
	assert_int_equal(extension.report.size, 1184);
	assert_blob(&extension.certs[SNP_CERT_ARK], &evidence.ark_der);
	assert_blob(&extension.certs[SNP_CERT_ASK], &evidence.ask_der);
	assert_blob(&extension.certs[SNP_CERT_VCEK], &evidence.vek_der);
	assert_null(extension.certs[SNP_CERT_VLEK].data);
	assert_null(extension.certs[SNP_CERT_CRL].data);
}

/* The report alone; an empty table; any other length is cut off somewhere. */
static void test_lengths(void **state)
{
	uint8_t bytes[AT_FIRST] = {0};

	(void)state;
	assert_false(extension_is_taken(bytes, 0));
	assert_false(extension_is_taken(bytes, AT_COUNT - 1));
	assert_true(extension_is_taken(bytes, AT_COUNT));
	assert_false(extension_is_taken(bytes, AT_COUNT + 3));
	assert_true(extension_is_taken(bytes, AT_FIRST));
	for (size_t size = AT_COUNT + 1; size < evidence.extension.size; size++)
		assert_false(extension_is_taken(evidence.extension.data, size));
	assert_true(extension_is_taken(evidence.extension.data, evidence.extension.size));
}

static void test_table_faults(void **state)
{
	uint8_t *data = evidence.extension.data;
	const size_t size = evidence.extension.size;

	(void)state;
	data[AT_COUNT] = 2; /* one entry too many is bytes too many */
	assert_false(extension_is_taken(data, size));
	data[AT_COUNT] = 4;
	assert_false(extension_is_taken(data, size));
	data[AT_COUNT] = 3;
	data[AT_COUNT + 3] = 1;
	assert_false(extension_is_taken(data, size));
	data[AT_COUNT + 3] = 0;
	data[AT_FIRST]++;
	assert_false(extension_is_taken(data, size));
	data[AT_FIRST]--;
	data[AT_FIRST + 3] = 0xff;
	assert_false(extension_is_taken(data, size));
	data[AT_FIRST + 3] = 0;
	assert_true(extension_is_taken(data, size));
}

static void put_u32(uint8_t *at, size_t value)
{
	amd_put_u32(at, (uint32_t)value);
}

/* A table of one certificate of this size. */
static bool one_is_taken(size_t size)
{
	static uint8_t bytes[GUARDED_MAX];

	memset(bytes, 0x5a, sizeof(bytes));
	put_u32(bytes + AT_COUNT, 1);
	put_u32(bytes + AT_FIRST, size + 16);
	return extension_is_taken(bytes, AT_FIRST + 4 + 16 + size);
}

static void test_certificate_sizes(void **state)
{
	uint8_t bytes[AT_FIRST + 4 + 16] = {0};

	(void)state;
	assert_false(one_is_taken(0));
	assert_true(one_is_taken(1));
	assert_true(one_is_taken(SNP_EXTENSION_CERT_SIZE_MAX));
	assert_false(one_is_taken(SNP_EXTENSION_CERT_SIZE_MAX + 1));
	/* An entry too short for its GUID. */
	bytes[AT_COUNT] = 1;
	for (uint8_t size = 0; size <= 16; size++) {
		bytes[AT_FIRST] = size;
		assert_false(extension_is_taken(bytes, AT_FIRST + 4 + (size_t)size));
	}
}

static void test_certificate_count(void **state)
{
	static uint8_t bytes[AT_FIRST + (SNP_EXTENSION_CERTS_MAX + 1) * 21];

	(void)state;
	for (size_t i = 0; i <= SNP_EXTENSION_CERTS_MAX; i++)
		put_u32(bytes + AT_FIRST + 21 * i, 17);
	put_u32(bytes + AT_COUNT, SNP_EXTENSION_CERTS_MAX);
	assert_true(extension_is_taken(bytes, sizeof(bytes) - 21));
	put_u32(bytes + AT_COUNT, SNP_EXTENSION_CERTS_MAX + 1);
	assert_false(extension_is_taken(bytes, sizeof(bytes)));
}

/* A kind that we do not know is passed over; one that we know appears once. */
static void test_kinds(void **state)
{
	const struct buf *extension = &evidence.extension;
	uint8_t *first = evidence.extension.data + AT_FIRST + 4;
	uint8_t *second = first + 16 + evidence.ark_der.size + 4;
	struct snp_extension parsed;
	struct err err = ERR_INIT;

	(void)state;
	memset(first, 0xee, 16);
	assert_ok(snp_extension_parse(extension->data, extension->size, &parsed, &err), &err);
	assert_null(parsed.certs[SNP_CERT_ARK].data);
	memcpy(first, second, 16);
	assert_false(extension_is_taken(extension->data, extension->size));
}

static bool hcl_is_taken(const void *data, size_t size)
{
	struct hcl_report report;
	struct err err = ERR_INIT;

	return hcl_report_parse(at_the_edge(data, size), size, &report, &err) == 0;
}

static void test_wrapping(void **state)
{
	struct hcl_report report;
	struct err err = ERR_INIT;

	(void)state;
	assert_true(hcl_report_is(evidence.hcl.data, evidence.hcl.size));
	assert_false(hcl_report_is(evidence.report, AMD_REPORT_SIZE));
	assert_false(hcl_report_is(at_the_edge("HCL", 3), 3));
	evidence.hcl.data[3] ^= 1;
	assert_false(hcl_is_taken(evidence.hcl.data, evidence.hcl.size));
	evidence.hcl.data[3] ^= 1;
	assert_ok(hcl_report_parse(evidence.hcl.data, evidence.hcl.size, &report, &err), &err);
	assert_ptr_equal(report.report, evidence.hcl.data + 32);
	assert_ptr_equal(report.json, evidence.hcl.data + AT_JSON);
	assert_int_equal(report.json_size, strlen(evidence.json));
	assert_true(report.has_user_data);
	assert_int_equal(report.user_data[31], 15);
}

static void test_wrapping_lengths(void **state)
{
	const size_t least = AT_JSON + strlen(evidence.json);

	(void)state;
	for (size_t size = 0; size <= HCL_REPORT_SIZE_MAX; size++)
		assert_int_equal(hcl_is_taken(evidence.hcl.data, size), size >= least);
	amd_evidence_wrap(&evidence, HCL_REPORT_SIZE_MAX + 1);
	assert_false(hcl_is_taken(evidence.hcl.data, HCL_REPORT_SIZE_MAX + 1));
	evidence.hcl.data[least] = ' ';
	assert_false(hcl_is_taken(evidence.hcl.data, HCL_REPORT_SIZE_MAX));
}

/* Version 1, report type 2, hash type 1, a length that fits; the data size is not read. */
static void test_wrapping_words(void **state)
{
	uint8_t *words = evidence.hcl.data + AT_WORDS;

	(void)state;
	for (size_t i = 1; i < 5; i++) {
		words[4 * i + 2] ^= 1;
		assert_false(hcl_is_taken(evidence.hcl.data, evidence.hcl.size));
		words[4 * i + 2] ^= 1;
	}
	words[0] ^= 1;
	assert_true(hcl_is_taken(evidence.hcl.data, evidence.hcl.size));
	memset(words + 16, 0, 4);
	assert_false(hcl_is_taken(evidence.hcl.data, evidence.hcl.size));
}

static void wrap(const char *json, bool taken, bool has_user_data)
{
	struct hcl_report report;
	struct err err = ERR_INIT;

	evidence.json = json;
	amd_evidence_wrap(&evidence, HCL_REPORT_SIZE_MAX);
	assert_int_equal(hcl_report_parse(evidence.hcl.data, evidence.hcl.size, &report, &err) == 0, taken);
	if (taken)
		assert_int_equal(report.has_user_data, has_user_data);
}

static void test_json(void **state)
{
	(void)state;
	wrap("{}", true, false);
	wrap("{\"user-data\":\"00\"}", true, false);
	wrap("{\"user-data\":1}", true, false);
	wrap("[]", false, false);
	wrap("{", false, false);
	wrap("{\"a\":1,\"a\":1}", false, false);
	wrap("[[[[[[[[[1]]]]]]]]]", false, false);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_table),
	    TEST(test_lengths),
	    TEST(test_table_faults),
	    TEST(test_certificate_sizes),
	    TEST(test_certificate_count),
	    TEST(test_kinds),
	    TEST(test_wrapping),
	    TEST(test_wrapping_lengths),
	    TEST(test_wrapping_words),
	    TEST(test_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
