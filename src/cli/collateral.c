/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/collateral.h"

#include <pthread.h>
#include <string.h>

#include "base/clock.h"
#include "cli/interrupt.h"
#include "cli/out.h"
#include "net/dial.h"

#define CACHE_FOLDER "collateral"
#define NAP_NS (50 * NS_PER_MS) /* who waits for another's fetching looks so often whether it was interrupted */

/* What was gathered for one platform; never changed once it is there, freed with its last user. */
struct holding {
	unsigned users;             /* under the source's lock */
	struct collateral_set *set; /* NULL: given, or nothing was needed */
	struct attest_collateral *prepared;
	bool was_suspect; /* fetched because of a refusal: not again */
};

struct kept {
	char needs[COLLATERAL_NEEDS_TEXT_MAX];
	struct holding *holding;   /* NULL: nothing yet */
	bool is_filling;           /* a thread fetches for it, without the lock */
	enum collateral_mode next; /* how it is asked for next; CACHED: only when it ends */
	uint64_t used;             /* when: the least used place is taken for another platform; 0: free */
};

struct collateral_source {
	struct collateral_options options; /* cache_path NULL: given, nothing is ever fetched */
	char *pccs, *cache;
	bool is_given;
	struct collateral_items given;
	struct collateral_items none;
	pthread_mutex_t lock; /* all that follows; never held while something is fetched */
	pthread_cond_t filled;
	struct kept kept[COLLATERAL_SOURCE_SETS_MAX];
	struct collateral_client *idle[COLLATERAL_SOURCE_SETS_MAX];
	size_t idle_count;
	struct holding *last;
	uint64_t uses;
};

struct collateral_loan {
	struct collateral_source *source;
	struct holding *holding;
};

static bool keep_going(void *arg)
{
	(void)arg;
	return !interrupt_seen() && !dial_is_cancelled();
}

/* ---- life ---- */

static int source_new(struct collateral_source **ret_source, struct err *err)
{
	struct collateral_source *source = calloc(1, sizeof(*source));

	if (!source)
		return err_no_memory(err);
	collateral_items_init(&source->given);
	collateral_items_init(&source->none);
	(void)pthread_mutex_init(&source->lock, NULL);
	(void)pthread_cond_init(&source->filled, NULL);
	*ret_source = source;
	return 0;
}

int collateral_source_new(const struct settings *settings, const char *pccs, enum collateral_mode mode,
			  struct collateral_source **ret_source, struct err *err)
{
	scoped(collateral_source_freep) struct collateral_source *source = NULL;

	if (source_new(&source, err) < 0 || settings_path(settings, CACHE_FOLDER, &source->cache, err) < 0)
		return -1;
	if (pccs && !(source->pccs = strdup(pccs)))
		return err_no_memory(err);
	source->options = (struct collateral_options){
	    .pccs_url = source->pccs,
	    .pcs_url = settings->pcs_url,
	    .kds_url = settings->kds_url,
	    .cache_path = source->cache,
	    .mode = mode,
	    .keep_going = keep_going,
	};
	/* Faults of the options are found now. */
	if (collateral_client_new(&source->options, &source->idle[0], err) < 0)
		return -1;
	source->idle_count = 1;
	*ret_source = TAKE_PTR(source);
	return 0;
}

int collateral_source_new_given(struct collateral_items *items, struct collateral_source **ret_source, struct err *err)
{
	if (source_new(ret_source, err) < 0)
		return -1;
	(*ret_source)->is_given = true;
	(*ret_source)->given = *items;
	collateral_items_init(items);
	return 0;
}

/* With the lock held. */
static void let_go(struct holding *holding)
{
	if (!holding || --holding->users > 0)
		return;
	attest_collateral_free(holding->prepared);
	collateral_set_free(holding->set);
	free(holding);
}

void collateral_source_free(struct collateral_source *source)
{
	if (!source)
		return;
	let_go(source->last);
	for (size_t i = 0; i < COUNT_OF(source->kept); i++)
		let_go(source->kept[i].holding);
	for (size_t i = 0; i < source->idle_count; i++)
		collateral_client_free(source->idle[i]);
	collateral_items_done(&source->given);
	collateral_items_done(&source->none);
	(void)pthread_mutex_destroy(&source->lock);
	(void)pthread_cond_destroy(&source->filled);
	free(source->pccs);
	free(source->cache);
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

/* ---- fetching, without the lock ---- */

/* A client serves one thread at a time. */
static int take_client(struct collateral_source *source, struct collateral_client **ret, struct err *err)
{
	*ret = NULL;
	(void)pthread_mutex_lock(&source->lock);
	if (source->idle_count)
		*ret = source->idle[--source->idle_count];
	(void)pthread_mutex_unlock(&source->lock);
	return *ret ? 0 : collateral_client_new(&source->options, ret, err);
}

static void give_client_back(struct collateral_source *source, struct collateral_client *client)
{
	(void)pthread_mutex_lock(&source->lock);
	if (source->idle_count < COUNT_OF(source->idle))
		source->idle[source->idle_count++] = TAKE_PTR(client);
	(void)pthread_mutex_unlock(&source->lock);
	collateral_client_free(client);
}

/* Takes the set over, also when it fails. */
static int holding_new(const struct collateral_items *items, struct collateral_set *set, struct holding **ret,
		       struct err *err)
{
	scoped(collateral_set_freep) struct collateral_set *owned = set;
	struct holding *holding = calloc(1, sizeof(*holding));
	struct attest_collateral_bytes bytes;
	const char *why = NULL;

	if (!holding)
		return err_no_memory(err);
	collateral_bytes(items, &bytes);
	if (attest_collateral_new(&bytes, &holding->prepared, &why) < 0) {
		free(holding);
		return err_set(err, ERR_INVALID, "collateral: %s", why);
	}
	holding->set = TAKE_PTR(owned);
	holding->users = 1;
	*ret = holding;
	return 0;
}

struct question {
	const struct attest_needs *needs; /* NULL: of no evidence */
	struct collateral_trust trust;
	char text[COLLATERAL_NEEDS_TEXT_MAX];
};

static int gather(struct collateral_source *source, const struct question *question, enum collateral_mode mode,
		  struct holding **ret, struct err *err)
{
	struct collateral_client *client;
	struct collateral_set *set = NULL;
	int status;

	if (source->is_given || !question->needs)
		return holding_new(source->is_given ? &source->given : &source->none, NULL, ret, err);
	if (take_client(source, &client, err) < 0)
		return -1;
	status = collateral_get(client, question->needs, &question->trust, mode, clock_now_seconds(), &set, err);
	give_client_back(source, client);
	if (status < 0 || holding_new(&set->items, set, ret, err) < 0)
		return -1;
	(*ret)->was_suspect = mode == COLLATERAL_RENEW;
	return 0;
}

/* ---- what is kept, with the lock held ---- */

/* The place of these needs, or the one that was used longest ago, emptied; NULL: threads fetch for all of them. */
static struct kept *find_kept(struct collateral_source *source, const char *needs)
{
	struct kept *oldest = NULL;

	for (size_t i = 0; i < COUNT_OF(source->kept); i++) {
		struct kept *kept = &source->kept[i];

		if (kept->used && strcmp(kept->needs, needs) == 0)
			return kept;
		if (!kept->is_filling && (!oldest || kept->used < oldest->used))
			oldest = kept;
	}
	if (!oldest)
		return NULL;
	let_go(oldest->holding);
	*oldest = (struct kept){.next = COLLATERAL_CACHED};
	memcpy(oldest->needs, needs, strlen(needs) + 1);
	return oldest;
}

/* Sets of a long run (a watch) end as their items do: those are then asked for again. */
static bool has_ended(const struct holding *holding, int64_t now)
{
	for (size_t i = 0; holding->set && i < holding->set->origin_count; i++) {
		if (holding->set->origins[i].until < now)
			return true;
	}
	return false;
}

static bool is_usable(const struct kept *kept)
{
	return kept->holding && !has_ended(kept->holding, clock_now_seconds());
}

/* A set that still counts is not given up because it cannot be had newer. */
static int fill(struct collateral_source *source, struct kept *kept, const struct question *question, struct err *err)
{
	const enum collateral_mode mode = kept->next;
	struct holding *fetched = NULL;
	struct err failed = ERR_INIT;
	int status;

	kept->is_filling = true;
	kept->next = COLLATERAL_CACHED;
	(void)pthread_mutex_unlock(&source->lock);
	status = gather(source, question, mode, &fetched, &failed);
	(void)pthread_mutex_lock(&source->lock);
	kept->is_filling = false;
	(void)pthread_cond_broadcast(&source->filled);
	if (status == 0) {
		let_go(kept->holding);
		kept->holding = fetched;
		return 0;
	}
	if (is_usable(kept) && failed.code != ERR_CANCELLED) {
		kept->holding->was_suspect = kept->holding->was_suspect || mode == COLLATERAL_RENEW;
		return 0;
	}
	*err = failed;
	return -1;
}

/* Until something was filled, or a moment is over. */
static int wait_for_others(struct collateral_source *source, int64_t deadline_ns, struct err *err)
{
	struct timespec until;

	if (clock_monotonic_ns() >= deadline_ns)
		return err_set(err, ERR_TIMEOUT, "another connection has waited too long for the same collateral");
	if (!keep_going(NULL))
		return err_set(err, ERR_CANCELLED, "interrupted");
	(void)clock_gettime(CLOCK_REALTIME, &until);
	until.tv_nsec += NAP_NS;
	if (until.tv_nsec >= 1000 * NS_PER_MS * 1) {
		until.tv_nsec -= 1000 * NS_PER_MS;
		until.tv_sec++;
	}
	(void)pthread_cond_timedwait(&source->filled, &source->lock, &until);
	return 0;
}

/* Borrowed: who keeps it counts itself as a user. */
static int find_holding(struct collateral_source *source, const struct question *question, struct holding **ret,
			struct err *err)
{
	const int64_t deadline_ns = clock_monotonic_ns() + COLLATERAL_SOURCE_WAIT_MS * NS_PER_MS;

	for (;;) {
		struct kept *kept = find_kept(source, question->text);
		const bool is_busy = !kept || kept->is_filling;

		if (kept)
			kept->used = ++source->uses;
		/* What is only renewed by another thread need not be waited for. */
		if (kept && is_usable(kept) && (is_busy || kept->next == COLLATERAL_CACHED)) {
			*ret = kept->holding;
			return 0;
		}
		if (is_busy ? wait_for_others(source, deadline_ns, err) < 0 : fill(source, kept, question, err) < 0)
			return -1;
		if (!is_busy) {
			*ret = kept->holding;
			return 0;
		}
	}
}

static int lend(struct collateral_source *source, const struct question *question, struct collateral_loan *loan,
		struct err *err)
{
	int status;

	(void)pthread_mutex_lock(&source->lock);
	status = find_holding(source, question, &loan->holding, err);
	if (status == 0) {
		loan->holding->users += 2; /* the loan, and who asks for the last one */
		let_go(source->last);
		source->last = loan->holding;
	}
	(void)pthread_mutex_unlock(&source->lock);
	return status;
}

/* ---- loans ---- */

int collateral_source_get(struct collateral_source *source, const struct attest_roots *roots,
			  const struct attest_policy *policy, const void *evidence, size_t size,
			  struct collateral_loan **ret_loan, struct err *err)
{
	const struct attest_bytes bytes = {evidence, size};
	struct attest_needs needs;
	struct question question = {.trust = {roots, policy}};
	const char *why = NULL;
	scoped(freep) struct collateral_loan *loan = calloc(1, sizeof(*loan));

	if (!loan)
		return err_no_memory(err);
	/* For evidence that cannot be read there is nothing to fetch. */
	if (!source->is_given && attest_needs(&bytes, &needs, &why) == 0) {
		question.needs = &needs;
		collateral_needs_text(&needs, question.text);
	}
	loan->source = source;
	if (lend(source, &question, loan, err) < 0)
		return -1;
	*ret_loan = TAKE_PTR(loan);
	return 0;
}

void collateral_loan_free(struct collateral_loan *loan)
{
	if (!loan)
		return;
	(void)pthread_mutex_lock(&loan->source->lock);
	let_go(loan->holding);
	(void)pthread_mutex_unlock(&loan->source->lock);
	free(loan);
}

const struct attest_collateral *collateral_loan_prepared(const struct collateral_loan *loan)
{
	return loan->holding->prepared;
}

const struct collateral_items *collateral_loan_items(const struct collateral_loan *loan)
{
	if (loan->source->is_given)
		return &loan->source->given;
	return loan->holding->set ? &loan->holding->set->items : &loan->source->none;
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
	    ATTEST_ERROR_TDX_MODULE_MISMATCH, ATTEST_ERROR_CA_REVOKED,
	};

	for (size_t i = 0; i < COUNT_OF(errors); i++) {
		if (errors[i] == error)
			return true;
	}
	return false;
}

bool collateral_loan_again(const struct collateral_loan *loan, const struct attest_verdict *verdict)
{
	struct collateral_source *source = loan->source;
	const struct collateral_set *set = loan->holding->set;
	bool from_cache = false;

	if (verdict->accepted || !set || source->options.mode == COLLATERAL_OFFLINE ||
	    !is_about_collateral(verdict->error))
		return false;
	for (size_t i = 0; i < set->origin_count; i++)
		from_cache = from_cache || set->origins[i].from_cache;
	(void)pthread_mutex_lock(&source->lock);
	from_cache = from_cache && !loan->holding->was_suspect;
	for (size_t i = 0; i < COUNT_OF(source->kept); i++) {
		struct kept *kept = &source->kept[i];

		if (from_cache && kept->holding == loan->holding)
			kept->next = COLLATERAL_RENEW;
	}
	(void)pthread_mutex_unlock(&source->lock);
	return from_cache;
}

void collateral_source_forget(struct collateral_source *source)
{
	(void)pthread_mutex_lock(&source->lock);
	for (size_t i = 0; i < COUNT_OF(source->kept); i++)
		source->kept[i].next = COLLATERAL_FRESH;
	(void)pthread_mutex_unlock(&source->lock);
}

/* ---- for people and programs ---- */

/* Commands that print it have one thread. */
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
	return json_pack("{s:s, s:b, s:s, s:o, s:o, s:o*}", "item", collateral_kind_text(origin->kind), "cached",
			 origin->from_cache, "source", origin->source, "fetched", time_json(origin->fetched), "until",
			 time_json(origin->until), "failure", *origin->failure ? out_text_json(origin->failure) : NULL);
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
