/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/attest_report.h"

int attest_report(struct cmd_call *call, const struct attest_verdict *verdict, struct err *err)
{
	const bool json = cmd_find_value(call, "json") != NULL;
	scoped(freep) char *text = json ? attest_verdict_json(verdict) : attest_verdict_text(verdict);

	if (!text)
		return err_no_memory(err);
	out_print(call->out, json ? "%s\n" : "%s", text);
	call->exit = verdict->accepted ? CMD_EXIT_OK : CMD_EXIT_REFUSED;
	return 0;
}
