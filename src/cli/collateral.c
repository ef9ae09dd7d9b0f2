/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/collateral.h"

#include <string.h>

#include "base/clock.h"
#include "cli/interrupt.h"
#include "net/dial.h"

#define CACHE_FOLDER "collateral"

/* What was gathered for one platform. */
struct kept {
	char needs[COLLATERAL_NEEDS_TEXT_MAX]; /* "": a free place */
	struct collateral_set *set;            /* NULL: given, or nothing was needed */
	struct attest_collateral *prepared;
	enum collateral_mode next; /* how it is asked for next; CACHED: only when it ends */
	bool was_suspect;
	uint64_t used; /* when: the least used place is taken for another platform */
};

struct collateral_source {
	struct collateral_client *client; /* NULL: given, nothing is ever fetched */
	struct collateral_items given;
	struct collateral_items none;
	struct kept kept[COLLATERAL_SOURCE_SETS_MAX];
	struct kept *last;
	uint64_t uses;
};

static bool keep_going(void *arg)
{
	(void)arg;
	return !interrupt_seen() && !dial_is_cancelled();
}

static int source_new(struct collateral_source **ret_source, struct err *err)
{
	struct collateral_source *source = calloc(1, sizeof(*source));

	if (!source)
		return err_no_memory(err);
	collateral_items_init(&source->given);
	collateral_items_init(&source->none);
	*ret_source = source;
	return 0;
}

int collateral_source_new(const struct settings *settings, const char *pccs, enum collateral_mode mode,
			  struct collateral_source **ret_source, struct err *err)
{
	scoped(collateral_source_freep) struct collateral_source *source = NULL;
	scoped(freep) char *cache = NULL;
	struct collateral_options options = {
	    .pccs_url = pccs,
	    .pcs_url = settings->pcs_url,
	    .kds_url = settings->kds_url,
	    .mode = mode,
	    .keep_going = keep_going,
	};

	if (source_new(&source, err) < 0 || settings_path(settings, CACHE_FOLDER, &cache, err) < 0)
		return -1;
	options.cache_path = cache;
	if (collateral_client_new(&options, &source->client, err) < 0)
		return -1;
	*ret_source = TAKE_PTR(source);
	return 0;
}

int collateral_source_new_given(struct collateral_items *items, struct collateral_source **ret_source, struct err *err)
{
	if (source_new(ret_source, err) < 0)
		return -1;
	(*ret_source)->given = *items;
	collateral_items_init(items);
	return 0;
}

static void kept_done(struct kept *kept)
{
	attest_collateral_free(kept->prepared);
	collateral_set_free(kept->set);
	*kept = (struct kept){.set = NULL};
}

void collateral_source_free(struct collateral_source *source)
{
	if (!source)
		return;
	for (size_t i = 0; i < COUNT_OF(source->kept); i++)
		kept_done(&source->kept[i]);
	collateral_items_done(&source->given);
	collateral_items_done(&source->none);
	collateral_client_free(source->client);
	free(source);
}

void collateral_bytes(const struct collateral_items *items, struct attest_collateral_bytes *ret)
{
	const struct buf *all = items->items;
#define BYTES(item) ((struct attest_bytes){all[COLLATERAL_ITEM_##item].data, all[COLLATERAL_ITEM_##item].size})

	*ret = (struct attest_collateral_bytes){
	    .tcb_info = BYTES(TCB_INFO),
	    .tcb_info_issuer_chain = BYTES(TCB_INFO_ISSUER_CHAIN),
	    .qe_identity = BYTES(QE_IDENTITY),
	    .qe_identity_issuer_chain = BYTES(QE_IDENTITY_ISSUER_CHAIN),
	    .root_ca_crl = BYTES(ROOT_CA_CRL),
	    .pck_crl = BYTES(PCK_CRL),
	    .pck_cert_chain = BYTES(PCK_CERT_CHAIN),
	    .vek = BYTES(VEK),
	    .ask = BYTES(ASK),
	    .ark = BYTES(ARK),
	    .ark_crl = BYTES(ARK_CRL),
	};
#undef BYTES
}

/* ---- what is kept ---- */

/* The place of these needs, or the one that was used longest ago, emptied. */
static struct kept *find_kept(struct collateral_source *source, const char *needs)
{
	struct kept *oldest = &source->kept[0];

	for (size_t i = 0; i < COUNT_OF(source->kept); i++) {
		struct kept *kept = &source->kept[i];

		if (kept->used && strcmp(kept->needs, needs) == 0)
			return kept;
		if (kept->used < oldest->used)
			oldest = kept;
	}
	kept_done(oldest);
	memcpy(oldest->needs, needs, strlen(needs) + 1);
	return oldest;
}

/* Sets of a long run (a watch) end as their items do: those are then asked for again. */
static bool has_ended(const struct kept *kept, int64_t now)
{
	for (size_t i = 0; kept->set && i < kept->set->origin_count; i++) {
		if (kept->set->origins[i].until < now)
			return true;
	}
	return false;
}

static void replace_set(struct kept *kept, struct collateral_set *set)
{
	attest_collateral_free(kept->prepared);
	kept->prepared = NULL;
	collateral_set_free(kept->set);
	kept->set = set;
}

/* A set that still counts is not given up because it cannot be had newer. */
static int fill(struct collateral_source *source, struct kept *kept, const struct attest_needs *needs, struct err *err)
{
	const int64_t now = clock_now_seconds();
	const enum collateral_mode mode = kept->next;
	const bool counts = kept->set && !has_ended(kept, now);
	struct collateral_set *set;
	struct err failed = ERR_INIT;

	if (counts && mode == COLLATERAL_CACHED)
		return 0;
	kept->next = COLLATERAL_CACHED;
	kept->was_suspect = mode == COLLATERAL_RENEW;
	if (collateral_get(source->client, needs, mode, now, &set, &failed) == 0) {
		replace_set(kept, set);
		return 0;
	}
	if (counts && failed.code != ERR_CANCELLED)
		return 0;
	*err = failed;
	return -1;
}

/* For evidence that cannot be read there is nothing to fetch. */
static int update(struct collateral_source *source, const void *evidence, size_t size, struct err *err)
{
	const struct attest_bytes bytes = {evidence, size};
	char text[COLLATERAL_NEEDS_TEXT_MAX] = "";
	struct attest_needs needs;
	const char *why = NULL;
	const bool fetches = source->client && attest_needs(&bytes, &needs, &why) == 0;

	if (fetches)
		collateral_needs_text(&needs, text);
	source->last = find_kept(source, text);
	source->last->used = ++source->uses;
	return fetches ? fill(source, source->last, &needs, err) : 0;
}

static const struct collateral_items *last_items(const struct collateral_source *source)
{
	if (!source->client)
		return &source->given;
	return source->last && source->last->set ? &source->last->set->items : &source->none;
}

int collateral_source_get(struct collateral_source *source, const void *evidence, size_t size,
			  const struct attest_collateral **ret_collateral, struct err *err)
{
	struct attest_collateral_bytes bytes;
	const char *why = NULL;

	if (update(source, evidence, size, err) < 0)
		return -1;
	collateral_bytes(last_items(source), &bytes);
	if (!source->last->prepared && attest_collateral_new(&bytes, &source->last->prepared, &why) < 0)
		return err_set(err, ERR_INVALID, "collateral: %s", why);
	*ret_collateral = source->last->prepared;
	return 0;
}

int collateral_source_items(struct collateral_source *source, const void *evidence, size_t size,
			    const struct collateral_items **ret_items, struct err *err)
{
	if (update(source, evidence, size, err) < 0)
		return -1;
	*ret_items = last_items(source);
	return 0;
}

/* ---- doubts ---- */

/* Names that newer or undamaged collateral could change into an acceptance. */
static bool is_about_collateral(enum attest_error error)
{
	static const enum attest_error errors[] = {
	    ATTEST_ERROR_CHAIN_INVALID,       ATTEST_ERROR_ROOT_UNTRUSTED,
	    ATTEST_ERROR_NOT_YET_VALID,       ATTEST_ERROR_CERT_EXPIRED,
	    ATTEST_ERROR_CRL_MISSING,         ATTEST_ERROR_CRL_MALFORMED,
	    ATTEST_ERROR_CRL_ISSUER,          ATTEST_ERROR_CRL_SIGNATURE,
	    ATTEST_ERROR_CRL_EXPIRED,         ATTEST_ERROR_COLLATERAL_MALFORMED,
	    ATTEST_ERROR_TCB_INFO_SIGNATURE,  ATTEST_ERROR_TCB_INFO_EXPIRED,
	    ATTEST_ERROR_TCB_INFO_MISMATCH,   ATTEST_ERROR_QE_IDENTITY_SIGNATURE,
	    ATTEST_ERROR_QE_IDENTITY_EXPIRED, ATTEST_ERROR_QE_IDENTITY_MISMATCH,
	    ATTEST_ERROR_CHIP_MISMATCH,       ATTEST_ERROR_TCB_MISMATCH,
	    ATTEST_ERROR_REPORT_SIGNATURE,    ATTEST_ERROR_SIMULATED,
	    ATTEST_ERROR_TDX_MODULE_MISMATCH,
	};

	for (size_t i = 0; i < COUNT_OF(errors); i++) {
		if (errors[i] == error)
			return true;
	}
	return false;
}

bool collateral_source_again(struct collateral_source *source, const struct attest_verdict *verdict)
{
	struct kept *last = source->last;
	bool from_cache = false;

	if (verdict->accepted || !last || !last->set || last->was_suspect || !is_about_collateral(verdict->error))
		return false;
	for (size_t i = 0; i < last->set->origin_count; i++)
		from_cache = from_cache || last->set->origins[i].from_cache;
	if (!from_cache || collateral_client_is_offline(source->client))
		return false;
	last->next = COLLATERAL_RENEW;
	return true;
}

void collateral_source_forget(struct collateral_source *source)
{
	for (size_t i = 0; i < COUNT_OF(source->kept); i++)
		source->kept[i].next = COLLATERAL_FRESH;
}

/* ---- for people and programs ---- */

int collateral_source_text(const struct collateral_source *source, struct buf *ret, struct err *err)
{
	return source->last && source->last->set ? collateral_set_text(source->last->set, ret, err) : 0;
}

static json_t *time_json(int64_t seconds)
{
	char text[CLOCK_TEXT_SIZE];

	clock_format_utc(seconds, text);
	return json_string(text);
}

static json_t *origin_json(const struct collateral_origin *origin)
{
	return json_pack("{s:s, s:b, s:s, s:o, s:o, s:s*}", "item", collateral_kind_text(origin->kind), "cached",
			 origin->from_cache, "source", origin->source, "fetched", time_json(origin->fetched), "until",
			 time_json(origin->until), "failure", *origin->failure ? origin->failure : NULL);
}

json_t *collateral_source_json(const struct collateral_source *source)
{
	const struct collateral_set *set = source->last ? source->last->set : NULL;
	json_t *array = json_array();

	for (size_t i = 0; array && set && i < set->origin_count; i++) {
		if (json_array_append_new(array, origin_json(&set->origins[i])) < 0) {
			json_decref(array);
			return NULL;
		}
	}
	return array;
}
