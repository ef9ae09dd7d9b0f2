/* SPDX-License-Identifier: Apache-2.0 */
/* What `mse attest` says of a verdict: the text or, with --json, the object; and the exit status that goes with it. */
#ifndef MSE_CLI_ATTEST_REPORT_H
#define MSE_CLI_ATTEST_REPORT_H

#include "cli/cmd.h"
#include "mse/attest.h"

struct collateral_source;

DEFINE_SCOPED_PTR(struct attest_verdict, attest_verdict_free);

/*
 * Prints it and sets call->exit to 0 (accepted) or 2 (refused). source (may be NULL): who gave the collateral is told
 * after it. more: members for the object, or NULL; taken over in any case.
 */
must_check int attest_report(struct cmd_call *call, const struct attest_verdict *verdict,
			     const struct collateral_source *source, json_t *more, struct err *err);

/*
 * What weakens an accepted verdict, as warnings (stderr): that it is simulated, then each loosening. For commands that
 * do not print the verdict itself. name: of whom, printed before each; NULL: none.
 */
void attest_report_warn(struct out *out, const char *name, const struct attest_verdict *verdict);

/* Lists a loosening of the program's own in the verdict; a verdict whose list is full is refused instead. */
void attest_report_loosened(struct attest_verdict *verdict, const char *name, const char *text);

/* A failed check of the program's own, after all others: the verdict is refused by it unless it was already. */
void attest_report_refuse(struct attest_verdict *verdict, const char *check, enum attest_error error, const char *text);

/*
 * The refusal of a connection that gave no evidence: err begins with the name of F1 or F2 ("tls-version: …"). NULL when
 * there is no such name, or nobody was there to be judged (unreachable, too slow, too busy): that is no verdict.
 */
struct attest_verdict *attest_report_of_connection(const struct err *err, int64_t time);

#endif
