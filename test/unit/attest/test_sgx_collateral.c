/* SPDX-License-Identifier: Apache-2.0 */
/* What must be refused of TCB info and QE identity: attestation-evidence.md section 5 cases 29 to 38, section 7. */
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "sgx_setup.h"

static void expect(const char *error)
{
	build();
	test_expect(&question, error);
	again();
}

static void in_tcb_info(const char *from, const char *to)
{
	test_replace(e.tcb_info_body, sizeof(e.tcb_info_body), from, to);
}

static void in_identity(const char *from, const char *to)
{
	test_replace(e.qe_identity_body, sizeof(e.qe_identity_body), from, to);
}

static void use_tcb_info(struct buf *text)
{
	question.collateral.tcb_info = (struct attest_bytes){text->data, text->size};
}

static void test_tcb_info_signature(void **state)
{
	char *at;

	(void)state;
	build();
	at = strstr((char *)e.tcb_info.data, "OutOfDate");
	memcpy(at, "UpToDate\"", 9); /* changed, and no longer JSON */
	test_expect(&question, "collateral-malformed");
	memcpy(at, "OutOfDate", 9);
	at = strstr((char *)e.tcb_info.data, "\"pcesvn\":13");
	at[10] = '4';
	test_expect(&question, "tcb-info-signature");
	again();
	/* Written anew with a space in it, signature of the text without. */
	build();
	{
		struct buf text = BUF_INIT(1u << 20);
		struct err err = ERR_INIT;
		const char *comma = strchr((char *)e.tcb_info.data, ',');

		assert_ok(buf_addf(&text, &err, "%.*s, %s", (int)(comma - (char *)e.tcb_info.data),
				   (char *)e.tcb_info.data, comma + 1),
			  &err);
		use_tcb_info(&text);
		test_expect(&question, "tcb-info-signature");
		buf_done(&text);
	}
	again();
	/* With the space signed it is as good as without. */
	in_tcb_info("{\"id\":\"SGX\",", "{ \"id\" : \"SGX\" ,\n");
	expect("none");
	e.tcb_info_key = TEST_KEY_OTHER;
	expect("tcb-info-signature");
}

static void test_qe_identity_signature(void **state)
{
	struct buf mixed = BUF_INIT(1u << 20);
	struct err err = ERR_INIT;
	const char *signature;

	(void)state;
	build();
	signature = strstr((char *)e.tcb_info.data, ",\"signature\"");
	assert_ok(buf_addf(&mixed, &err, "{\"enclaveIdentity\":%s%s", e.qe_identity_body, signature), &err);
	question.collateral.qe_identity = (struct attest_bytes){mixed.data, mixed.size};
	test_expect(&question, "qe-identity-signature");
	buf_done(&mixed);
	again();
	e.qe_identity_key = TEST_KEY_OTHER;
	expect("qe-identity-signature");
}

/* Outer members in any order, with white space and unknown members; digits of the signature in upper case. */
static void test_outer_form(void **state)
{
	struct buf text = BUF_INIT(1u << 20);
	struct err err = ERR_INIT;
	char signature[129] = "";
	const char *at;

	(void)state;
	build();
	at = strstr((char *)e.tcb_info.data, "\"signature\":\"") + 13;
	for (size_t i = 0; i < 128; i++)
		signature[i] = (char)(at[i] >= 'a' ? at[i] - 32 : at[i]);
	assert_ok(buf_addf(&text, &err,
			   " { \"x\" : [1,\"}\",{}] ,\"signature\"\n: \"%s\" , \"tcb\\u0049nfo\" : %s } \n", signature,
			   e.tcb_info_body),
		  &err);
	use_tcb_info(&text);
	test_expect(&question, "none");
	assert_ok(buf_add_text(&text, "x", &err), &err);
	use_tcb_info(&text);
	test_expect(&question, "collateral-malformed");
	buf_done(&text);
}

static void test_dates(void **state)
{
	(void)state;
	in_tcb_info("2025-07-01T00:00:00Z", "2025-06-15T15:06:40Z"); /* TEST_TIME */
	in_tcb_info("2025-06-01T00:00:00Z", "2025-06-15T15:06:40Z");
	expect("none");
	in_tcb_info("2025-07-01T00:00:00Z", "2025-06-15T15:06:39Z");
	expect("tcb-info-expired");
	in_tcb_info("2025-06-01T00:00:00Z", "2025-06-15T15:06:41Z");
	expect("not-yet-valid");
	in_identity("2025-07-02T00:00:00Z", "2025-06-15T15:06:40Z");
	in_identity("2025-06-02T00:00:00Z", "2025-06-15T15:06:40Z");
	expect("none");
	in_identity("2025-07-02T00:00:00Z", "2025-06-15T15:06:39Z");
	expect("qe-identity-expired");
	in_identity("2025-06-02T00:00:00Z", "2025-06-15T15:06:41Z");
	expect("not-yet-valid");
}

static void test_tcb_info_mismatch(void **state)
{
	(void)state;
	in_tcb_info("30606A000000", "30606A000001");
	expect("tcb-info-mismatch");
	in_tcb_info("30606A000000", "30606a000000"); /* case does not matter */
	expect("none");
	in_tcb_info("\"pceId\":\"0000\"", "\"pceId\":\"0001\"");
	expect("tcb-info-mismatch");
}

#define ZEROS_16 "0000000000000000"
#define TDX_MODULE \
	"\"tdxModule\":{\"mrsigner\":\"" ZEROS_16 ZEROS_16 ZEROS_16 ZEROS_16 ZEROS_16 ZEROS_16 \
	"\",\"attributes\":\"" ZEROS_16 "\",\"attributesMask\":\"FFFFFFFFFFFFFFFF\"}"

/* Genuine collateral, but of TDX. */
static void test_tdx_collateral(void **state)
{
	char level[] = "],\"pcesvn\"";
	char tdx[1024];

	(void)state;
	in_tcb_info("\"id\":\"SGX\"", "\"id\":\"TDX\"," TDX_MODULE);
	(void)snprintf(
	    tdx, sizeof(tdx), "],\"tdxtcbcomponents\":[%s],\"pce_svn\"",
	    "{\"svn\":1},{\"svn\":1},{\"svn\":1},{\"svn\":1},{\"svn\":1},{\"svn\":1},{\"svn\":1},{\"svn\":1},"
	    "{\"svn\":1},{\"svn\":1},{\"svn\":1},{\"svn\":1},{\"svn\":1},{\"svn\":1},{\"svn\":1},{\"svn\":1}");
	for (size_t i = 0; i < 3; i++)
		in_tcb_info(level, tdx);
	for (size_t i = 0; i < 3; i++)
		in_tcb_info("pce_svn", "pcesvn");
	expect("tcb-info-mismatch");
	in_identity("\"id\":\"QE\"", "\"id\":\"TD_QE\"");
	expect("qe-identity-mismatch");
	in_identity("\"id\":\"QE\"", "\"id\":\"QVE\"");
	expect("qe-identity-mismatch");
}

static void test_tcb_levels(void **state)
{
	struct attest_verdict *verdict;

	(void)state;
	e.pck.components[0] = 2; /* below the lowest */
	expect("tcb-not-supported");
	e.pck.pcesvn = 4;
	expect("tcb-not-supported");
	e.qe_report[258] = 1;
	expect("tcb-not-supported");
	e.pck.components[0] = 6; /* the second level fits */
	build();
	verdict = test_judge(&question);
	assert_string_equal(verdict->error_text, "tcb-status");
	assert_true(verdict->authentic);
	assert_int_equal(verdict->facts.tcb_status, ATTEST_TCB_OUT_OF_DATE);
	assert_int_equal(verdict->facts.advisory_count, 2);
	assert_string_equal(verdict->facts.advisories[0], "INTEL-SA-00001");
	assert_string_equal(verdict->facts.advisories[1], "INTEL-SA-00002");
	attest_verdict_free(verdict);
	again();
	e.pck.components[0] = 6;
	e.qe_report[258] = 6;
	build();
	verdict = test_judge(&question);
	assert_int_equal(verdict->facts.intel.qe_status, ATTEST_TCB_OUT_OF_DATE);
	assert_int_equal(verdict->facts.advisory_count, 3); /* the union */
	assert_string_equal(verdict->facts.advisories[2], "INTEL-SA-00003");
	attest_verdict_free(verdict);
	again();
	e.qe_report[258] = 6; /* the quoting enclave alone is out of date */
	expect("tcb-status");
}

static void test_revoked(void **state)
{
	(void)state;
	e.pck.components[0] = 4;
	expect("tcb-revoked");
	e.qe_report[258] = 5;
	expect("tcb-revoked");
	/* A broken signature is named before a bad status. */
	e.pck.components[0] = 4;
	build();
	e.quote.data[436] ^= 1;
	test_expect(&question, "quote-signature");
}

static void test_qe_identity_mismatch(void **state)
{
	(void)state;
	in_identity("8C4F", "8C4E");
	expect("qe-identity-mismatch");
	in_identity("\"isvprodid\":1", "\"isvprodid\":2");
	expect("qe-identity-mismatch");
	in_identity("\"attributes\":\"11", "\"attributes\":\"31");
	expect("qe-identity-mismatch");
	in_identity("\"miscselect\":\"00000000\"", "\"miscselect\":\"01000000\"");
	expect("qe-identity-mismatch");
	in_identity("\"miscselect\":\"00000000\"", "\"miscselect\":\"01000000\""); /* memory order: the value 1 */
	e.qe_report[16] = 1;
	expect("none");
	e.qe_report[16] = 1;
	expect("qe-identity-mismatch");
	e.qe_report[48] = 0x17; /* DEBUG, which the mask leaves free here */
	in_identity("\"attributesMask\":\"FB", "\"attributesMask\":\"F9");
	expect("qe-identity-mismatch");
}

static void test_qe_debug_has_no_exception(void **state)
{
	const struct attest_exception exception = {.reason = "debug", .until = INT64_MAX, .debug = true};

	(void)state;
	e.qe_report[48] = 0x17;
	in_identity("\"attributesMask\":\"FB", "\"attributesMask\":\"F9");
	build();
	question.policy.exceptions = &exception;
	question.policy.exception_count = 1;
	test_expect(&question, "qe-identity-mismatch");
}

struct change {
	const char *from;
	const char *to;
};

static void test_tcb_info_malformed(void **state)
{
	static const struct change CHANGES[] = {
	    {"\"UpToDate\"", "\"uptodate\""},
	    {"\"UpToDate\"", "\"UpToDate \""},
	    {"\"UpToDate\"", "\"Unknown\""},
	    {"\"Revoked\"", "\"\""}, /* in a level that is not chosen */
	    {"\"UpToDate\"", "1"},
	    {"{\"svn\":5},", ""},                         /* 15 components */
	    {"{\"svn\":5},", "{\"svn\":5},{\"svn\":5},"}, /* 17 */
	    {"{\"svn\":5}", "{\"svn\":256}"},
	    {"{\"svn\":5}", "{\"svn\":-1}"},
	    {"{\"svn\":5}", "{\"svn\":5.0}"},
	    {"{\"svn\":5}", "{\"svn\":\"5\"}"},
	    {"{\"svn\":5}", "{}"},
	    {"{\"svn\":5}", "5"},
	    {"{\"svn\":5}", "{\"svn\":NaN}"},
	    {"{\"svn\":5}", "{\"svn\":99999999999999999999999999}"},
	    {"{\"svn\":5}", "{\"svn\":5,\"svn\":5}"},
	    {"\"pcesvn\":13", "\"pcesvn\":65536"},
	    {"\"pcesvn\":13", "\"pcesvn\":-1"},
	    {"\"pcesvn\":5", "\"pcesvn\":5e0"},
	    {"\"version\":3", "\"version\":2"},
	    {"\"version\":3", "\"version\":4"},
	    {"\"version\":3", "\"version\":\"3\""},
	    {"\"version\":3", "\"version\":3,\"version\":3"},
	    {"\"version\":3", "\"version\":3,\"vers\\u0069on\":3"},
	    {"\"version\":3,", ""},
	    {"\"id\":\"SGX\"", "\"id\":\"sgx\""},
	    {"\"id\":\"SGX\"", "\"id\":\"TDX\""}, /* without a module */
	    {"\"id\":\"SGX\"", "\"id\":\"SGX\",\"tdxModule\":{}"},
	    {"\"tcbType\":0", "\"tcbType\":1"},
	    {"\"tcbType\":0,", ""},
	    {"\"tcbEvaluationDataNumber\":17", "\"tcbEvaluationDataNumber\":-17"},
	    {"\"tcbEvaluationDataNumber\":17,", ""},
	    {"2025-06-01T00:00:00Z", "2026-02-30T00:00:00Z"},
	    {"2025-06-01T00:00:00Z", "2025-06-01T00:00:00"},
	    {"2025-06-01T00:00:00Z", "2025-06-01 00:00:00Z"},
	    {"2025-06-01T00:00:00Z", "2025-06-01T00:00:00+00:00"},
	    {"2025-06-01T00:00:00Z", "2025-06-01T24:00:00Z"},
	    {"2020-01-01T00:00:00Z", "2020-13-01T00:00:00Z"},
	    {"30606A000000", "30606A00000"},
	    {"30606A000000", "30606A00000000"},
	    {"30606A000000", "30606A00000g"},
	    {"\"INTEL-SA-00002\"", "2"},
	    {"\"INTEL-SA-00002\"", "\"\""},
	    {"\"INTEL-SA-00002\"", "\"INTEL\\u001b[31m\""},
	    {"\"INTEL-SA-00002\"", "\"INTEL-SA-000000000000000000000002\""},
	    {"\"INTEL-SA-00002\"", "\"a\\u0000b\""},
	    {"[\"INTEL-SA-00002\",\"INTEL-SA-00001\"]", "\"INTEL-SA-00002\""},
	    {"\"svn\":3", "\"svn\":[[[[[[[[3]]]]]]]]"},
	    {"\"OutOfDate\"", "\"\xff\xfe\""},
	    {"{\"id\"", "\xef\xbb\xbf{\"id\""},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(CHANGES); i++) {
		in_tcb_info(CHANGES[i].from, CHANGES[i].to);
		expect("collateral-malformed");
	}
	/* Two equal levels; no level. */
	in_tcb_info("\"svn\":5,\"category\"", "\"svn\":7,\"category\"");
	expect("collateral-malformed");
	strstr(e.tcb_info_body, "\"tcbLevels\":[")[13] = '\0';
	(void)strcat(e.tcb_info_body, "]}");
	expect("collateral-malformed");
}

static void test_qe_identity_malformed(void **state)
{
	static const struct change CHANGES[] = {
	    {"\"UpToDate\"", "\"SWHardeningNeeded\""}, /* of platforms only */
	    {"\"UpToDate\"", "\"Uptodate\""},
	    {"\"isvsvn\":8", "\"isvsvn\":65536"},
	    {"\"isvsvn\":8", "\"isvsvn\":6"}, /* two equal levels */
	    {"\"isvsvn\":8", "\"isvsvn\":8.5"},
	    {"\"isvprodid\":1", "\"isvprodid\":65536"},
	    {"\"isvprodid\":1,", ""},
	    {"\"version\":2", "\"version\":1"},
	    {"\"id\":\"QE\"", "\"id\":\"qe\""},
	    {"\"miscselectMask\":\"FFFFFFFF\"", "\"miscselectMask\":\"FFFFFFF\""},
	    {"\"attributesMask\":\"FB", "\"attributesMask\":\""},
	    {"8C4F", "8C4"},
	    {"2025-07-02", "2025-02-29"},
	    {"\"tcbEvaluationDataNumber\":18,", ""},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(CHANGES); i++) {
		in_identity(CHANGES[i].from, CHANGES[i].to);
		expect("collateral-malformed");
	}
	strstr(e.qe_identity_body, "\"tcbLevels\":[")[13] = '\0';
	(void)strcat(e.qe_identity_body, "]}");
	expect("collateral-malformed");
}

static void test_missing(void **state)
{
	(void)state;
	build();
	question.collateral.tcb_info = (struct attest_bytes){0};
	test_expect(&question, "collateral-malformed");
	test_question_init(&question, &e);
	question.collateral.qe_identity = (struct attest_bytes){0};
	test_expect(&question, "collateral-malformed");
	test_question_init(&question, &e);
	question.collateral.tcb_info = question.collateral.qe_identity;
	test_expect(&question, "collateral-malformed");
}

#define ITEMS 6

static struct attest_bytes *item_at(size_t i)
{
	struct attest_bytes *const items[ITEMS] = {
	    &question.collateral.tcb_info,    &question.collateral.tcb_info_issuer_chain,
	    &question.collateral.qe_identity, &question.collateral.qe_identity_issuer_chain,
	    &question.collateral.root_ca_crl, &question.collateral.pck_crl,
	};

	return items[i];
}

static char *get_text(size_t i, struct attest_bytes item)
{
	struct attest_verdict *verdict;
	char *text;

	test_question_init(&question, &e);
	*item_at(i) = item;
	verdict = test_judge(&question);
	text = attest_verdict_text(verdict);
	assert_non_null(text);
	attest_verdict_free(verdict);
	return text;
}

/* What has no bytes, or no size, is not given. */
static void test_half_given(void **state)
{
	(void)state;
	build();
	for (size_t i = 0; i < ITEMS; i++) {
		const struct attest_bytes whole = *item_at(i);
		char *none = get_text(i, (struct attest_bytes){0});
		char *no_bytes = get_text(i, (struct attest_bytes){NULL, whole.size});
		char *no_size = get_text(i, (struct attest_bytes){whole.data, 0});

		assert_string_equal(none, no_bytes);
		assert_string_equal(none, no_size);
		free(none);
		free(no_bytes);
		free(no_size);
	}
}

/* Each failed check says what is wrong with what it could not read. */
static void test_unreadable_says_why(void **state)
{
	static const uint8_t GARBAGE[] = "garbage";

	(void)state;
	build();
	for (size_t i = 0; i < ITEMS; i++) {
		struct attest_verdict *verdict;

		test_question_init(&question, &e);
		*item_at(i) = (struct attest_bytes){GARBAGE, sizeof(GARBAGE)};
		verdict = test_judge(&question);
		assert_false(verdict->accepted);
		for (size_t j = 0; j < verdict->check_count; j++)
			assert_true(verdict->checks[j].text[0] != '\0');
		attest_verdict_free(verdict);
		test_question_init(&question, &e);
	}
}

/* 10 MB of brackets are refused without recursion, a megabyte too much without parsing. */
static void test_nesting(void **state)
{
	const size_t size = 10u << 20;
	char *text = malloc(size);

	(void)state;
	assert_non_null(text);
	build();
	memset(text, '[', size);
	question.collateral.tcb_info = (struct attest_bytes){(uint8_t *)text, size};
	test_expect(&question, "collateral-malformed");
	question.collateral.tcb_info.size = 100000;
	memcpy(text, "{\"tcbInfo\":", 11);
	test_expect(&question, "collateral-malformed");
	free(text);
}

/* Eight levels of nesting are taken, nine are not; members that we do not know are ignored. */
static void test_depth(void **state)
{
	(void)state;
	in_tcb_info("\"version\":3", "\"version\":3,\"x\":[[[[[[1]]]]]]");
	expect("none");
	in_tcb_info("\"version\":3", "\"version\":3,\"x\":[[[[[[[1]]]]]]]");
	expect("collateral-malformed");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_tcb_info_signature),
	    TEST(test_qe_identity_signature),
	    TEST(test_outer_form),
	    TEST(test_dates),
	    TEST(test_tcb_info_mismatch),
	    TEST(test_tdx_collateral),
	    TEST(test_tcb_levels),
	    TEST(test_revoked),
	    TEST(test_qe_identity_mismatch),
	    TEST(test_qe_debug_has_no_exception),
	    TEST(test_tcb_info_malformed),
	    TEST(test_qe_identity_malformed),
	    TEST(test_missing),
	    TEST(test_half_given),
	    TEST(test_unreadable_says_why),
	    TEST(test_nesting),
	    TEST(test_depth),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
