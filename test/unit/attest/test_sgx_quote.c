/* SPDX-License-Identifier: Apache-2.0 */
/* What must be refused of a quote and its signatures: attestation-evidence.md section 5 cases 1 to 18, 37, 44,
 * section 7. */
#include "unit.h"

#include <string.h>

#include "test_judge.h"

#define AUTH_SIZE_AT 432
#define SIGNATURE_AT 436
#define KEY_AT 500
#define QE_REPORT_AT 564
#define QE_SIGNATURE_AT 948
#define AUTH_DATA_SIZE_AT 1012
#define AUTH_DATA_AT 1014
#define CERT_DATA_AT (AUTH_DATA_AT + 32)

/* Good evidence that every test of this file changes a copy of. */
static struct test_evidence good;
static struct test_question question;
static uint8_t *bytes; /* of the quote, writable */
static size_t size;

static int setup(void **state)
{
	(void)state;
	test_evidence_init(&good);
	test_evidence_build(&good);
	test_question_init(&question, &good);
	size = question.quote.size;
	bytes = malloc(size + 64);
	if (!bytes)
		return -1;
	memcpy(bytes, question.quote.data, size);
	memset(bytes + size, 0, 64);
	question.quote.data = bytes;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	free(bytes);
	test_evidence_done(&good);
	return 0;
}

static void put_u32(size_t at, uint32_t value)
{
	for (size_t i = 0; i < 4; i++)
		bytes[at + i] = (uint8_t)(value >> (8 * i));
}

static uint32_t get_u32(size_t at)
{
	return (uint32_t)bytes[at] | (uint32_t)bytes[at + 1] << 8 | (uint32_t)bytes[at + 2] << 16 |
	       (uint32_t)bytes[at + 3] << 24;
}

static void test_good(void **state)
{
	struct attest_verdict *verdict = test_judge(&question);

	(void)state;
	test_expect(&question, "none");
	assert_true(verdict->accepted && verdict->authentic && !verdict->simulated);
	assert_null(verdict->failed);
	assert_int_equal(verdict->facts.tcb_status, ATTEST_TCB_UP_TO_DATE);
	assert_int_equal(verdict->facts.evaluation_number, 17);
	assert_int_equal(verdict->facts.advisory_count, 0);
	assert_int_equal(verdict->facts.sgx.isvsvn, 10);
	assert_int_equal(verdict->facts.trailing_bytes, 0);
	/* The least of all bounds: the list of the PCK CA ends in 25 days, TCB info on 2025-07-01. */
	assert_int_equal(verdict->valid_until, 1751328000);
	for (size_t i = 0; i < verdict->check_count; i++)
		assert_int_not_equal(verdict->checks[i].result, ATTEST_FAILED);
	attest_verdict_free(verdict);
}

static void test_truncated(void **state)
{
	(void)state;
	question.quote.size = 0;
	test_expect(&question, "truncated");
	question.quote.size = 1019;
	test_expect(&question, "truncated");
	for (size_t cut = 1020; cut < size; cut += 61) {
		question.quote.size = cut;
		test_expect(&question, "truncated");
	}
	question.quote.size = size - 1;
	test_expect(&question, "truncated");
}

static void test_header(void **state)
{
	static const uint8_t VERSIONS[] = {0, 1, 2, 6, 0xff};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(VERSIONS); i++) {
		bytes[0] = VERSIONS[i];
		test_expect(&question, "unsupported-version");
	}
	bytes[0] = 3;
	bytes[4] = 0x81;
	test_expect(&question, "bad-tee-type");
	bytes[4] = 1;
	test_expect(&question, "bad-tee-type");
	bytes[4] = 0;
	bytes[2] = 1;
	test_expect(&question, "unsupported-key-type");
	bytes[2] = 3;
	test_expect(&question, "unsupported-key-type");
	bytes[2] = 2;
	bytes[12] ^= 1;
	test_expect(&question, "bad-qe-vendor");
}

static void test_lengths(void **state)
{
	const uint32_t auth_size = get_u32(AUTH_SIZE_AT);
	const uint32_t cert_size = get_u32(CERT_DATA_AT + 2);

	(void)state;
	put_u32(AUTH_SIZE_AT, auth_size + 1);
	test_expect(&question, "truncated");
	put_u32(AUTH_SIZE_AT, 0);
	test_expect(&question, "truncated");
	put_u32(AUTH_SIZE_AT, UINT32_MAX);
	test_expect(&question, "truncated");
	put_u32(AUTH_SIZE_AT, auth_size - 1);
	test_expect(&question, "malformed");
	put_u32(AUTH_SIZE_AT, auth_size);
	put_u32(CERT_DATA_AT + 2, cert_size - 1);
	test_expect(&question, "malformed");
	put_u32(CERT_DATA_AT + 2, cert_size + 1);
	test_expect(&question, "malformed");
	put_u32(CERT_DATA_AT + 2, cert_size);
	bytes[AUTH_DATA_SIZE_AT] = 31;
	test_expect(&question, "malformed");
	bytes[AUTH_DATA_SIZE_AT] = 33;
	test_expect(&question, "malformed");
	bytes[AUTH_DATA_SIZE_AT] = 0xff;
	bytes[AUTH_DATA_SIZE_AT + 1] = 0xff;
	test_expect(&question, "truncated");
}

static void test_trailing_bytes(void **state)
{
	struct attest_verdict *verdict;

	(void)state;
	question.quote.size = size + 64;
	verdict = test_judge(&question);
	assert_true(verdict->accepted);
	assert_int_equal(verdict->facts.trailing_bytes, 64);
	attest_verdict_free(verdict);
}

static void test_size_limit(void **state)
{
	uint8_t *large = calloc(1, 65537);

	(void)state;
	assert_non_null(large);
	memcpy(large, bytes, size);
	question.quote = (struct attest_bytes){large, 65536};
	test_expect(&question, "none");
	question.quote.size = 65537;
	test_expect(&question, "malformed");
	free(large);
}

static void test_cert_data_types(void **state)
{
	static const uint16_t UNKNOWN[] = {0, 6, 7, 0xffff};

	(void)state;
	for (uint8_t type = 1; type <= 4; type++) {
		bytes[CERT_DATA_AT] = type;
		question.collateral.pck_cert_chain = (struct attest_bytes){0};
		test_expect(&question, "pck-chain-missing");
		question.collateral.pck_cert_chain = (struct attest_bytes){good.pck_chain.data, good.pck_chain.size};
		test_expect(&question, "none");
	}
	for (size_t i = 0; i < COUNT_OF(UNKNOWN); i++) {
		bytes[CERT_DATA_AT] = (uint8_t)UNKNOWN[i];
		bytes[CERT_DATA_AT + 1] = (uint8_t)(UNKNOWN[i] >> 8);
		test_expect(&question, "unsupported-cert-data");
	}
}

static void test_signed_bits(void **state)
{
	static const size_t PLACES[] = {8, 28, 47, 48, 64, 96, 112, 176, 304, 306, 308, 368, 431};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(PLACES); i++) {
		bytes[PLACES[i]] ^= 0x10;
		if (PLACES[i] >= 368)
			memcpy(question.report_data, bytes + 368, 64);
		test_expect(&question, "quote-signature");
		bytes[PLACES[i]] ^= 0x10;
	}
}

static void test_reserved_bytes(void **state)
{
	static const size_t PLACES[] = {20, 31, 96, 127, 160, 191, 262, 303};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(PLACES); i++) {
		bytes[48 + PLACES[i]] = 1;
		test_expect(&question, "malformed");
		bytes[48 + PLACES[i]] = 0;
		bytes[QE_REPORT_AT + PLACES[i]] = 1;
		test_expect(&question, "malformed");
		bytes[QE_REPORT_AT + PLACES[i]] = 0;
	}
}

/* n, big-endian: the order of the group. */
static const uint8_t ORDER[32] = {0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff,
				  0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17,
				  0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51};

static void test_signature_range(void **state)
{
	uint8_t saved[64];

	(void)state;
	memcpy(saved, bytes + SIGNATURE_AT, 64);
	for (size_t half = 0; half < 2; half++) {
		memset(bytes + SIGNATURE_AT + 32 * half, 0, 32);
		test_expect(&question, "quote-signature");
		memcpy(bytes + SIGNATURE_AT + 32 * half, ORDER, 32);
		test_expect(&question, "quote-signature");
		memset(bytes + SIGNATURE_AT + 32 * half, 0xff, 32);
		test_expect(&question, "quote-signature");
		memcpy(bytes + SIGNATURE_AT, saved, 64);
	}
}

/* ECDSA is malleable: with s, n - s is valid too. */
static void test_high_s(void **state)
{
	int borrow = 0;

	(void)state;
	for (size_t i = 32; i-- > 0;) {
		int difference = ORDER[i] - bytes[SIGNATURE_AT + 32 + i] - borrow;

		borrow = difference < 0;
		bytes[SIGNATURE_AT + 32 + i] = (uint8_t)(difference + (borrow ? 256 : 0));
	}
	test_expect(&question, "none");
}

static void test_attestation_key(void **state)
{
	struct test_evidence e;
	uint8_t point[65];

	(void)state;
	p256_point(test_key(TEST_KEY_OTHER), point);
	memcpy(bytes + KEY_AT, point + 1, 64); /* another quote's key */
	test_expect(&question, "qe-report-data");
	bytes[KEY_AT + 63] ^= 1; /* not on the curve */
	test_expect(&question, "qe-report-data");
	/* Not on the curve, though the quoting enclave vouches for it. */
	test_evidence_init(&e);
	memcpy(e.attestation_point, point + 1, 64);
	e.attestation_point[63] ^= 1;
	test_expect_evidence(&e, "quote-signature");
}

static void test_qe_report(void **state)
{
	static const size_t PLACES[] = {0, 16, 48, 64, 128, 256, 258, 320, 383};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(PLACES); i++) {
		bytes[QE_REPORT_AT + PLACES[i]] ^= 0x10;
		test_expect(&question, "qe-report-signature");
		bytes[QE_REPORT_AT + PLACES[i]] ^= 0x10;
	}
	bytes[QE_SIGNATURE_AT + 5] ^= 1;
	test_expect(&question, "qe-report-signature");
	bytes[QE_SIGNATURE_AT + 5] ^= 1;
	bytes[AUTH_DATA_AT] ^= 1;
	test_expect(&question, "qe-report-data");
}

/* The second half of the QE's REPORTDATA is zero, also where its signature holds. */
static void test_qe_report_data_tail(void **state)
{
	struct test_evidence e;

	(void)state;
	test_evidence_init(&e);
	e.qe_report[383] = 1;
	test_expect_evidence(&e, "qe-report-data");
}

static void test_der_signature(void **state)
{
	static const uint8_t HEADER[] = {0x30, 0x44, 0x02, 0x20};
	uint8_t *longer = calloc(1, size + 6);
	const uint32_t auth_size = get_u32(AUTH_SIZE_AT) + 6;

	(void)state;
	assert_non_null(longer);
	memcpy(longer, bytes, SIGNATURE_AT);
	memcpy(longer + SIGNATURE_AT, HEADER, 4);
	memcpy(longer + SIGNATURE_AT + 4, bytes + SIGNATURE_AT, 32);
	longer[SIGNATURE_AT + 36] = 0x02;
	longer[SIGNATURE_AT + 37] = 0x20;
	memcpy(longer + SIGNATURE_AT + 38, bytes + SIGNATURE_AT + 32, size - SIGNATURE_AT - 32);
	for (size_t i = 0; i < 4; i++)
		longer[AUTH_SIZE_AT + i] = (uint8_t)(auth_size >> (8 * i));
	question.quote = (struct attest_bytes){longer, size + 6};
	test_expect(&question, "malformed");
	free(longer);
}

static void test_binding(void **state)
{
	struct test_evidence e;
	struct test_question other;

	(void)state;
	for (size_t i = 0; i < 64; i += 21) {
		question.report_data[i] ^= 1;
		test_expect(&question, "binding");
		question.report_data[i] ^= 1;
	}
	question.report_data[63] ^= 1;
	test_expect(&question, "binding");
	/* A quote over nothing. */
	test_evidence_init(&e);
	memset(e.report + 320, 0, 64);
	test_evidence_build(&e);
	test_question_init(&other, &e);
	memset(other.report_data, 0x33, 64);
	test_expect(&other, "binding");
	test_evidence_done(&e);
}

/* One bit of every byte (of the chain every third); with MSE_TEST_LONG (make check-long) every bit. */
static void test_every_byte(void **state)
{
	const size_t bits = getenv("MSE_TEST_LONG") ? 8 : 1;
	size_t count = 0;

	(void)state;
	for (size_t i = 0; i + 1 < size; i += bits == 8 || i < CERT_DATA_AT ? 1 : 3) {
		for (size_t bit = 0; bit < bits; bit++) {
			const uint8_t flip = (uint8_t)(1u << ((i + bit) % 8));
			struct attest_verdict *verdict;

			bytes[i] ^= flip;
			verdict = test_judge(&question);
			if (verdict->accepted)
				fail_msg("bit 0x%02x of byte %zu changed, and accepted", flip, i);
			attest_verdict_free(verdict);
			bytes[i] ^= flip;
			count++;
		}
	}
	test_expect(&question, "none");
	print_message("%zu changed quotes refused\n", count);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_good),
	    TEST(test_truncated),
	    TEST(test_header),
	    TEST(test_lengths),
	    TEST(test_trailing_bytes),
	    TEST(test_size_limit),
	    TEST(test_cert_data_types),
	    TEST(test_signed_bits),
	    TEST(test_reserved_bytes),
	    TEST(test_signature_range),
	    TEST(test_high_s),
	    TEST(test_attestation_key),
	    TEST(test_qe_report),
	    TEST(test_qe_report_data_tail),
	    TEST(test_der_signature),
	    TEST(test_binding),
	    TEST(test_every_byte),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
