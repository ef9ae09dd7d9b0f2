/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/text.h"
#include "collateral/client_priv.h"
#include "collateral/fetch.h"

#define RENEWAL_MS 3000 /* an item that still counts is not worth more waiting */
#define DOWN_NS (600 * NS_PER_SECOND)
#define AGE_MAX_SECONDS (INT64_C(30) * 86400) /* of what may be revoked or replaced; older ones are asked for again */

/* One item on its way. */
struct job {
	struct collateral_run *run;
	const struct collateral_wanted *wanted;
	const struct collateral_place *place;
	char source[COLLATERAL_SOURCE_MAX];
	struct collateral_record cached;
	struct collateral_edition edition; /* of cached, if has_edition */
	bool has_edition;                  /* it is proven, be it that it has ended: nothing older takes its place */
	bool has_cached;                   /* and it counts */
	bool is_locked;                    /* nobody else puts this item meanwhile */
	bool is_contended;                 /* another one is at it */
	bool is_paused;                    /* and asked all the same */
	struct collateral_refusal refusal; /* what the service said */
};

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

/* ---- what the cache has ---- */

static bool counts(const struct collateral_record *record, int64_t now)
{
	return record->answer.from <= now && now <= record->answer.until && record->fetched <= now;
}

static bool look(struct job *job, const char *name)
{
	struct collateral_run *run = job->run;
	const struct collateral_cache *cache = run->client->cache;
	struct err ignored = ERR_INIT;

	job->has_edition = cache && collateral_cache_find(cache, name, &job->cached) &&
			   collateral_prove(&run->trust, job->wanted, &job->cached.answer, &run->issuers, &job->edition,
					    &ignored) == 0;
	job->has_cached = job->has_edition && counts(&job->cached, run->now);
	return job->has_cached;
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

/* Is what the cache has enough? */
static bool is_enough(const struct job *job)
{
	const struct collateral_run *run = job->run;

	if (!job->has_cached || run->mode == COLLATERAL_RENEW)
		return false;
	if (run->mode == COLLATERAL_OFFLINE || clock_monotonic_ns() < run->client->down_until_ns[job->place->service])
		return true;
	return run->mode == COLLATERAL_CACHED && !is_due(&job->cached, job->wanted->kind, run->now);
}

static void tell_origin(const struct job *job, const struct collateral_record *record, bool from_cache,
			const struct err *failed, struct collateral_origin *ret)
{
	*ret = (struct collateral_origin){
	    .kind = job->wanted->kind,
	    .from_cache = from_cache,
	    .fetched = record->fetched,
	    .from = record->answer.from,
	    .until = record->answer.until,
	};
	memcpy(ret->source, record->source, sizeof(ret->source));
	if (failed)
		text_clean(failed->text, ret->failure, sizeof(ret->failure));
}

static void take_cached(struct job *job, const struct err *failed, struct collateral_record *ret,
			struct collateral_origin *ret_origin)
{
	collateral_record_done(ret);
	*ret = job->cached;
	job->cached = COLLATERAL_RECORD_INIT;
	tell_origin(job, ret, true, failed, ret_origin);
}

/* ---- pauses ---- */

static struct collateral_pause *service_pause(const struct job *job)
{
	return &job->run->client->pauses[job->place->service];
}

static int say_pause(const struct job *job, const struct collateral_pause *pause, struct err *err)
{
	char until[CLOCK_TEXT_SIZE];

	clock_format_utc(pause->until, until);
	if (collateral_fetch_status(pause->status, err) == 0)
		return 0;
	return err_prefix(err, "%s is not asked for the %s before %s", job->source,
			  collateral_kind_text(job->wanted->kind), until);
}

/* Where processes share a cache its files alone decide: another one may have ended what this one began. */
static bool find_pause(const struct job *job, const char *name, struct collateral_pause *ret)
{
	const struct collateral_cache *cache = job->run->client->cache;

	if (!cache)
		*ret = *service_pause(job);
	else if (collateral_pause_find(cache, job->source, ret) && collateral_pause_holds(ret, job->run->now))
		return true;
	else if (!collateral_pause_find(cache, name, ret))
		return false;
	return collateral_pause_holds(ret, job->run->now);
}

/* 0: it may be asked, at least once. Renewing does that in spite of a pause. */
static int check_pause(struct job *job, const char *name, struct err *err)
{
	struct collateral_pause pause = {0};

	job->is_paused = find_pause(job, name, &pause);
	if (!job->is_paused || job->run->mode == COLLATERAL_RENEW)
		return 0;
	return say_pause(job, &pause, err);
}

/* A PCCS need not show who it is, nor need what has no TLS at all. */
static bool is_authentic(const struct collateral_place *place)
{
	return place->service != COLLATERAL_PCCS && strncmp(place->url, "https://", strlen("https://")) == 0;
}

static void begin_pause(const struct job *job, const char *name)
{
	const struct collateral_cache *cache = job->run->client->cache;
	const struct collateral_refusal *refusal = &job->refusal;
	const bool is_all = collateral_pause_is_of_service(refusal->status);
	struct collateral_pause before = {0};

	if (refusal->status == 0)
		return;
	if (cache)
		(void)collateral_pause_find(cache, is_all ? job->source : name, &before);
	else if (is_all)
		before = *service_pause(job);
	before = collateral_pause_after(&before, refusal->status, refusal->retry_after, is_authentic(job->place),
					job->run->now);
	if (cache)
		collateral_pause_put(cache, is_all ? job->source : name, &before);
	else if (is_all)
		*service_pause(job) = before;
}

/* It answers again. */
static void end_pause(const struct job *job, const char *name)
{
	const struct collateral_cache *cache = job->run->client->cache;

	if (cache) {
		collateral_pause_drop(cache, job->source);
		collateral_pause_drop(cache, name);
	}
	*service_pause(job) = (struct collateral_pause){0};
}

/* ---- what the service has ---- */

static int ask(struct job *job, bool is_renewal, struct curl_response *response, struct err *err)
{
	const struct collateral_run *run = job->run;
	struct collateral_client *client = run->client;
	const int64_t soon_ns = clock_monotonic_ns() + RENEWAL_MS * NS_PER_MS;
	const struct collateral_patience patience = {
	    .deadline_ns = is_renewal && soon_ns < run->deadline_ns ? soon_ns : run->deadline_ns,
	    .delay_ms = client->retry_delay_ms,
	    .tries_max = is_renewal || job->is_paused ? 1 : COLLATERAL_TRIES_MAX,
	    .keep_going = client->keep_going,
	    .arg = client->keep_going_arg,
	};
	scoped(buf_done) struct buf url = BUF_INIT(COLLATERAL_URL_MAX);
	struct curl_client *curl;

	if (collateral_url_format(job->wanted, job->place, &url, err) < 0 ||
	    collateral_client_curl(client, job->place->service, &curl, err) < 0)
		return -1;
	if (collateral_fetch(curl, buf_text(&url), collateral_kind_size_max(job->wanted->kind), &patience, response,
			     &job->refusal, err) < 0)
		return err_prefix(err, "cannot fetch the %s from %s", collateral_kind_text(job->wanted->kind),
				  buf_text(&url));
	return 0;
}

static int fetch(struct job *job, struct collateral_record *ret, struct err *err)
{
	const bool is_renewal = job->has_cached && job->run->mode != COLLATERAL_RENEW;
	struct curl_response response = CURL_RESPONSE_INIT;
	int status = check_pause(job, ret->name, err);

	if (status == 0) {
		status = ask(job, is_renewal, &response, err);
		if (status < 0)
			begin_pause(job, ret->name);
		else
			end_pause(job, ret->name);
	}
	if (status == 0) {
		status = collateral_answer_parse(job->wanted, response.body.data, response.body.size, response.headers,
						 response.header_count, &ret->answer, err);
		if (status < 0)
			IGNORE_RESULT(err_prefix(err, "%s", job->place->url));
	}
	curl_response_done(&response);
	if (status < 0)
		return -1;
	memcpy(ret->source, job->source, sizeof(ret->source));
	ret->fetched = job->run->now;
	return 0;
}

/* May what was fetched take the place of what is kept? */
static int judge(const struct job *job, const struct collateral_record *fetched, struct err *err)
{
	struct collateral_run *run = job->run;
	struct collateral_edition edition;
	char until[CLOCK_TEXT_SIZE];

	if (collateral_prove(&run->trust, job->wanted, &fetched->answer, &run->issuers, &edition, err) < 0)
		return err_prefix(err, "not kept: %s gave what is not proven", job->source);
	clock_format_utc(fetched->answer.until, until);
	if (!counts(fetched, run->now))
		return err_set(err, ERR_CONFLICT, "not kept: what %s gave does not count now (until %s)", job->source,
			       until);
	if (job->has_edition && collateral_edition_check(&edition, &job->edition, err) < 0)
		return err_prefix(err, "not kept: what %s gave", job->source);
	return 0;
}

/*
 * Only who has the lock puts what it fetched: another's may be newer. Where nothing can be locked, what is kept was
 * looked at a moment ago.
 */
static void keep(const struct job *job, const struct collateral_record *record, struct err *ret_unkept)
{
	const struct collateral_cache *cache = job->run->client->cache;
	struct err ignored = ERR_INIT;

	if (job->is_contended)
		IGNORE_RESULT(err_set(ret_unkept, ERR_CONFLICT, "not kept: another process is fetching it, too"));
	/* A cache that cannot be written is no reason to refuse. */
	else if (cache)
		IGNORE_RESULT(collateral_cache_put(cache, record, &ignored));
}

/* Without anything kept, what does not deserve to be kept is given all the same: the verdict names what is wrong. */
static int fetch_and_judge(struct job *job, struct collateral_record *ret, struct collateral_origin *ret_origin,
			   struct err *err)
{
	struct err unkept = ERR_INIT;

	if (fetch(job, ret, err) < 0)
		return -1;
	/* Others may have been quicker. */
	if (!job->is_locked)
		(void)look(job, ret->name);
	if (judge(job, ret, &unkept) < 0) {
		if (job->has_cached) {
			*err = unkept;
			return -1;
		}
		tell_origin(job, ret, false, &unkept, ret_origin);
		return 0;
	}
	keep(job, ret, &unkept);
	tell_origin(job, ret, false, *unkept.text ? &unkept : NULL, ret_origin);
	return 0;
}

static int fetch_or_fall_back(struct job *job, struct collateral_record *ret, struct collateral_origin *ret_origin,
			      struct err *err)
{
	bool *has_failed = &job->run->has_failed[job->place->service];
	struct err failed = ERR_INIT;

	if (*has_failed && job->has_cached)
		IGNORE_RESULT(err_set(&failed, ERR_UNAVAILABLE, "%s failed just before", job->source));
	else if (fetch_and_judge(job, ret, ret_origin, &failed) == 0)
		return 0;
	/* Not what it said of one item. */
	*has_failed = *has_failed || (failed.code != ERR_NOT_FOUND && failed.code != ERR_CONFLICT &&
				      failed.code != ERR_UNTRUSTED && failed.code != ERR_INVALID);
	if (failed.code != ERR_CANCELLED && job->has_cached) {
		job->run->client->down_until_ns[job->place->service] = clock_monotonic_ns() + DOWN_NS;
		take_cached(job, &failed, ret, ret_origin);
		return 0;
	}
	*err = failed;
	return -1;
}

/* ---- both ---- */

/*
 * Who waits for the lock waits for the item. One that still counts is not waited for: another process renews it.
 * 1: the cache has it now.
 */
static int wait_for_others(struct job *job, const char *name, int *ret_lock, struct err *err)
{
	const struct collateral_run *run = job->run;
	struct collateral_client *client = run->client;
	const int64_t left_ns = run->deadline_ns - clock_monotonic_ns();
	const bool waits = (!job->has_cached || run->mode == COLLATERAL_RENEW) && left_ns > 0;
	struct err failed = ERR_INIT;

	if (collateral_cache_lock(client->cache, name, waits ? (int)(left_ns / NS_PER_MS / 2) : 0, client->keep_going,
				  client->keep_going_arg, ret_lock, &failed) < 0) {
		if (failed.code != ERR_CANCELLED)
			return 0; /* nothing can be locked here */
		*err = failed;
		return -1;
	}
	job->is_locked = *ret_lock >= 0;
	job->is_contended = !job->is_locked; /* it is fetched twice, no more */
	if (!job->is_locked && !waits && job->has_cached)
		return 1;
	return look(job, name) && is_enough(job);
}

static int obtain(struct job *job, struct collateral_record *ret, struct collateral_origin *ret_origin, struct err *err)
{
	scoped(fd_closep) int lock = -1;
	int found;

	if (look(job, ret->name) && is_enough(job)) {
		take_cached(job, NULL, ret, ret_origin);
		return 0;
	}
	if (job->run->mode == COLLATERAL_OFFLINE)
		return err_set(err, ERR_UNAVAILABLE, "offline, and the cache has no %s that counts (%s)",
			       collateral_kind_text(job->wanted->kind), ret->name);
	found = job->run->client->cache ? wait_for_others(job, ret->name, &lock, err) : 0;
	if (found < 0)
		return -1;
	if (found > 0) {
		take_cached(job, NULL, ret, ret_origin);
		return 0;
	}
	return fetch_or_fall_back(job, ret, ret_origin, err);
}

int collateral_name(const struct collateral_run *run, const struct collateral_wanted *wanted,
		    char ret[static COLLATERAL_NAME_MAX], struct err *err)
{
	scoped(buf_done) struct buf name = BUF_INIT(COLLATERAL_NAME_MAX - 1);

	if (collateral_name_format(wanted, find_place(run->client, wanted->kind), &name, err) < 0)
		return -1;
	memcpy(ret, buf_text(&name), name.size + 1);
	return 0;
}

int collateral_obtain(struct collateral_run *run, const struct collateral_wanted *wanted,
		      struct collateral_record *ret_record, struct collateral_origin *ret_origin, struct err *err)
{
	struct job job = {
	    .run = run,
	    .wanted = wanted,
	    .place = find_place(run->client, wanted->kind),
	    .cached = COLLATERAL_RECORD_INIT,
	    .refusal = COLLATERAL_REFUSAL_INIT,
	};
	int status;

	if (collateral_name(run, wanted, ret_record->name, err) < 0)
		return -1;
	set_source(job.place, job.source);
	status = obtain(&job, ret_record, ret_origin, err);
	collateral_record_done(&job.cached);
	return status;
}
