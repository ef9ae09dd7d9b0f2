/* SPDX-License-Identifier: Apache-2.0 */
/*
 * attestation-evidence.md section 7, the rules for Intel's chains and revocation lists in which other verifiers are
 * laxer, each a test of its own. Rules of TDX alone are in test_tdx.c. Which test shows which rule:
 * docs/testing-attestation.md.
 */
#include "unit.h"

#include "crypto/x509_parse.h"
#include "intel_case.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(rule_certificate_form),
	    cmocka_unit_test(rule_critical_extensions),
	    cmocka_unit_test(rule_leaf_first),
	    cmocka_unit_test(rule_fourth_certificate),
	    cmocka_unit_test(rule_bounds_are_inclusive),
	    cmocka_unit_test(rule_list_form),
	    cmocka_unit_test(rule_list_issuer_may_sign_lists),
	    cmocka_unit_test(rule_entry_counts_whatever_it_says),
	    cmocka_unit_test(rule_no_list_is_no_all_clear),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
