/* SPDX-License-Identifier: Apache-2.0 */
#include "collateral/client.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/fd.h"
#include "collateral/fetch.h"
#include "collateral/plan.h"
#include "format/hex.h"

#define RETRY_DELAY_MS 300
#define RENEWAL_MS 3000 /* an item that still counts is not worth more waiting */
#define DOWN_NS (INT64_C(600) * 1000000000)
#define AGE_MAX_SECONDS (INT64_C(30) * 86400) /* of what may be revoked or replaced; older ones are asked for again */
#define SERVICE_COUNT 3
#define NS_PER_MS INT64_C(1000000)

struct collateral_client {
	struct collateral_place places[SERVICE_COUNT];
	bool has_pccs;
	struct collateral_cache *cache; /* NULL: none */
	struct curl_client *open;       /* asks nobody for a certificate: PCCS */
	struct curl_client *closed;     /* the public services */
	struct buf ca_pem;
	enum collateral_mode mode;
	int time_limit_ms;
	int retry_delay_ms;
	bool (*keep_going)(void *arg);
	void *keep_going_arg;
	int64_t down_until_ns[SERVICE_COUNT]; /* failed: until then no renewal of what still counts is tried */
};

/* One collateral_get. */
struct run {
	struct collateral_client *client;
	enum collateral_mode mode;
	int64_t now;
	int64_t deadline_ns;
};

/* ---- life ---- */

static int init_places(struct collateral_client *client, const struct collateral_options *options, struct err *err)
{
	if (options->pccs_url &&
	    collateral_place_init(COLLATERAL_PCCS, options->pccs_url, &client->places[COLLATERAL_PCCS], err) < 0)
		return -1;
	client->has_pccs = options->pccs_url != NULL;
	if (collateral_place_init(COLLATERAL_PCS, options->pcs_url, &client->places[COLLATERAL_PCS], err) < 0)
		return -1;
	return collateral_place_init(COLLATERAL_KDS, options->kds_url, &client->places[COLLATERAL_KDS], err);
}

static int open_cache(struct collateral_client *client, const struct collateral_options *options, struct err *err)
{
	struct err failed = ERR_INIT;

	if (options->cache_path && collateral_cache_open(options->cache_path, NULL, &client->cache, &failed) < 0) {
		client->cache = NULL;
		if (options->mode == COLLATERAL_OFFLINE) {
			*err = failed;
			return -1;
		}
	}
	if (options->mode == COLLATERAL_OFFLINE && !client->cache)
		return err_set(err, ERR_INVALID, "there is no cache of collateral to be offline with");
	return 0;
}

int collateral_client_new(const struct collateral_options *options, struct collateral_client **ret_client,
			  struct err *err)
{
	scoped(collateral_client_freep) struct collateral_client *client = calloc(1, sizeof(*client));

	if (!client)
		return err_no_memory(err);
	client->mode = options->mode;
	client->time_limit_ms = options->time_limit_ms > 0 ? options->time_limit_ms : COLLATERAL_TIME_LIMIT_MS;
	client->retry_delay_ms = options->retry_delay_ms > 0 ? options->retry_delay_ms : RETRY_DELAY_MS;
	client->keep_going = options->keep_going;
	client->keep_going_arg = options->keep_going_arg;
	client->ca_pem = BUF_INIT(COLLATERAL_CHAIN_MAX);
	if (options->ca_pem && buf_add(&client->ca_pem, options->ca_pem, options->ca_pem_size, err) < 0)
		return -1;
	if (init_places(client, options, err) < 0 || open_cache(client, options, err) < 0)
		return -1;
	*ret_client = TAKE_PTR(client);
	return 0;
}

void collateral_client_free(struct collateral_client *client)
{
	if (!client)
		return;
	collateral_cache_close(client->cache);
	curl_client_free(client->open);
	curl_client_free(client->closed);
	buf_done(&client->ca_pem);
	free(client);
}

bool collateral_client_is_offline(const struct collateral_client *client)
{
	return client->mode == COLLATERAL_OFFLINE;
}

/* Made when the first request is: what the cache has needs no libcurl. */
static int find_curl(struct collateral_client *client, enum collateral_service service, struct curl_client **ret,
		     struct err *err)
{
	const bool is_public = service != COLLATERAL_PCCS;
	struct curl_client **curl = is_public ? &client->closed : &client->open;
	struct curl_client_options options = {.insecure = !is_public, .connect_timeout_ms = 5000};

	if (is_public && client->ca_pem.size) {
		options.ca_pem = client->ca_pem.data;
		options.ca_pem_size = client->ca_pem.size;
	}
	if (!*curl && curl_client_new(&options, curl, err) < 0)
		return -1;
	*ret = *curl;
	return 0;
}

/* ---- one item ---- */

static const struct collateral_place *find_place(const struct collateral_client *client, enum collateral_kind kind)
{
	if (collateral_kind_is_amd(kind))
		return &client->places[COLLATERAL_KDS];
	return &client->places[client->has_pccs ? COLLATERAL_PCCS : COLLATERAL_PCS];
}

static void set_source(const struct collateral_place *place, char ret[static COLLATERAL_SOURCE_MAX])
{
	const char *own = place->service == COLLATERAL_KDS ? COLLATERAL_KDS_URL : COLLATERAL_PCS_URL;
	const char *name = collateral_service_text(place->service);

	if (strcmp(place->url, own) == 0)
		(void)snprintf(ret, COLLATERAL_SOURCE_MAX, "%s", name);
	else
		(void)snprintf(ret, COLLATERAL_SOURCE_MAX, "%s %.*s", name, COLLATERAL_SOURCE_MAX - 32, place->url);
}

static bool counts(const struct collateral_record *record, int64_t now)
{
	return record->answer.from <= now && now <= record->answer.until && record->fetched <= now;
}

/* Near its end, or old for something that its vendor may take back at any time. Certificates are kept to their end. */
static bool is_due(const struct collateral_record *record, enum collateral_kind kind, int64_t now)
{
	const struct collateral_answer *answer = &record->answer;
	const enum collateral_form form = collateral_kind_form(kind);

	if (form == COLLATERAL_FORM_CERTIFICATE || form == COLLATERAL_FORM_CHAIN)
		return false;
	return now - record->fetched > AGE_MAX_SECONDS || answer->until - now < (answer->until - answer->from) / 10;
}

static int ask(const struct run *run, const struct collateral_wanted *wanted, const struct collateral_place *place,
	       bool is_renewal, struct curl_response *response, struct err *err)
{
	struct collateral_client *client = run->client;
	const int64_t soon_ns = clock_monotonic_ns() + RENEWAL_MS * NS_PER_MS;
	const struct collateral_patience patience = {
	    .deadline_ns = is_renewal && soon_ns < run->deadline_ns ? soon_ns : run->deadline_ns,
	    .delay_ms = client->retry_delay_ms,
	    .tries_max = is_renewal ? 1 : COLLATERAL_TRIES_MAX,
	    .keep_going = client->keep_going,
	    .arg = client->keep_going_arg,
	};
	scoped(buf_done) struct buf url = BUF_INIT(COLLATERAL_URL_MAX);
	struct curl_client *curl;

	if (collateral_url_format(wanted, place, &url, err) < 0 || find_curl(client, place->service, &curl, err) < 0)
		return -1;
	if (collateral_fetch(curl, buf_text(&url), collateral_kind_size_max(wanted->kind), &patience, response, err) <
	    0)
		return err_prefix(err, "cannot fetch the %s from %s", collateral_kind_text(wanted->kind),
				  buf_text(&url));
	return 0;
}

static int fetch(const struct run *run, const struct collateral_wanted *wanted, const struct collateral_place *place,
		 bool is_renewal, struct collateral_record *ret, struct err *err)
{
	struct curl_response response = CURL_RESPONSE_INIT;
	int status = ask(run, wanted, place, is_renewal, &response, err);

	if (status == 0) {
		status = collateral_answer_parse(wanted, response.body.data, response.body.size, response.headers,
						 response.header_count, &ret->answer, err);
		if (status < 0)
			IGNORE_RESULT(err_prefix(err, "%s", place->url));
	}
	curl_response_done(&response);
	if (status < 0)
		return -1;
	set_source(place, ret->source);
	ret->fetched = run->now;
	return 0;
}

static void tell_origin(const struct collateral_record *record, enum collateral_kind kind, bool from_cache,
			struct collateral_origin *ret)
{
	*ret = (struct collateral_origin){
	    .kind = kind,
	    .from_cache = from_cache,
	    .fetched = record->fetched,
	    .from = record->answer.from,
	    .until = record->answer.until,
	};
	memcpy(ret->source, record->source, sizeof(ret->source));
}

/* One item on its way. */
struct job {
	const struct run *run;
	const struct collateral_wanted *wanted;
	const struct collateral_place *place;
	struct collateral_record cached; /* counts if has_cached */
	bool has_cached;
};

static bool look(struct job *job, const char *name)
{
	const struct collateral_cache *cache = job->run->client->cache;

	job->has_cached =
	    cache && collateral_cache_find(cache, name, &job->cached) && counts(&job->cached, job->run->now);
	return job->has_cached;
}

/* Is what the cache has enough? */
static bool is_enough(const struct job *job)
{
	const struct run *run = job->run;

	if (!job->has_cached || run->mode == COLLATERAL_RENEW)
		return false;
	if (run->mode == COLLATERAL_OFFLINE || clock_monotonic_ns() < run->client->down_until_ns[job->place->service])
		return true;
	return run->mode == COLLATERAL_CACHED && !is_due(&job->cached, job->wanted->kind, run->now);
}

static void take_cached(struct job *job, const struct err *failed, struct collateral_record *ret,
			struct collateral_origin *ret_origin)
{
	collateral_record_done(ret);
	*ret = job->cached;
	job->cached = COLLATERAL_RECORD_INIT;
	tell_origin(ret, job->wanted->kind, true, ret_origin);
	if (failed)
		(void)snprintf(ret_origin->failure, sizeof(ret_origin->failure), "%.*s",
			       (int)sizeof(ret_origin->failure) - 1, failed->text);
}

static int fetch_or_fall_back(struct job *job, struct collateral_record *ret, struct collateral_origin *ret_origin,
			      struct err *err)
{
	const struct run *run = job->run;
	struct collateral_client *client = run->client;
	const bool is_renewal = job->has_cached && run->mode != COLLATERAL_RENEW;
	struct err failed = ERR_INIT;

	if (fetch(run, job->wanted, job->place, is_renewal, ret, &failed) == 0) {
		tell_origin(ret, job->wanted->kind, false, ret_origin);
		/* A cache that cannot be written, or an item that counts no more, is no reason to refuse. */
		if (client->cache && counts(ret, run->now))
			IGNORE_RESULT(collateral_cache_put(client->cache, ret, &failed));
		return 0;
	}
	if (failed.code != ERR_CANCELLED && job->has_cached) {
		client->down_until_ns[job->place->service] = clock_monotonic_ns() + DOWN_NS;
		take_cached(job, &failed, ret, ret_origin);
		return 0;
	}
	*err = failed;
	return -1;
}

static int obtain(struct job *job, struct collateral_record *ret, struct collateral_origin *ret_origin, struct err *err)
{
	struct collateral_client *client = job->run->client;
	const int64_t left_ns = job->run->deadline_ns - clock_monotonic_ns();
	scoped(buf_done) struct buf name = BUF_INIT(COLLATERAL_NAME_MAX - 1);
	scoped(fd_closep) int lock = -1;

	if (collateral_name_format(job->wanted, job->place, &name, err) < 0)
		return -1;
	memcpy(ret->name, buf_text(&name), name.size + 1);
	if (look(job, ret->name) && is_enough(job)) {
		take_cached(job, NULL, ret, ret_origin);
		return 0;
	}
	if (job->run->mode == COLLATERAL_OFFLINE)
		return err_set(err, ERR_UNAVAILABLE, "offline, and the cache has no %s that counts (%s)",
			       collateral_kind_text(job->wanted->kind), ret->name);
	/* Who waits for the lock waits for the item: look again. */
	if (client->cache) {
		if (collateral_cache_lock(client->cache, ret->name, left_ns > 0 ? (int)(left_ns / NS_PER_MS / 2) : 0,
					  client->keep_going, client->keep_going_arg, &lock, err) < 0) {
			if (err->code == ERR_CANCELLED)
				return -1;
		} else if (look(job, ret->name) && is_enough(job)) {
			take_cached(job, NULL, ret, ret_origin);
			return 0;
		}
	}
	return fetch_or_fall_back(job, ret, ret_origin, err);
}

static struct run begin(struct collateral_client *client, enum collateral_mode mode, int64_t now)
{
	return (struct run){
	    .client = client,
	    /* A client that was made offline stays so. */
	    .mode = client->mode == COLLATERAL_OFFLINE || mode == COLLATERAL_CACHED ? client->mode : mode,
	    .now = now,
	    .deadline_ns = clock_monotonic_ns() + client->time_limit_ms * NS_PER_MS,
	};
}

static int get_one(const struct run *run, const struct collateral_wanted *wanted, struct collateral_record *ret_record,
		   struct collateral_origin *ret_origin, struct err *err)
{
	struct job job = {
	    .run = run,
	    .wanted = wanted,
	    .place = find_place(run->client, wanted->kind),
	    .cached = COLLATERAL_RECORD_INIT,
	};
	const int status = obtain(&job, ret_record, ret_origin, err);

	collateral_record_done(&job.cached);
	return status;
}

int collateral_get_one(struct collateral_client *client, const struct collateral_wanted *wanted,
		       enum collateral_mode mode, int64_t now, struct collateral_record *ret_record,
		       struct collateral_origin *ret_origin, struct err *err)
{
	const struct run run = begin(client, mode, now);

	return get_one(&run, wanted, ret_record, ret_origin, err);
}

/* ---- all that evidence needs ---- */

void collateral_set_free(struct collateral_set *set)
{
	if (!set)
		return;
	collateral_items_done(&set->items);
	free(set);
}

static int add_item(const struct run *run, const struct collateral_wanted *wanted, struct collateral_set *set,
		    struct err *err)
{
	struct collateral_record record = COLLATERAL_RECORD_INIT;
	int status = get_one(run, wanted, &record, &set->origins[set->origin_count], err);

	if (status == 0)
		status = collateral_plan_place(wanted->kind, &record.answer, &set->items, err);
	if (status == 0)
		set->origin_count++;
	collateral_record_done(&record);
	return status;
}

static int get_for_product(const struct run *run, const struct attest_needs *needs, const char *product,
			   struct collateral_set **ret_set, struct err *err)
{
	struct collateral_wanted wanted[COLLATERAL_PLAN_MAX];
	const size_t count = collateral_plan(needs, product, wanted);
	scoped(collateral_set_freep) struct collateral_set *set = calloc(1, sizeof(*set));

	if (!set)
		return err_no_memory(err);
	collateral_items_init(&set->items);
	for (size_t i = 0; i < count; i++) {
		if (add_item(run, &wanted[i], set, err) < 0)
			return -1;
	}
	*ret_set = TAKE_PTR(set);
	return 0;
}

/* The first product that has it; the last one's failure. */
static int get_for_any(const struct run *run, const struct attest_needs *needs, struct collateral_set **ret_set,
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
static const char *find_kept_product(const struct run *run, const struct attest_needs *needs)
{
	struct run kept = *run;

	kept.mode = COLLATERAL_OFFLINE;
	for (const char *const *product = collateral_plan_products(needs); *product; product++) {
		scoped(collateral_set_freep) struct collateral_set *set = NULL;
		struct err ignored = ERR_INIT;

		if (get_for_product(&kept, needs, *product, &set, &ignored) == 0)
			return *product;
	}
	return NULL;
}

int collateral_get(struct collateral_client *client, const struct attest_needs *needs, enum collateral_mode mode,
		   int64_t now, struct collateral_set **ret_set, struct err *err)
{
	const struct run run = begin(client, mode, now);
	const char *const *products = collateral_plan_products(needs);
	const char *product = products[1] ? find_kept_product(&run, needs) : NULL;

	if (needs->simulated && !client->has_pccs)
		return err_set(err, ERR_UNAVAILABLE,
			       "no vendor has the collateral of simulated evidence: its cloud has (--pccs)");
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
	       (!a->from_cache || a->fetched == b->fetched) && strcmp(a->failure, b->failure) == 0;
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
