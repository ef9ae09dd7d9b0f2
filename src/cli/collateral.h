/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a command has its collateral from: a PCCS in Intel's v4 API, or items that were given (a folder, a bundle).
 * Everything in it is signed by the vendor (or by the simulation's PKI), so it does not matter who hands it over: the
 * TLS certificate of the PCCS is not asked. Kept for the run of the program: a deployment attests several connections.
 */
#ifndef MSE_CLI_COLLATERAL_H
#define MSE_CLI_COLLATERAL_H

#include "format/collateral_items.h"
#include "mse/attest.h"
#include "net/curl_client.h"

struct collateral_source;

/* url: "https://HOST[:PORT]/sgx/certification/v4" or the same without the path. */
must_check int collateral_source_new(const char *url, struct collateral_source **ret_source, struct err *err);
/* Takes the items over; nothing is fetched, for no evidence. */
must_check int collateral_source_new_given(struct collateral_items *items, struct collateral_source **ret_source,
					   struct err *err);
void collateral_source_free(struct collateral_source *source);
DEFINE_SCOPED_PTR(struct collateral_source, collateral_source_free);

/*
 * What the evidence needs; borrowed from the source until its next call. For evidence that cannot be read it is empty:
 * the verdict then names what is wrong.
 */
must_check int collateral_source_get(struct collateral_source *source, const void *evidence, size_t size,
				     const struct attest_collateral **ret_collateral, struct err *err);
/* What was fetched is asked for again at the next call; what was given stays. */
void collateral_source_forget(struct collateral_source *source);
/* The same as bytes. */
must_check int collateral_source_items(struct collateral_source *source, const void *evidence, size_t size,
				       const struct collateral_items **ret_items, struct err *err);

/* The items as the verifier takes them; borrowed. */
void collateral_bytes(const struct collateral_items *items, struct attest_collateral_bytes *ret);

#endif
