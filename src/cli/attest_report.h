/* SPDX-License-Identifier: Apache-2.0 */
/* What `mse attest` says of a verdict: the text or, with --json, the object; and the exit status that goes with it. */
#ifndef MSE_CLI_ATTEST_REPORT_H
#define MSE_CLI_ATTEST_REPORT_H

#include "cli/cmd.h"
#include "mse/attest.h"

DEFINE_SCOPED_PTR(struct attest_verdict, attest_verdict_free);

/* Prints it and sets call->exit to 0 (accepted) or 2 (refused). */
must_check int attest_report(struct cmd_call *call, const struct attest_verdict *verdict, struct err *err);

#endif
