/* SPDX-License-Identifier: Apache-2.0 */
/* Which items evidence needs, and where in a set they go. Pure. */
#ifndef MSE_COLLATERAL_PLAN_H
#define MSE_COLLATERAL_PLAN_H

#include "collateral/answer.h"
#include "format/collateral_items.h"
#include "mse/attest.h"

#define COLLATERAL_PLAN_MAX 4

/* How many; texts and bytes are borrowed from needs. product: instead of the needs' own when that is not known. */
size_t collateral_plan(const struct attest_needs *needs, const char *product,
		       struct collateral_wanted ret[static COLLATERAL_PLAN_MAX]);

/* Products to try in turn for a report that does not say, ended by NULL. */
const char *const *collateral_plan_products(const struct attest_needs *needs);

/* Moves body and chain of an answer to their places. */
must_check int collateral_plan_place(enum collateral_kind kind, struct collateral_answer *answer,
				     struct collateral_items *items, struct err *err);

#endif
