/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "collateral/client_priv.h"
#include "collateral/plan.h"
#include "format/hex.h"

/* ---- all that evidence needs ---- */

void collateral_set_free(struct collateral_set *set)
{
	if (!set)
		return;
	collateral_items_done(&set->items);
	free(set);
}

static int add_item(struct collateral_run *run, const struct collateral_wanted *wanted, struct collateral_set *set,
		    struct err *err)
{
	struct collateral_record record = COLLATERAL_RECORD_INIT;
	int status = collateral_obtain(run, wanted, &record, &set->origins[set->origin_count], err);

	if (status == 0)
		status = collateral_plan_place(wanted->kind, &record.answer, &set->items, err);
	if (status == 0)
		set->origin_count++;
	collateral_record_done(&record);
	return status;
}

static bool is_root_list(enum collateral_kind kind)
{
	return kind == COLLATERAL_KIND_ROOT_CRL || kind == COLLATERAL_KIND_VCEK_CRL || kind == COLLATERAL_KIND_VLEK_CRL;
}

/* Before anything is judged: what is signed by whom the root has revoked counts no more, kept or offered. */
static void find_root_list(struct collateral_run *run, const struct collateral_wanted wanted[], size_t count)
{
	const struct collateral_cache *cache = run->client->cache;
	char name[COLLATERAL_NAME_MAX];
	struct err ignored = ERR_INIT;

	for (size_t i = 0; i < count; i++) {
		scoped(collateral_record_done) struct collateral_record record = COLLATERAL_RECORD_INIT;

		if (is_root_list(wanted[i].kind) && cache && collateral_name(run, &wanted[i], name, &ignored) == 0 &&
		    collateral_cache_find(cache, name, &record))
			IGNORE_RESULT((collateral_kind_is_amd(wanted[i].kind) ? crl_parse_amd : crl_parse)(
			    record.answer.body.data, record.answer.body.size, &run->issuers.root_list, &ignored));
	}
}

static int get_for_product(struct collateral_run *run, const struct attest_needs *needs, const char *product,
			   struct collateral_set **ret_set, struct err *err)
{
	struct collateral_wanted wanted[COLLATERAL_PLAN_MAX];
	const size_t count = collateral_plan(needs, product, wanted);
	char name[COLLATERAL_NAME_MAX];
	int status = 0;
	scoped(collateral_set_freep) struct collateral_set *set = calloc(1, sizeof(*set));

	if (!set)
		return err_no_memory(err);
	collateral_items_init(&set->items);
	/* Nobody is asked for a part of what cannot be had as a whole. */
	for (size_t i = 0; i < count && status == 0; i++)
		status = collateral_name(run, &wanted[i], name, err);
	find_root_list(run, wanted, count);
	for (size_t i = 0; i < count && status == 0; i++)
		status = add_item(run, &wanted[i], set, err);
	collateral_issuers_done(&run->issuers);
	if (status == 0)
		*ret_set = TAKE_PTR(set);
	return status;
}

/* The first product that has it; the last one's failure. */
static int get_for_any(struct collateral_run *run, const struct attest_needs *needs, struct collateral_set **ret_set,
		       struct err *err)
{
	for (const char *const *product = collateral_plan_products(needs);; product++) {
		struct err failed = ERR_INIT;

		if (get_for_product(run, needs, **product ? *product : needs->product, ret_set, &failed) == 0)
			return 0;
		if (!product[1] || (failed.code != ERR_NOT_FOUND && run->mode != COLLATERAL_OFFLINE)) {
			*err = failed;
			return -1;
		}
	}
}

/* The product that the cache knows this chip by: asking for the others each time would be asked too often. */
static const char *find_kept_product(const struct collateral_run *run, const struct attest_needs *needs)
{
	struct collateral_run kept = {
	    .client = run->client, .trust = run->trust, .mode = COLLATERAL_OFFLINE, .now = run->now};

	for (const char *const *product = collateral_plan_products(needs); *product; product++) {
		scoped(collateral_set_freep) struct collateral_set *set = NULL;
		struct err ignored = ERR_INIT;

		if (get_for_product(&kept, needs, *product, &set, &ignored) == 0)
			return *product;
	}
	return NULL;
}

static int begin(struct collateral_client *client, const struct collateral_trust *trust, enum collateral_mode mode,
		 int64_t now, struct collateral_run *ret, struct err *err)
{
	*ret = (struct collateral_run){
	    .client = client,
	    /* A client that was made offline stays so. */
	    .mode = client->mode == COLLATERAL_OFFLINE || mode == COLLATERAL_CACHED ? client->mode : mode,
	    .now = now,
	    .deadline_ns = clock_monotonic_ns() + client->time_limit_ms * NS_PER_MS,
	};
	return trust_init(&ret->trust, trust->roots, trust->policy, err);
}

int collateral_get(struct collateral_client *client, const struct attest_needs *needs,
		   const struct collateral_trust *trust, enum collateral_mode mode, int64_t now,
		   struct collateral_set **ret_set, struct err *err)
{
	struct collateral_run run;
	const char *const *products = collateral_plan_products(needs);
	const char *product;

	if (needs->simulated && !client->has_pccs)
		return err_set(err, ERR_UNAVAILABLE,
			       "no vendor has the collateral of simulated evidence: its cloud has (--pccs)");
	if (begin(client, trust, mode, now, &run, err) < 0)
		return -1;
	product = products[1] ? find_kept_product(&run, needs) : NULL;
	if (product)
		return get_for_product(&run, needs, product, ret_set, err);
	return get_for_any(&run, needs, ret_set, err);
}

void collateral_needs_text(const struct attest_needs *needs, char ret[static COLLATERAL_NEEDS_TEXT_MAX])
{
	char chip[HEX_TEXT_SIZE(sizeof(needs->chip_id))];
	char tcb[HEX_TEXT_SIZE(sizeof(needs->reported_tcb))];

	hex_encode(needs->chip_id, sizeof(needs->chip_id), chip);
	hex_encode(needs->reported_tcb, sizeof(needs->reported_tcb), tcb);
	(void)snprintf(ret, COLLATERAL_NEEDS_TEXT_MAX, "%d %s %s %d %s %s %s", (int)needs->tee, needs->fmspc,
		       needs->ca ? needs->ca : "", needs->vlek, needs->product ? needs->product : "", chip, tcb);
}

/* ---- for people ---- */

static bool is_alike(const struct collateral_origin *a, const struct collateral_origin *b)
{
	return a->from_cache == b->from_cache && strcmp(a->source, b->source) == 0 &&
	       (!a->from_cache || (a->fetched == b->fetched && strcmp(a->failure, b->failure) == 0));
}

static int add_origin(const struct collateral_origin *origin, struct buf *ret, struct err *err)
{
	char fetched[CLOCK_TEXT_SIZE];

	if (!origin->from_cache)
		return buf_add_text(ret, origin->source, err);
	clock_format_utc(origin->fetched, fetched);
	if (buf_addf(ret, err, "cache (%s, %s)", origin->source, fetched) < 0)
		return -1;
	return *origin->failure ? buf_addf(ret, err, " because: %s", origin->failure) : 0;
}

int collateral_set_text(const struct collateral_set *set, struct buf *ret, struct err *err)
{
	const char *separator = "";

	for (size_t i = 0; i < set->origin_count; i++) {
		bool is_told = false;

		for (size_t j = 0; j < i && !is_told; j++)
			is_told = is_alike(&set->origins[i], &set->origins[j]);
		if (is_told)
			continue;
		if (buf_add_text(ret, separator, err) < 0 || add_origin(&set->origins[i], ret, err) < 0)
			return -1;
		separator = ", ";
	}
	return 0;
}
