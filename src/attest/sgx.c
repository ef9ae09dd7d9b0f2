/* SPDX-License-Identifier: Apache-2.0 */
#include "attest/sgx.h"

#include <string.h>

static void fill_report(const struct sgx_report *report, struct attest_sgx_facts *facts)
{
	memcpy(facts->cpusvn, report->cpusvn, sizeof(facts->cpusvn));
	facts->miscselect = report->miscselect;
	memcpy(facts->attributes, report->attributes, sizeof(facts->attributes));
	memcpy(facts->mrenclave, report->mrenclave, sizeof(facts->mrenclave));
	memcpy(facts->mrsigner, report->mrsigner, sizeof(facts->mrsigner));
	facts->isvprodid = report->isvprodid;
	facts->isvsvn = report->isvsvn;
	memcpy(facts->isvextprodid, report->isvextprodid, sizeof(facts->isvextprodid));
	memcpy(facts->configid, report->configid, sizeof(facts->configid));
	facts->configsvn = report->configsvn;
	memcpy(facts->isvfamilyid, report->isvfamilyid, sizeof(facts->isvfamilyid));
}

void sgx_fill_facts(const struct sgx_report *report, struct attest_facts *facts)
{
	facts->tee = ATTEST_TEE_SGX;
	facts->debug = report->debug;
	facts->measurement.size = sizeof(facts->sgx.mrenclave);
	memcpy(facts->measurement.data, report->mrenclave, sizeof(facts->sgx.mrenclave));
	facts->signer.size = sizeof(facts->sgx.mrsigner);
	memcpy(facts->signer.data, report->mrsigner, sizeof(facts->sgx.mrsigner));
	facts->has_svn = true;
	facts->svn = report->isvsvn;
	memcpy(facts->report_data, report->report_data, sizeof(facts->report_data));
	fill_report(report, &facts->sgx);
}
