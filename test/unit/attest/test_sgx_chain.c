/* SPDX-License-Identifier: Apache-2.0 */
/* What must be refused of chains, revocation lists and the PCK extension: attestation-evidence.md section 5 cases 19 to
 * 28, 7.
 */
#include "unit.h"

#include <string.h>

#include "attest/trust.h"
#include "sgx_setup.h"

/* The quote anew with these certificates in its chain. */
static void use_chain(const struct buf *const *ders, size_t count)
{
	buf_clear(&e.pck_chain);
	for (size_t i = 0; i < count; i++)
		test_pem(ders[i], &e.pck_chain);
	test_evidence_build_quote(&e);
	question.quote = (struct attest_bytes){e.quote.data, e.quote.size};
}

static void expect(const char *error)
{
	build();
	test_expect(&question, error);
}

static void test_other_root(void **state)
{
	struct test_evidence other;

	(void)state;
	build();
	/* The same names, other keys: a chain that is perfect in itself. */
	test_evidence_init(&other);
	other.root.key = other.root.issuer_key = other.ca.issuer_key = other.signer.issuer_key = TEST_KEY_OTHER;
	other.root_crl.issuer_key = TEST_KEY_OTHER;
	test_evidence_build(&other);
	question.root = (struct attest_bytes){other.root_der.data, other.root_der.size};
	test_expect(&question, "root-untrusted");
	question.root = (struct attest_bytes){0}; /* only Intel's */
	test_expect(&question, "root-untrusted");
	test_evidence_done(&other);
}

/* The same key under another certificate is still the same root; PEM is read as DER is. */
static void test_root_pinned_by_key(void **state)
{
	struct test_cert again;
	struct buf der = BUF_INIT(0);
	struct buf pem = BUF_INIT(0);

	(void)state;
	build();
	again = e.root;
	again.serial = 99;
	again.extension_count = 0;
	test_cert_make(&again, &der);
	question.root = (struct attest_bytes){der.data, der.size};
	test_expect(&question, "none");
	test_pem(&der, &pem);
	question.root = (struct attest_bytes){pem.data, pem.size};
	test_expect(&question, "none");
	buf_done(&der);
	buf_done(&pem);
}

static void test_order_and_number(void **state)
{
	const struct buf *const swapped[] = {&e.ca_der, &e.pck_der, &e.root_der};
	const struct buf *const root_first[] = {&e.root_der, &e.ca_der, &e.pck_der};
	const struct buf *const two[] = {&e.pck_der, &e.ca_der};
	const struct buf *const four[] = {&e.pck_der, &e.ca_der, &e.root_der, &e.root_der};
	const struct buf *const unrelated[] = {&e.pck_der, &e.ca_der, &e.root_der, &e.signer_der};
	const struct buf *const repeated[] = {&e.pck_der, &e.pck_der, &e.root_der};

	(void)state;
	build();
	use_chain(swapped, 3);
	test_expect(&question, "chain-invalid");
	use_chain(root_first, 3);
	test_expect(&question, "chain-invalid");
	use_chain(two, 2);
	test_expect(&question, "chain-invalid");
	use_chain(four, 4);
	test_expect(&question, "chain-invalid");
	use_chain(unrelated, 4);
	test_expect(&question, "chain-invalid");
	use_chain(repeated, 3);
	test_expect(&question, "chain-invalid");
}

static void test_around_pem(void **state)
{
	struct err err = ERR_INIT;
	const uint8_t padding[] = {'\n', ' ', '\r', 0, 0};

	(void)state;
	build();
	assert_ok(buf_add(&e.pck_chain, padding, sizeof(padding), &err), &err);
	test_evidence_build_quote(&e);
	question.quote = (struct attest_bytes){e.quote.data, e.quote.size};
	test_expect(&question, "none");
	assert_ok(buf_add_text(&e.pck_chain, "x", &err), &err);
	test_evidence_build_quote(&e);
	question.quote = (struct attest_bytes){e.quote.data, e.quote.size};
	test_expect(&question, "chain-invalid");
}

static void test_trailing_byte(void **state)
{
	(void)state;
	e.pck_cert.trailing_byte = true;
	expect("chain-invalid");
}

static void test_broken_signatures(void **state)
{
	(void)state;
	e.pck_cert.break_signature = true;
	expect("chain-invalid");
	test_evidence_done(&e);
	test_evidence_init(&e);
	e.ca.break_signature = true;
	expect("chain-invalid");
	test_evidence_done(&e);
	test_evidence_init(&e);
	e.root.break_signature = true;
	expect("chain-invalid");
}

static void test_names(void **state)
{
	(void)state;
	e.pck_cert.name = "Test SGX PCK Certificat";
	expect("chain-invalid");
	test_evidence_done(&e);
	test_evidence_init(&e);
	e.pck_cert.issuer_name = "Test SGX PCK Platform CA 2";
	expect("chain-invalid");
	test_evidence_done(&e);
	test_evidence_init(&e);
	e.root.issuer_name = "Somebody's SGX Root CA";
	expect("chain-invalid");
}

static void test_ca_rules(void **state)
{
	(void)state;
	e.ca.ca = false; /* a leaf that signs */
	expect("chain-invalid");
	test_evidence_done(&e);
	test_evidence_init(&e);
	e.ca.key_usage = 0x80;
	expect("chain-invalid");
	test_evidence_done(&e);
	test_evidence_init(&e);
	e.ca.key_usage = 0;
	expect("chain-invalid");
	test_evidence_done(&e);
	test_evidence_init(&e);
	e.pck_cert.ca = true;
	expect("chain-invalid");
	test_evidence_done(&e);
	test_evidence_init(&e);
	e.pck_cert.key_usage = 0x84;
	expect("chain-invalid");
	test_evidence_done(&e);
	test_evidence_init(&e);
	e.root.path_length = 0;
	expect("chain-invalid");
	test_evidence_done(&e);
	test_evidence_init(&e);
	e.root.path_length = -1; /* no limit */
	e.ca.path_length = -1;
	expect("none");
}

static void test_extensions(void **state)
{
	(void)state;
	test_cert_add_extension(&e.ca, "1.2.3.4", true, "\x05\x00", 2);
	expect("chain-invalid");
	test_evidence_done(&e);
	test_evidence_init(&e);
	test_cert_add_extension(&e.ca, "1.2.3.4", false, "\x05\x00", 2);
	expect("none");
	test_evidence_done(&e);
	test_evidence_init(&e);
	test_cert_add_extension(&e.ca, "1.2.3.4", false, "\x05\x00", 2);
	test_cert_add_extension(&e.ca, "1.2.3.4", false, "\x05\x00", 2);
	expect("chain-invalid");
}

static void test_certificate_dates(void **state)
{
	(void)state;
	e.pck_cert.not_before = TEST_TIME;
	e.pck_cert.not_after = TEST_TIME;
	expect("none"); /* both ends count */
	question.time = TEST_TIME - 1;
	test_expect(&question, "not-yet-valid");
	question.time = TEST_TIME + 1;
	test_expect(&question, "cert-expired");
	test_evidence_done(&e);
	test_evidence_init(&e);
	e.root.not_after = TEST_TIME - 1;
	expect("cert-expired");
	test_evidence_done(&e);
	test_evidence_init(&e);
	e.signer.not_after = TEST_TIME - 1;
	expect("cert-expired");
	test_evidence_done(&e);
	test_evidence_init(&e);
	e.signer.not_before = TEST_TIME + 1;
	expect("not-yet-valid");
}

static void test_crl_missing(void **state)
{
	(void)state;
	build();
	question.collateral.pck_crl = (struct attest_bytes){0};
	test_expect(&question, "crl-missing");
	test_question_init(&question, &e);
	question.collateral.root_ca_crl = (struct attest_bytes){0};
	test_expect(&question, "crl-missing");
}

static void test_crl_issuer(void **state)
{
	(void)state;
	e.pck_crl.issuer_name = "Test SGX PCK Processor CA";
	expect("crl-issuer");
	test_evidence_done(&e);
	test_evidence_init(&e);
	build();
	question.collateral.pck_crl = question.collateral.root_ca_crl;
	test_expect(&question, "crl-issuer");
}

static void test_crl_revoked(void **state)
{
	(void)state;
	e.pck_crl.revoked = e.pck_cert.serial;
	expect("pck-revoked");
	test_evidence_done(&e);
	test_evidence_init(&e);
	e.pck_crl.revoked = 201; /* somebody else */
	expect("none");
	test_evidence_done(&e);
	test_evidence_init(&e);
	e.root_crl.revoked = e.ca.serial;
	expect("ca-revoked");
	test_evidence_done(&e);
	test_evidence_init(&e);
	e.root_crl.revoked = e.signer.serial;
	expect("ca-revoked");
}

static void test_crl_signature(void **state)
{
	(void)state;
	e.pck_crl.break_signature = true;
	expect("crl-signature");
	test_evidence_done(&e);
	test_evidence_init(&e);
	e.root_crl.break_signature = true;
	expect("crl-signature");
	test_evidence_done(&e);
	test_evidence_init(&e);
	e.pck_crl.issuer_key = TEST_KEY_OTHER;
	expect("crl-signature");
}

/* Entries are read once the list is known to be the issuer's, under a root that is trusted, and not before. */
static void bad_entry(bool break_signature)
{
	again();
	e.pck_crl.revoked = 7;
	e.pck_crl.entry_oid = "2.5.29.21";
	e.pck_crl.entry_malformed = true;
	e.pck_crl.break_signature = break_signature;
	build();
}

static void test_unsigned_entries(void **state)
{
	struct attest_verdict *verdict;
	size_t found = 0;

	(void)state;
	bad_entry(false);
	test_expect(&question, "crl-malformed");
	bad_entry(true);
	test_expect(&question, "crl-signature");
	bad_entry(false);
	question.root = (struct attest_bytes){0};
	verdict = test_judge(&question);
	assert_string_equal(verdict->error_text, "root-untrusted");
	for (size_t i = 0; i < verdict->check_count; i++) {
		if (strcmp(verdict->checks[i].name, "pck-crl") != 0)
			continue;
		assert_string_equal(verdict->checks[i].text, "needs a trusted root");
		found++;
	}
	assert_int_equal(found, 1);
	attest_verdict_free(verdict);
}

static void test_crl_dates(void **state)
{
	(void)state;
	e.pck_crl.this_update = e.pck_crl.next_update = TEST_TIME;
	expect("none");
	question.time = TEST_TIME + 1;
	test_expect(&question, "crl-expired");
	question.time = TEST_TIME - 1;
	test_expect(&question, "not-yet-valid");
	test_evidence_done(&e);
	test_evidence_init(&e);
	e.root_crl.next_update = TEST_TIME - 1;
	expect("crl-expired");
}

static void expect_crl_malformed(void)
{
	expect("crl-malformed");
	test_evidence_done(&e);
	test_evidence_init(&e);
}

static void test_crl_malformed(void **state)
{
	(void)state;
	e.pck_crl.no_number = true;
	expect_crl_malformed();
	e.root_crl.no_authority_key = true;
	expect_crl_malformed();
	e.pck_crl.no_next_update = true;
	expect_crl_malformed();
	e.pck_crl.version_1 = true;
	expect_crl_malformed();
	e.pck_crl.trailing_byte = true;
	expect_crl_malformed();
	e.pck_crl.extra_oid = "2.5.29.27"; /* a delta */
	expect_crl_malformed();
	e.pck_crl.extra_oid = "2.5.29.28";
	e.pck_crl.extra_critical = true;
	expect_crl_malformed();
	e.pck_crl.extra_oid = "2.5.29.20"; /* a second number */
	expect_crl_malformed();
	e.pck_crl.extra_oid = "1.2.3.4";
	expect("none");
	question.collateral.pck_crl.size--;
	test_expect(&question, "crl-malformed");
}

/* What is written at an entry does not matter, unless it could mean another issuer. */
static void test_crl_entries(void **state)
{
	(void)state;
	e.pck_crl.revoked = e.pck_cert.serial;
	e.pck_crl.entry_oid = "2.5.29.21"; /* a reason */
	expect("pck-revoked");
	test_evidence_done(&e);
	test_evidence_init(&e);
	e.pck_crl.revoked = 201;
	e.pck_crl.entry_oid = "2.5.29.21";
	expect("none");
	test_evidence_done(&e);
	test_evidence_init(&e);
	e.pck_crl.revoked = 201;
	e.pck_crl.entry_oid = "2.5.29.21";
	e.pck_crl.entry_malformed = true;
	expect("crl-malformed");
	again();
	e.pck_crl.revoked = 99;
	e.pck_crl.revoked_negative = true;
	expect("crl-malformed");
	again();
	e.pck_crl.revoked = 99;
	e.pck_crl.entry_oid = "1.2.3.4";
	e.pck_crl.entry_critical = true;
	expect("crl-malformed");
	again();
	e.pck_crl.revoked = 99;
	e.pck_crl.entry_oid = "2.5.29.29"; /* certificate issuer */
	e.pck_crl.entry_critical = true;
	expect("crl-malformed");
}

static void test_crl_pem(void **state)
{
	struct buf pem = BUF_INIT(0);

	(void)state;
	build();
	test_pem_label("X509 CRL", &e.pck_crl_der, &pem);
	question.collateral.pck_crl = (struct attest_bytes){pem.data, pem.size};
	test_expect(&question, "none");
	test_pem_label("X509 CRL", &e.pck_crl_der, &pem); /* two */
	question.collateral.pck_crl = (struct attest_bytes){pem.data, pem.size};
	test_expect(&question, "crl-malformed");
	question.collateral.pck_crl = question.collateral.tcb_info_issuer_chain;
	test_expect(&question, "crl-malformed");
	question.collateral.pck_crl = (struct attest_bytes){(const uint8_t *)" \n", 2};
	test_expect(&question, "crl-malformed");
	buf_done(&pem);
}

static void test_crl_bit_flips(void **state)
{
	uint8_t *copy;

	(void)state;
	e.pck_crl.revoked = 201;
	build();
	copy = malloc(e.pck_crl_der.size);
	assert_non_null(copy);
	memcpy(copy, e.pck_crl_der.data, e.pck_crl_der.size);
	question.collateral.pck_crl.data = copy;
	for (size_t i = 0; i < e.pck_crl_der.size; i++) {
		struct attest_verdict *verdict;

		copy[i] ^= (uint8_t)(1u << (i % 8));
		verdict = test_judge(&question);
		assert_false(verdict->accepted);
		assert_int_equal(strncmp(verdict->error_text, "crl-", 4), 0);
		attest_verdict_free(verdict);
		copy[i] ^= (uint8_t)(1u << (i % 8));
	}
	free(copy);
}

static void expect_pck_extension(void)
{
	expect("pck-extension");
	test_evidence_done(&e);
	test_evidence_init(&e);
}

static void test_pck_elements(void **state)
{
	(void)state;
	e.no_pck_extension = true;
	expect_pck_extension();
	e.pck.trailing_byte = true;
	expect_pck_extension();
	for (unsigned i = 1; i <= 7; i++) {
		e.pck.leave_out = i;
		expect_pck_extension();
		e.pck.twice = i;
		expect_pck_extension();
		e.pck.leave_out = i == 7 ? 6 : i + 1; /* as many as there should be */
		e.pck.twice = i;
		expect_pck_extension();
	}
	for (unsigned i = 1; i <= 18; i++) {
		e.pck.tcb_leave_out = i;
		expect_pck_extension();
		e.pck.tcb_twice = i;
		expect_pck_extension();
		e.pck.tcb_twice = i;
		e.pck.tcb_leave_out = i == 18 ? 1 : i + 1;
		expect_pck_extension();
	}
}

static void test_pck_values(void **state)
{
	static const int64_t SVNS[] = {-1, 256, 259, 511, 65535, 1LL << 32};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(SVNS); i++) {
		e.pck.components[3] = SVNS[i];
		expect_pck_extension();
	}
	e.pck.pcesvn = 65536;
	expect_pck_extension();
	e.pck.pcesvn = -1;
	expect_pck_extension();
	e.pck.pcesvn = 65535;
	e.pck.components[0] = 255;
	expect("none");
	test_evidence_done(&e);
	test_evidence_init(&e);
	e.pck.sgx_type = 3;
	expect_pck_extension();
	e.pck.type_as_integer = true;
	expect_pck_extension();
	e.pck.ppid_size = 17;
	expect_pck_extension();
	e.pck.fmspc_size = 5;
	expect_pck_extension();
	e.pck.pceid_size = 3;
	expect_pck_extension();
}

/* Five elements go with the Processor CA only, seven with the Platform CA only. */
static void test_pck_authority(void **state)
{
	static const char PROCESSOR[] = "Test SGX PCK Processor CA";

	(void)state;
	e.pck.platform = false;
	expect_pck_extension();
	e.ca.name = e.pck_cert.issuer_name = e.pck_crl.issuer_name = PROCESSOR;
	expect_pck_extension();
	e.ca.name = e.pck_cert.issuer_name = e.pck_crl.issuer_name = PROCESSOR;
	e.pck.platform = false;
	expect("none");
}

static void test_signer_chain(void **state)
{
	struct buf pem = BUF_INIT(0);

	(void)state;
	build();
	question.collateral.tcb_info_issuer_chain = (struct attest_bytes){0};
	test_expect(&question, "chain-invalid");
	question.collateral.tcb_info_issuer_chain = (struct attest_bytes){e.pck_chain.data, e.pck_chain.size};
	test_expect(&question, "chain-invalid");
	test_pem(&e.root_der, &pem); /* root first */
	test_pem(&e.signer_der, &pem);
	question.collateral.tcb_info_issuer_chain = (struct attest_bytes){pem.data, pem.size};
	test_expect(&question, "chain-invalid");
	buf_done(&pem);
	test_evidence_done(&e);
	test_evidence_init(&e);
	e.signer.name = "Test SGX Somebody";
	expect("chain-invalid");
	test_evidence_done(&e);
	test_evidence_init(&e);
	e.signer.ca = true;
	expect("chain-invalid");
}

/* Both roots are trusted, but the collateral's is not the one of the quote. */
static void test_collateral_of_another_root(void **state)
{
	struct test_evidence other;
	struct attest_bytes both[2];
	const struct attest_roots roots = {.hardware = both, .hardware_count = 2};
	struct attest_verdict *verdict = NULL;
	struct attest_collateral *collateral = NULL;
	const char *why;

	(void)state;
	build();
	test_evidence_init(&other);
	other.root.key = other.root.issuer_key = other.ca.issuer_key = other.signer.issuer_key = TEST_KEY_OTHER;
	test_evidence_build(&other);
	question.collateral.tcb_info_issuer_chain =
	    (struct attest_bytes){other.signer_chain.data, other.signer_chain.size};
	both[0] = question.root;
	both[1] = (struct attest_bytes){other.root_der.data, other.root_der.size};
	assert_int_equal(attest_collateral_new(&question.collateral, &collateral, &why), 0);
	assert_int_equal(attest_verify(&(struct attest_evidence){question.quote},
				       &(struct attest_binding){{question.report_data, 64}}, collateral, &roots,
				       TEST_TIME, NULL, &verdict, &why),
			 0);
	assert_string_equal(verdict->error_text, "root-untrusted");
	assert_string_equal(verdict->failed->name, "tcb-info-root");
	attest_verdict_free(verdict);
	attest_collateral_free(collateral);
	test_evidence_done(&other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_other_root),
	    TEST(test_root_pinned_by_key),
	    TEST(test_order_and_number),
	    TEST(test_around_pem),
	    TEST(test_trailing_byte),
	    TEST(test_broken_signatures),
	    TEST(test_names),
	    TEST(test_ca_rules),
	    TEST(test_extensions),
	    TEST(test_certificate_dates),
	    TEST(test_crl_missing),
	    TEST(test_crl_issuer),
	    TEST(test_crl_revoked),
	    TEST(test_crl_signature),
	    TEST(test_unsigned_entries),
	    TEST(test_crl_dates),
	    TEST(test_crl_malformed),
	    TEST(test_crl_entries),
	    TEST(test_crl_pem),
	    TEST(test_crl_bit_flips),
	    TEST(test_pck_elements),
	    TEST(test_pck_values),
	    TEST(test_pck_authority),
	    TEST(test_signer_chain),
	    TEST(test_collateral_of_another_root),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
