/* SPDX-License-Identifier: Apache-2.0 */
/* Form of SEV-SNP reports: attestation-evidence.md section 3 (table), section 5 case 50, section 7. */
#include "unit.h"

#include <string.h>

#include "format/snp_report.h"

static uint8_t bytes[SNP_REPORT_SIZE + 1];

/* The least that is a report of this version. */
static void make(uint8_t version)
{
	memset(bytes, 0, sizeof(bytes));
	bytes[0x000] = version;
	bytes[0x00a] = 0x02; /* POLICY bit 17 */
	bytes[0x034] = 1;
	if (version >= 3)
		memcpy(bytes + 0x188, "\x19\x01\x01", 3);
}

static const char *parse(size_t size, struct snp_report *ret)
{
	enum snp_report_fault fault;
	struct err err = ERR_INIT;

	if (snp_report_parse(bytes, size, ret, &fault, &err) == 0)
		return "none";
	assert_true(err.text[0] != '\0');
	return snp_report_fault_text(fault);
}

static void assert_fault(size_t size, const char *fault)
{
	struct snp_report report;

	assert_string_equal(parse(size, &report), fault);
}

static void test_sizes(void **state)
{
	(void)state;
	make(5);
	assert_fault(SNP_REPORT_SIZE, "none");
	assert_fault(0, "truncated");
	assert_fault(SNP_REPORT_SIZE - 1, "truncated");
	assert_fault(SNP_REPORT_SIZE + 1, "malformed");
}

static void test_versions(void **state)
{
	(void)state;
	for (unsigned version = 0; version < 256; version++) {
		make((uint8_t)version);
		assert_fault(SNP_REPORT_SIZE, version >= 2 && version <= 5 ? "none" : "unsupported-version");
	}
	make(3);
	bytes[1] = 1;
	assert_fault(SNP_REPORT_SIZE, "unsupported-version");
}

static bool is_reserved(size_t at, unsigned version)
{
	return (at >= 0x04c && at < 0x050) || (at >= 0x18b && at < 0x1a0) || at == 0x1eb || at == 0x1ef ||
	       (at >= 0x208 && at < 0x2a0) || at >= 0x2a0 + 144 || (version < 3 && at >= 0x188 && at < 0x18b) ||
	       (version < 5 && at >= 0x1f8 && at < 0x208);
}

/* The words whose bits are judged one by one below. */
static bool is_judged(size_t at)
{
	return at < 0x010 || (at >= 0x030 && at < 0x034) || (at >= 0x040 && at < 0x04c);
}

/* Every bit of every byte that is reserved, and no other. */
static void test_reserved_bytes(void **state)
{
	(void)state;
	for (unsigned version = 2; version <= 5; version++) {
		make((uint8_t)version);
		for (size_t i = 0; i < 8 * SNP_REPORT_SIZE; i++) {
			if (is_judged(i / 8))
				continue;
			bytes[i / 8] ^= (uint8_t)(1u << i % 8);
			assert_fault(SNP_REPORT_SIZE, is_reserved(i / 8, version) ? "malformed" : "none");
			bytes[i / 8] ^= (uint8_t)(1u << i % 8);
		}
	}
}

static void test_policy(void **state)
{
	(void)state;
	make(5);
	for (size_t bit = 0; bit < 64; bit++) {
		bytes[0x008 + bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_fault(SNP_REPORT_SIZE, bit == 17 || bit >= 26 ? "malformed" : "none");
		bytes[0x008 + bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
}

static void test_platform_info(void **state)
{
	(void)state;
	make(5);
	for (size_t bit = 0; bit < 64; bit++) {
		bytes[0x040 + bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_fault(SNP_REPORT_SIZE, bit >= 8 ? "malformed" : "none");
		bytes[0x040 + bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
}

static void test_key_info(void **state)
{
	struct snp_report report;

	(void)state;
	make(5);
	for (unsigned key = 0; key < 8; key++) {
		bytes[0x048] = (uint8_t)(key << 2);
		assert_fault(SNP_REPORT_SIZE, key <= 1 || key == 7 ? "none" : "malformed");
	}
	for (size_t bit = 5; bit < 32; bit++) {
		memset(bytes + 0x048, 0, 4);
		bytes[0x048 + bit / 8] = (uint8_t)(1u << bit % 8);
		assert_fault(SNP_REPORT_SIZE, "malformed");
	}
	memset(bytes + 0x048, 0, 4);
	bytes[0x048] = 0x07;
	assert_string_equal(parse(SNP_REPORT_SIZE, &report), "none");
	assert_true(report.author_key_enabled && report.chip_key_masked);
	assert_int_equal(report.signing_key, SNP_SIGNING_VLEK);
}

static void test_vmpl(void **state)
{
	struct snp_report report;

	(void)state;
	make(5);
	for (unsigned vmpl = 0; vmpl < 256; vmpl++) {
		bytes[0x030] = (uint8_t)vmpl;
		assert_fault(SNP_REPORT_SIZE, vmpl <= 3 ? "none" : "malformed");
	}
	memset(bytes + 0x030, 0xff, 4);
	assert_string_equal(parse(SNP_REPORT_SIZE, &report), "none");
	assert_int_equal(report.vmpl, SNP_VMPL_HOST);
	bytes[0x033] = 0xfe;
	assert_fault(SNP_REPORT_SIZE, "malformed");
}

/* Every field comes from its place. */
static void test_fields(void **state)
{
	struct snp_report report;

	(void)state;
	make(5);
	memcpy(bytes + 0x004, "\x04\x03\x02\x01", 4);
	memcpy(bytes + 0x1e8, "\x15\x37\x01", 3);
	memcpy(bytes + 0x1ec, "\x14\x36\x02", 3);
	memcpy(bytes + 0x1f8, "\x08\x07\x06\x05\x04\x03\x02\x01", 8);
	memcpy(bytes + 0x200, "\x18\x17\x16\x15\x14\x13\x12\x11", 8);
	assert_string_equal(parse(SNP_REPORT_SIZE, &report), "none");
	assert_int_equal(report.version, 5);
	assert_int_equal(report.guest_svn, 0x01020304);
	assert_int_equal(report.policy, 0x20000);
	assert_int_equal(report.signature_algorithm, 1);
	assert_int_equal(report.current.major << 16 | report.current.minor << 8 | report.current.build, 0x013715);
	assert_int_equal(report.committed.major << 16 | report.committed.minor << 8 | report.committed.build, 0x023614);
	assert_true(report.has_mitigations && report.has_cpuid);
	assert_int_equal(report.launch_mitigations, 0x0102030405060708);
	assert_int_equal(report.current_mitigations, 0x1112131415161718);
	assert_int_equal(report.family << 16 | report.model << 8 | report.stepping, 0x190101);
	assert_ptr_equal(report.family_id, bytes + 0x010);
	assert_ptr_equal(report.image_id, bytes + 0x020);
	assert_ptr_equal(report.current_tcb, bytes + 0x038);
	assert_ptr_equal(report.report_data, bytes + 0x050);
	assert_ptr_equal(report.measurement, bytes + 0x090);
	assert_ptr_equal(report.host_data, bytes + 0x0c0);
	assert_ptr_equal(report.id_key_digest, bytes + 0x0e0);
	assert_ptr_equal(report.author_key_digest, bytes + 0x110);
	assert_ptr_equal(report.report_id, bytes + 0x140);
	assert_ptr_equal(report.report_id_ma, bytes + 0x160);
	assert_ptr_equal(report.reported_tcb, bytes + 0x180);
	assert_ptr_equal(report.chip_id, bytes + 0x1a0);
	assert_ptr_equal(report.committed_tcb, bytes + 0x1e0);
	assert_ptr_equal(report.launch_tcb, bytes + 0x1f0);
	assert_ptr_equal(report.r, bytes + 0x2a0);
	assert_ptr_equal(report.s, bytes + 0x2a0 + 72);
	make(2);
	assert_string_equal(parse(SNP_REPORT_SIZE, &report), "none");
	assert_false(report.has_cpuid || report.has_mitigations);
}

/* Section 7: all 65536 families and models. */
static void test_cpuid(void **state)
{
	(void)state;
	for (unsigned family = 0; family < 256; family++) {
		for (unsigned model = 0; model < 256; model++) {
			enum snp_product wanted = SNP_PRODUCT_UNKNOWN;

			if (family == 0x19 && model <= 0x0f)
				wanted = SNP_PRODUCT_MILAN;
			else if (family == 0x19 && ((model >= 0x10 && model <= 0x1f) || model >> 4 == 0x0a))
				wanted = SNP_PRODUCT_GENOA;
			else if (family == 0x1a && model <= 0x11)
				wanted = SNP_PRODUCT_TURIN;
			assert_int_equal(snp_product_from_cpuid((uint8_t)family, (uint8_t)model), wanted);
		}
	}
}

static void test_product_names(void **state)
{
	(void)state;
	assert_int_equal(snp_product_from_name("Milan"), SNP_PRODUCT_MILAN);
	assert_int_equal(snp_product_from_name("Milan-B0"), SNP_PRODUCT_UNKNOWN);
	assert_int_equal(snp_product_from_name("milan"), SNP_PRODUCT_UNKNOWN);
	assert_int_equal(snp_product_from_name(""), SNP_PRODUCT_UNKNOWN);
	assert_int_equal(snp_product_from_certificate("Milan-B0"), SNP_PRODUCT_MILAN);
	assert_int_equal(snp_product_from_certificate("Genoa"), SNP_PRODUCT_GENOA);
	assert_int_equal(snp_product_from_certificate("Turin-C1"), SNP_PRODUCT_TURIN);
	assert_int_equal(snp_product_from_certificate("Milan-"), SNP_PRODUCT_UNKNOWN);
	assert_int_equal(snp_product_from_certificate("Milan-b0"), SNP_PRODUCT_UNKNOWN);
	assert_int_equal(snp_product_from_certificate("MilanX"), SNP_PRODUCT_UNKNOWN);
	assert_int_equal(snp_product_from_certificate("Rome"), SNP_PRODUCT_UNKNOWN);
	assert_string_equal(snp_product_text(SNP_PRODUCT_TURIN), "Turin");
	assert_string_equal(snp_product_text(SNP_PRODUCT_UNKNOWN), "unknown");
	assert_null(snp_tcb_layout(SNP_PRODUCT_UNKNOWN));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_sizes),          cmocka_unit_test(test_versions),
	    cmocka_unit_test(test_reserved_bytes), cmocka_unit_test(test_policy),
	    cmocka_unit_test(test_platform_info),  cmocka_unit_test(test_key_info),
	    cmocka_unit_test(test_vmpl),           cmocka_unit_test(test_fields),
	    cmocka_unit_test(test_cpuid),          cmocka_unit_test(test_product_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
