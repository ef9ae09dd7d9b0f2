/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The status of a platform from its parts, every combination: the platform's level, the TDX module's, the quoting
 * enclave's, TDX 1.0 or 1.5, and whether the module that runs now is the newest. What is expected is written down as a
 * table of texts, row by row as attestation-evidence.md section 2 step 12 has it.
 */
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "attest/tcb.h"

#define ISVSVN_NEWEST 5
#define ISVSVN_HERE 4

/* What a platform's status becomes: beside an OutOfDate module or QE, and if relaunch is advised. */
static const struct {
	enum tcb_status platform;
	const char *beside_out_of_date;
	const char *relaunch; /* NULL: never advised */
} ROWS[] = {
    {TCB_STATUS_UP_TO_DATE, "OutOfDate", "TDRelaunchAdvised"},
    {TCB_STATUS_SW_HARDENING_NEEDED, "OutOfDate", "TDRelaunchAdvised"},
    {TCB_STATUS_CONFIGURATION_NEEDED, "OutOfDateConfigurationNeeded", "TDRelaunchAdvisedConfigurationNeeded"},
    {TCB_STATUS_CONFIGURATION_AND_SW_HARDENING_NEEDED, "OutOfDateConfigurationNeeded",
     "TDRelaunchAdvisedConfigurationNeeded"},
    {TCB_STATUS_OUT_OF_DATE, "OutOfDate", NULL},
    {TCB_STATUS_OUT_OF_DATE_CONFIGURATION_NEEDED, "OutOfDateConfigurationNeeded", NULL},
    {TCB_STATUS_REVOKED, "Revoked", NULL},
};

static const enum tcb_status OTHERS[] = {TCB_STATUS_UP_TO_DATE, TCB_STATUS_OUT_OF_DATE, TCB_STATUS_REVOKED};

/* One combination, as collateral and a TD report say it. */
struct combination {
	size_t row;
	enum tcb_status module;
	enum tcb_status qe;
	bool is_1_5;
	bool newest; /* TEE_TCB_SVN_2 reaches the newest level */
};

static const char *expected(const struct combination *c)
{
	if (ROWS[c->row].platform == TCB_STATUS_REVOKED || c->module == TCB_STATUS_REVOKED ||
	    c->qe == TCB_STATUS_REVOKED)
		return "Revoked";
	if (c->is_1_5 && c->newest && c->module == TCB_STATUS_OUT_OF_DATE && c->qe == TCB_STATUS_UP_TO_DATE &&
	    ROWS[c->row].relaunch)
		return ROWS[c->row].relaunch;
	if (c->module == TCB_STATUS_OUT_OF_DATE || c->qe == TCB_STATUS_OUT_OF_DATE)
		return ROWS[c->row].beside_out_of_date;
	return tcb_status_text(ROWS[c->row].platform);
}

/* The verdict's facts for one combination; the module's first level is the newest, its second the one that is reached.
 */
static void judge_one(const struct combination *c)
{
	struct svn_level module_levels[] = {{.isvsvn = ISVSVN_NEWEST, .status = TCB_STATUS_UP_TO_DATE},
					    {.isvsvn = ISVSVN_HERE, .status = c->module}};
	struct tdx_module_identity module = {.version = 1, .levels = {module_levels, COUNT_OF(module_levels)}};
	struct tcb_level level = {.status = ROWS[c->row].platform, .tdx_components = {0, 0, 3}};
	const struct tcb_info info = {.id = TCB_INFO_TDX,
				      .evaluation_number = 17,
				      .levels = &level,
				      .level_count = 1,
				      .modules = {.identities = &module, .identity_count = 1}};
	struct svn_level qe_level = {.isvsvn = 8, .status = c->qe};
	const struct qe_identity identity = {.evaluation_number = 16, .levels = {&qe_level, 1}};
	const struct pck_extension pck = {.pcesvn = 0};
	const uint8_t svn[16] = {ISVSVN_HERE, 1, 3};
	const uint8_t svn_2[16] = {c->newest ? ISVSVN_NEWEST : ISVSVN_HERE, 1, 3};
	const struct td_report td = {.tee_tcb_svn = svn, .tee_tcb_svn_2 = c->is_1_5 ? svn_2 : NULL};
	const struct tcb_question question = {&info, &identity, &pck, &td, 8};
	struct attest_verdict *verdict = verdict_new(1);
	struct judge judge = {.verdict = verdict, .facts = &verdict->facts, .prefix = "", .time = 1};

	assert_true(tcb_judge(&judge, &question));
	if (strcmp(attest_tcb_status_text(verdict->facts.tcb_status), expected(c)) != 0)
		fail_msg("platform %s, module %s, QE %s, %s%s: %s, expected %s", tcb_status_text(ROWS[c->row].platform),
			 tcb_status_text(c->module), tcb_status_text(c->qe), c->is_1_5 ? "1.5" : "1.0",
			 c->newest ? ", newest" : "", attest_tcb_status_text(verdict->facts.tcb_status), expected(c));
	assert_int_equal(verdict->facts.evaluation_number, 16);
	attest_verdict_free(verdict);
}

static void test_every_combination(void **state)
{
	size_t count = 0;

	(void)state;
	for (struct combination c = {0}; c.row < COUNT_OF(ROWS); c.row++) {
		for (size_t i = 0; i < COUNT_OF(OTHERS) * COUNT_OF(OTHERS) * 4; i++) {
			c.module = OTHERS[i / 4 % COUNT_OF(OTHERS)];
			c.qe = OTHERS[i / 4 / COUNT_OF(OTHERS)];
			c.is_1_5 = (i & 1) != 0;
			c.newest = (i & 2) != 0;
			judge_one(&c);
			count++;
		}
	}
	assert_int_equal(count, 7 * 3 * 3 * 2 * 2);
}

/* Each component, and PCESVN, must be reached; one too low is not made up for by others. */
static void test_each_component_counts(void **state)
{
	struct tcb_level level = {.status = TCB_STATUS_UP_TO_DATE, .pcesvn = 13};
	const struct tcb_info info = {.id = TCB_INFO_TDX, .levels = &level, .level_count = 1};
	const struct qe_identity identity = {0};
	struct pck_extension pck = {.pcesvn = 13};
	uint8_t svn[16] = {0};
	const struct td_report td = {.tee_tcb_svn = svn};
	const struct tcb_question question = {&info, &identity, &pck, &td, 0};
	struct tcb_levels found;

	(void)state;
	memset(level.components, 7, sizeof(level.components));
	memset(level.tdx_components, 7, sizeof(level.tdx_components));
	for (size_t low = 0; low < 16; low++) {
		memset(pck.components, 255, sizeof(pck.components));
		memset(svn, 255, sizeof(svn));
		svn[1] = 0; /* all of them count */
		level.tdx_components[1] = 0;
		tcb_find_levels(&question, &found);
		assert_ptr_equal(found.platform, &level);
		pck.components[low] = 6;
		tcb_find_levels(&question, &found);
		assert_true(!found.platform && !found.sgx);
		pck.components[low] = 7;
		if (low != 1)
			svn[low] = 6;
		tcb_find_levels(&question, &found);
		assert_ptr_equal(found.sgx, &level);
		assert_int_equal(found.platform != NULL, low == 1);
		svn[low] = low == 1 ? 0 : 7;
		tcb_find_levels(&question, &found);
		assert_ptr_equal(found.platform, &level);
	}
	pck.pcesvn = 12;
	tcb_find_levels(&question, &found);
	assert_null(found.sgx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_every_combination),
	    cmocka_unit_test(test_each_component_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
