/* SPDX-License-Identifier: Apache-2.0 */
/*
 * attestation-evidence.md section 7, the rules for Intel's quotes and collateral in which other verifiers are laxer,
 * each a test of its own. Rules of TDX alone are in test_tdx.c. Which test shows which rule:
 * docs/testing-attestation.md.
 */
#include "unit.h"

#include "intel_case.h"

/* ---- parsing */

static void reserved_header_bytes(void)
{
	const char *error = case_get(0, 2) == 3 ? "quote-signature" : "malformed"; /* SVNs in version 3 */

	for (size_t i = 8; i < 12; i++)
		case_with(i, 1, 1, error);
}

static void rule_reserved_header_bytes(void **state)
{
	(void)state;
	CASE_OF_ALL(reserved_header_bytes);
}

static void reserved_report_bytes(void)
{
	static const size_t PLACES[] = {20, 31, 96, 127, 160, 191, 262, 303};

	for (size_t i = 0; i < COUNT_OF(PLACES); i++) {
		if (!test_evidence_is_tdx(&test_case.in))
			case_with(test_case.at.body + PLACES[i], 1, 1, "malformed");
		case_with(test_case.at.qe_report + PLACES[i], 0x80, 1, "malformed");
	}
}

static void rule_reserved_report_bytes(void **state)
{
	(void)state;
	CASE_OF_ALL(reserved_report_bytes);
}

static void byte_after_leaf(struct test_evidence *in)
{
	in->pck_cert.trailing_byte = true;
}

static void byte_after_ca(struct test_evidence *in)
{
	in->ca.trailing_byte = true;
}

static void byte_after_signer(struct test_evidence *in)
{
	in->signer.trailing_byte = true;
}

static void byte_after_pck_crl(struct test_evidence *in)
{
	in->pck_crl.trailing_byte = true;
}

static void byte_after_root_crl(struct test_evidence *in)
{
	in->root_crl.trailing_byte = true;
}

static void byte_after_extension(struct test_evidence *in)
{
	in->pck.trailing_byte = true;
}

static void rule_der_ends(void **state)
{
	(void)state;
	case_refuse(byte_after_leaf, "chain-invalid");
	case_refuse(byte_after_ca, "chain-invalid");
	case_refuse(byte_after_signer, "chain-invalid");
	case_refuse(byte_after_pck_crl, "crl-malformed");
	case_refuse(byte_after_root_crl, "crl-malformed");
	case_refuse(byte_after_extension, "pck-extension");
}

static void no_extension(struct test_evidence *in)
{
	in->no_pck_extension = true;
}

/* The leaf gets its extension when it is built: this is the second. */
static void two_extensions(struct test_evidence *in)
{
	test_cert_add_extension(&in->pck_cert, "1.2.840.113741.1.13.1", false, "\x30\x00", 2);
}

static void five_under_platform(struct test_evidence *in)
{
	in->pck.platform = false;
}

static void seven_under_processor(struct test_evidence *in)
{
	in->ca.name = in->pck_cert.issuer_name = in->pck_crl.issuer_name = "Test SGX PCK Processor CA";
}

static void rule_pck_extension_once(void **state)
{
	(void)state;
	case_refuse(no_extension, "pck-extension");
	case_refuse(two_extensions, "pck-extension");
}

static void four_under_processor(struct test_evidence *in)
{
	seven_under_processor(in);
	in->pck.platform = false;
	in->pck.leave_out = 3;
}

static void rule_pck_extension_elements(void **state)
{
	(void)state;
	case_refuse(four_under_processor, "pck-extension");
	case_refuse(five_under_platform, "pck-extension");
	case_refuse(seven_under_processor, "pck-extension");
	for (unsigned i = 1; i <= 7; i++) {
		case_init(TEST_TDX_V4);
		test_case.in.pck.leave_out = i;
		test_case.in.pck.twice = i == 7 ? 1 : i + 1;
		case_build();
		case_expect("pck-extension");
		case_done();
	}
	for (unsigned i = 1; i <= 18; i++) {
		case_init(TEST_SGX_V4);
		test_case.in.pck.tcb_leave_out = i;
		test_case.in.pck.tcb_twice = i == 18 ? 1 : i + 1;
		case_build();
		case_expect("pck-extension");
		case_done();
	}
}

static void wrong_type(struct test_evidence *in)
{
	in->pck.type_as_integer = true;
}

static void long_ppid(struct test_evidence *in)
{
	in->pck.ppid_size = 17;
}

static void short_fmspc(struct test_evidence *in)
{
	in->pck.fmspc_size = 5;
}

static void rule_pck_extension_types(void **state)
{
	(void)state;
	case_refuse(wrong_type, "pck-extension");
	case_refuse(long_ppid, "pck-extension");
	case_refuse(short_fmspc, "pck-extension");
}

static void rule_svn_range(void **state)
{
	static const int64_t SVNS[] = {-1, 256, 259, 511, 1LL << 32};
	static const int64_t PCESVNS[] = {-1, 65536, 1LL << 32};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(SVNS); i++) {
		case_init(TEST_TDX_V5_1_5);
		test_case.in.pck.components[i] = SVNS[i];
		case_build();
		case_expect("pck-extension");
		case_done();
	}
	for (size_t i = 0; i < COUNT_OF(PCESVNS); i++) {
		case_init(TEST_SGX_V5);
		test_case.in.pck.pcesvn = PCESVNS[i];
		case_build();
		case_expect("pck-extension");
		case_done();
	}
}

static void malformed(const struct case_text *texts, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		case_refuse_text(TEST_SGX_V3, &texts[i], "collateral-malformed");
		case_refuse_text(TEST_TDX_V5_1_5, &texts[i], "collateral-malformed");
	}
}

static void rule_json_ranges(void **state)
{
	static const struct case_text TEXTS[] = {
	    {false, "{\"svn\":5}", "{\"svn\":256}"},     {false, "{\"svn\":5}", "{\"svn\":259}"},
	    {false, "{\"svn\":5}", "{\"svn\":-1}"},      {false, "{\"svn\":5}", "{\"svn\":5.0}"},
	    {false, "{\"svn\":5}", "{\"svn\":5e0}"},     {false, "{\"svn\":5}", "{\"svn\":\"5\"}"},
	    {false, "\"pcesvn\":5", "\"pcesvn\":65536"}, {false, "\"pcesvn\":5", "\"pcesvn\":-1"},
	    {true, "\"isvsvn\":2", "\"isvsvn\":65536"},  {true, "\"isvsvn\":2", "\"isvsvn\":2.0"},
	    {true, "\"isvsvn\":2", "\"isvsvn\":-1"},
	};

	(void)state;
	malformed(TEXTS, COUNT_OF(TEXTS));
}

static void after_tcb_info(const char *text, const char *error)
{
	struct buf longer = BUF_INIT(1u << 20);
	struct err err = ERR_INIT;

	case_init(TEST_SGX_V3);
	case_build();
	assert_ok(buf_add(&longer, test_case.in.tcb_info.data, test_case.in.tcb_info.size, &err), &err);
	assert_ok(buf_add_text(&longer, text, &err), &err);
	test_case.ask.collateral.tcb_info = (struct attest_bytes){longer.data, longer.size};
	case_expect(error);
	case_done();
	buf_done(&longer);
}

static void rule_json_form(void **state)
{
	static const struct case_text TEXTS[] = {
	    {false, "{\"id\"", "\xef\xbb\xbf{\"id\""},
	    {false, "\"OutOfDate\"", "\"OutOfDate\xff\""},
	    {false, "\"version\":3", "\"version\":3,\"vers\\u0069on\":3"},
	    {false, "\"version\":3", "\"x\":{\"a\":1,\"a\":1},\"version\":3"},
	    {false, "\"version\":3", "\"Version\":3"},
	    {true, "\"version\":2", "\"version\":2,\"vers\\u0069on\":2"},
	    {true, "{\"id\"", "\xef\xbb\xbf{\"id\""},
	};

	(void)state;
	malformed(TEXTS, COUNT_OF(TEXTS));
	after_tcb_info("x", "collateral-malformed");
	after_tcb_info("{}", "collateral-malformed");
	after_tcb_info(" \n", "none");
}

static void rule_unknown_members_are_ignored(void **state)
{
	static const struct case_text TEXTS[] = {
	    {false, "\"version\":3", "\"version\":3,\"x\":[[1]]"},
	    {false, "{\"svn\":5}", "{\"svn\":5,\"x\":null}"},
	    {true, "\"version\":2", "\"version\":2,\"x\":{}"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(TEXTS); i++) {
		case_refuse_text(TEST_SGX_V3, &TEXTS[i], "none");
		case_refuse_text(TEST_TDX_V4, &TEXTS[i], "none");
	}
}

static void rule_json_depth(void **state)
{
	static const struct case_text EIGHT = {false, "\"version\":3", "\"version\":3,\"x\":[[[[[[1]]]]]]"};
	static const struct case_text NINE = {false, "\"version\":3", "\"version\":3,\"x\":[[[[[[[1]]]]]]]"};
	static const struct case_text IDENTITY = {true, "\"version\":2", "\"version\":2,\"x\":[[[[[[[1]]]]]]]"};

	(void)state;
	case_refuse_text(TEST_TDX_V4, &EIGHT, "none");
	case_refuse_text(TEST_TDX_V4, &NINE, "collateral-malformed");
	case_refuse_text(TEST_TDX_V4, &IDENTITY, "collateral-malformed");
}

/* In levels that are not chosen, too: the changes are in the last ones. */
static void rule_every_level_counts(void **state)
{
	static const struct case_text TEXTS[] = {
	    {false, "\"svn\":3,\"category\":\"BIOS\"},{\"svn\":5},", "\"svn\":3,\"category\":\"BIOS\"},"},
	    {false, "\"Revoked\"", "\"revoked\""},
	    {false, "\"Revoked\"", "\"Revoked \""},
	    {false, "2020-01-01T00:00:00Z", "2026-02-30T00:00:00Z"},
	    {false, "2020-01-01T00:00:00Z", "2020-01-01T00:00:60Z"},
	    {false, "2020-01-01T00:00:00Z", "2020-01-01T00:00:00"},
	    {false, "2020-01-01T00:00:00Z", "2020-01-01T00:00:00+00:00"},
	    {false, "2020-01-01T00:00:00Z", "2020-1-1T00:00:00Z"},
	    {false, "\"tcbType\":0", "\"tcbType\":1"},
	    {false, "\"INTEL-SA-00002\"", "2"},
	    {true, "\"Revoked\"", "\"REVOKED\""},
	    {true, "\"Revoked\"", "\"SWHardeningNeeded\""},
	    {true, "2019-01-01T00:00:00Z", "2019-02-29T00:00:00Z"},
	    {true, "\"isvsvn\":2", "\"isvsvn\":6"}, /* two equal levels */
	};

	(void)state;
	malformed(TEXTS, COUNT_OF(TEXTS));
}

/* Cuts the text at the first occurrence and closes it: no levels. */
static void no_levels(char *body)
{
	char *at = strstr(body, "\"tcbLevels\":[");

	assert_non_null(at);
	memcpy(at + 13, "]}", 3);
}

static void rule_equal_and_empty_levels(void **state)
{
	static const struct case_text EQUAL = {false, "\"svn\":5,\"category\"", "\"svn\":7,\"category\""};

	(void)state;
	case_refuse_text(TEST_SGX_V3, &EQUAL, "collateral-malformed");
	case_init(TEST_SGX_V3);
	no_levels(test_case.in.tcb_info_body);
	case_build();
	case_expect("collateral-malformed");
	case_done();
	case_init(TEST_TDX_V4);
	no_levels(test_case.in.qe_identity_body);
	case_build();
	case_expect("collateral-malformed");
	case_done();
}

/* SGX info has no module, TDX info has one. */
static void rule_module_belongs_to_tdx(void **state)
{
	static const struct case_text MODULE = {false, "\"version\":3", "\"version\":3,\"tdxModule\":{}"};
	static const struct case_text NOTHING = {false, "\"version\":3", "\"version\":3,\"tdxModule\":null"};
	static const struct case_text LIST = {false, "\"version\":3", "\"version\":3,\"tdxModuleIdentities\":[]"};
	static const struct case_text NONE = {false, "\"tdxModule\":", "\"tdxmodule\":"};

	(void)state;
	case_refuse_text(TEST_SGX_V3, &MODULE, "collateral-malformed");
	case_refuse_text(TEST_SGX_V3, &NOTHING, "collateral-malformed");
	case_refuse_text(TEST_SGX_V3, &LIST, "collateral-malformed");
	case_refuse_text(TEST_TDX_V4, &NONE, "collateral-malformed");
}

/* White space inside the signed object: part of what is signed, or a change. */
static void rule_bytes_as_received(void **state)
{
	static const struct case_text INFO = {false, "\"version\":3", "\"version\" :\n3"};
	static const struct case_text IDENTITY = {true, "\"version\":2", "\"version\" :\t2"};

	(void)state;
	case_refuse_text(TEST_SGX_V3, &INFO, "none"); /* signed so */
	case_refuse_text(TEST_TDX_V4, &IDENTITY, "none");
	case_init(TEST_TDX_V4);
	case_build();
	{
		struct buf *json = &test_case.in.qe_identity;
		char *space = strchr((char *)json->data, ',');

		/* One byte more after signing, the closing bracket's place taken by the rest. */
		struct buf longer = BUF_INIT(1u << 20);
		struct err err = ERR_INIT;

		assert_ok(
		    buf_addf(&longer, &err, "%.*s %s", (int)(space - (char *)json->data), (char *)json->data, space),
		    &err);
		test_case.ask.collateral.qe_identity = (struct attest_bytes){longer.data, longer.size};
		case_expect("qe-identity-signature");
		buf_done(&longer);
	}
	case_done();
}

static void rule_outer_form(void **state)
{
	struct buf text = BUF_INIT(1u << 20);
	struct err err = ERR_INIT;
	char signature[129] = "";
	const char *at;

	(void)state;
	case_init(TEST_TDX_V4);
	case_build();
	at = strstr((char *)test_case.in.tcb_info.data, "\"signature\":\"") + 13;
	for (size_t i = 0; i < 128; i++)
		signature[i] = (char)(at[i] >= 'a' ? at[i] - 32 : at[i]);
	assert_ok(buf_addf(&text, &err, " { \"x\" : 1 ,\"signature\"\n: \"%s\" , \"tcbInfo\" : %s } \n", signature,
			   test_case.in.tcb_info_body),
		  &err);
	test_case.ask.collateral.tcb_info = (struct attest_bytes){text.data, text.size};
	case_expect("none");
	case_done();
	buf_done(&text);
}

/* ---- which collateral a quote needs */

static int ask_needs(struct attest_needs *ret)
{
	const char *why = NULL;

	return attest_needs(&test_case.ask.quote, ret, &why);
}

static void right_needs(void)
{
	struct attest_needs needs;

	assert_int_equal(ask_needs(&needs), 0);
	assert_string_equal(needs.fmspc, "30606a000000");
	assert_string_equal(needs.ca, "platform");
	assert_int_equal(needs.tee, test_evidence_is_tdx(&test_case.in) ? ATTEST_TEE_TDX : ATTEST_TEE_SGX);
	assert_false(needs.simulated);
	for (uint16_t type = 1; type <= 4; type++) {
		case_put(test_case.at.cert_data, type, 2); /* the chain is elsewhere */
		assert_int_equal(ask_needs(&needs), -1);
	}
	case_put(test_case.at.cert_data, 5, 2);
	test_case.ask.quote.size--; /* cut */
	assert_int_equal(ask_needs(&needs), -1);
	test_case.ask.quote.size++;
	test_case.quote[test_case.at.cert_data + 6] = 'x'; /* no PEM */
	assert_int_equal(ask_needs(&needs), -1);
}

static void needs_of(void (*change)(struct test_evidence *in), int wanted)
{
	struct attest_needs needs;

	case_init(TEST_TDX_V4);
	change(&test_case.in);
	case_build();
	assert_int_equal(ask_needs(&needs), wanted);
	if (wanted == 0) {
		assert_string_equal(needs.ca, "processor");
		assert_true(needs.simulated);
	}
	case_done();
}

static void processor_simulated(struct test_evidence *in)
{
	seven_under_processor(in);
	in->pck.platform = false;
	test_evidence_mark_simulated(in);
}

static void test_needs(void **state)
{
	(void)state;
	CASE_OF_ALL(right_needs);
	needs_of(no_extension, -1);
	needs_of(wrong_type, -1);
	needs_of(two_extensions, -1);
	needs_of(processor_simulated, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(rule_reserved_header_bytes),
	    cmocka_unit_test(rule_reserved_report_bytes),
	    cmocka_unit_test(rule_der_ends),
	    cmocka_unit_test(rule_pck_extension_once),
	    cmocka_unit_test(rule_pck_extension_elements),
	    cmocka_unit_test(rule_pck_extension_types),
	    cmocka_unit_test(rule_svn_range),
	    cmocka_unit_test(rule_json_ranges),
	    cmocka_unit_test(rule_json_form),
	    cmocka_unit_test(rule_unknown_members_are_ignored),
	    cmocka_unit_test(rule_json_depth),
	    cmocka_unit_test(rule_every_level_counts),
	    cmocka_unit_test(rule_equal_and_empty_levels),
	    cmocka_unit_test(rule_module_belongs_to_tdx),
	    cmocka_unit_test(rule_bytes_as_received),
	    cmocka_unit_test(rule_outer_form),
	    cmocka_unit_test(test_needs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
