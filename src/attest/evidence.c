/* SPDX-License-Identifier: Apache-2.0 */
#include "attest/evidence.h"

#include <string.h>

#include "attest/intel.h"
#include "attest/snp.h"
#include "format/hex.h"

const char *evidence_find_fault(const struct attest_evidence *evidence)
{
	if (!evidence || (!evidence->quote.data && !evidence->report.data))
		return "the evidence is missing";
	if (evidence->quote.data && evidence->report.data)
		return "a quote and a report are given, expected one of them";
	return NULL;
}

bool evidence_judge(struct judge *judge, const struct attest_evidence *evidence)
{
	judge->simulated = false;
	if (evidence->report.data)
		return snp_judge(judge, evidence->report);
	return intel_judge(judge, evidence->quote);
}

void evidence_judge_binding(struct judge *judge, const uint8_t *expected, size_t size)
{
	char seen[HEX_TEXT_SIZE(ATTEST_REPORT_DATA_SIZE)];
	char wanted[HEX_TEXT_SIZE(ATTEST_REPORT_DATA_SIZE)];

	hex_encode(judge->facts->report_data, size, seen);
	hex_encode(expected, size, wanted);
	if (memcmp(judge->facts->report_data, expected, size) != 0)
		(void)judge_fail(judge, "binding", ATTEST_ERROR_BINDING, "REPORTDATA begins %s, expected %s", seen,
				 wanted);
	else
		judge_pass(judge, "binding", "REPORTDATA is %s, as expected%s", seen,
			   size < ATTEST_REPORT_DATA_SIZE ? " in this part" : "");
}

void evidence_skip_binding(struct judge *judge)
{
	char seen[HEX_TEXT_SIZE(ATTEST_REPORT_DATA_SIZE)];

	hex_encode(judge->facts->report_data, ATTEST_REPORT_DATA_SIZE, seen);
	(void)judge_skip(judge, "binding", "REPORTDATA is %s; the caller takes any", seen);
}
