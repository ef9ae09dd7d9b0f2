/* SPDX-License-Identifier: Apache-2.0 */
/*
 * attestation-evidence.md section 5, cases 19 to 28, chains and revocation lists: each case a test of its own, of all
 * kinds of quotes where form matters, of SGX and TDX where it does not. Which test shows which case:
 * docs/testing-attestation.md.
 */
#include "unit.h"

#include "intel_case.h"

/* The whole chain signed anew by a root of the same name: perfect in itself, and not the one that is trusted. */
static void own_root(struct test_evidence *in)
{
	in->root.key = in->root.issuer_key = in->ca.issuer_key = in->signer.issuer_key = TEST_KEY_OTHER;
	in->root_crl.issuer_key = TEST_KEY_OTHER;
}

static void refusal_19(void **state)
{
	struct test_evidence right;

	(void)state;
	test_evidence_init(&right);
	test_evidence_build(&right);
	case_init(TEST_TDX_V5_1_5);
	own_root(&test_case.in);
	case_build();
	case_expect("none"); /* if it were trusted */
	test_case.ask.root = (struct attest_bytes){right.root_der.data, right.root_der.size};
	case_expect("root-untrusted");
	test_case.ask.root = (struct attest_bytes){0}; /* only Intel's */
	case_expect("root-untrusted");
	case_done();
	test_evidence_done(&right);
}

static void with_chain(const struct buf *const *ders, size_t count, const char *error)
{
	buf_clear(&test_case.in.pck_chain);
	for (size_t i = 0; i < count; i++)
		test_pem(ders[i], &test_case.in.pck_chain);
	test_evidence_build_quote(&test_case.in);
	test_case.ask.quote = (struct attest_bytes){test_case.in.quote.data, test_case.in.quote.size};
	case_expect(error);
}

static void other_order(void)
{
	const struct test_evidence *in = &test_case.in;
	const struct buf *const right[] = {&in->pck_der, &in->ca_der, &in->root_der};
	const struct buf *const swapped[] = {&in->ca_der, &in->pck_der, &in->root_der};
	const struct buf *const upside_down[] = {&in->root_der, &in->ca_der, &in->pck_der};
	const struct buf *const four[] = {&in->pck_der, &in->ca_der, &in->root_der, &in->root_der};
	const struct buf *const no_middle[] = {&in->pck_der, &in->root_der};

	with_chain(right, 3, "none");
	with_chain(swapped, 3, "chain-invalid");
	with_chain(upside_down, 3, "chain-invalid");
	with_chain(right, 2, "chain-invalid");
	with_chain(no_middle, 2, "chain-invalid");
	with_chain(right, 1, "chain-invalid");
	with_chain(right, 0, "chain-invalid");
	with_chain(four, 4, "chain-invalid");
}

static void refusal_20(void **state)
{
	(void)state;
	CASE_OF_ALL(other_order);
}

static void processor_list(struct test_evidence *in)
{
	in->pck_crl.issuer_name = "Test SGX PCK Processor CA";
}

static void refusal_21(void **state)
{
	(void)state;
	case_refuse(processor_list, "crl-issuer");
}

static void pck_revoked(struct test_evidence *in)
{
	in->pck_crl.revoked = in->pck_cert.serial;
}

static void refusal_22(void **state)
{
	(void)state;
	case_refuse(pck_revoked, "pck-revoked");
}

static void ca_revoked(struct test_evidence *in)
{
	in->root_crl.revoked = in->ca.serial;
}

static void signer_revoked(struct test_evidence *in)
{
	in->root_crl.revoked = in->signer.serial;
}

static void refusal_23(void **state)
{
	(void)state;
	case_refuse(ca_revoked, "ca-revoked");
	case_refuse(signer_revoked, "ca-revoked");
}

static void pck_crl_bit(struct test_evidence *in)
{
	in->pck_crl.break_signature = true;
}

static void root_crl_bit(struct test_evidence *in)
{
	in->root_crl.break_signature = true;
}

static void refusal_24(void **state)
{
	(void)state;
	case_refuse(pck_crl_bit, "crl-signature");
	case_refuse(root_crl_bit, "crl-signature");
}

static void pck_crl_late(struct test_evidence *in)
{
	in->pck_crl.next_update = TEST_TIME - 1;
}

static void root_crl_late(struct test_evidence *in)
{
	in->root_crl.next_update = TEST_TIME - 1;
}

static void refusal_25(void **state)
{
	(void)state;
	case_refuse(pck_crl_late, "crl-expired");
	case_refuse(root_crl_late, "crl-expired");
}

static void pck_crl_early(struct test_evidence *in)
{
	in->pck_crl.this_update = TEST_TIME + 1;
}

static void root_crl_early(struct test_evidence *in)
{
	in->root_crl.this_update = TEST_TIME + 1;
}

static void leaf_early(struct test_evidence *in)
{
	in->pck_cert.not_before = TEST_TIME + 1;
}

static void ca_early(struct test_evidence *in)
{
	in->ca.not_before = TEST_TIME + 1;
}

static void signer_early(struct test_evidence *in)
{
	in->signer.not_before = TEST_TIME + 1;
}

static void refusal_26(void **state)
{
	(void)state;
	case_refuse(pck_crl_early, "not-yet-valid");
	case_refuse(root_crl_early, "not-yet-valid");
	case_refuse(leaf_early, "not-yet-valid");
	case_refuse(ca_early, "not-yet-valid");
	case_refuse(signer_early, "not-yet-valid");
}

static void leaf_late(struct test_evidence *in)
{
	in->pck_cert.not_after = TEST_TIME - 1;
}

static void ca_late(struct test_evidence *in)
{
	in->ca.not_after = TEST_TIME - 1;
}

static void root_late(struct test_evidence *in)
{
	in->root.not_after = TEST_TIME - 1;
}

static void signer_late(struct test_evidence *in)
{
	in->signer.not_after = TEST_TIME - 1;
}

static void refusal_27(void **state)
{
	(void)state;
	case_refuse(leaf_late, "cert-expired");
	case_refuse(ca_late, "cert-expired");
	case_refuse(root_late, "cert-expired");
	case_refuse(signer_late, "cert-expired");
}

static void ca_is_a_leaf(struct test_evidence *in)
{
	in->ca.ca = false;
}

static void ca_signs_no_certificates(struct test_evidence *in)
{
	in->ca.key_usage = 0x80;
}

static void refusal_28(void **state)
{
	(void)state;
	case_refuse(ca_is_a_leaf, "chain-invalid");
	case_refuse(ca_signs_no_certificates, "chain-invalid");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(refusal_19), cmocka_unit_test(refusal_20), cmocka_unit_test(refusal_21),
	    cmocka_unit_test(refusal_22), cmocka_unit_test(refusal_23), cmocka_unit_test(refusal_24),
	    cmocka_unit_test(refusal_25), cmocka_unit_test(refusal_26), cmocka_unit_test(refusal_27),
	    cmocka_unit_test(refusal_28),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
