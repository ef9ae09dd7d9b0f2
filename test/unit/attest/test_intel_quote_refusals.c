/* SPDX-License-Identifier: Apache-2.0 */
/*
 * attestation-evidence.md section 5, cases 1 to 18, the quote itself: each case a test of its own, of all kinds of
 * quotes where form matters, of SGX and TDX where it does not. Which test shows which case:
 * docs/testing-attestation.md.
 */
#include "unit.h"

#include "intel_case.h"

static void good(void)
{
	case_expect("none");
}

static void test_good(void **state)
{
	(void)state;
	CASE_OF_ALL(good);
}

static void cut(void)
{
	static const size_t SIZES[] = {0, 1, 47, 48, 1019, 1020};

	for (size_t i = 0; i < COUNT_OF(SIZES); i++) {
		test_case.ask.quote.size = SIZES[i];
		case_expect("truncated");
	}
	for (test_case.ask.quote.size = 1020; test_case.ask.quote.size < test_case.size;
	     test_case.ask.quote.size += 197)
		case_expect("truncated");
	test_case.ask.quote.size = test_case.size - 1;
	case_expect("truncated");
}

static void refusal_01(void **state)
{
	(void)state;
	CASE_OF_ALL(cut);
}

static void other_version(void)
{
	static const uint16_t VERSIONS[] = {0, 1, 2, 6, 0x0103, 0xffff};

	for (size_t i = 0; i < COUNT_OF(VERSIONS); i++)
		case_with(0, VERSIONS[i], 2, "unsupported-version");
}

static void refusal_02(void **state)
{
	(void)state;
	CASE_OF_ALL(other_version);
}

static void refusal_03(void **state)
{
	(void)state;
	case_init(TEST_SGX_V3);
	case_build();
	case_with(4, 0x81, 4, "bad-tee-type");
	case_done();
}

static void other_tee(void)
{
	case_with(4, 1, 4, "bad-tee-type");
	case_with(4, 0x80, 4, "bad-tee-type");
	case_with(4, 0x8100, 4, "bad-tee-type");
	case_with(4, UINT32_MAX, 4, "bad-tee-type");
}

static void refusal_04(void **state)
{
	(void)state;
	CASE_OF_ALL(other_tee);
}

static void other_key_type(void)
{
	static const uint16_t TYPES[] = {0, 1, 3, 4, 0x0102};

	for (size_t i = 0; i < COUNT_OF(TYPES); i++)
		case_with(2, TYPES[i], 2, "unsupported-key-type");
}

static void refusal_05(void **state)
{
	(void)state;
	CASE_OF_ALL(other_key_type);
}

static void other_vendor(void)
{
	for (size_t i = 12; i < 28; i++)
		case_with(i, test_case.quote[i] ^ 1u, 1, "bad-qe-vendor");
}

static void refusal_06(void **state)
{
	(void)state;
	CASE_OF_ALL(other_vendor);
}

static void auth_size(void)
{
	const size_t at = test_case.at.auth_size;
	const uint32_t right = case_get(at, 4);

	case_with(at, right + 1, 4, "truncated");
	case_with(at, 0, 4, "truncated");
	case_with(at, 583, 4, "truncated");
	case_with(at, UINT32_MAX, 4, "truncated");
	case_with(at, UINT32_MAX - right, 4, "truncated");
}

static void refusal_07(void **state)
{
	(void)state;
	CASE_OF_ALL(auth_size);
}

/* Each of the sizes inside, one too long and one too short. */
static void inner_size(void)
{
	const struct test_quote_map *at = &test_case.at;

	case_with(at->auth_size, case_get(at->auth_size, 4) - 1, 4, "malformed");
	for (int i = -1; i <= 1; i += 2) {
		if (at->outer > 0)
			case_with(at->outer + 2, case_get(at->outer + 2, 4) + (uint32_t)i, 4, "malformed");
		case_with(at->auth_data_size, case_get(at->auth_data_size, 2) + (uint32_t)i, 2, "malformed");
		case_with(at->cert_data + 2, case_get(at->cert_data + 2, 4) + (uint32_t)i, 4, "malformed");
	}
}

static void refusal_08(void **state)
{
	(void)state;
	CASE_OF_ALL(inner_size);
}

static void other_outer_type(void)
{
	static const uint16_t TYPES[] = {0, 1, 5, 7, 0x0106};

	for (size_t i = 0; i < COUNT_OF(TYPES) && test_case.at.outer > 0; i++)
		case_with(test_case.at.outer, TYPES[i], 2, "malformed");
}

static void refusal_09(void **state)
{
	(void)state;
	CASE_OF_ALL(other_outer_type);
}

static const enum test_quote_kind VERSION_5[] = {TEST_SGX_V5, TEST_TDX_V5_1_0, TEST_TDX_V5_1_5};

static void other_descriptor(void)
{
	static const uint32_t SIZES[] = {0, 383, 385, 583, 585, 647, 649, UINT32_MAX};
	const uint16_t type = (uint16_t)case_get(48, 2);

	for (size_t i = 0; i < COUNT_OF(SIZES); i++)
		case_with(50, SIZES[i], 4, "malformed");
	case_with(50, type == 1 ? 584 : 384, 4, "malformed");
	case_with(48, 0, 2, "unsupported-body");
	case_with(48, 4, 2, "unsupported-body");
	case_with(48, 0xffff, 2, "unsupported-body");
	case_with(48, type == 1 ? 2 : 1, 2, "malformed");
	case_with(48, type == 3 ? 2 : 3, 2, "malformed");
	case_with(4, type == 1 ? 0x81 : 0, 4, "malformed");
}

static void refusal_10(void **state)
{
	(void)state;
	case_each_built(VERSION_5, COUNT_OF(VERSION_5), other_descriptor);
}

static void long_auth_data(void)
{
	case_with(test_case.at.auth_data_size, 0xffff, 2, "truncated");
}

static void refusal_11(void **state)
{
	(void)state;
	CASE_OF_ALL(long_auth_data);
}

static void cert_data_type(void)
{
	static const uint16_t UNKNOWN[] = {0, 6, 7, 0x0105, 0xffff};
	const struct attest_bytes chain = {test_case.in.pck_chain.data, test_case.in.pck_chain.size};
	struct attest_bytes *given = &test_case.ask.collateral.pck_cert_chain;

	for (size_t i = 0; i < COUNT_OF(UNKNOWN); i++)
		case_with(test_case.at.cert_data, UNKNOWN[i], 2, "unsupported-cert-data");
	for (uint16_t type = 1; type <= 4; type++) {
		*given = (struct attest_bytes){0};
		case_with(test_case.at.cert_data, type, 2, "pck-chain-missing");
		*given = chain;
		case_with(test_case.at.cert_data, type, 2, "none");
		given->size--; /* what is given is judged as what is carried: cut off, it is no PEM */
		given->size -= 20;
		case_with(test_case.at.cert_data, type, 2, "chain-invalid");
	}
}

static void refusal_12(void **state)
{
	(void)state;
	CASE_OF_ALL(cert_data_type);
}

/* In the bodies' bytes that are not reserved. The last 64 of them are REPORTDATA of 1.0 bodies. */
static void signed_bit(void)
{
	static const size_t PLACES[] = {0, 15, 16, 48, 56, 64, 95, 128, 159, 192, 256, 320, 383};

	case_with(28, test_case.quote[28] ^ 0x10u, 1, "quote-signature");
	case_with(47, test_case.quote[47] ^ 0x80u, 1, "quote-signature");
	for (size_t i = 0; i < COUNT_OF(PLACES); i++) {
		const size_t at = test_case.at.body + PLACES[i];

		case_with(at, test_case.quote[at] ^ 0x10u, 1, "quote-signature");
	}
	for (size_t at = test_case.at.body + 384; at < test_case.at.auth_size; at += 23)
		case_with(at, test_case.quote[at] ^ 1u, 1, "quote-signature");
}

static void refusal_13(void **state)
{
	(void)state;
	CASE_OF_ALL(signed_bit);
}

/* The order of the group. */
static const uint8_t ORDER[32] = {0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff,
				  0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17,
				  0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51};

static void with_half(size_t at, const uint8_t half[static 32], const char *error)
{
	uint8_t old[32];

	memcpy(old, test_case.quote + at, 32);
	memcpy(test_case.quote + at, half, 32);
	case_expect(error);
	memcpy(test_case.quote + at, old, 32);
}

static void out_of_range(void)
{
	static const uint8_t ZERO[32] = {0};
	uint8_t more[32];

	memset(more, 0xff, sizeof(more));
	for (size_t half = 0; half < 64; half += 32) {
		with_half(test_case.at.signature + half, ZERO, "quote-signature");
		with_half(test_case.at.signature + half, ORDER, "quote-signature");
		with_half(test_case.at.signature + half, more, "quote-signature");
		with_half(test_case.at.qe_signature + half, ZERO, "qe-report-signature");
		with_half(test_case.at.qe_signature + half, ORDER, "qe-report-signature");
	}
}

static void refusal_14(void **state)
{
	(void)state;
	CASE_OF_ALL(out_of_range);
}

static void other_attestation_key(void)
{
	uint8_t point[65];

	p256_point(test_key(TEST_KEY_OTHER), point);
	memcpy(test_case.quote + test_case.at.key, point + 1, 64); /* of another quote */
	case_expect("qe-report-data");
	test_case.quote[test_case.at.key + 63] ^= 1; /* not on the curve */
	case_expect("qe-report-data");
}

static void refusal_15(void **state)
{
	(void)state;
	CASE_OF_ALL(other_attestation_key);
}

static void qe_report_bit(void)
{
	static const size_t PLACES[] = {0, 16, 32, 48, 64, 128, 192, 256, 258, 260, 304, 320, 383};

	for (size_t i = 0; i < COUNT_OF(PLACES); i++) {
		const size_t at = test_case.at.qe_report + PLACES[i];

		case_with(at, test_case.quote[at] ^ 0x10u, 1, "qe-report-signature");
	}
}

static void refusal_16(void **state)
{
	(void)state;
	CASE_OF_ALL(qe_report_bit);
}

static void qe_auth_data_bit(void)
{
	case_with(test_case.at.auth_data, 0x76, 1, "qe-report-data");
	case_with(test_case.at.auth_data + 31, 0xf7, 1, "qe-report-data");
}

static void refusal_17(void **state)
{
	(void)state;
	CASE_OF_ALL(qe_auth_data_bit);
}

/* The quote's signature as a SEQUENCE of two INTEGERs of 32 bytes, the sizes around it right. */
static void der_signature(void)
{
	static const uint8_t HEADER[] = {0x30, 0x44, 0x02, 0x20};
	const size_t at = test_case.at.signature;
	uint8_t rest[CASE_QUOTE_MAX];
	const size_t rest_size = test_case.size - at;

	memcpy(rest, test_case.quote + at, rest_size);
	memcpy(test_case.quote + at, HEADER, 4);
	memcpy(test_case.quote + at + 4, rest, 32);
	test_case.quote[at + 36] = 0x02;
	test_case.quote[at + 37] = 0x20;
	memcpy(test_case.quote + at + 38, rest + 32, rest_size - 32);
	case_put(test_case.at.auth_size, case_get(test_case.at.auth_size, 4) + 6, 4);
	test_case.ask.quote.size += 6;
	case_expect("malformed");
}

static void refusal_18(void **state)
{
	(void)state;
	CASE_OF_ALL(der_signature);
}

/* The same wrong length is a form of its own only behind what begins like such a signature. */
static void wrong_length(void)
{
	static const struct {
		uint8_t header[3];
		const char *error;
	} ROWS[] = {
	    {{0x30, 0x40, 0x02}, "malformed"}, {{0x30, 0x48, 0x02}, "malformed"}, {{0x31, 0x44, 0x02}, "truncated"},
	    {{0x30, 0x3f, 0x02}, "truncated"}, {{0x30, 0x49, 0x02}, "truncated"}, {{0x30, 0x44, 0x03}, "truncated"},
	};

	case_put(test_case.at.auth_data_size, 0xffff, 2);
	for (size_t i = 0; i < COUNT_OF(ROWS); i++) {
		memcpy(test_case.quote + test_case.at.signature, ROWS[i].header, sizeof(ROWS[i].header));
		case_expect(ROWS[i].error);
	}
}

static void test_wrong_length(void **state)
{
	(void)state;
	CASE_OF_ALL(wrong_length);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_good),  cmocka_unit_test(refusal_01),        cmocka_unit_test(refusal_02),
	    cmocka_unit_test(refusal_03), cmocka_unit_test(refusal_04),        cmocka_unit_test(refusal_05),
	    cmocka_unit_test(refusal_06), cmocka_unit_test(refusal_07),        cmocka_unit_test(refusal_08),
	    cmocka_unit_test(refusal_09), cmocka_unit_test(refusal_10),        cmocka_unit_test(refusal_11),
	    cmocka_unit_test(refusal_12), cmocka_unit_test(refusal_13),        cmocka_unit_test(refusal_14),
	    cmocka_unit_test(refusal_15), cmocka_unit_test(refusal_16),        cmocka_unit_test(refusal_17),
	    cmocka_unit_test(refusal_18), cmocka_unit_test(test_wrong_length),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
