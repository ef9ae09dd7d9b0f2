/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every member of a policy, once fulfilled and once not, on evidence of the TEE that it is about, and on evidence that
 * has no such thing (docs/formats/policy.md).
 */
#include "unit.h"

#include <string.h>

#include "amd_judge.h"
#include "test_judge.h"

/* Evidence that is made once and judged many times. */
enum sample {
	SGX,
	SGX_CONFIG, /* CONFIGID is not zero */
	SGX_OLD,    /* OutOfDate, with advisories INTEL-SA-00001 and 2 */
	TDX,        /* 1.0 */
	TDX_1_5,
	TDX_CONFIG,  /* MRCONFIGID is not zero */
	TDX_SERVICE, /* MRSERVICETD is not zero */
	TDX_BIT_29,
	TDX_NO_SEPT,
	MILAN, /* FAMILY_ID, IMAGE_ID, AUTHOR_KEY_DIGEST are set */
	MILAN_HOST_DATA,
	MILAN_ASKED, /* by the host */
	TURIN,
	VLEK,
	VLEK_CHIP, /* CHIP_ID is shown */
	SAMPLES,
};

static struct test_question intel[SAMPLES];
static struct test_evidence intel_evidence[SAMPLES];
static struct amd_question amd[SAMPLES];
static struct amd_evidence amd_evidence[SAMPLES];

static bool is_amd(enum sample sample)
{
	return sample >= MILAN;
}

static void change_intel(enum sample sample, struct test_evidence *e)
{
	memset(e->report + 32, 0x32, 16);  /* ISVEXTPRODID */
	memset(e->report + 304, 0x34, 16); /* ISVFAMILYID */
	e->report[260] = 3;                /* CONFIGSVN */
	memset(e->td_report + 16, 0x16, 48);
	memset(e->td_report + 232, 0x23, 48); /* MROWNER */
	memset(e->td_report + 280, 0x28, 48); /* MROWNERCONFIG */
	for (unsigned i = 0; i < 4; i++)
		memset(e->td_report + 328 + 48 * i, (int)(0xa0 + i), 48);
	if (sample == SGX_CONFIG)
		memset(e->report + 192, 0x19, 64);
	if (sample == SGX_OLD)
		e->pck.components[0] = 6;
	if (sample == TDX_CONFIG)
		memset(e->td_report + 184, 0x18, 48);
	if (sample == TDX_SERVICE)
		memset(e->td_report + 600, 0x60, 48);
	if (sample == TDX_BIT_29)
		e->td_report[120 + 3] |= 0x20;
	if (sample == TDX_NO_SEPT)
		e->td_report[120 + 3] = 0;
}

static void make_intel(enum sample sample)
{
	struct test_evidence *e = &intel_evidence[sample];
	const bool is_1_5 = sample == TDX_1_5 || sample == TDX_SERVICE;

	test_evidence_init_kind(e, sample < TDX ? TEST_SGX_V3 : is_1_5 ? TEST_TDX_V5_1_5 : TEST_TDX_V4);
	change_intel(sample, e);
	test_evidence_build(e);
	test_question_init(&intel[sample], e);
}

static void make_amd(enum sample sample)
{
	struct amd_evidence *e = &amd_evidence[sample];

	amd_evidence_init(e, sample == TURIN ? SNP_PRODUCT_TURIN : SNP_PRODUCT_MILAN, 5,
			  sample == VLEK || sample == VLEK_CHIP);
	memset(e->report + 0x010, 0x10, 16);
	memset(e->report + 0x020, 0x20, 16);
	memset(e->report + 0x110, 0x77, 48); /* AUTHOR_KEY_DIGEST */
	e->report[AMD_AT_KEY_INFO] |= 1;
	if (sample == VLEK_CHIP)
		memset(e->report + AMD_AT_CHIP_ID, 0x77, 64);
	if (sample == MILAN_HOST_DATA)
		memset(e->report + 0x0c0, 0x0c, 32);
	if (sample == MILAN_ASKED)
		amd_put_u32(e->report + AMD_AT_VMPL, 0xffffffff);
	amd_evidence_build(e);
	amd_question_init(&amd[sample], e);
}

static int make_samples(void **state)
{
	(void)state;
	for (enum sample i = 0; i < SAMPLES; i++)
		(is_amd(i) ? make_amd : make_intel)(i);
	return 0;
}

static int free_samples(void **state)
{
	(void)state;
	for (enum sample i = 0; i < SAMPLES; i++) {
		if (is_amd(i))
			amd_evidence_done(&amd_evidence[i]);
		else
			test_evidence_done(&intel_evidence[i]);
	}
	return 0;
}

static struct attest_verdict *judge(enum sample sample, const struct attest_policy *policy)
{
	if (is_amd(sample)) {
		amd[sample].policy = *policy;
		return amd_judge(&amd[sample]);
	}
	intel[sample].policy = *policy;
	return test_judge(&intel[sample]);
}

/* A policy and what it makes of a sample; "none": accepted. */
struct row {
	enum sample sample;
	const char *error;
	struct attest_policy policy;
};

static void expect_row(const struct row *row, size_t number)
{
	struct attest_verdict *verdict = judge(row->sample, &row->policy);

	if (strcmp(verdict->error_text, row->error) != 0)
		fail_msg("row %zu: '%s' (%s: %s), expected '%s'", number, verdict->error_text,
			 verdict->failed ? verdict->failed->name : "", verdict->failed ? verdict->failed->text : "",
			 row->error);
	assert_true(verdict->authentic);
	attest_verdict_free(verdict);
}

#define EXPECT(rows) \
	do { \
		for (size_t i = 0; i < COUNT_OF(rows); i++) \
			expect_row(&(rows)[i], i); \
	} while (0)

/* Values as in the samples, and others. */
static const uint8_t BYTES_10[64] = {[0 ... 63] = 0x10};
static const uint8_t BYTES_20[64] = {[0 ... 63] = 0x20};
static const uint8_t BYTES_0C[64] = {[0 ... 63] = 0x0c};
static const uint8_t BYTES_18[64] = {[0 ... 63] = 0x18};
static const uint8_t BYTES_19[64] = {[0 ... 63] = 0x19};
static const uint8_t BYTES_23[64] = {[0 ... 63] = 0x23};
static const uint8_t BYTES_28[64] = {[0 ... 63] = 0x28};
static const uint8_t BYTES_32[64] = {[0 ... 63] = 0x32};
static const uint8_t BYTES_34[64] = {[0 ... 63] = 0x34};
static const uint8_t BYTES_60[64] = {[0 ... 63] = 0x60};
static const uint8_t ZERO[64];
/* Differs from BYTES_10 in the last of 16 bytes only, and so on. */
static const uint8_t LAST_16[64] = {[0 ... 14] = 0x10, [15] = 0x11};

static const struct attest_measurement LIST_16[] = {{{1}, 48}, {{[0 ... 47] = 0x16}, 48}};
static const struct attest_measurement LIST_A3[] = {{{[0 ... 47] = 0xa3}, 48}};
static const struct attest_measurement LIST_A0[] = {{{[0 ... 47] = 0xa0}, 48}};
static const struct attest_measurement LIST_77[] = {{{[0 ... 47] = 0x77}, 48}};
static const struct attest_measurement LIST_33[] = {{{[0 ... 47] = 0x33}, 48}};
static const struct attest_measurement LIST_22_SHORT[] = {{{[0 ... 31] = 0x22}, 32}};

#define TEE(tee) ATTEST_TEE_BIT(ATTEST_TEE_##tee)
#define SGX_POLICY(...) \
	{ \
		.sgx = &(const struct attest_policy_sgx) \
		{ \
			__VA_ARGS__ \
		} \
	}
#define TDX_POLICY(...) \
	{ \
		.tdx = &(const struct attest_policy_tdx) \
		{ \
			__VA_ARGS__ \
		} \
	}
#define SNP_POLICY(...) \
	{ \
		.snp = &(const struct attest_policy_snp) \
		{ \
			__VA_ARGS__ \
		} \
	}

static void test_without_policy(void **state)
{
	static const struct row ROWS[] = {
	    {SGX, "none", {0}},
	    {SGX_CONFIG, "measurement", {0}},
	    {SGX_CONFIG, "none", {.allow_any_config = true}},
	    {SGX_OLD, "tcb-status", {0}},
	    {TDX, "none", {0}},
	    {TDX_1_5, "none", {0}},
	    {TDX_CONFIG, "measurement", {0}},
	    {TDX_CONFIG, "none", {.allow_any_config = true}},
	    {TDX_SERVICE, "measurement", {0}},
	    {TDX_SERVICE, "measurement", {.allow_any_config = true}}, /* who migrates it can read it */
	    {TDX_BIT_29, "td-attributes", {0}},
	    {TDX_NO_SEPT, "none", {0}},
	    {MILAN, "none", {0}},
	    {MILAN_HOST_DATA, "measurement", {0}},
	    {MILAN_HOST_DATA, "none", {.allow_any_config = true}},
	    {MILAN_ASKED, "guest-policy", {0}},
	    {TURIN, "none", {0}},
	    {VLEK, "none", {0}},
	};

	(void)state;
	EXPECT(ROWS);
}

static void test_common(void **state)
{
	static const uint16_t PRODUCT = 1;
	static const char *const ADVISORIES[] = {"INTEL-SA-00001", "INTEL-SA-00002"};
	static const char *const ONE[] = {"INTEL-SA-00002"};
	static const struct attest_exception OTHER = {
	    .reason = "x", .until = TEST_TIME, .advisories = ADVISORIES, .advisory_count = 1};
	static const struct attest_exception PAST = {
	    .reason = "x", .until = TEST_TIME - 1, .advisories = ADVISORIES, .advisory_count = 1};
	const uint32_t old = ATTEST_TCB_BIT(ATTEST_TCB_OUT_OF_DATE);
	const struct row rows[] = {
	    {SGX, "none", {.tees = TEE(SGX)}},
	    {SGX, "machine", {.tees = TEE(TDX) | TEE(SEV_SNP)}},
	    {TDX, "none", {.tees = TEE(TDX)}},
	    {TDX, "machine", {.tees = TEE(SGX)}},
	    {MILAN, "none", {.tees = TEE(SEV_SNP)}},
	    {MILAN, "machine", {.tees = TEE(TDX)}},
	    {TDX, "machine", SGX_POLICY(.isvprodid = &PRODUCT)}, /* a section names the TEEs */
	    {SGX, "none", SGX_POLICY(.isvprodid = &PRODUCT)},
	    {SGX, "machine", SNP_POLICY(.require_committed = true)},
	    {VLEK, "none", {.signers = LIST_33, .signer_count = 1}},
	    {VLEK, "measurement", {.signers = LIST_77, .signer_count = 1}},
	    {TDX, "measurement", {.signers = LIST_33, .signer_count = 1}}, /* it has none */
	    {SGX, "none", {.signers = LIST_22_SHORT, .signer_count = 1}},
	    {SGX, "none", {.svn_min = 10}},
	    {SGX, "svn", {.svn_min = 11}},
	    {TDX, "svn", {.svn_min = 1}}, /* it has none */
	    /* AMD publishes neither. */
	    {MILAN, "none", {.tcb_statuses = ATTEST_TCB_BIT(ATTEST_TCB_UP_TO_DATE), .advisories = ONE}},
	    {SGX_OLD, "none", {.tcb_statuses = old}},
	    {SGX, "tcb-status", {.tcb_statuses = old}}, /* narrower too */
	    {SGX_OLD, "none", {.tcb_statuses = old, .advisories = ADVISORIES, .advisory_count = 2}},
	    {SGX_OLD, "tcb-status", {.tcb_statuses = old, .advisories = ONE, .advisory_count = 1}},
	    {SGX_OLD,
	     "none",
	     {.tcb_statuses = old, .advisories = ONE, .advisory_count = 1, .exceptions = &OTHER, .exception_count = 1}},
	    {SGX_OLD,
	     "tcb-status",
	     {.tcb_statuses = old, .advisories = ONE, .advisory_count = 1, .exceptions = &PAST, .exception_count = 1}},
	    {SGX, "none", {.tcb_date_min = 1741737600, .tcb_date_max = 1741737600}},
	    {SGX, "tcb-status", {.tcb_date_min = 1741737601}},
	    {SGX, "tcb-status", {.tcb_date_max = 1741737599}},
	    {MILAN, "tcb-status", {.tcb_date_min = 1}}, /* AMD publishes none */
	    {MILAN, "tcb-status", {.tcb_date_max = INT64_MAX}},
	    {MILAN, "tcb-status", {.evaluation_number_min = 1}},
	};

	(void)state;
	EXPECT(rows);
}

static void test_sgx(void **state)
{
	const struct row rows[] = {
	    {SGX, "none", SGX_POLICY(.isvextprodid = BYTES_32)},
	    {SGX, "measurement", SGX_POLICY(.isvextprodid = BYTES_34)},
	    {SGX, "none", SGX_POLICY(.isvfamilyid = BYTES_34)},
	    {SGX, "measurement", SGX_POLICY(.isvfamilyid = BYTES_32)},
	    {SGX_CONFIG, "none", SGX_POLICY(.configid = BYTES_19)},
	    {SGX_CONFIG, "measurement", SGX_POLICY(.configid = BYTES_18)},
	    {SGX, "measurement", SGX_POLICY(.configid = BYTES_19)},
	    {SGX, "none", SGX_POLICY(.configsvn_min = 3)},
	    {SGX, "svn", SGX_POLICY(.configsvn_min = 4)},
	};

	(void)state;
	EXPECT(rows);
}

static void test_tdx(void **state)
{
	static const uint8_t SVN_MET[16] = {5, 1, 3};
	static const uint8_t SVN_MISSED[16] = {5, 1, 3, [15] = 1};
	const struct row rows[] = {
	    {TDX_BIT_29, "none", TDX_POLICY(.attributes_allowed = 1u << 29)},
	    {TDX_BIT_29, "td-attributes", TDX_POLICY(.attributes_allowed = 1u << 27)},
	    {TDX, "none", TDX_POLICY(.require_sept_ve_disable = true)},
	    {TDX_NO_SEPT, "td-attributes", TDX_POLICY(.require_sept_ve_disable = true)},
	    {TDX, "none", TDX_POLICY(.mrseams = LIST_16, .mrseam_count = 2)},
	    {TDX, "measurement", TDX_POLICY(.mrseams = LIST_16, .mrseam_count = 1)},
	    {TDX, "none", TDX_POLICY(.rtmrs = {[3] = LIST_A3}, .rtmr_counts = {[3] = 1})},
	    {TDX, "measurement", TDX_POLICY(.rtmrs = {[2] = LIST_A3}, .rtmr_counts = {[2] = 1})},
	    {TDX, "none", TDX_POLICY(.rtmrs = {[0] = LIST_A0}, .rtmr_counts = {[0] = 1})},
	    {TDX, "measurement", TDX_POLICY(.rtmrs = {[1] = LIST_A0}, .rtmr_counts = {[1] = 1})},
	    {TDX_CONFIG, "none", TDX_POLICY(.mrconfigid = BYTES_18)},
	    {TDX_CONFIG, "measurement", TDX_POLICY(.mrconfigid = BYTES_19)},
	    {TDX_SERVICE, "none", TDX_POLICY(.mrservicetd = BYTES_60)},
	    {TDX_1_5, "measurement", TDX_POLICY(.mrservicetd = BYTES_60)},
	    {TDX, "measurement", TDX_POLICY(.mrservicetd = BYTES_60)}, /* 1.0 has none */
	    {TDX, "none", TDX_POLICY(.mrservicetd = ZERO)},
	    {TDX, "none", TDX_POLICY(.mrowner = BYTES_23, .mrownerconfig = BYTES_28)},
	    {TDX, "measurement", TDX_POLICY(.mrowner = BYTES_28)},
	    {TDX, "measurement", TDX_POLICY(.mrownerconfig = BYTES_23)},
	    {TDX, "none", TDX_POLICY(.tee_tcb_svn_min = SVN_MET)},
	    {TDX, "tcb-status", TDX_POLICY(.tee_tcb_svn_min = SVN_MISSED)},
	};

	(void)state;
	EXPECT(rows);
}

static void test_snp(void **state)
{
	const struct row rows[] = {
	    {MILAN, "none", SNP_POLICY(.policy_required = 0x10000, .policy_forbidden = 0x100000)},
	    {MILAN, "guest-policy", SNP_POLICY(.policy_required = 0x100000)},
	    {MILAN, "guest-policy", SNP_POLICY(.policy_forbidden = 0x10000)},
	    {MILAN, "none", SNP_POLICY(.vmpls = ATTEST_VMPL_BIT(0))},
	    {MILAN, "guest-policy", SNP_POLICY(.vmpls = ATTEST_VMPL_BIT(1))},
	    {MILAN, "guest-policy", SNP_POLICY(.vmpls = ATTEST_VMPL_HOST_BIT)},
	    {MILAN_ASKED, "none", SNP_POLICY(.vmpls = ATTEST_VMPL_HOST_BIT)},
	    {MILAN_HOST_DATA, "none", SNP_POLICY(.host_data = BYTES_0C)},
	    {MILAN_HOST_DATA, "measurement", SNP_POLICY(.host_data = BYTES_10)},
	    {MILAN, "none", SNP_POLICY(.family_id = BYTES_10, .image_id = BYTES_20)},
	    {MILAN, "measurement", SNP_POLICY(.family_id = LAST_16)},
	    {MILAN, "measurement", SNP_POLICY(.image_id = BYTES_10)},
	    {MILAN, "none", SNP_POLICY(.author_keys = LIST_77, .author_key_count = 1)},
	    {MILAN, "measurement", SNP_POLICY(.author_keys = LIST_33, .author_key_count = 1)},
	    {MILAN, "none", SNP_POLICY(.platform_required = 0x21, .platform_forbidden = 0x2)},
	    {MILAN, "tcb-status", SNP_POLICY(.platform_required = 0x2)},
	    {MILAN, "tcb-status", SNP_POLICY(.platform_forbidden = 0x20)},
	    {MILAN, "none", SNP_POLICY(.mitigations_launch = 3)},
	    {MILAN, "tcb-status", SNP_POLICY(.mitigations_launch = 4)},
	    {MILAN, "none", SNP_POLICY(.mitigations_current = 7)},
	    {MILAN, "tcb-status", SNP_POLICY(.mitigations_current = 8)},
	    {VLEK, "machine", SNP_POLICY(.csp_id = "somebody else")},
	    {MILAN, "machine", SNP_POLICY(.csp_id = "x")}, /* a VCEK has none */
	};

	(void)state;
	EXPECT(rows);
}

/* Each component of the reported TCB, where the product has it: one more than the report's is too much. */
static void test_snp_tcb(void **state)
{
	static const struct {
		enum sample sample;
		size_t at[5]; /* boot loader, TEE, SNP, microcode, FMC in REPORTED_TCB */
		size_t count;
	} PLACES[] = {{MILAN, {0, 1, 6, 7}, 4}, {TURIN, {1, 2, 3, 7, 0}, 5}};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(PLACES); i++) {
		const uint8_t *tcb = amd_evidence[PLACES[i].sample].report + AMD_AT_REPORTED_TCB;

		for (size_t k = 0; k < PLACES[i].count; k++) {
			struct attest_policy_snp snp = {0};
			uint8_t *const members[] = {&snp.tcb_min.boot_loader, &snp.tcb_min.tee, &snp.tcb_min.snp,
						    &snp.tcb_min.microcode, &snp.tcb_min.fmc};
			struct row row = {PLACES[i].sample, "none", {.snp = &snp}};

			*members[k] = tcb[PLACES[i].at[k]];
			expect_row(&row, 10 * i + k);
			row.error = "tcb-status";
			(*members[k])++;
			expect_row(&row, 10 * i + k);
		}
	}
	expect_row(&(struct row){MILAN, "tcb-status", SNP_POLICY(.tcb_min = {.fmc = 1})}, 99); /* it has none */
}

static void test_csp(void **state)
{
	struct attest_verdict *verdict = judge(VLEK, &(struct attest_policy){0});
	struct attest_policy_snp snp = {.csp_id = verdict->facts.snp.csp_id};

	(void)state;
	assert_string_not_equal(snp.csp_id, "");
	expect_row(&(struct row){VLEK, "none", {.snp = &snp}}, 0);
	attest_verdict_free(verdict);
}

static struct attest_policy_machine machine_of(enum sample sample, enum attest_machine_kind kind)
{
	struct attest_verdict *verdict = judge(sample, &(struct attest_policy){0});
	struct attest_policy_machine machine = {.kind = kind, .id = verdict->facts.machine};

	if (kind == ATTEST_MACHINE_PLATFORM_INSTANCE) {
		machine.id.size = 16;
		memcpy(machine.id.data, verdict->facts.intel.platform_instance_id, 16);
	}
	attest_verdict_free(verdict);
	return machine;
}

static void test_machines(void **state)
{
	const struct {
		enum sample sample;
		enum attest_machine_kind kind;
	} MACHINES[] = {{SGX, ATTEST_MACHINE_PPID},
			{SGX, ATTEST_MACHINE_PLATFORM_INSTANCE},
			{TDX, ATTEST_MACHINE_PPID},
			{TDX, ATTEST_MACHINE_PLATFORM_INSTANCE},
			{MILAN, ATTEST_MACHINE_CHIP_ID}};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(MACHINES); i++) {
		struct attest_policy_machine list[2] = {{.kind = ATTEST_MACHINE_PPID, .id = {.size = 32}},
							machine_of(MACHINES[i].sample, MACHINES[i].kind)};
		struct row row = {MACHINES[i].sample, "none", {.machines = list, .machine_count = 2}};

		expect_row(&row, i);
		row.policy.machine_count = 1;
		row.error = "machine";
		expect_row(&row, i);
		row.policy.machine_count = 2;
		list[1].id.data[list[1].id.size - 1] ^= 1;
		expect_row(&row, i);
	}
	/* A VLEK names no chip, and no certificate vouches for the one that a report under it names. */
	{
		struct attest_policy_machine chip = {.kind = ATTEST_MACHINE_CHIP_ID, .id = {.size = 64}};

		expect_row(&(struct row){VLEK, "machine", {.machines = &chip, .machine_count = 1}}, 90);
		chip = machine_of(VLEK_CHIP, ATTEST_MACHINE_CHIP_ID);
		assert_int_equal(chip.id.size, 64);
		expect_row(&(struct row){VLEK_CHIP, "machine", {.machines = &chip, .machine_count = 1}}, 91);
	}
}

static void test_deny(void **state)
{
	static const uint8_t FMSPC[6] = {0x30, 0x60, 0x6a, 0, 0, 0};
	static const uint8_t OTHER[6] = {0x30, 0x60, 0x6a, 0, 0, 1};
	static const struct {
		enum sample sample;
		const char *error;
		struct attest_deny rule;
	} RULES[] = {
	    {SGX, "machine", {.reason = "r", .tees = TEE(SGX)}},
	    {SGX, "none", {.reason = "r", .tees = TEE(TDX)}},
	    {SGX, "machine", {.reason = "r", .fmspc = FMSPC}},
	    {SGX, "none", {.reason = "r", .fmspc = OTHER}},
	    {TDX, "machine", {.reason = "r", .fmspc = FMSPC}},
	    {TDX, "none", {.reason = "r", .fmspc = FMSPC, .tees = TEE(SGX)}},
	    {TDX, "machine", {.reason = "r", .fmspc = FMSPC, .tees = TEE(SGX) | TEE(TDX)}},
	    {MILAN, "none", {.reason = "r", .fmspc = FMSPC}},
	    {MILAN, "machine", {.reason = "r", .product = "Milan"}},
	    {MILAN, "none", {.reason = "r", .product = "Turin"}},
	    {TURIN, "machine", {.reason = "r", .product = "Turin"}},
	    {SGX, "none", {.reason = "r", .product = "Milan"}},
	    {SGX_OLD, "machine", {.reason = "r", .advisory = "INTEL-SA-00002"}},
	    {SGX_OLD, "none", {.reason = "r", .advisory = "INTEL-SA-00009"}},
	    {SGX_OLD, "none", {.reason = "r", .advisory = "INTEL-SA-00002", .fmspc = OTHER}},
	    {SGX, "none", {.reason = "r", .advisory = "INTEL-SA-00002"}},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(RULES); i++) {
		const struct attest_deny list[2] = {{.reason = "never", .fmspc = OTHER}, RULES[i].rule};
		const struct row row = {
		    RULES[i].sample,
		    RULES[i].error,
		    {.denied = list,
		     .denied_count = 2,
		     .tcb_statuses = ATTEST_TCB_BIT(ATTEST_TCB_UP_TO_DATE) | ATTEST_TCB_BIT(ATTEST_TCB_OUT_OF_DATE)}};

		expect_row(&row, i);
	}
}

/* What was loosened is listed whether it mattered or not; an exception when it was used. */
static void test_loosenings(void **state)
{
	static const struct attest_exception EXCEPTION = {
	    .reason = "why", .until = TEST_TIME, .tcb_statuses = ATTEST_TCB_BIT(ATTEST_TCB_OUT_OF_DATE)};
	const struct {
		enum sample sample;
		const char *name; /* NULL: none */
		struct attest_policy policy;
	} cases[] = {
	    {SGX, NULL, {0}},
	    {SGX, NULL, {.tcb_statuses = ATTEST_TCB_BIT(ATTEST_TCB_UP_TO_DATE)}},
	    {SGX, "tcb-status", {.tcb_statuses = ATTEST_TCB_BIT(ATTEST_TCB_CONFIGURATION_NEEDED) | 1}},
	    {SGX, "allow-debug", {.allow_debug = true}},
	    {SGX, "allow-missing-crl", {.allow_missing_crl = true}},
	    {SGX, "any-config", {.allow_any_config = true}},
	    {SGX_OLD, "exception", {.exceptions = &EXCEPTION, .exception_count = 1}},
	    {SGX, NULL, {.exceptions = &EXCEPTION, .exception_count = 1}},
	    {TDX, NULL, TDX_POLICY(.require_sept_ve_disable = true)},
	    {TDX, "td-attributes", TDX_POLICY(.attributes_allowed = 1u << 29)},
	    {MILAN, "migration-agent", SNP_POLICY(.allow_migration_agent = true)},
	    {MILAN, "host-report", SNP_POLICY(.vmpls = ATTEST_VMPL_HOST_BIT | 1)},
	    {MILAN, NULL, SNP_POLICY(.vmpls = 1)},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct attest_verdict *verdict = judge(cases[i].sample, &cases[i].policy);
		size_t count = 0;

		assert_true(verdict->accepted);
		for (size_t k = 0; k < verdict->loosening_count; k++) {
			if (strcmp(verdict->loosenings[k].name, "trust-root") == 0) /* the test CA's */
				continue;
			assert_non_null(cases[i].name);
			assert_string_equal(verdict->loosenings[k].name, cases[i].name);
			assert_string_not_equal(verdict->loosenings[k].text, "");
			count++;
		}
		if (count != (cases[i].name ? 1 : 0))
			fail_msg("case %zu: %zu loosenings", i, count);
		attest_verdict_free(verdict);
	}
}

#define ROOTS_MAX 64   /* of one kind; those of hardware count with the vendors' */
#define VENDOR_ROOTS 4 /* Intel's, and AMD's for three products */

static struct buf root_ders[ATTEST_LOOSENINGS_MAX + 1];
static struct attest_bytes root_list[COUNT_OF(root_ders)];

static void make_roots(void)
{
	for (size_t i = 0; i < COUNT_OF(root_ders); i++) {
		struct test_evidence evidence;

		test_evidence_init(&evidence);
		evidence.root.serial = (uint8_t)(i + 1);
		root_ders[i] = BUF_INIT(4096);
		test_cert_make(&evidence.root, &root_ders[i]);
		root_list[i] = (struct attest_bytes){root_ders[i].data, root_ders[i].size};
		test_evidence_done(&evidence);
	}
}

/* So many roots of hardware, the following ones of simulations. why NULL: a verdict is made. */
static void expect_roots(size_t hardware, size_t simulation, const char *expected)
{
	const struct attest_policy policy = {.simulation_roots = simulation > 0 ? root_list + hardware : NULL,
					     .simulation_root_count = simulation};
	const struct attest_roots roots = {.hardware = root_list, .hardware_count = hardware};
	const struct attest_collateral_bytes none = {0};
	const struct attest_evidence quote = {.quote = {(const uint8_t *)"quote", 5}};
	const uint8_t report_data[ATTEST_REPORT_DATA_SIZE] = {0};
	const struct attest_binding binding = {.report_data = {report_data, sizeof(report_data)}};
	struct attest_collateral *collateral = NULL;
	struct attest_verdict *verdict = NULL;
	const char *why = "";

	assert_int_equal(attest_collateral_new(&none, &collateral, &why), 0);
	assert_int_equal(attest_verify(&quote, &binding, collateral, &roots, TEST_TIME, &policy, &verdict, &why),
			 expected ? -1 : 0);
	if (expected)
		assert_non_null(strstr(why, expected));
	assert_int_equal(verdict != NULL, expected == NULL);
	attest_verdict_free(verdict);
	attest_collateral_free(collateral);
}

/* More than a verdict can list: none is made, and the caller is told why. */
static void test_too_many_roots(void **state)
{
	(void)state;
	make_roots();
	expect_roots(ROOTS_MAX - VENDOR_ROOTS, 0, NULL);
	expect_roots(ROOTS_MAX - VENDOR_ROOTS + 1, 0, "more than 64 roots");
	expect_roots(0, ROOTS_MAX, NULL);
	expect_roots(0, ROOTS_MAX + 1, "more than 64 roots");
	expect_roots(40, ATTEST_LOOSENINGS_MAX - 40, NULL);
	expect_roots(40, ATTEST_LOOSENINGS_MAX - 39, "more than 96 loosenings");
	for (size_t i = 0; i < COUNT_OF(root_ders); i++)
		buf_done(&root_ders[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_without_policy),
	    cmocka_unit_test(test_common),
	    cmocka_unit_test(test_sgx),
	    cmocka_unit_test(test_tdx),
	    cmocka_unit_test(test_snp),
	    cmocka_unit_test(test_snp_tcb),
	    cmocka_unit_test(test_csp),
	    cmocka_unit_test(test_machines),
	    cmocka_unit_test(test_deny),
	    cmocka_unit_test(test_loosenings),
	    cmocka_unit_test(test_too_many_roots),
	};

	return cmocka_run_group_tests(tests, make_samples, free_samples);
}
