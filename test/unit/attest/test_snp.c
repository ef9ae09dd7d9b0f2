/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SEV-SNP reports of a test CA: what is accepted, and each refusal by its name (attestation-evidence.md section 5 cases
 * 40 to 44 and 46 to 52, section 7 "SEV-SNP"). Chains and lists: test_snp_chain.c.
 */
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "amd_judge.h"
#include "base/fs.h"

#define MILAN SNP_PRODUCT_MILAN
#define GENOA SNP_PRODUCT_GENOA
#define TURIN SNP_PRODUCT_TURIN
#define VCEK false
#define VLEK true
#define REPORT(at) (e.report + AMD_AT_##at)

/* A test: right evidence, changed by the statements, then built (and signed) and judged. */
#define REFUSED(test, product, version, vlek, error, ...) \
	static void test(void **state) \
	{ \
		struct amd_evidence e; \
\
		(void)state; \
		amd_evidence_init(&e, product, version, vlek); \
		__VA_ARGS__; \
		amd_expect_evidence(&e, error); \
	}
#define ACCEPTED(test, product, version, vlek, ...) REFUSED(test, product, version, vlek, "none", __VA_ARGS__)

static void test_every_product(void **state)
{
	(void)state;
	for (enum snp_product product = MILAN; product <= TURIN; product++) {
		for (unsigned version = 2; version <= 5; version++) {
			for (int vlek = 0; vlek <= 1; vlek++) {
				struct amd_evidence e;

				amd_evidence_init(&e, product, version, vlek != 0);
				amd_expect_evidence(&e, "none");
			}
		}
	}
}

static void test_facts(void **state)
{
	struct amd_evidence e;
	struct amd_question question;
	struct attest_verdict *verdict;
	const struct attest_snp_facts *snp;

	(void)state;
	amd_evidence_init(&e, TURIN, 5, VLEK);
	amd_evidence_build(&e);
	amd_question_init(&question, &e);
	verdict = amd_judge(&question);
	snp = &verdict->facts.snp;
	assert_true(verdict->accepted && verdict->authentic && !verdict->simulated);
	assert_int_equal(verdict->facts.tee, ATTEST_TEE_SEV_SNP);
	assert_int_equal(verdict->facts.version, 5);
	assert_int_equal(verdict->facts.svn, 7);
	assert_int_equal(verdict->facts.signer.size, 48);
	assert_int_equal(verdict->facts.machine.size, 0);
	assert_int_equal(verdict->valid_until, AMD_TIME + 30 * AMD_DAY);
	assert_string_equal(snp->product, "Turin");
	assert_string_equal(snp->csp_id, "CN=cc-test.example");
	assert_int_equal(snp->signing_key, 1);
	assert_int_equal(snp->launch_mitigation_vector, 3);
	assert_int_equal(snp->current_mitigation_vector, 7);
	assert_memory_equal(snp->current_firmware, "\x15\x37\x01", 3);
	assert_false(snp->hcl);
	attest_verdict_free(verdict);
	amd_evidence_done(&e);
}

/* Form: the parser's own tests are test_snp_report.c; here that its faults are the verdict's names. */
REFUSED(test_version_6, MILAN, 5, VCEK, "unsupported-version", *REPORT(VERSION) = 6)
REFUSED(test_version_1, MILAN, 2, VCEK, "unsupported-version", *REPORT(VERSION) = 1)
REFUSED(test_50_policy_bit_17, MILAN, 5, VCEK, "malformed", amd_put_u64(REPORT(POLICY), 0x10000))
REFUSED(test_50_policy_reserved, MILAN, 5, VCEK, "malformed", amd_put_u64(REPORT(POLICY), 0x4030000))
REFUSED(test_50_trailing_garbage, MILAN, 5, VCEK, "malformed", e.report[AMD_REPORT_SIZE - 1] = 1)
REFUSED(test_signing_key_2, MILAN, 5, VCEK, "malformed", *REPORT(KEY_INFO) = 2 << 2)
REFUSED(test_key_info_reserved, MILAN, 5, VCEK, "malformed", *REPORT(KEY_INFO) = 0x20)
REFUSED(test_platform_info_reserved, MILAN, 5, VCEK, "malformed", REPORT(PLATFORM)[1] = 1)
ACCEPTED(test_platform_info_bit_6, TURIN, 5, VCEK, *REPORT(PLATFORM) = 0x67)
REFUSED(test_vmpl_4, MILAN, 5, VCEK, "malformed", *REPORT(VMPL) = 4)
REFUSED(test_cpuid_in_version_2, MILAN, 2, VCEK, "malformed", *REPORT(CPUID) = 0x19)
REFUSED(test_mitigations_in_version_4, MILAN, 4, VCEK, "malformed", *REPORT(LAUNCH_MITIGATIONS) = 1)
REFUSED(test_reserved_byte, MILAN, 5, VCEK, "malformed", e.report[0x29f] = 1)
REFUSED(test_tcb_reserved_milan, MILAN, 5, VCEK, "malformed", REPORT(LAUNCH_TCB)[2] = 1)
REFUSED(test_tcb_reserved_turin, TURIN, 5, VCEK, "malformed", REPORT(CURRENT_TCB)[6] = 1)
ACCEPTED(test_ids_count_for_nothing, MILAN, 5, VCEK, memset(e.report + 0x140, 0x99, 64))

static void expect_size(size_t size, const char *error)
{
	uint8_t longer[AMD_REPORT_SIZE + 16] = {0};
	struct amd_evidence e;
	struct amd_question question;

	amd_evidence_init(&e, MILAN, 5, VCEK);
	amd_evidence_build(&e);
	amd_question_init(&question, &e);
	memcpy(longer, e.report, AMD_REPORT_SIZE);
	question.report = (struct attest_bytes){longer, size};
	amd_expect(&question, error);
	amd_evidence_done(&e);
}

static void test_exact_size(void **state)
{
	(void)state;
	expect_size(AMD_REPORT_SIZE, "none");
	expect_size(AMD_REPORT_SIZE - 1, "truncated");
	expect_size(4, "truncated");
	expect_size(AMD_REPORT_SIZE + 1, "malformed");
	expect_size(AMD_REPORT_SIZE + 16, "malformed");
}

/* Signature. */
REFUSED(test_46_algorithm_2, MILAN, 5, VCEK, "report-signature", *REPORT(ALGORITHM) = 2)
REFUSED(test_46_algorithm_0, MILAN, 5, VCEK, "report-signature", *REPORT(ALGORITHM) = 0)
REFUSED(test_unsigned, MILAN, 5, VCEK, "report-signature", *REPORT(KEY_INFO) = 7 << 2)
REFUSED(test_other_key, MILAN, 5, VCEK, "report-signature", e.report_key = AMD_KEY_OTHER_EC)

static void change_signature(size_t at, uint8_t bits, const char *error)
{
	struct amd_evidence e;
	struct amd_question question;

	amd_evidence_init(&e, GENOA, 4, VCEK);
	amd_evidence_build(&e);
	amd_question_init(&question, &e);
	REPORT(SIGNATURE)[at] ^= bits;
	amd_expect(&question, error);
	amd_evidence_done(&e);
}

static void test_46_padding_of_r_and_s(void **state)
{
	(void)state;
	for (size_t i = 48; i < 72; i++) {
		change_signature(i, 1, "report-signature");
		change_signature(72 + i, 0x80, "report-signature");
	}
}

static void test_signature_bits(void **state)
{
	(void)state;
	change_signature(0, 1, "report-signature");
	change_signature(47, 0x80, "report-signature");
	change_signature(72, 1, "report-signature");
}

/* r or s zero, or the group's order. */
static void test_signature_range(void **state)
{
	static const uint8_t ORDER[48] = {
	    0x73, 0x29, 0xc5, 0xcc, 0x6a, 0x19, 0xec, 0xec, 0x7a, 0xa7, 0xb0, 0x48, 0xb2, 0x0d, 0x1a, 0x58,
	    0xdf, 0x2d, 0x37, 0xf4, 0x81, 0x4d, 0x63, 0xc7, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
	    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
	};

	(void)state;
	for (size_t which = 0; which < 4; which++) {
		struct amd_evidence e;
		struct amd_question question;

		amd_evidence_init(&e, MILAN, 5, VCEK);
		amd_evidence_build(&e);
		amd_question_init(&question, &e);
		memset(REPORT(SIGNATURE) + 72 * (which % 2), 0, 48);
		if (which >= 2)
			memcpy(REPORT(SIGNATURE) + 72 * (which % 2), ORDER, sizeof(ORDER));
		amd_expect(&question, "report-signature");
		amd_evidence_done(&e);
	}
}

/* Refusal 47. */
REFUSED(test_47_boot_loader, MILAN, 5, VCEK, "tcb-mismatch", e.kds.spl[1]--)
REFUSED(test_47_tee, MILAN, 5, VCEK, "tcb-mismatch", e.kds.spl[2]--)
REFUSED(test_47_snp, GENOA, 5, VCEK, "tcb-mismatch", e.kds.spl[3]++)
REFUSED(test_47_microcode, MILAN, 5, VCEK, "tcb-mismatch", e.kds.spl[8]--)
REFUSED(test_47_fmc, TURIN, 5, VCEK, "tcb-mismatch", e.kds.spl[9]++)
REFUSED(test_47_vlek, MILAN, 5, VLEK, "tcb-mismatch", e.kds.spl[8]--)
REFUSED(test_reserved_spl_4, MILAN, 5, VCEK, "tcb-mismatch", e.kds.spl[4] = 1)
REFUSED(test_reserved_spl_7, TURIN, 5, VCEK, "tcb-mismatch", e.kds.spl[7] = 1)
ACCEPTED(test_tcb_255, MILAN, 5, VCEK, e.kds.spl[8] = 255, REPORT(REPORTED_TCB)[7] = 255,
	 REPORT(COMMITTED_TCB)[7] = 255, REPORT(CURRENT_TCB)[7] = 255)
REFUSED(test_47_first_byte_of_chip, MILAN, 5, VCEK, "chip-mismatch", REPORT(CHIP_ID)[0] ^= 1)
REFUSED(test_47_last_byte_of_chip, GENOA, 5, VCEK, "chip-mismatch", REPORT(CHIP_ID)[63] ^= 1)
REFUSED(test_47_chip_of_turin, TURIN, 5, VCEK, "chip-mismatch", REPORT(CHIP_ID)[7] ^= 1)
REFUSED(test_turin_chip_tail, TURIN, 5, VCEK, "chip-mismatch", REPORT(CHIP_ID)[8] = 1)
REFUSED(test_turin_chip_last, TURIN, 5, VCEK, "chip-mismatch", REPORT(CHIP_ID)[63] = 1)

/* Refusal 51: masked, by zeros or by the flag; with a VLEK it is normal. */
REFUSED(test_51_masked_chip, MILAN, 5, VCEK, "chip-mismatch", memset(REPORT(CHIP_ID), 0, 64))
REFUSED(test_51_masked_key, MILAN, 5, VCEK, "chip-mismatch", *REPORT(KEY_INFO) = 2)
REFUSED(test_51_zero_hwid, MILAN, 5, VCEK, "chip-mismatch", memset(REPORT(CHIP_ID), 0, 64), memset(e.kds.hwid, 0, 64))
ACCEPTED(test_vlek_masked_key, MILAN, 5, VLEK, *REPORT(KEY_INFO) = 4 | 2)

/* Refusal 49. */
REFUSED(test_49_cpuid_of_another, MILAN, 3, VCEK, "product-mismatch", REPORT(CPUID)[1] = 0x11)
REFUSED(test_49_cpuid_unknown_model, MILAN, 5, VCEK, "product-mismatch", REPORT(CPUID)[1] = 0x20)
REFUSED(test_49_cpuid_unknown_family, MILAN, 5, VCEK, "product-mismatch", REPORT(CPUID)[0] = 0x18)
REFUSED(test_49_cpuid_zero, MILAN, 5, VCEK, "product-mismatch", memset(REPORT(CPUID), 0, 3))
REFUSED(test_49_product_name, MILAN, 5, VCEK, "product-mismatch", e.kds.product = "Genoa")
REFUSED(test_49_product_name_version_2, MILAN, 2, VCEK, "product-mismatch", e.kds.product = "Genoa")
REFUSED(test_product_name_unknown, MILAN, 5, VCEK, "product-mismatch", e.kds.product = "Naples")
ACCEPTED(test_product_name_without_stepping, MILAN, 5, VCEK, e.kds.product = "Milan")
ACCEPTED(test_siena_is_genoa, GENOA, 5, VCEK, REPORT(CPUID)[1] = 0xa0, e.kds.product = "Siena")
ACCEPTED(test_siena_with_stepping, GENOA, 5, VCEK, REPORT(CPUID)[1] = 0xa0, e.kds.product = "Siena-B0")
REFUSED(test_49_siena_is_not_milan, MILAN, 5, VCEK, "product-mismatch", e.kds.product = "Siena")
REFUSED(test_no_siena_intermediate, GENOA, 5, VCEK, "chain-invalid", (void)strcpy(e.ask.name, "SEV-Siena"),
	(void)strcpy(e.vek.issuer_name, "SEV-Siena"))
REFUSED(test_struct_version_of_turin, MILAN, 5, VCEK, "product-mismatch", e.kds.struct_version = 1, e.kds.spls = 0x3ee,
	e.kds.hwid_size = 8)

static void test_49_ark_of_another(void **state)
{
	struct amd_evidence e, other;
	struct amd_question question;

	(void)state;
	for (unsigned version = 2; version <= 3; version++) {
		amd_evidence_init(&e, MILAN, version, VCEK);
		amd_evidence_init(&other, GENOA, version, VCEK);
		amd_evidence_build(&e);
		amd_evidence_build(&other);
		amd_question_init(&question, &e);
		question.collateral.ark = question.root = (struct attest_bytes){other.ark_der.data, other.ark_der.size};
		amd_expect(&question, "product-mismatch");
		question.collateral.ask = (struct attest_bytes){other.ask_der.data, other.ask_der.size};
		amd_expect(&question, "product-mismatch");
		amd_evidence_done(&e);
		amd_evidence_done(&other);
	}
}

/* Order of the TCBs, part by part. */
REFUSED(test_order_committed_low, MILAN, 5, VCEK, "tcb-order", REPORT(COMMITTED_TCB)[7]--)
REFUSED(test_order_current_low, MILAN, 5, VCEK, "tcb-order", REPORT(CURRENT_TCB)[6]--)
REFUSED(test_order_turin_fmc, TURIN, 5, VCEK, "tcb-order", REPORT(COMMITTED_TCB)[0]--)
REFUSED(test_order_in_another_part, MILAN, 5, VCEK, "tcb-order", REPORT(CURRENT_TCB)[7] = 255,
	REPORT(COMMITTED_TCB)[0] = 5)
ACCEPTED(test_order_provisional, MILAN, 3, VLEK, REPORT(COMMITTED_TCB)[7] += 2, REPORT(CURRENT_TCB)[7] += 3)

/* Appraisal that is SEV-SNP's; the rest of it is test_policy.c's. */
REFUSED(test_40_debug, MILAN, 5, VCEK, "debug", amd_put_u64(REPORT(POLICY), 0xb0000))
REFUSED(test_migration_agent, MILAN, 5, VCEK, "guest-policy", amd_put_u64(REPORT(POLICY), 0x70000))
REFUSED(test_host_asked, MILAN, 5, VCEK, "guest-policy", amd_put_u32(REPORT(VMPL), 0xffffffff))
ACCEPTED(test_vmpl_3, MILAN, 5, VCEK, *REPORT(VMPL) = 3)

static void judge_by(const struct attest_policy *policy, const char *error, void (*change)(struct amd_evidence *))
{
	struct amd_evidence e;
	struct amd_question question;

	amd_evidence_init(&e, MILAN, 5, VCEK);
	if (change)
		change(&e);
	amd_evidence_build(&e);
	amd_question_init(&question, &e);
	question.policy = *policy;
	amd_expect(&question, error);
	amd_evidence_done(&e);
}

static void set_debug(struct amd_evidence *e)
{
	amd_put_u64(e->report + AMD_AT_POLICY, 0xb0000);
}

static void set_migration(struct amd_evidence *e)
{
	amd_put_u64(e->report + AMD_AT_POLICY, 0x70000);
}

static void set_break(struct amd_evidence *e)
{
	set_debug(e);
	e->report_key = AMD_KEY_OTHER_EC;
}

static void test_41_measurement(void **state)
{
	struct attest_measurement wanted = {.size = 48};
	const struct attest_policy policy = {.measurements = &wanted, .measurement_count = 1};

	(void)state;
	memset(wanted.data, 0x22, 48);
	judge_by(&policy, "none", NULL);
	judge_by(&policy, "debug", set_debug);
	wanted.data[47] ^= 1;
	judge_by(&policy, "measurement", NULL);
	wanted.data[47] ^= 1;
	wanted.size = 32;
	judge_by(&policy, "measurement", NULL);
}

static void test_42_svn(void **state)
{
	struct attest_policy policy = {.svn_min = 7};

	(void)state;
	judge_by(&policy, "none", NULL);
	policy.svn_min = 8;
	judge_by(&policy, "svn", NULL);
}

static void test_allowed_guest_policy(void **state)
{
	const struct attest_policy_snp snp = {.allow_migration_agent = true};
	const struct attest_policy policy = {.allow_debug = true, .snp = &snp};

	(void)state;
	judge_by(&policy, "none", set_debug);
	judge_by(&policy, "none", set_migration);
}

static void set_version_4(struct amd_evidence *e)
{
	amd_put_u32(e->report + AMD_AT_VERSION, 4);
	memset(e->report + AMD_AT_LAUNCH_MITIGATIONS, 0, 16);
}

/* Every bit that is asked for; a report that has no vectors holds none. */
static void test_mitigation_vectors(void **state)
{
	struct attest_policy_snp snp = {.mitigations_launch = 3, .mitigations_current = 5};
	const struct attest_policy policy = {.snp = &snp};

	(void)state;
	judge_by(&policy, "none", NULL);
	judge_by(&policy, "tcb-status", set_version_4);
	snp.mitigations_launch = 4;
	judge_by(&policy, "tcb-status", NULL);
	snp.mitigations_launch = 1;
	snp.mitigations_current = 8;
	judge_by(&policy, "tcb-status", NULL);
}

static void set_provisional(struct amd_evidence *e)
{
	e->report[AMD_AT_CURRENT_TCB + 7]++;
}

/* CURRENT_TCB = COMMITTED_TCB is for the policy to ask: real hosts break it. */
static void test_provisional_firmware(void **state)
{
	const struct attest_policy_snp snp = {.require_committed = true};
	const struct attest_policy policy = {.snp = &snp};

	(void)state;
	judge_by(&(struct attest_policy){0}, "none", set_provisional);
	judge_by(&policy, "none", NULL);
	judge_by(&policy, "tcb-status", set_provisional);
}

/* What is not authentic is told before what is not acceptable. */
static void test_authenticity_first(void **state)
{
	(void)state;
	judge_by(&(struct attest_policy){0}, "report-signature", set_break);
}

static void test_44_binding(void **state)
{
	struct amd_evidence e;
	struct amd_question question;

	(void)state;
	amd_evidence_init(&e, MILAN, 5, VCEK);
	amd_evidence_build(&e);
	amd_question_init(&question, &e);
	for (size_t i = 0; i < 64; i += 63) {
		question.report_data[i] ^= 0x80;
		amd_expect(&question, "binding");
		question.report_data[i] ^= 0x80;
	}
	memset(question.report_data, 0, 64);
	amd_expect(&question, "binding");
	amd_evidence_done(&e);
}

/* Azure's wrapping. */
static void wrap(struct amd_evidence *e, struct amd_question *ret)
{
	amd_evidence_init(e, MILAN, 5, VCEK);
	amd_evidence_build(e);
	amd_evidence_wrap(e, 2600);
	amd_question_init(ret, e);
	ret->report = (struct attest_bytes){e->hcl.data, e->hcl.size};
}

static void test_hcl(void **state)
{
	struct amd_evidence e;
	struct amd_question question;
	struct attest_verdict *verdict;

	(void)state;
	wrap(&e, &question);
	verdict = amd_judge(&question);
	assert_true(verdict->accepted);
	assert_true(verdict->facts.snp.hcl && verdict->facts.snp.has_user_data);
	assert_int_equal(verdict->facts.snp.user_data[63], 15);
	attest_verdict_free(verdict);
	question.report_data[0] ^= 1;
	amd_expect(&question, "binding");
	amd_evidence_done(&e);
}

/* The JSON is bound: any byte of it, its length, and the zeros of REPORT_DATA after the hash. */
static void test_hcl_json_changed(void **state)
{
	struct amd_evidence e;
	struct amd_question question;

	(void)state;
	wrap(&e, &question);
	e.hcl.data[1236 + 20] ^= 0x02;
	amd_expect(&question, "binding");
	amd_evidence_done(&e);

	wrap(&e, &question);
	REPORT(REPORT_DATA)[40] = 1;
	amd_evidence_sign(&e);
	memcpy(e.hcl.data + 32, e.report, AMD_REPORT_SIZE);
	question.report_data[40] = 1;
	amd_expect(&question, "binding");
	amd_evidence_done(&e);
}

static void test_hcl_malformed(void **state)
{
	struct amd_evidence e;
	struct amd_question question;

	(void)state;
	wrap(&e, &question);
	e.hcl.data[1216 + 8] = 4; /* a TDX report */
	amd_expect(&question, "malformed");
	e.hcl.data[1216 + 8] = 2;
	question.report.size = 1236;
	amd_expect(&question, "malformed");
	question.report.size = 2600;
	e.hcl.data[32] = 9;
	amd_expect(&question, "unsupported-version");
	amd_evidence_done(&e);
}

/* Both forms of evidence at once, or none, is no question. */
static void test_no_question(void **state)
{
	static const uint8_t ZEROS[64] = {0};
	const struct attest_evidence both = {.quote = {ZEROS, 64}, .report = {ZEROS, 64}};
	const struct attest_evidence none = {0};
	const struct attest_binding binding = {.report_data = {ZEROS, 64}};
	const struct attest_collateral_bytes bytes = {0};
	struct attest_collateral *collateral = NULL;
	struct attest_verdict *verdict = NULL;
	const char *why = NULL;

	(void)state;
	assert_int_equal(attest_collateral_new(&bytes, &collateral, &why), 0);
	assert_int_equal(attest_verify(&both, &binding, collateral, NULL, AMD_TIME, NULL, &verdict, &why), -1);
	assert_int_equal(attest_verify(&none, &binding, collateral, NULL, AMD_TIME, NULL, &verdict, &why), -1);
	assert_null(verdict);
	attest_collateral_free(collateral);
}

static void test_needs(void **state)
{
	struct amd_evidence e;
	struct attest_needs needs;
	struct attest_bytes bytes;
	const char *why = NULL;

	(void)state;
	amd_evidence_init(&e, TURIN, 5, VCEK);
	amd_evidence_build(&e);
	bytes = (struct attest_bytes){e.report, AMD_REPORT_SIZE};
	assert_int_equal(attest_needs(&bytes, &needs, &why), 0);
	assert_int_equal(needs.tee, ATTEST_TEE_SEV_SNP);
	assert_false(needs.vlek);
	assert_string_equal(needs.product, "Turin");
	assert_memory_equal(needs.chip_id, e.report + AMD_AT_CHIP_ID, 64);
	assert_memory_equal(needs.reported_tcb, e.report + AMD_AT_REPORTED_TCB, 8);
	amd_evidence_wrap(&e, 2600);
	bytes = (struct attest_bytes){e.hcl.data, e.hcl.size};
	assert_int_equal(attest_needs(&bytes, &needs, &why), 0);
	assert_string_equal(needs.product, "Turin");
	amd_evidence_table(&e, 7);
	bytes = (struct attest_bytes){e.extension.data, e.extension.size};
	assert_int_equal(attest_needs(&bytes, &needs, &why), 0);
	bytes.size--;
	assert_int_equal(attest_needs(&bytes, &needs, &why), -1);
	bytes = (struct attest_bytes){e.hcl.data, 1236};
	assert_int_equal(attest_needs(&bytes, &needs, &why), -1);
	e.report[AMD_REPORT_SIZE - 1] = 1;
	bytes = (struct attest_bytes){e.report, AMD_REPORT_SIZE};
	assert_int_equal(attest_needs(&bytes, &needs, &why), -1);
	amd_evidence_done(&e);
	amd_evidence_init(&e, MILAN, 2, VLEK);
	amd_evidence_build(&e);
	bytes = (struct attest_bytes){e.report, AMD_REPORT_SIZE};
	assert_int_equal(attest_needs(&bytes, &needs, &why), 0);
	assert_true(needs.vlek);
	assert_null(needs.product);
	amd_evidence_done(&e);
}

/* The verdict for programs tells every field of a report. */
static void test_json(void **state)
{
	static const char *const WANTED[] = {
	    "\"tee\": \"sev-snp\"",
	    "\"product\": \"Milan\"",
	    "\"policy\": \"0x30000\"",
	    "\"signing_key\": \"VCEK\"",
	    "\"current_firmware\": \"1.55.21\"",
	    "\"hcl\": true",
	    "\"user_data\": \"00010203",
	    "\"current_mitigation_vector\": \"0x7\"",
	    "\"guest_svn\": 7",
	};
	struct amd_evidence e;
	struct amd_question question;
	struct attest_verdict *verdict;
	char *text;

	(void)state;
	wrap(&e, &question);
	verdict = amd_judge(&question);
	text = attest_verdict_json(verdict);
	for (size_t i = 0; i < COUNT_OF(WANTED); i++)
		if (!strstr(text, WANTED[i]))
			fail_msg("no '%s' in %s", WANTED[i], text);
	free(text);
	attest_verdict_free(verdict);
	amd_evidence_done(&e);
}

/* docs/formats/verdict.md names every check of a verdict on a report. */
static void test_documented(void **state)
{
	const char *source = getenv("MSE_TEST_SOURCE_DIR");
	struct buf text = BUF_INIT(1u << 20);
	struct amd_evidence e;
	struct amd_question question;
	struct attest_verdict *verdict;
	struct err err = ERR_INIT;
	char path[512];

	(void)state;
	(void)snprintf(path, sizeof(path), "%s/docs/formats/verdict.md", source ? source : ".");
	assert_ok(fs_read(path, &text, &err), &err);
	assert_ok(buf_add(&text, "", 1, &err), &err);
	wrap(&e, &question);
	verdict = amd_judge(&question);
	for (size_t i = 0; i < verdict->check_count; i++) {
		char quoted[ATTEST_NAME_SIZE + 2];

		(void)snprintf(quoted, sizeof(quoted), "`%s`", verdict->checks[i].name);
		if (!strstr((const char *)text.data, quoted))
			fail_msg("docs/formats/verdict.md does not name %s", quoted);
	}
	attest_verdict_free(verdict);
	amd_evidence_done(&e);
	buf_done(&text);
}

#define TEST(name) cmocka_unit_test(name)

static const struct CMUnitTest tests[] = {
    TEST(test_every_product),
    TEST(test_facts),
    TEST(test_version_6),
    TEST(test_version_1),
    TEST(test_50_policy_bit_17),
    TEST(test_50_policy_reserved),
    TEST(test_50_trailing_garbage),
    TEST(test_signing_key_2),
    TEST(test_key_info_reserved),
    TEST(test_platform_info_reserved),
    TEST(test_platform_info_bit_6),
    TEST(test_vmpl_4),
    TEST(test_cpuid_in_version_2),
    TEST(test_mitigations_in_version_4),
    TEST(test_reserved_byte),
    TEST(test_tcb_reserved_milan),
    TEST(test_tcb_reserved_turin),
    TEST(test_ids_count_for_nothing),
    TEST(test_exact_size),
    TEST(test_46_algorithm_2),
    TEST(test_46_algorithm_0),
    TEST(test_unsigned),
    TEST(test_other_key),
    TEST(test_46_padding_of_r_and_s),
    TEST(test_signature_bits),
    TEST(test_signature_range),
    TEST(test_47_boot_loader),
    TEST(test_47_tee),
    TEST(test_47_snp),
    TEST(test_47_microcode),
    TEST(test_47_fmc),
    TEST(test_47_vlek),
    TEST(test_reserved_spl_4),
    TEST(test_reserved_spl_7),
    TEST(test_tcb_255),
    TEST(test_47_first_byte_of_chip),
    TEST(test_47_last_byte_of_chip),
    TEST(test_47_chip_of_turin),
    TEST(test_turin_chip_tail),
    TEST(test_turin_chip_last),
    TEST(test_51_masked_chip),
    TEST(test_51_masked_key),
    TEST(test_51_zero_hwid),
    TEST(test_vlek_masked_key),
    TEST(test_49_cpuid_of_another),
    TEST(test_49_cpuid_unknown_model),
    TEST(test_49_cpuid_unknown_family),
    TEST(test_49_cpuid_zero),
    TEST(test_49_product_name),
    TEST(test_49_product_name_version_2),
    TEST(test_product_name_unknown),
    TEST(test_product_name_without_stepping),
    TEST(test_siena_is_genoa),
    TEST(test_siena_with_stepping),
    TEST(test_49_siena_is_not_milan),
    TEST(test_no_siena_intermediate),
    TEST(test_struct_version_of_turin),
    TEST(test_49_ark_of_another),
    TEST(test_order_committed_low),
    TEST(test_order_current_low),
    TEST(test_order_turin_fmc),
    TEST(test_order_in_another_part),
    TEST(test_order_provisional),
    TEST(test_40_debug),
    TEST(test_migration_agent),
    TEST(test_host_asked),
    TEST(test_vmpl_3),
    TEST(test_41_measurement),
    TEST(test_42_svn),
    TEST(test_allowed_guest_policy),
    TEST(test_mitigation_vectors),
    TEST(test_provisional_firmware),
    TEST(test_authenticity_first),
    TEST(test_44_binding),
    TEST(test_hcl),
    TEST(test_hcl_json_changed),
    TEST(test_hcl_malformed),
    TEST(test_no_question),
    TEST(test_needs),
    TEST(test_documented),
    TEST(test_json),
};

int main(void)
{
	return cmocka_run_group_tests(tests, NULL, NULL);
}
