/* SPDX-License-Identifier: Apache-2.0 */
#include "attest/tdx.h"

#include <string.h>

static void fill_report(const struct td_report *report, struct attest_tdx_facts *facts)
{
	memcpy(facts->tee_tcb_svn, report->tee_tcb_svn, sizeof(facts->tee_tcb_svn));
	memcpy(facts->mrseam, report->mrseam, sizeof(facts->mrseam));
	memcpy(facts->mrsignerseam, report->mrsignerseam, sizeof(facts->mrsignerseam));
	memcpy(facts->seam_attributes, report->seam_attributes, sizeof(facts->seam_attributes));
	memcpy(facts->td_attributes, report->td_attributes, sizeof(facts->td_attributes));
	memcpy(facts->xfam, report->xfam, sizeof(facts->xfam));
	memcpy(facts->mrtd, report->mrtd, sizeof(facts->mrtd));
	memcpy(facts->mrconfigid, report->mrconfigid, sizeof(facts->mrconfigid));
	memcpy(facts->mrowner, report->mrowner, sizeof(facts->mrowner));
	memcpy(facts->mrownerconfig, report->mrownerconfig, sizeof(facts->mrownerconfig));
	for (size_t i = 0; i < TD_RTMR_COUNT; i++)
		memcpy(facts->rtmr[i], report->rtmr[i], sizeof(facts->rtmr[i]));
	facts->is_1_5 = report->tee_tcb_svn_2 != NULL;
	if (facts->is_1_5) {
		memcpy(facts->tee_tcb_svn_2, report->tee_tcb_svn_2, sizeof(facts->tee_tcb_svn_2));
		memcpy(facts->mrservicetd, report->mrservicetd, sizeof(facts->mrservicetd));
	}
}

void tdx_fill_facts(const struct td_report *report, struct attest_facts *facts)
{
	facts->tee = ATTEST_TEE_TDX;
	facts->debug = report->debug;
	facts->measurement.size = sizeof(facts->tdx.mrtd);
	memcpy(facts->measurement.data, report->mrtd, sizeof(facts->tdx.mrtd));
	memcpy(facts->report_data, report->report_data, sizeof(facts->report_data));
	fill_report(report, &facts->tdx);
}

/* NULL, or what differs. Bits that the mask leaves out are zero too. */
static const char *find_mismatch(const struct td_report *report, const struct tdx_module *module)
{
	if (memcmp(report->mrsignerseam, module->mrsigner, sizeof(module->mrsigner)) != 0)
		return "MRSIGNERSEAM differs";
	for (size_t i = 0; i < TD_ATTRIBUTES_SIZE; i++) {
		if ((report->seam_attributes[i] & module->attributes_mask[i]) != module->attributes[i])
			return "SEAMATTRIBUTES differ";
		if (report->seam_attributes[i] & (uint8_t)~module->attributes_mask[i])
			return "SEAMATTRIBUTES are not zero outside the mask";
	}
	return NULL;
}

/* Version 0 is the module from before there were identities. NULL: TCB info does not know it. */
static const struct tdx_module *find_module(const struct tcb_info *info, uint8_t version)
{
	const struct tdx_module_identity *identity;

	if (version == 0)
		return &info->modules.module;
	identity = tdx_modules_find(&info->modules, version);
	return identity ? &identity->module : NULL;
}

bool tdx_judge_module(struct judge *judge, const struct td_report *report, const struct tcb_info *info)
{
	const uint8_t version = report->tee_tcb_svn[TDX_SVN_MODULE_VERSION];
	const struct tdx_module *module;
	const char *mismatch;

	if (!info)
		return judge_skip(judge, "tdx-module", "needs TCB info for TDX");
	module = find_module(info, version);
	if (!module)
		return judge_fail(judge, "tdx-module", ATTEST_ERROR_TDX_MODULE_MISMATCH,
				  "TCB info has no identity of TDX module version %u", version);
	mismatch = find_mismatch(report, module);
	if (mismatch)
		(void)judge_fail(judge, "tdx-module", ATTEST_ERROR_TDX_MODULE_MISMATCH, "%s (module version %u)",
				 mismatch, version);
	else
		judge_pass(judge, "tdx-module",
			   "MRSIGNERSEAM and SEAMATTRIBUTES of TDX module version %u are as published", version);
	return true;
}
