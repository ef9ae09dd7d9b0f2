/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AMD's chain and its revocation list (attestation-evidence.md section 3 "Chain", section 5 cases 19 to 28, 48, 52 and
 * section 7 "Chains and CRLs", "SEV-SNP"), with a test CA.
 */
#include "unit.h"

#include <string.h>

#include "amd_judge.h"
#include "attest/trust.h"
#include "crypto/x509_parse.h"
#include "intel_evidence.h"

#define MILAN SNP_PRODUCT_MILAN
#define TURIN SNP_PRODUCT_TURIN
#define VCEK false
#define VLEK true

/* A test: right evidence, changed by the statements, then built (and signed) and judged. */
#define REFUSED(test, product, vlek, error, ...) \
	static void test(void **state) \
	{ \
		struct amd_evidence e; \
\
		(void)state; \
		amd_evidence_init(&e, product, 5, vlek); \
		__VA_ARGS__; \
		amd_expect_evidence(&e, error); \
	}
#define ACCEPTED(test, product, vlek, ...) REFUSED(test, product, vlek, "none", __VA_ARGS__)

static void set_name(char ret[static 64], const char *name)
{
	memset(ret, 0, 64);
	memcpy(ret, name, strlen(name));
}

/* Names and kinds: refusal 48. */
REFUSED(test_48_vlek_report_with_vcek, MILAN, VCEK, "chain-invalid", e.report[AMD_AT_KEY_INFO] = 4)
REFUSED(test_48_vcek_report_with_vlek, MILAN, VLEK, "chain-invalid", e.report[AMD_AT_KEY_INFO] = 0)
REFUSED(test_48_ask_for_asvk, MILAN, VLEK, "chain-invalid", set_name(e.ask.name, "SEV-Milan"),
	set_name(e.vek.issuer_name, "SEV-Milan"))
REFUSED(test_48_asvk_for_ask, MILAN, VCEK, "chain-invalid", set_name(e.ask.name, "SEV-VLEK-Milan"),
	set_name(e.vek.issuer_name, "SEV-VLEK-Milan"))
REFUSED(test_vcek_named_vlek, MILAN, VCEK, "chain-invalid", set_name(e.vek.name, "SEV-VLEK"))
REFUSED(test_leaf_named_otherwise, MILAN, VCEK, "chain-invalid", set_name(e.vek.name, "SEV-VCEK2"))
REFUSED(test_ark_named_otherwise, MILAN, VCEK, "chain-invalid", set_name(e.ark.name, "ROOT"),
	set_name(e.ark.issuer_name, "ROOT"), set_name(e.ask.issuer_name, "ROOT"), set_name(e.crl.issuer_name, "ROOT"))
REFUSED(test_ask_named_otherwise, MILAN, VCEK, "chain-invalid", set_name(e.ask.name, "CA"),
	set_name(e.vek.issuer_name, "CA"))
REFUSED(test_ask_issuer_name, MILAN, VCEK, "chain-invalid", set_name(e.ask.issuer_name, "ARK-Other"))
REFUSED(test_vek_issuer_name, MILAN, VCEK, "chain-invalid", set_name(e.vek.issuer_name, "SEV-Genoa"))
REFUSED(test_ark_not_self_issued, MILAN, VCEK, "chain-invalid", set_name(e.ark.issuer_name, "ARK-Above"))

/* Keys and signatures: refusal 52. */
REFUSED(test_52_pkcs1, MILAN, VCEK, "chain-invalid", e.vek.scheme = e.vek.inner_scheme = AMD_PKCS1_SHA384)
REFUSED(test_52_pkcs1_of_ask, MILAN, VCEK, "chain-invalid", e.ask.scheme = e.ask.inner_scheme = AMD_PKCS1_SHA384)
REFUSED(test_52_pkcs1_named_pss, MILAN, VCEK, "chain-invalid", e.vek.scheme = AMD_PSS_NAME_PKCS1)
REFUSED(test_52_sha256, MILAN, VCEK, "chain-invalid", e.vek.scheme = e.vek.inner_scheme = AMD_PSS_SHA256)
REFUSED(test_52_mgf_sha256, MILAN, VCEK, "chain-invalid", e.vek.scheme = e.vek.inner_scheme = AMD_PSS_MGF_SHA256)
REFUSED(test_52_salt_32, MILAN, VCEK, "chain-invalid", e.vek.scheme = e.vek.inner_scheme = AMD_PSS_SALT_32)
REFUSED(test_52_salt_32_named_48, MILAN, VCEK, "chain-invalid", e.vek.scheme = AMD_PSS_SALT_ONLY)
REFUSED(test_inner_algorithm, MILAN, VCEK, "chain-invalid", e.vek.inner_scheme = AMD_PKCS1_SHA384)
REFUSED(test_vek_signature, MILAN, VCEK, "chain-invalid", e.vek.break_signature = true)
REFUSED(test_ask_signature, MILAN, VCEK, "chain-invalid", e.ask.break_signature = true)
REFUSED(test_ark_signature, MILAN, VCEK, "chain-invalid", e.ark.break_signature = true)
REFUSED(test_vek_by_another_ca, MILAN, VCEK, "chain-invalid", e.vek.issuer_key = AMD_KEY_OTHER_RSA)
REFUSED(test_ask_by_another_root, MILAN, VCEK, "chain-invalid", e.ask.issuer_key = AMD_KEY_OTHER_RSA)
REFUSED(test_vek_by_the_root, MILAN, VCEK, "chain-invalid", e.vek.issuer_key = AMD_KEY_ARK)
REFUSED(test_28_leaf_as_issuer, MILAN, VCEK, "chain-invalid", e.ask.key = AMD_KEY_OTHER_EC,
	e.vek.issuer_key = AMD_KEY_OTHER_EC, e.vek.scheme = e.vek.inner_scheme = AMD_ECDSA)
REFUSED(test_vek_on_p256, MILAN, VCEK, "chain-invalid", e.vek.key = AMD_KEY_P256)
REFUSED(test_vek_on_brainpool, MILAN, VCEK, "chain-invalid", e.vek.key = e.report_key = AMD_KEY_BRAINPOOL)
REFUSED(test_vek_with_rsa, MILAN, VCEK, "chain-invalid", e.vek.key = AMD_KEY_OTHER_RSA)
REFUSED(test_ask_of_2048_bits, MILAN, VCEK, "chain-invalid", e.ask.key = e.vek.issuer_key = AMD_KEY_RSA_2048)
REFUSED(test_version_1, MILAN, VCEK, "chain-invalid", e.vek.version_1 = true)
REFUSED(test_vek_trailing_byte, MILAN, VCEK, "chain-invalid", e.vek.trailing_byte = true)
REFUSED(test_ask_trailing_byte, MILAN, VCEK, "chain-invalid", e.ask.trailing_byte = true)
ACCEPTED(test_trailer_field_of_vek, MILAN, VCEK, e.vek.scheme = e.vek.inner_scheme = AMD_PSS_TRAILER)
ACCEPTED(test_serial_0, MILAN, VCEK, e.vek.serial = 0)

/* Rules of CAs. */
REFUSED(test_ask_is_no_ca, MILAN, VCEK, "chain-invalid", e.ask.ca = false)
REFUSED(test_ark_is_no_ca, MILAN, VCEK, "chain-invalid", e.ark.ca = false)
REFUSED(test_ask_may_not_sign, MILAN, VCEK, "chain-invalid", e.ask.key_usage = X509_BIT_CRL_SIGN)
REFUSED(test_ark_may_not_sign, MILAN, VCEK, "chain-invalid", e.ark.key_usage = X509_BIT_CRL_SIGN)
REFUSED(test_ark_path_length, MILAN, VCEK, "chain-invalid", e.ark.path_length = 0)
ACCEPTED(test_ark_path_length_1, MILAN, VCEK, e.ark.path_length = 1)
REFUSED(test_vek_is_ca, MILAN, VCEK, "chain-invalid", e.vek.ca = true)
REFUSED(test_vek_may_sign, MILAN, VCEK, "chain-invalid", e.vek.key_usage = X509_BIT_CERT_SIGN)
REFUSED(test_unknown_critical, MILAN, VCEK, "chain-invalid",
	amd_cert_add_extension(&e.ask, "1.2.3.4", true, "\x05\x00", 2))
ACCEPTED(test_unknown_not_critical, MILAN, VCEK, amd_cert_add_extension(&e.vek, "1.2.3.4", false, "\x05\x00", 2))

/* Extensions of the key distribution service. */
REFUSED(test_kds_no_struct_version, MILAN, VCEK, "chain-invalid", e.kds.no_struct_version = true)
REFUSED(test_kds_struct_version_2, MILAN, VCEK, "chain-invalid", e.kds.struct_version = 2)
REFUSED(test_kds_no_product, MILAN, VCEK, "chain-invalid", e.kds.product = NULL)
REFUSED(test_kds_product_utf8, MILAN, VCEK, "chain-invalid", e.kds.product_as_utf8 = true)
REFUSED(test_kds_product_empty, MILAN, VCEK, "chain-invalid", e.kds.product = "")
REFUSED(test_kds_product_unprintable, MILAN, VCEK, "chain-invalid", e.kds.product = "Mil\nan")
REFUSED(test_kds_product_delete, MILAN, VCEK, "chain-invalid", e.kds.product = "Milan\x7f")
REFUSED(test_kds_product_trailing, MILAN, VCEK, "chain-invalid", e.kds.product = NULL,
	amd_cert_add_extension(&e.vek, "1.3.6.1.4.1.3704.1.2", false, "\x16\x05Milan\x00", 8))
ACCEPTED(test_kds_product_by_hand, MILAN, VCEK, e.kds.product = NULL,
	 amd_cert_add_extension(&e.vek, "1.3.6.1.4.1.3704.1.2", false, "\x16\x05Milan", 7))
REFUSED(test_kds_product_long, MILAN, VCEK, "chain-invalid",
	e.kds.product = "Milan-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")
REFUSED(test_kds_spl_missing, MILAN, VCEK, "chain-invalid", e.kds.spls &= ~(1 << 3))
REFUSED(test_kds_boot_loader_missing, TURIN, VCEK, "chain-invalid", e.kds.spls &= ~(1 << 1))
REFUSED(test_kds_microcode_missing, MILAN, VLEK, "chain-invalid", e.kds.spls &= ~(1 << 8))
ACCEPTED(test_kds_reserved_spls_missing, MILAN, VCEK, e.kds.spls = 0x10e)
REFUSED(test_kds_reserved_spl_256, MILAN, VCEK, "chain-invalid", e.kds.spl[5] = 256)
REFUSED(test_kds_fmc_missing, TURIN, VCEK, "chain-invalid", e.kds.spls &= ~(1 << 9))
REFUSED(test_kds_fmc_on_milan, MILAN, VCEK, "chain-invalid", e.kds.spls |= 1 << 9)
ACCEPTED(test_kds_spl_4_on_turin, TURIN, VCEK, e.kds.spls |= 1 << 4)
REFUSED(test_kds_spl_256, MILAN, VCEK, "chain-invalid", e.kds.spl[8] = 256)
REFUSED(test_kds_spl_negative, MILAN, VCEK, "chain-invalid", e.kds.spl[8] = -1)
REFUSED(test_kds_spl_trailing, MILAN, VCEK, "chain-invalid", e.kds.trailing_byte = true)
REFUSED(test_kds_twice, MILAN, VCEK, "chain-invalid",
	amd_cert_add_extension(&e.vek, "1.3.6.1.4.1.3704.1.3.8", false, "\x02\x01\x05", 3))
REFUSED(test_kds_unknown, MILAN, VCEK, "chain-invalid",
	amd_cert_add_extension(&e.vek, "1.3.6.1.4.1.3704.1.6", false, "\x02\x01\x05", 3))
REFUSED(test_kds_unknown_spl, MILAN, VCEK, "chain-invalid",
	amd_cert_add_extension(&e.vek, "1.3.6.1.4.1.3704.1.3.10", false, "\x02\x01\x05", 3))
REFUSED(test_kds_unknown_arc, MILAN, VCEK, "chain-invalid",
	amd_cert_add_extension(&e.vek, "1.3.6.1.4.1.3704.1.6.1", false, "\x02\x01\x00", 3))
REFUSED(test_kds_unknown_spl_0, MILAN, VCEK, "chain-invalid",
	amd_cert_add_extension(&e.vek, "1.3.6.1.4.1.3704.1.3.0", false, "\x02\x01\x00", 3))
REFUSED(test_kds_hwid_and_csp_id, MILAN, VCEK, "chain-invalid", e.kds.csp_id = "CN=x")
REFUSED(test_kds_csp_id_and_hwid, MILAN, VLEK, "chain-invalid", e.kds.hwid_size = 64)
REFUSED(test_kds_neither, MILAN, VCEK, "chain-invalid", e.kds.hwid_size = 0)
REFUSED(test_kds_vcek_with_csp_id, MILAN, VCEK, "chain-invalid", e.kds.hwid_size = 0, e.kds.csp_id = "CN=x")
REFUSED(test_kds_vlek_with_hwid, MILAN, VLEK, "chain-invalid", e.kds.hwid_size = 64, e.kds.csp_id = NULL)
REFUSED(test_kds_hwid_63, MILAN, VCEK, "chain-invalid", e.kds.hwid_size = 63)
REFUSED(test_kds_hwid_64_on_turin, TURIN, VCEK, "chain-invalid", e.kds.hwid_size = 64)
REFUSED(test_kds_hwid_in_octets, MILAN, VCEK, "chain-invalid", e.kds.hwid_in_octets = true)
REFUSED(test_kds_csp_id_empty, MILAN, VLEK, "chain-invalid", e.kds.csp_id = "")

/* Dates of each certificate: inclusive. */
REFUSED(test_26_vek_early, MILAN, VCEK, "not-yet-valid", e.vek.not_before = AMD_TIME + 1)
REFUSED(test_26_ask_early, MILAN, VCEK, "not-yet-valid", e.ask.not_before = AMD_TIME + 1)
REFUSED(test_26_ark_early, MILAN, VCEK, "not-yet-valid", e.ark.not_before = AMD_TIME + 1)
REFUSED(test_27_vek_late, MILAN, VCEK, "cert-expired", e.vek.not_after = AMD_TIME - 1)
REFUSED(test_27_ask_late, MILAN, VCEK, "cert-expired", e.ask.not_after = AMD_TIME - 1)
REFUSED(test_27_ark_late, MILAN, VCEK, "cert-expired", e.ark.not_after = AMD_TIME - 1)
ACCEPTED(test_dates_inclusive, MILAN, VCEK, e.vek.not_before = AMD_TIME, e.ask.not_after = AMD_TIME,
	 e.crl.next_update = AMD_TIME, e.ark.not_before = AMD_TIME)

/* The ARK's list. */
REFUSED(test_23_ask_revoked, MILAN, VCEK, "ca-revoked", e.crl.revoked = e.ask.serial)
REFUSED(test_23_asvk_revoked, TURIN, VLEK, "ca-revoked", e.crl.revoked = e.ask.serial)
ACCEPTED(test_another_revoked, MILAN, VCEK, e.crl.revoked = e.ask.serial + 1)
REFUSED(test_24_crl_signature, MILAN, VCEK, "crl-signature", e.crl.break_signature = true)
REFUSED(test_24_crl_by_another_key, MILAN, VCEK, "crl-signature", e.crl.issuer_key = AMD_KEY_ASK)
REFUSED(test_21_crl_issuer, MILAN, VCEK, "crl-issuer", set_name(e.crl.issuer_name, "ARK-Genoa"))
REFUSED(test_crl_without_right, MILAN, VCEK, "crl-issuer", e.ark.key_usage = X509_BIT_CERT_SIGN)
REFUSED(test_25_crl_expired, MILAN, VCEK, "crl-expired", e.crl.next_update = AMD_TIME - 1)
REFUSED(test_26_crl_early, MILAN, VCEK, "not-yet-valid", e.crl.this_update = AMD_TIME + 1)
REFUSED(test_crl_version_1, MILAN, VCEK, "crl-malformed", e.crl.version_1 = true)
REFUSED(test_crl_no_number, MILAN, VCEK, "crl-malformed", e.crl.no_number = true)
REFUSED(test_crl_no_authority_key, MILAN, VCEK, "crl-malformed", e.crl.no_authority_key = true)
REFUSED(test_crl_no_next_update, MILAN, VCEK, "crl-malformed", e.crl.no_next_update = true)
REFUSED(test_crl_delta, MILAN, VCEK, "crl-malformed", e.crl.is_delta = true)
REFUSED(test_crl_critical, MILAN, VCEK, "crl-malformed", e.crl.critical = true)
REFUSED(test_crl_trailing_byte, MILAN, VCEK, "crl-malformed", e.crl.trailing_byte = true)
REFUSED(test_crl_pkcs1, MILAN, VCEK, "crl-malformed", e.crl.scheme = AMD_PKCS1_SHA384)
REFUSED(test_crl_by_small_key, MILAN, VCEK, "crl-malformed", e.crl.issuer_key = AMD_KEY_RSA_2048)
REFUSED(test_crl_sha256, MILAN, VCEK, "crl-malformed", e.crl.scheme = AMD_PSS_SHA256)

static struct amd_evidence evidence;
static struct amd_question question;

static int setup(void **state)
{
	(void)state;
	amd_evidence_init(&evidence, MILAN, 5, VCEK);
	amd_evidence_build(&evidence);
	amd_question_init(&question, &evidence);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	amd_evidence_done(&evidence);
	return 0;
}

static void check_crl_missing(void **state)
{
	(void)state;
	question.collateral.ark_crl.size = 0;
	amd_expect(&question, "crl-missing");
	question.collateral.ark_crl = (struct attest_bytes){NULL, 9};
	amd_expect(&question, "crl-missing");
	question.collateral.ark_crl.size = 0;
	amd_expect(&question, "crl-missing");
	question.policy.allow_missing_crl = true;
	amd_expect(&question, "none");
}

/* One that is there is checked all the same. */
static void check_crl_given_and_allowed_to_miss(void **state)
{
	(void)state;
	question.policy.allow_missing_crl = true;
	amd_expect(&question, "none");
	evidence.crl_der.data[evidence.crl_der.size - 1] ^= 1;
	amd_expect(&question, "crl-signature");
	question.collateral.ark_crl.size--;
	amd_expect(&question, "crl-malformed");
}

static void check_allowed_crl_shows(void **state)
{
	struct attest_verdict *verdict;
	bool found = false;

	(void)state;
	question.policy.allow_missing_crl = true;
	question.collateral.ark_crl = (struct attest_bytes){0};
	verdict = amd_judge(&question);
	for (size_t i = 0; i < verdict->loosening_count; i++)
		found |= strcmp(verdict->loosenings[i].name, "allow-missing-crl") == 0;
	assert_true(found);
	attest_verdict_free(verdict);
}

static void check_missing_items(void **state)
{
	struct attest_bytes *const items[] = {&question.collateral.vek, &question.collateral.ask,
					      &question.collateral.ark};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(items); i++) {
		const struct attest_bytes kept = *items[i];

		*items[i] = (struct attest_bytes){0};
		amd_expect(&question, "chain-invalid");
		*items[i] = kept;
	}
	amd_expect(&question, "none");
}

static void check_swapped_items(void **state)
{
	const struct attest_collateral_bytes right = question.collateral;

	(void)state;
	question.collateral.ask = right.ark;
	amd_expect(&question, "chain-invalid");
	question.collateral = right;
	question.collateral.vek = right.ask;
	amd_expect(&question, "chain-invalid");
	question.collateral = right;
	question.collateral.ark = right.ask;
	amd_expect(&question, "chain-invalid");
	question.collateral = right;
	question.collateral.ask = right.ark;
	question.collateral.ark = right.ask;
	amd_expect(&question, "chain-invalid");
}

/* DER and PEM are one; two certificates in one item are refused. */
static void check_pem(void **state)
{
	struct buf vek = {0}, ask = {0}, ark = {0}, crl = {0}, two = {0};

	(void)state;
	test_pem(&evidence.vek_der, &vek);
	test_pem(&evidence.ask_der, &ask);
	test_pem(&evidence.ark_der, &ark);
	test_pem(&evidence.ask_der, &two);
	test_pem(&evidence.ark_der, &two);
	test_pem_label("X509 CRL", &evidence.crl_der, &crl);
	question.collateral = (struct attest_collateral_bytes){.vek = {vek.data, vek.size},
							       .ask = {ask.data, ask.size},
							       .ark = {ark.data, ark.size},
							       .ark_crl = {crl.data, crl.size}};
	amd_expect(&question, "none");
	question.root = question.collateral.ark;
	amd_expect(&question, "none");
	question.collateral.ask = (struct attest_bytes){two.data, two.size};
	amd_expect(&question, "chain-invalid");
	question.collateral.ask = (struct attest_bytes){ask.data, ask.size};
	amd_expect(&question, "none");
	/* After the one list: half of another, and a second one. */
	test_pem_label("X509 CRL", &evidence.crl_der, &crl);
	question.collateral.ark_crl = (struct attest_bytes){crl.data, crl.size - 40};
	amd_expect(&question, "crl-malformed");
	question.collateral.ark_crl.size = crl.size;
	amd_expect(&question, "crl-malformed");
	question.collateral.ark_crl = (struct attest_bytes){(const uint8_t *)"\n", 1};
	amd_expect(&question, "crl-malformed");
	buf_done(&vek);
	buf_done(&ask);
	buf_done(&ark);
	buf_done(&crl);
	buf_done(&two);
}

/* Refusal 19: the right names and nobody's root. */
static void check_root_untrusted(void **state)
{
	(void)state;
	question.root = (struct attest_bytes){0};
	amd_expect(&question, "root-untrusted");
}

static void expect_no_revocation(const char *error)
{
	struct attest_verdict *verdict = amd_judge(&question);

	assert_string_equal(verdict->error_text, error);
	assert_int_equal(test_find_check(verdict, "ask-revocation")->result, ATTEST_NOT_APPLICABLE);
	attest_verdict_free(verdict);
}

/* Of a list whose entries were not read, or cannot be, nothing is said about the ASK. */
static void check_entries_not_read(void **state)
{
	(void)state;
	question.root = (struct attest_bytes){0};
	expect_no_revocation("root-untrusted");
	amd_evidence_done(&evidence);
	amd_evidence_init(&evidence, MILAN, 5, VCEK);
	evidence.crl.revoked = 9;
	evidence.crl.no_entry_date = true;
	amd_evidence_build(&evidence);
	amd_question_init(&question, &evidence);
	expect_no_revocation("crl-malformed");
}

/* The pinned thing is the key: another certificate for it, with other dates, is the same root. */
static void check_root_by_key(void **state)
{
	struct amd_evidence other;

	(void)state;
	amd_evidence_init(&other, MILAN, 5, VCEK);
	other.ark.serial = 99;
	other.ark.not_after = AMD_TIME + AMD_DAY;
	amd_evidence_build(&other);
	question.root = (struct attest_bytes){other.ark_der.data, other.ark_der.size};
	amd_expect(&question, "none");
	amd_evidence_done(&other);
}

/* An Intel-shaped root is no root of AMD's chain, and may be given beside one. */
static void check_intel_root(void **state)
{
	struct test_evidence intel;

	(void)state;
	test_evidence_init(&intel);
	test_evidence_build(&intel);
	question.root = (struct attest_bytes){intel.root_der.data, intel.root_der.size};
	amd_expect(&question, "root-untrusted");
	test_evidence_done(&intel);
}

/* The marker makes it simulated, whoever trusts its root; the policy may allow exactly that root. */
static void check_simulated(void **state)
{
	struct amd_evidence marked;
	struct amd_question ask;
	struct attest_verdict *verdict;
	struct attest_bytes root;

	(void)state;
	amd_evidence_init(&marked, MILAN, 5, VCEK);
	amd_cert_add_extension(&marked.vek, TRUST_SIMULATION_OID, false, "\x05\x00", 2);
	amd_evidence_build(&marked);
	amd_question_init(&ask, &marked);
	amd_expect(&ask, "simulated");
	root = ask.root;
	ask.root = (struct attest_bytes){0};
	ask.policy.simulation_roots = &root;
	ask.policy.simulation_root_count = 1;
	verdict = amd_judge(&ask);
	assert_true(verdict->accepted && verdict->simulated);
	attest_verdict_free(verdict);
	amd_evidence_done(&marked);
}

/* One prepared set serves verdicts at other times and under other roots: nothing of the first is kept. */
static void check_prepared_set(void **state)
{
	const struct attest_roots trusted = {.hardware = &question.root, .hardware_count = 1};
	const struct attest_evidence report = {.report = question.report};
	const struct attest_binding binding = {.report_data = {question.report_data, 64}};
	const struct {
		const struct attest_roots *roots;
		int64_t time;
		const char *error;
	} rows[] = {
	    {&trusted, AMD_TIME, "none"},
	    {NULL, AMD_TIME, "root-untrusted"},
	    {&trusted, AMD_TIME + 31 * AMD_DAY, "crl-expired"},
	    {&trusted, AMD_TIME + 301 * AMD_DAY, "cert-expired"},
	    {&trusted, AMD_TIME, "none"},
	};
	struct attest_collateral *collateral = NULL;
	const char *why = NULL;

	(void)state;
	assert_int_equal(attest_collateral_new(&question.collateral, &collateral, &why), 0);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct attest_verdict *verdict = NULL;

		assert_int_equal(
		    attest_verify(&report, &binding, collateral, rows[i].roots, rows[i].time, NULL, &verdict, &why), 0);
		assert_string_equal(verdict->error_text, rows[i].error);
		attest_verdict_free(verdict);
	}
	attest_collateral_free(collateral);
}

#define TEST(name) cmocka_unit_test(name)
#define CHECK(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

static const struct CMUnitTest tests[] = {
    TEST(test_48_vlek_report_with_vcek),
    TEST(test_48_vcek_report_with_vlek),
    TEST(test_48_ask_for_asvk),
    TEST(test_48_asvk_for_ask),
    TEST(test_vcek_named_vlek),
    TEST(test_leaf_named_otherwise),
    TEST(test_ark_named_otherwise),
    TEST(test_ask_named_otherwise),
    TEST(test_ask_issuer_name),
    TEST(test_vek_issuer_name),
    TEST(test_ark_not_self_issued),
    TEST(test_52_pkcs1),
    TEST(test_52_pkcs1_of_ask),
    TEST(test_52_pkcs1_named_pss),
    TEST(test_52_sha256),
    TEST(test_52_mgf_sha256),
    TEST(test_52_salt_32),
    TEST(test_52_salt_32_named_48),
    TEST(test_inner_algorithm),
    TEST(test_vek_signature),
    TEST(test_ask_signature),
    TEST(test_ark_signature),
    TEST(test_vek_by_another_ca),
    TEST(test_ask_by_another_root),
    TEST(test_vek_by_the_root),
    TEST(test_28_leaf_as_issuer),
    TEST(test_vek_on_p256),
    TEST(test_vek_on_brainpool),
    TEST(test_vek_with_rsa),
    TEST(test_ask_of_2048_bits),
    TEST(test_version_1),
    TEST(test_vek_trailing_byte),
    TEST(test_ask_trailing_byte),
    TEST(test_trailer_field_of_vek),
    TEST(test_serial_0),
    TEST(test_ask_is_no_ca),
    TEST(test_ark_is_no_ca),
    TEST(test_ask_may_not_sign),
    TEST(test_ark_may_not_sign),
    TEST(test_ark_path_length),
    TEST(test_ark_path_length_1),
    TEST(test_vek_is_ca),
    TEST(test_vek_may_sign),
    TEST(test_unknown_critical),
    TEST(test_unknown_not_critical),
    TEST(test_kds_no_struct_version),
    TEST(test_kds_struct_version_2),
    TEST(test_kds_no_product),
    TEST(test_kds_product_utf8),
    TEST(test_kds_product_empty),
    TEST(test_kds_product_unprintable),
    TEST(test_kds_product_delete),
    TEST(test_kds_product_trailing),
    TEST(test_kds_product_by_hand),
    TEST(test_kds_product_long),
    TEST(test_kds_spl_missing),
    TEST(test_kds_boot_loader_missing),
    TEST(test_kds_microcode_missing),
    TEST(test_kds_reserved_spls_missing),
    TEST(test_kds_reserved_spl_256),
    TEST(test_kds_fmc_missing),
    TEST(test_kds_fmc_on_milan),
    TEST(test_kds_spl_4_on_turin),
    TEST(test_kds_spl_256),
    TEST(test_kds_spl_negative),
    TEST(test_kds_spl_trailing),
    TEST(test_kds_twice),
    TEST(test_kds_unknown),
    TEST(test_kds_unknown_spl),
    TEST(test_kds_unknown_arc),
    TEST(test_kds_unknown_spl_0),
    TEST(test_kds_hwid_and_csp_id),
    TEST(test_kds_csp_id_and_hwid),
    TEST(test_kds_neither),
    TEST(test_kds_vcek_with_csp_id),
    TEST(test_kds_vlek_with_hwid),
    TEST(test_kds_hwid_63),
    TEST(test_kds_hwid_64_on_turin),
    TEST(test_kds_hwid_in_octets),
    TEST(test_kds_csp_id_empty),
    TEST(test_26_vek_early),
    TEST(test_26_ask_early),
    TEST(test_26_ark_early),
    TEST(test_27_vek_late),
    TEST(test_27_ask_late),
    TEST(test_27_ark_late),
    TEST(test_dates_inclusive),
    TEST(test_23_ask_revoked),
    TEST(test_23_asvk_revoked),
    TEST(test_another_revoked),
    TEST(test_24_crl_signature),
    TEST(test_24_crl_by_another_key),
    TEST(test_21_crl_issuer),
    TEST(test_crl_without_right),
    TEST(test_25_crl_expired),
    TEST(test_26_crl_early),
    TEST(test_crl_version_1),
    TEST(test_crl_no_number),
    TEST(test_crl_no_authority_key),
    TEST(test_crl_no_next_update),
    TEST(test_crl_delta),
    TEST(test_crl_critical),
    TEST(test_crl_trailing_byte),
    TEST(test_crl_pkcs1),
    TEST(test_crl_by_small_key),
    TEST(test_crl_sha256),
    CHECK(check_crl_missing),
    CHECK(check_crl_given_and_allowed_to_miss),
    CHECK(check_allowed_crl_shows),
    CHECK(check_missing_items),
    CHECK(check_swapped_items),
    CHECK(check_pem),
    CHECK(check_root_untrusted),
    CHECK(check_entries_not_read),
    CHECK(check_root_by_key),
    CHECK(check_intel_root),
    CHECK(check_simulated),
    CHECK(check_prepared_set),
};

int main(void)
{
	return cmocka_run_group_tests(tests, NULL, NULL);
}
