/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A report that brings its certificates along (RA-TLS extension 1.2.840.113741.1337.7): which chain is judged, the
 * carried or the collateral's, and whose revocation list counts.
 */
#include "unit.h"

#include <string.h>

#include "amd_judge.h"
#include "attest/collateral.h"
#include "attest/snp.h"

#define ALL (1 << SNP_CERT_ARK | 1 << SNP_CERT_ASK | 1 << SNP_CERT_VCEK)
#define AT_FIRST_CERT (1184 + 4 + 4 + 16) /* DER of the ARK */

static struct amd_evidence evidence;
static struct amd_question question;

static int setup(void **state)
{
	(void)state;
	amd_evidence_init(&evidence, SNP_PRODUCT_MILAN, 5, false);
	amd_evidence_build(&evidence);
	amd_question_init(&question, &evidence);
	amd_evidence_table(&evidence, ALL);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	amd_evidence_done(&evidence);
	return 0;
}

static void expect_bytes(const uint8_t *value, size_t size, const char *error)
{
	const struct attest_roots roots = {.hardware = &question.root, .hardware_count = 1};
	struct attest_collateral *collateral = NULL;
	struct trust trust;
	struct err err = ERR_INIT;
	const char *why = NULL;
	struct judge judge = {.prefix = "", .trust = &trust, .policy = &question.policy, .time = question.time};

	assert_int_equal(attest_collateral_new(&question.collateral, &collateral, &why), 0);
	assert_ok(trust_init(&trust, &roots, &question.policy, &err), &err);
	judge.collateral = collateral;
	judge.verdict = verdict_new(question.time);
	judge.facts = &judge.verdict->facts;
	(void)snp_judge_extension(&judge, (struct attest_bytes){value, size});
	assert_false(judge.no_memory);
	verdict_finish(judge.verdict);
	test_expect_verdict(judge.verdict, error);
	attest_collateral_free(collateral);
}

static void expect(const char *error)
{
	expect_bytes(evidence.extension.data, evidence.extension.size, error);
}

static void test_report_alone(void **state)
{
	(void)state;
	amd_evidence_table(&evidence, -1);
	expect("none");
	question.collateral.vek = (struct attest_bytes){0};
	expect("chain-invalid");
}

/* Whole chain carried: the collateral needs nothing but the list. */
static void test_carried_chain(void **state)
{
	(void)state;
	expect("none");
	question.collateral = (struct attest_collateral_bytes){.ark_crl = question.collateral.ark_crl};
	expect("none");
	question.collateral = (struct attest_collateral_bytes){0};
	expect("crl-missing");
	question.policy.allow_missing_crl = true;
	expect("none");
}

/* What is not carried comes from the collateral. */
static void test_mixed(void **state)
{
	(void)state;
	amd_evidence_table(&evidence, 1 << SNP_CERT_VCEK);
	question.collateral.vek = (struct attest_bytes){0};
	expect("none");
	question.collateral.ask = (struct attest_bytes){0};
	expect("chain-invalid");
}

/* A changed certificate is not taken for the one that is remembered. */
static void test_carried_and_changed(void **state)
{
	(void)state;
	for (size_t i = 100; i < evidence.ark_der.size; i += 211) {
		evidence.extension.data[AT_FIRST_CERT + i] ^= 0x10;
		expect("chain-invalid");
		evidence.extension.data[AT_FIRST_CERT + i] ^= 0x10;
	}
	evidence.extension.data[evidence.extension.size - 1] ^= 1;
	expect("chain-invalid");
}

static void test_carried_root_is_not_trusted(void **state)
{
	(void)state;
	question.root = (struct attest_bytes){evidence.ask_der.data, evidence.ask_der.size};
	expect("root-untrusted");
}

/* The subject's own list counts for nothing; the collateral's does, be it bad, or against the carried chain. */
static void test_list_is_the_verifiers(void **state)
{
	struct amd_evidence revoking;

	(void)state;
	amd_evidence_table(&evidence, ALL | 1 << SNP_CERT_CRL);
	question.collateral.ark_crl = (struct attest_bytes){0};
	expect("crl-missing");
	amd_evidence_init(&revoking, SNP_PRODUCT_MILAN, 5, false);
	revoking.crl.revoked = revoking.ask.serial;
	amd_evidence_build(&revoking);
	question.collateral =
	    (struct attest_collateral_bytes){.ark_crl = {revoking.crl_der.data, revoking.crl_der.size}};
	expect("ca-revoked");
	question.collateral.ark_crl.size--;
	expect("crl-malformed");
	amd_evidence_done(&revoking);
}

static void test_vlek(void **state)
{
	(void)state;
	amd_evidence_done(&evidence);
	amd_evidence_init(&evidence, SNP_PRODUCT_TURIN, 5, true);
	amd_evidence_build(&evidence);
	amd_question_init(&question, &evidence);
	question.collateral = (struct attest_collateral_bytes){.ark_crl = question.collateral.ark_crl};
	amd_evidence_table(&evidence, 1 << SNP_CERT_ARK | 1 << SNP_CERT_ASK | 1 << SNP_CERT_VLEK);
	expect("none");
	amd_evidence_table(&evidence, 1 << SNP_CERT_ARK | 1 << SNP_CERT_ASK);
	expect("chain-invalid");
}

/* A table with both kinds of key: SIGNING_KEY of the report says which one counts. */
static void test_both_keys(void **state)
{
	struct amd_evidence other;

	(void)state;
	for (int vlek = 0; vlek <= 1; vlek++) {
		amd_evidence_done(&evidence);
		amd_evidence_init(&evidence, SNP_PRODUCT_MILAN, 5, vlek);
		amd_evidence_init(&other, SNP_PRODUCT_MILAN, 5, !vlek);
		amd_evidence_build(&evidence);
		amd_evidence_build(&other);
		amd_question_init(&question, &evidence);
		evidence.other_vek = &other.vek_der;
		amd_evidence_table(&evidence, ALL | 1 << SNP_CERT_VLEK);
		question.collateral = (struct attest_collateral_bytes){.ark_crl = question.collateral.ark_crl};
		expect("none");
		/* The other kind alone is none of ours. */
		amd_evidence_table(&evidence,
				   1 << SNP_CERT_ARK | 1 << SNP_CERT_ASK | 1 << (vlek ? SNP_CERT_VCEK : SNP_CERT_VLEK));
		expect("chain-invalid");
		amd_evidence_done(&other);
	}
}

static void test_form(void **state)
{
	(void)state;
	expect_bytes(evidence.extension.data, 1183, "truncated");
	expect_bytes(evidence.extension.data, 1185, "malformed");
	expect_bytes(evidence.extension.data, evidence.extension.size - 1, "malformed");
	evidence.extension.data[0] = 6;
	expect("unsupported-version");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_report_alone),
	    TEST(test_carried_chain),
	    TEST(test_mixed),
	    TEST(test_carried_and_changed),
	    TEST(test_carried_root_is_not_trusted),
	    TEST(test_list_is_the_verifiers),
	    TEST(test_vlek),
	    TEST(test_both_keys),
	    TEST(test_form),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
