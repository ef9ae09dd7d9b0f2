/* SPDX-License-Identifier: Apache-2.0 */
/*
 * attestation-evidence.md section 7, the rules for Intel's quotes and their collateral in which other verifiers are
 * laxer, each a test of its own. Rules of TDX alone are in test_tdx.c. Which test shows which rule:
 * docs/testing-attestation.md.
 */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>

#include "crypto/x509_parse.h"
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

/* ---- chains and lists */

static void certificate_version(struct test_evidence *in)
{
	in->ca.version_2 = true;
}

static void certificate_algorithm(struct test_evidence *in)
{
	in->pck_cert.other_algorithm = true;
}

static void certificate_curve(struct test_evidence *in)
{
	in->signer.other_curve = true;
}

static void ca_without_usage(struct test_evidence *in)
{
	in->ca.key_usage = 0;
}

static void root_is_no_ca(struct test_evidence *in)
{
	in->root.ca = false;
}

static void leaf_is_ca(struct test_evidence *in)
{
	in->pck_cert.ca = true;
}

static void leaf_signs(struct test_evidence *in)
{
	in->pck_cert.key_usage = 0x84;
}

static void signer_is_ca(struct test_evidence *in)
{
	in->signer.ca = true;
}

static void short_path(struct test_evidence *in)
{
	in->root.path_length = 0;
}

static void rule_certificate_form(void **state)
{
	static void (*const CHANGES[])(struct test_evidence *) = {
	    certificate_version, certificate_algorithm, certificate_curve, ca_without_usage, root_is_no_ca, leaf_is_ca,
	    leaf_signs,          signer_is_ca,          short_path};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(CHANGES); i++)
		case_refuse(CHANGES[i], "chain-invalid");
}

static void critical_in_leaf(struct test_evidence *in)
{
	test_cert_add_extension(&in->pck_cert, "1.2.3.4", true, "\x05\x00", 2);
}

static void critical_in_signer(struct test_evidence *in)
{
	test_cert_add_extension(&in->signer, "1.2.3.4", true, "\x05\x00", 2);
}

static void uncritical_in_root(struct test_evidence *in)
{
	test_cert_add_extension(&in->root, "1.2.3.4", false, "\x05\x00", 2);
}

static void rule_critical_extensions(void **state)
{
	(void)state;
	case_refuse(critical_in_leaf, "chain-invalid");
	case_refuse(critical_in_signer, "chain-invalid");
	case_refuse(uncritical_in_root, "none");
}

static void with_signer_chain(const struct buf *first, const struct buf *second, const struct buf *third,
			      const char *error)
{
	struct buf pem = BUF_INIT(0);

	test_pem(first, &pem);
	if (second)
		test_pem(second, &pem);
	if (third)
		test_pem(third, &pem);
	test_case.ask.collateral.tcb_info_issuer_chain = (struct attest_bytes){pem.data, pem.size};
	case_expect(error);
	test_case.ask.collateral.qe_identity_issuer_chain = test_case.ask.collateral.tcb_info_issuer_chain;
	test_case.ask.collateral.tcb_info_issuer_chain =
	    (struct attest_bytes){test_case.in.signer_chain.data, test_case.in.signer_chain.size};
	case_expect(error);
	test_question_init(&test_case.ask, &test_case.in);
	buf_done(&pem);
}

static void rule_leaf_first(void **state)
{
	const struct test_evidence *in = &test_case.in;

	(void)state;
	case_init(TEST_TDX_V4);
	case_build();
	with_signer_chain(&in->signer_der, &in->root_der, NULL, "none");
	with_signer_chain(&in->root_der, &in->signer_der, NULL, "chain-invalid");
	with_signer_chain(&in->signer_der, NULL, NULL, "chain-invalid");
	with_signer_chain(&in->signer_der, &in->root_der, &in->root_der, "chain-invalid");
	with_signer_chain(&in->signer_der, &in->ca_der, &in->root_der, "chain-invalid");
	case_done();
}

static void with_certificates(const struct buf *const *ders, size_t count, const char *error)
{
	buf_clear(&test_case.in.pck_chain);
	for (size_t i = 0; i < count; i++)
		test_pem(ders[i], &test_case.in.pck_chain);
	test_evidence_build_quote(&test_case.in);
	test_case.ask.quote = (struct attest_bytes){test_case.in.quote.data, test_case.in.quote.size};
	case_expect(error);
}

static void fourth_certificate(void)
{
	const struct test_evidence *in = &test_case.in;
	const struct buf *const repeated_root[] = {&in->pck_der, &in->ca_der, &in->root_der, &in->root_der};
	const struct buf *const repeated_leaf[] = {&in->pck_der, &in->pck_der, &in->ca_der, &in->root_der};
	const struct buf *const unrelated[] = {&in->pck_der, &in->ca_der, &in->root_der, &in->signer_der};
	const struct buf *const in_place_of_ca[] = {&in->pck_der, &in->signer_der, &in->root_der};

	with_certificates(repeated_root, 4, "chain-invalid");
	with_certificates(repeated_leaf, 4, "chain-invalid");
	with_certificates(unrelated, 4, "chain-invalid");
	with_certificates(in_place_of_ca, 3, "chain-invalid");
}

static void rule_fourth_certificate(void **state)
{
	(void)state;
	CASE_OF_ALL(fourth_certificate);
}

/* One second is all that everything is valid. */
static void valid_for_a_second(struct test_evidence *in)
{
	struct test_cert *const certs[] = {&in->root, &in->ca, &in->pck_cert, &in->signer};

	for (size_t i = 0; i < COUNT_OF(certs); i++)
		certs[i]->not_before = certs[i]->not_after = TEST_TIME;
	in->root_crl.this_update = in->root_crl.next_update = TEST_TIME;
	in->pck_crl.this_update = in->pck_crl.next_update = TEST_TIME;
	test_replace(in->tcb_info_body, sizeof(in->tcb_info_body), "2025-07-01T00:00:00Z", "2025-06-15T15:06:40Z");
	test_replace(in->tcb_info_body, sizeof(in->tcb_info_body), "2025-06-01T00:00:00Z", "2025-06-15T15:06:40Z");
	test_replace(in->qe_identity_body, sizeof(in->qe_identity_body), "2025-07-02T00:00:00Z",
		     "2025-06-15T15:06:40Z");
	test_replace(in->qe_identity_body, sizeof(in->qe_identity_body), "2025-06-02T00:00:00Z",
		     "2025-06-15T15:06:40Z");
}

static void rule_bounds_are_inclusive(void **state)
{
	struct attest_verdict *verdict;

	(void)state;
	case_init(TEST_TDX_V5_1_5);
	valid_for_a_second(&test_case.in);
	case_build();
	verdict = test_judge(&test_case.ask);
	assert_true(verdict->accepted);
	assert_int_equal(verdict->valid_until, TEST_TIME);
	attest_verdict_free(verdict);
	test_case.ask.time = TEST_TIME - 1;
	case_expect("not-yet-valid");
	test_case.ask.time = TEST_TIME + 1;
	case_expect("cert-expired");
	case_done();
}

static void list_version_1(struct test_evidence *in)
{
	in->pck_crl.version_1 = true;
}

static void list_without_end(struct test_evidence *in)
{
	in->root_crl.no_next_update = true;
}

static void list_critical(struct test_evidence *in)
{
	in->pck_crl.extra_oid = "1.2.3.4";
	in->pck_crl.extra_critical = true;
}

static void list_delta(struct test_evidence *in)
{
	in->root_crl.extra_oid = "2.5.29.27";
}

/* Whose own standard wants it critical. */
static void list_partial(struct test_evidence *in)
{
	in->pck_crl.extra_oid = "2.5.29.28";
}

static void list_indirect(struct test_evidence *in)
{
	in->root_crl.revoked = 99;
	in->root_crl.entry_oid = "2.5.29.29";
}

static void list_without_number(struct test_evidence *in)
{
	in->pck_crl.no_number = true;
}

static void list_without_authority(struct test_evidence *in)
{
	in->root_crl.no_authority_key = true;
}

static void rule_list_form(void **state)
{
	static void (*const CHANGES[])(struct test_evidence *) = {
	    list_version_1, list_without_end, list_critical,       list_delta,
	    list_partial,   list_indirect,    list_without_number, list_without_authority};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(CHANGES); i++)
		case_refuse(CHANGES[i], "crl-malformed");
}

static void ca_signs_no_lists(struct test_evidence *in)
{
	in->ca.key_usage = X509_BIT_CERT_SIGN;
}

static void rule_list_issuer_may_sign_lists(void **state)
{
	(void)state;
	case_refuse(ca_signs_no_lists, "crl-issuer");
}

static void revoked_in_future(struct test_evidence *in)
{
	in->pck_crl.revoked = in->pck_cert.serial;
	in->pck_crl.revoked_at = TEST_TIME + 1000 * TEST_DAY;
}

static void removed_from_list(struct test_evidence *in)
{
	in->root_crl.revoked = in->ca.serial;
	in->root_crl.entry_oid = "2.5.29.21";
}

static void rule_entry_counts_whatever_it_says(void **state)
{
	(void)state;
	case_refuse(revoked_in_future, "pck-revoked");
	case_refuse(removed_from_list, "ca-revoked");
}

static void no_list(void)
{
	const struct attest_collateral_bytes right = test_case.ask.collateral;

	test_case.ask.collateral.pck_crl = (struct attest_bytes){0};
	case_expect("crl-missing");
	test_case.ask.policy.allow_missing_crl = true;
	case_expect("none");
	test_case.ask.policy.allow_missing_crl = false;
	test_case.ask.collateral = right;
	test_case.ask.collateral.root_ca_crl = (struct attest_bytes){0};
	case_expect("crl-missing");
	test_case.ask.collateral.root_ca_crl = (struct attest_bytes){(const uint8_t *)"garbage", 7};
	case_expect("crl-malformed");
	test_case.ask.policy.allow_missing_crl = true; /* one that is there is checked all the same */
	case_expect("crl-malformed");
}

static void rule_no_list_is_no_all_clear(void **state)
{
	(void)state;
	CASE_OF_ALL(no_list);
}

/* ---- quotes */

static void key_off_the_curve(struct test_evidence *in)
{
	uint8_t point[65];

	p256_point(test_key(TEST_KEY_OTHER), point);
	memcpy(in->attestation_point, point + 1, 64);
	in->attestation_point[63] ^= 1;
}

static void rule_key_on_the_curve(void **state)
{
	(void)state;
	case_refuse(key_off_the_curve, "quote-signature");
}

static const uint8_t ORDER[32] = {0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff,
				  0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17,
				  0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51};

/* With s, n - s is valid too. */
static void other_s(void)
{
	uint8_t *s = test_case.quote + test_case.at.signature + 32;
	int borrow = 0;

	for (size_t i = 32; i-- > 0;) {
		const int difference = ORDER[i] - s[i] - borrow;

		borrow = difference < 0;
		s[i] = (uint8_t)(difference + (borrow ? 256 : 0));
	}
	case_expect("none");
}

static void rule_high_s_is_valid(void **state)
{
	(void)state;
	CASE_OF_ALL(other_s);
}

static void qe_debug(struct test_evidence *in)
{
	in->qe_report[48] |= 2;
	test_replace(in->qe_identity_body, sizeof(in->qe_identity_body), "\"attributesMask\":\"FB",
		     "\"attributesMask\":\"F9");
}

static void rule_qe_debug(void **state)
{
	(void)state;
	case_refuse(qe_debug, "qe-identity-mismatch");
	case_init(TEST_TDX_V4);
	qe_debug(&test_case.in);
	case_build();
	test_case.ask.policy.allow_debug = true; /* that is for the workload */
	case_expect("qe-identity-mismatch");
	case_done();
}

static void all_revoked(struct test_evidence *in)
{
	in->pck.components[0] = 4;
	in->qe_report[258] = 5;
	in->td_report[0] = 3;
}

static void broken_and_revoked(void)
{
	case_expect("tcb-revoked");
	case_with(test_case.at.signature, test_case.quote[test_case.at.signature] ^ 1u, 1, "quote-signature");
	case_with(test_case.at.qe_signature, test_case.quote[test_case.at.qe_signature] ^ 1u, 1, "qe-report-signature");
	test_case.ask.collateral.pck_crl = (struct attest_bytes){0};
	case_expect("crl-missing");
}

static void rule_bad_status_hides_nothing(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(CASE_ALL); i++) {
		case_init(CASE_ALL[i]);
		all_revoked(&test_case.in);
		case_build();
		broken_and_revoked();
		case_done();
	}
}

static enum attest_tcb_status status_of(const char *error)
{
	struct attest_verdict *verdict;
	enum attest_tcb_status status;

	case_build();
	case_expect(error);
	verdict = test_judge(&test_case.ask);
	assert_true(verdict->facts.tcb_known);
	status = verdict->facts.tcb_status;
	attest_verdict_free(verdict);
	return status;
}

/* The highest level that fits decides, wherever in the document it stands: here the middle one. */
static void rule_levels_are_sorted(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(CASE_ALL); i++) {
		case_init(CASE_ALL[i]);
		assert_int_equal(status_of("none"), ATTEST_TCB_UP_TO_DATE);
		case_done();
		case_init(CASE_ALL[i]);
		test_case.in.qe_report[258] = 6; /* the first of the QE's in the document is the second */
		assert_int_equal(status_of("tcb-status"), ATTEST_TCB_OUT_OF_DATE);
		case_done();
	}
}

static void qe_below_all(struct test_evidence *in)
{
	in->qe_report[258] = 1;
}

static void rule_qe_level_not_reached(void **state)
{
	(void)state;
	case_refuse(qe_below_all, "tcb-not-supported");
}

static void rule_qe_identity_expired(void **state)
{
	static const struct case_text LATE = {true, "2025-07-02T00:00:00Z", "2025-06-15T15:06:39Z"};

	(void)state;
	case_refuse_text(TEST_SGX_V3, &LATE, "qe-identity-expired");
	case_refuse_text(TEST_TDX_V5_1_5, &LATE, "qe-identity-expired");
}

static void floor_of_both(void)
{
	test_case.ask.policy.evaluation_number_min = 17;
	case_expect("none");
	test_case.ask.policy.evaluation_number_min = 18; /* TCB info has 17, QE identity 18 */
	case_expect("tcb-status");
}

static void rule_evaluation_number(void **state)
{
	static const struct case_text LOW_IDENTITY = {true, "Number\":18", "Number\":16"};
	static const struct case_text NO_INFO = {false, "\"tcbEvaluationDataNumber\":17,", ""};
	static const struct case_text NO_IDENTITY = {true, "\"tcbEvaluationDataNumber\":18,", ""};

	(void)state;
	CASE_OF_ALL(floor_of_both);
	case_init(TEST_TDX_V4);
	test_replace(test_case.in.qe_identity_body, sizeof(test_case.in.qe_identity_body), LOW_IDENTITY.from,
		     LOW_IDENTITY.to);
	case_build();
	test_case.ask.policy.evaluation_number_min = 17;
	case_expect("tcb-status");
	case_done();
	case_refuse_text(TEST_SGX_V3, &NO_INFO, "collateral-malformed");
	case_refuse_text(TEST_TDX_V4, &NO_IDENTITY, "collateral-malformed");
}

/* The header's user data is signed, and nothing is made of it. */
static void any_user_data(struct test_evidence *in)
{
	memset(in->header + 28, 0xff, 20);
}

static void rule_user_data_is_not_judged(void **state)
{
	(void)state;
	case_refuse(any_user_data, "none");
}

/* Collateral of AMD's beside, signer chains that serve both, unknown outer members: the same verdict. */
static void extra_collateral(void)
{
	const struct attest_bytes something = {test_case.in.root_der.data, test_case.in.root_der.size};

	test_case.ask.collateral.vek = test_case.ask.collateral.ask = test_case.ask.collateral.ark = something;
	test_case.ask.collateral.pck_cert_chain =
	    (struct attest_bytes){test_case.in.pck_chain.data, test_case.in.pck_chain.size};
	case_expect("none");
	test_case.ask.collateral.pck_cert_chain = (struct attest_bytes){(const uint8_t *)"x", 1};
	case_expect("none"); /* the quote carries its own */
}

static void rule_extra_collateral_changes_nothing(void **state)
{
	(void)state;
	CASE_OF_ALL(extra_collateral);
}

/* Version 2 of TCB info: SGX only, sixteen flat components. */
static void make_flat(char *body, size_t size)
{
	char *at;
	char level[1024];

	test_replace(body, size, "\"id\":\"SGX\",\"version\":3", "\"version\":2");
	for (size_t i = 0; i < 3; i++) {
		size_t used = 0;
		char *end;
		const char first = strstr(body, "\"svn\":")[6];

		at = strstr(body, "\"sgxtcbcomponents\"");
		end = strstr(at, "]");
		for (unsigned k = 1; k <= 16; k++)
			used += (size_t)snprintf(level + used, sizeof(level) - used, "%s\"sgxtcbcomp%02usvn\":%c",
						 k > 1 ? "," : "", k,
						 k == 1   ? first
						 : k <= 8 ? '5'
							  : '0');
		memmove(at + used, end + 1, strlen(end + 1) + 1);
		memcpy(at, level, used);
	}
}

static void rule_flat_tcb_info(void **state)
{
	static const struct case_text BAD[] = {
	    {false, "\"sgxtcbcomp16svn\":0", "\"sgxtcbcomp17svn\":0"},
	    {false, "\"sgxtcbcomp01svn\":7", "\"sgxtcbcomp01svn\":256"},
	    {false, "\"sgxtcbcomp01svn\":7", "\"sgxtcbcomp01svn\":\"7\""},
	};
	char *body = test_case.in.tcb_info_body;
	const size_t size = sizeof(test_case.in.tcb_info_body);

	(void)state;
	case_init(TEST_SGX_V3);
	make_flat(body, size);
	case_build();
	case_expect("none");
	case_done();
	case_init(TEST_SGX_V5);
	make_flat(body, size);
	test_case.in.pck.components[0] = 6;
	case_build();
	case_expect("tcb-status");
	case_done();
	for (size_t i = 0; i < COUNT_OF(BAD); i++) {
		case_init(TEST_SGX_V4);
		make_flat(body, size);
		test_replace(body, size, BAD[i].from, BAD[i].to);
		case_build();
		case_expect("collateral-malformed");
		case_done();
	}
	case_init(TEST_SGX_V3);
	make_flat(body, size);
	case_build();
	{
		struct buf flat = BUF_INIT(1u << 20);

		test_signed_json("tcbInfo", body, TEST_KEY_SIGNER, &flat);
		case_done();
		case_init(TEST_TDX_V4);
		case_build();
		test_case.ask.collateral.tcb_info = (struct attest_bytes){flat.data, flat.size};
		case_expect("tcb-info-mismatch");
		buf_done(&flat);
	}
	case_done();
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
	    cmocka_unit_test(test_needs),
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
	    cmocka_unit_test(rule_certificate_form),
	    cmocka_unit_test(rule_critical_extensions),
	    cmocka_unit_test(rule_leaf_first),
	    cmocka_unit_test(rule_fourth_certificate),
	    cmocka_unit_test(rule_bounds_are_inclusive),
	    cmocka_unit_test(rule_list_form),
	    cmocka_unit_test(rule_list_issuer_may_sign_lists),
	    cmocka_unit_test(rule_entry_counts_whatever_it_says),
	    cmocka_unit_test(rule_no_list_is_no_all_clear),
	    cmocka_unit_test(rule_key_on_the_curve),
	    cmocka_unit_test(rule_high_s_is_valid),
	    cmocka_unit_test(rule_qe_debug),
	    cmocka_unit_test(rule_bad_status_hides_nothing),
	    cmocka_unit_test(rule_levels_are_sorted),
	    cmocka_unit_test(rule_qe_level_not_reached),
	    cmocka_unit_test(rule_qe_identity_expired),
	    cmocka_unit_test(rule_evaluation_number),
	    cmocka_unit_test(rule_user_data_is_not_judged),
	    cmocka_unit_test(rule_extra_collateral_changes_nothing),
	    cmocka_unit_test(rule_flat_tcb_info),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
