/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Building a verdict: every step records exactly one check, in the order of judgement. The first failed check names
 * the verdict. Steps go on after a failure wherever their own inputs are there, so that a verdict shows all that is
 * wrong, and a bad TCB status never hides a bad signature.
 *
 * A struct judge belongs to one call of the public interface and to one thread.
 */
#ifndef MSE_ATTEST_VERDICT_H
#define MSE_ATTEST_VERDICT_H

#include "base/err.h"
#include "mse/attest.h"

struct trust;

struct judge {
	struct attest_verdict *verdict;
	struct attest_facts *facts; /* of the quote under judgement, in verdict */
	const char *prefix;         /* of check names: "", "certificate." or "fresh." */
	const struct attest_collateral *collateral;
	const struct trust *trust;
	const struct attest_policy *policy; /* never NULL */
	int64_t time;
	bool is_beside_fresh;  /* the certificate of a fresh answer: its dates, TCB status are reported, not judged */
	bool simulated;        /* the quote under judgement is of the simulation, and the policy allows its root */
	bool has_trusted_root; /* of the quote under judgement, seen so far */
	bool no_memory;        /* no verdict can be given */
	const char *limit;     /* the same: which limit of a verdict was reached, a constant sentence; NULL: none */
};

/* NULL when out of memory. */
struct attest_verdict *verdict_new(int64_t time);
/* True if a check failed so far. */
bool verdict_has_failure(const struct attest_verdict *verdict);
/* Sets accepted, error, valid_until from what was recorded. */
void verdict_finish(struct attest_verdict *verdict);

void judge_pass(struct judge *judge, const char *name, const char *format, ...) format_like(3, 4);
/* Returns false, so that a step may write `return judge_fail(…)`. */
bool judge_fail(struct judge *judge, const char *name, enum attest_error error, const char *format, ...)
    format_like(4, 5);
/* The text of err; notes ERR_NO_MEMORY, of which no verdict may be made. */
bool judge_fail_err(struct judge *judge, const char *name, enum attest_error error, const struct err *err);
/* Not asked for, or an input is missing because an earlier check failed. Returns false. */
bool judge_skip(struct judge *judge, const char *name, const char *format, ...) format_like(3, 4);

/* first and second, joined; cut to what fits. */
void judge_name(char ret[static ATTEST_NAME_SIZE], const char *first, const char *second);

/* Notes how long an input holds. */
void judge_expiry(struct judge *judge, const char *what, int64_t from, int64_t until);
/*
 * Passes or fails by an interval with inclusive bounds, and notes it: `late` after until, not-yet-valid before from.
 */
bool judge_interval(struct judge *judge, const char *name, const char *what, int64_t from, int64_t until,
		    enum attest_error late);

/*
 * Lists a loosening, once however often it is told. Policy, roots and binding are listed by policy_list_loosenings;
 * this is for what only the caller of it knows: an exception that was used.
 */
void verdict_loosened(struct judge *judge, const char *name, const char *format, ...) format_like(3, 4);

/* True if the error says that the evidence is no evidence, false if it only displeases the policy. */
bool attest_error_is_authenticity(enum attest_error error);

#endif
