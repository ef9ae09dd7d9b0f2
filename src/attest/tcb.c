/* SPDX-License-Identifier: Apache-2.0 */
#include "attest/tcb.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "attest/tdx.h"

static const enum attest_tcb_status PUBLIC_STATUSES[] = {
#define X(name, text) [TCB_STATUS_##name] = ATTEST_TCB_##name,
    TCB_STATUSES(X)
#undef X
};

enum attest_tcb_status tcb_public_status(enum tcb_status status)
{
	return PUBLIC_STATUSES[status];
}

static bool reaches_sgx(const struct pck_extension *pck, const struct tcb_level *level)
{
	for (size_t i = 0; i < TCB_COMPONENT_COUNT; i++)
		if (pck->components[i] < level->components[i])
			return false;
	return pck->pcesvn >= level->pcesvn;
}

/* Modules with an identity have levels of their own for the first two components. */
static bool reaches_tdx(const struct td_report *td, const struct tcb_level *level)
{
	const size_t first = td->tee_tcb_svn[TDX_SVN_MODULE_VERSION] > 0 ? TDX_SVN_SEAM_LOADER : 0;

	for (size_t i = first; i < TCB_COMPONENT_COUNT; i++)
		if (td->tee_tcb_svn[i] < level->tdx_components[i])
			return false;
	return true;
}

static const struct tdx_module_identity *find_module(const struct tcb_question *question)
{
	const uint8_t version = question->td ? question->td->tee_tcb_svn[TDX_SVN_MODULE_VERSION] : 0;

	return version > 0 ? tdx_modules_find(&question->info->modules, version) : NULL;
}

void tcb_find_levels(const struct tcb_question *question, struct tcb_levels *ret)
{
	const struct tdx_module_identity *module = find_module(question);

	*ret = (struct tcb_levels){.qe = svn_levels_find(&question->identity->levels, question->qe_isvsvn)};
	for (size_t i = 0; i < question->info->level_count && !ret->platform; i++) {
		const struct tcb_level *level = &question->info->levels[i];

		if (!reaches_sgx(question->pck, level))
			continue;
		if (!ret->sgx)
			ret->sgx = level;
		if (!question->td || reaches_tdx(question->td, level))
			ret->platform = level;
	}
	if (module)
		ret->module = svn_levels_find(&module->levels, question->td->tee_tcb_svn[TDX_SVN_MODULE]);
}

static enum attest_tcb_status converge_out_of_date(enum attest_tcb_status platform)
{
	switch (platform) {
	case ATTEST_TCB_UP_TO_DATE:
	case ATTEST_TCB_SW_HARDENING_NEEDED:
		return ATTEST_TCB_OUT_OF_DATE;
	case ATTEST_TCB_CONFIGURATION_NEEDED:
	case ATTEST_TCB_CONFIGURATION_AND_SW_HARDENING_NEEDED:
		return ATTEST_TCB_OUT_OF_DATE_CONFIGURATION_NEEDED;
	case ATTEST_TCB_TD_RELAUNCH_ADVISED:
	case ATTEST_TCB_TD_RELAUNCH_ADVISED_CONFIGURATION_NEEDED:
	case ATTEST_TCB_OUT_OF_DATE:
	case ATTEST_TCB_OUT_OF_DATE_CONFIGURATION_NEEDED:
	case ATTEST_TCB_REVOKED:
		return platform;
	}
	return ATTEST_TCB_REVOKED;
}

enum attest_tcb_status tcb_converge(enum attest_tcb_status platform, enum tcb_status other)
{
	if (platform == ATTEST_TCB_REVOKED || other == TCB_STATUS_REVOKED)
		return ATTEST_TCB_REVOKED;
	if (other == TCB_STATUS_OUT_OF_DATE)
		return converge_out_of_date(platform);
	return platform;
}

static bool is_up_to_date_but_for_configuration(enum tcb_status status)
{
	return status == TCB_STATUS_UP_TO_DATE || status == TCB_STATUS_SW_HARDENING_NEEDED ||
	       status == TCB_STATUS_CONFIGURATION_NEEDED || status == TCB_STATUS_CONFIGURATION_AND_SW_HARDENING_NEEDED;
}

static bool needs_configuration(const struct tcb_levels *levels, enum attest_tcb_status status)
{
	return status == ATTEST_TCB_OUT_OF_DATE_CONFIGURATION_NEEDED ||
	       levels->sgx->status == TCB_STATUS_CONFIGURATION_NEEDED ||
	       levels->sgx->status == TCB_STATUS_CONFIGURATION_AND_SW_HARDENING_NEEDED;
}

/*
 * TDX 1.5, end of step 12: the TD was launched under an old module, which has been replaced since by one that is the
 * newest (TEE_TCB_SVN_2): to launch it again is all that is needed.
 */
static bool may_need_relaunch(const struct tcb_question *question, const struct tcb_levels *levels,
			      enum attest_tcb_status status)
{
	return question->td->tee_tcb_svn_2 && levels->qe->status == TCB_STATUS_UP_TO_DATE &&
	       is_up_to_date_but_for_configuration(levels->sgx->status) &&
	       (status == ATTEST_TCB_OUT_OF_DATE || status == ATTEST_TCB_OUT_OF_DATE_CONFIGURATION_NEEDED) &&
	       levels->module && levels->module->status == TCB_STATUS_OUT_OF_DATE;
}

/* Check tdx-relaunch; *status is that of platform and module, and changes if relaunch is advised. */
static void judge_relaunch(struct judge *judge, const struct tcb_question *question, const struct tcb_levels *levels,
			   enum attest_tcb_status *status)
{
	const struct tcb_level *newest = &question->info->levels[0];
	const struct tdx_module_identity *module;
	const uint8_t *svn;
	unsigned least = newest->tdx_components[TDX_SVN_MODULE];

	if (!may_need_relaunch(question, levels, *status)) {
		(void)judge_skip(judge, "tdx-relaunch", "asks only where a TDX 1.5 module alone is out of date");
		return;
	}
	svn = question->td->tee_tcb_svn_2;
	module = tdx_modules_find(&question->info->modules, svn[TDX_SVN_MODULE_VERSION]);
	if (svn[TDX_SVN_MODULE_VERSION] > 0 && !module) {
		(void)judge_fail(judge, "tdx-relaunch", ATTEST_ERROR_TDX_MODULE_MISMATCH,
				 "TCB info has no identity of TDX module version %u (TEE_TCB_SVN_2)",
				 svn[TDX_SVN_MODULE_VERSION]);
		return;
	}
	if (module)
		least = module->levels.items[0].isvsvn;
	if (svn[TDX_SVN_MODULE] < least || svn[TDX_SVN_SEAM_LOADER] < newest->tdx_components[TDX_SVN_SEAM_LOADER]) {
		judge_pass(judge, "tdx-relaunch", "the present module is not the newest either");
		return;
	}
	*status = needs_configuration(levels, *status) ? ATTEST_TCB_TD_RELAUNCH_ADVISED_CONFIGURATION_NEEDED
						       : ATTEST_TCB_TD_RELAUNCH_ADVISED;
	judge_pass(judge, "tdx-relaunch", "the present module is the newest: the TD should be launched again");
}

/* Keeps the list sorted and free of doubles. False if it is full. */
static bool add_advisory(struct attest_facts *facts, const char *name)
{
	size_t at = 0;

	while (at < facts->advisory_count && strcmp(facts->advisories[at], name) < 0)
		at++;
	if (at < facts->advisory_count && strcmp(facts->advisories[at], name) == 0)
		return true;
	if (facts->advisory_count == ATTEST_ADVISORIES_MAX)
		return false;
	memmove(facts->advisories[at + 1], facts->advisories[at],
		(facts->advisory_count - at) * sizeof(facts->advisories[0]));
	(void)snprintf(facts->advisories[at], sizeof(facts->advisories[at]), "%s", name);
	facts->advisory_count++;
	return true;
}

static_assert(ADVISORY_LENGTH_MAX + 1 == ATTEST_ADVISORY_SIZE, "an advisory fits");
static_assert(3 * ADVISORIES_MAX <= ATTEST_ADVISORIES_MAX, "the union of three levels fits");

static void add_advisories(struct attest_facts *facts, const struct advisories *list)
{
	for (size_t i = 0; i < list->count; i++)
		(void)add_advisory(facts, advisories_name(list, i));
}

static void fill_facts(struct attest_facts *facts, const struct tcb_question *question, const struct tcb_levels *levels)
{
	const uint32_t of_info = question->info->evaluation_number;
	const uint32_t of_identity = question->identity->evaluation_number;

	facts->tcb_known = true;
	facts->tcb_date = levels->platform->date;
	facts->evaluation_number = of_info < of_identity ? of_info : of_identity;
	facts->intel.platform_status = tcb_public_status(levels->platform->status);
	facts->intel.qe_status = tcb_public_status(levels->qe->status);
	facts->intel.qe_tcb_date = levels->qe->date;
	add_advisories(facts, &levels->platform->advisories);
	add_advisories(facts, &levels->qe->advisories);
	facts->tdx.has_module_status = levels->module != NULL;
	if (!levels->module)
		return;
	facts->tdx.module_status = tcb_public_status(levels->module->status);
	facts->tdx.module_tcb_date = levels->module->date;
	add_advisories(facts, &levels->module->advisories);
}

/* NULL, or what is below its lowest level. */
static const char *find_unsupported(const struct tcb_question *question, const struct tcb_levels *levels)
{
	if (!levels->platform)
		return "platform";
	if (!levels->module && find_module(question))
		return "TDX module";
	return levels->qe ? NULL : "quoting enclave";
}

bool tcb_judge(struct judge *judge, const struct tcb_question *question)
{
	struct attest_facts *facts = judge->facts;
	struct tcb_levels levels;
	const char *unsupported;
	const char *text;

	tcb_find_levels(question, &levels);
	unsupported = find_unsupported(question, &levels);
	if (unsupported)
		return judge_fail(judge, "tcb-level", ATTEST_ERROR_TCB_NOT_SUPPORTED,
				  "the %s is below the lowest level", unsupported);
	fill_facts(facts, question, &levels);
	judge_pass(judge, "tcb-level", "platform %s, TDX module %s, quoting enclave %s",
		   tcb_status_text(levels.platform->status),
		   levels.module ? tcb_status_text(levels.module->status) : "none", tcb_status_text(levels.qe->status));
	facts->tcb_status = facts->intel.platform_status;
	if (levels.module)
		facts->tcb_status = tcb_converge(facts->tcb_status, levels.module->status);
	if (question->td)
		judge_relaunch(judge, question, &levels, &facts->tcb_status);
	facts->tcb_status = tcb_converge(facts->tcb_status, levels.qe->status);
	text = attest_tcb_status_text(facts->tcb_status);
	if (facts->tcb_status == ATTEST_TCB_REVOKED)
		(void)judge_fail(judge, "tcb-revoked", ATTEST_ERROR_TCB_REVOKED, "together the TCB status is %s", text);
	else
		judge_pass(judge, "tcb-revoked", "together the TCB status is %s", text);
	return true;
}
