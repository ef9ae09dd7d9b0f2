/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a command has its collateral from: the vendors' services or a PCCS, behind the cache in
 * $MSE_CONF_PATH/collateral, or items that were given (a folder, a bundle). What was gathered is kept for the run of
 * the program, for several platforms at once: a deployment attests several connections, a watch many hosts.
 */
#ifndef MSE_CLI_COLLATERAL_H
#define MSE_CLI_COLLATERAL_H

#include <jansson.h>

#include "cli/settings.h"
#include "collateral/client.h"
#include "format/collateral_items.h"
#include "mse/attest.h"

#define COLLATERAL_SOURCE_SETS_MAX 64 /* platforms at once: as many as a watch has hosts */

struct collateral_source;

/* pccs: URL, or NULL for the vendors. mode: see collateral/client.h. */
must_check int collateral_source_new(const struct settings *settings, const char *pccs, enum collateral_mode mode,
				     struct collateral_source **ret_source, struct err *err);
/* Takes the items over; nothing is fetched, for no evidence. */
must_check int collateral_source_new_given(struct collateral_items *items, struct collateral_source **ret_source,
					   struct err *err);
void collateral_source_free(struct collateral_source *source);
DEFINE_SCOPED_PTR(struct collateral_source, collateral_source_free);

/*
 * What evidence needs, borrowed from the source: it stays as it is until it is given back, whatever other threads do,
 * and is given back before the source is freed. For evidence that cannot be read it is empty: the verdict then names
 * what is wrong. roots, policy: as the verdict is made with; what the cache has must end in these roots.
 *
 * Any thread. Fetching holds nobody up but those who need the very same, and these no longer than
 * COLLATERAL_SOURCE_WAIT_MS.
 */
struct collateral_loan;

#define COLLATERAL_SOURCE_WAIT_MS 8000

must_check int collateral_source_get(struct collateral_source *source, const struct attest_roots *roots,
				     const struct attest_policy *policy, const void *evidence, size_t size,
				     struct collateral_loan **ret_loan, struct err *err);
void collateral_loan_free(struct collateral_loan *loan);
DEFINE_SCOPED_PTR(struct collateral_loan, collateral_loan_free);

const struct attest_collateral *collateral_loan_prepared(const struct collateral_loan *loan);
const struct collateral_items *collateral_loan_items(const struct collateral_loan *loan);

/*
 * After a verdict made with it: true if it was refused for collateral that came from the cache, which may be of other
 * days. The next get then asks the service again; judge once more.
 */
bool collateral_loan_again(const struct collateral_loan *loan, const struct attest_verdict *verdict);

/* What was fetched is asked for again at its next use (the cache serves when that fails); what was given stays. */
void collateral_source_forget(struct collateral_source *source);

/* Who gave what the last get (of any thread) gave: one line; "" when nothing was fetched. And item by item, for JSON.
 */
must_check int collateral_source_text(const struct collateral_source *source, struct buf *ret, struct err *err);
json_t *collateral_source_json(const struct collateral_source *source); /* array; NULL: out of memory */

/* The items as the verifier takes them; borrowed. */
void collateral_bytes(const struct collateral_items *items, struct attest_collateral_bytes *ret);

#endif
