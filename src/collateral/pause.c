/* SPDX-License-Identifier: Apache-2.0 */
#include "collateral/pause.h"

#include <stdio.h>
#include <string.h>

#include "base/number.h"

#define STATUS_MAX 999
#define FAILURES_MAX 1000

bool collateral_pause_is_of_service(int status)
{
	return status == 408 || status == 429 || (status >= 500 && status <= 599);
}

static int64_t least(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

struct collateral_pause collateral_pause_after(const struct collateral_pause *before, int status, int64_t retry_after,
					       bool is_authentic, int64_t now)
{
	/* What was long ago is forgotten. */
	const bool follows =
	    before->failures && before->since <= now && now <= before->until + COLLATERAL_PAUSE_SECONDS_MAX;
	struct collateral_pause pause = {
	    .status = status, .failures = follows ? before->failures + 1 : 1, .since = now};
	const unsigned doubled = pause.failures - 1 < 10 ? pause.failures - 1 : 10;
	int64_t seconds = least((int64_t)COLLATERAL_PAUSE_SECONDS << doubled, COLLATERAL_PAUSE_GROWN_MAX);

	if (pause.failures > FAILURES_MAX)
		pause.failures = FAILURES_MAX;
	if (!collateral_pause_is_of_service(status))
		seconds = COLLATERAL_PAUSE_ABSENT;
	if (retry_after > seconds)
		seconds = least(retry_after, COLLATERAL_PAUSE_SECONDS_MAX);
	pause.until = now + least(seconds, is_authentic ? seconds : COLLATERAL_PAUSE_UNPROVEN_MAX);
	return pause;
}

bool collateral_pause_holds(const struct collateral_pause *pause, int64_t now)
{
	return pause->failures && pause->since <= now && now < pause->until &&
	       pause->until - pause->since <= COLLATERAL_PAUSE_SECONDS_MAX;
}

/* ---- in the cache: a record of two numbers ---- */

static int set_name(const char *name, struct collateral_record *record)
{
	const int size = snprintf(record->name, sizeof(record->name), COLLATERAL_PAUSE_PREFIX "%s", name);

	return size > 0 && (size_t)size < sizeof(record->name) ? 0 : -1;
}

/* The status is the body, the number of failures the chain. */
static bool read_numbers(const struct collateral_answer *answer, struct collateral_pause *ret)
{
	struct err ignored = ERR_INIT;
	int64_t status, failures;

	if (number_parse_i64(buf_text(&answer->body), 1, STATUS_MAX, &status, &ignored) < 0 ||
	    number_parse_i64(buf_text(&answer->chain), 1, FAILURES_MAX, &failures, &ignored) < 0)
		return false;
	ret->status = (int)status;
	ret->failures = (unsigned)failures;
	return true;
}

bool collateral_pause_find(const struct collateral_cache *cache, const char *name, struct collateral_pause *ret)
{
	scoped(collateral_record_done) struct collateral_record record = COLLATERAL_RECORD_INIT;
	scoped(collateral_record_done) struct collateral_record wanted = COLLATERAL_RECORD_INIT;
	struct collateral_pause pause = {0};

	if (set_name(name, &wanted) < 0 || !collateral_cache_find(cache, wanted.name, &record) ||
	    !read_numbers(&record.answer, &pause))
		return false;
	pause.since = record.answer.from;
	pause.until = record.answer.until;
	/* Numbers of a damaged or foreign file must not overflow a difference. */
	if (pause.since < 0 || pause.until < pause.since)
		return false;
	*ret = pause;
	return true;
}

void collateral_pause_put(const struct collateral_cache *cache, const char *name, const struct collateral_pause *pause)
{
	scoped(collateral_record_done) struct collateral_record record = COLLATERAL_RECORD_INIT;
	struct err ignored = ERR_INIT;

	record.fetched = pause->since;
	record.answer.from = pause->since;
	record.answer.until = pause->until;
	/* A cache that cannot be written to is no reason to fail. */
	if (set_name(name, &record) == 0 && buf_addf(&record.answer.body, &ignored, "%d", pause->status) == 0 &&
	    buf_addf(&record.answer.chain, &ignored, "%u", pause->failures) == 0)
		IGNORE_RESULT(collateral_cache_put(cache, &record, &ignored));
}

void collateral_pause_drop(const struct collateral_cache *cache, const char *name)
{
	scoped(collateral_record_done) struct collateral_record record = COLLATERAL_RECORD_INIT;

	if (set_name(name, &record) == 0)
		collateral_cache_drop(cache, record.name);
}
