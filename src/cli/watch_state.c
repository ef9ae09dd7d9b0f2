/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/watch_state.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "crypto/hash.h"
#include "format/hex.h"

const char *watch_field_text(enum watch_field field)
{
	static const char *const texts[] = {
#define X(name, text) [WATCH_FIELD_##name] = (text),
	    WATCH_FIELDS(X)
#undef X
	};

	return texts[field];
}

const char *watch_result_text(enum watch_result result)
{
	static const char *const texts[] = {
	    [WATCH_ACCEPTED] = "accept", [WATCH_REFUSED] = "refuse", [WATCH_UNJUDGED] = "unjudged"};

	return texts[result];
}

const char *watch_event_text(enum watch_event event)
{
	static const char *const texts[] = {[WATCH_NOTHING] = "same",
					    [WATCH_FIRST] = "first",
					    [WATCH_CHANGE] = "change",
					    [WATCH_ALARM] = "alarm",
					    [WATCH_RECOVERY] = "recovery"};

	return texts[event];
}

/* ---- a look ---- */

static void set_text(struct watch_look *look, enum watch_field field, const char *text)
{
	(void)snprintf(look->values[field], WATCH_VALUE_SIZE, "%s", text);
}

static void set_hex(struct watch_look *look, enum watch_field field, const uint8_t *data, size_t size)
{
	if (HEX_TEXT_SIZE(size) <= WATCH_VALUE_SIZE)
		hex_encode(data, size, look->values[field]);
}

static void set_time(struct watch_look *look, enum watch_field field, int64_t seconds)
{
	char text[CLOCK_TEXT_SIZE];

	clock_format_utc(seconds, text);
	set_text(look, field, text);
}

/* All of them, or their number and hash where they do not fit: a change of any shows. */
static void set_advisories(struct watch_look *look, const struct attest_facts *facts)
{
	char *value = look->values[WATCH_FIELD_ADVISORIES];
	uint8_t hash[SHA256_SIZE];
	size_t used = 0;

	for (size_t i = 0; i < facts->advisory_count; i++) {
		const int size =
		    snprintf(value + used, WATCH_VALUE_SIZE - used, "%s%s", i ? "," : "", facts->advisories[i]);

		used += size > 0 ? (size_t)size : 0;
		if (used >= WATCH_VALUE_SIZE) {
			sha256(facts->advisories, facts->advisory_count * ATTEST_ADVISORY_SIZE, hash);
			used = (size_t)snprintf(value, WATCH_VALUE_SIZE, "%zu advisories, ", facts->advisory_count);
			hex_encode(hash, sizeof(hash), value + used);
			return;
		}
	}
}

/* Their names; a change of any shows. */
static void set_loosenings(struct watch_look *look, const struct attest_verdict *verdict)
{
	char *value = look->values[WATCH_FIELD_LOOSENINGS];
	size_t used = 0;

	for (size_t i = 0; i < verdict->loosening_count && used < WATCH_VALUE_SIZE; i++) {
		const int size =
		    snprintf(value + used, WATCH_VALUE_SIZE - used, "%s%s", i ? "," : "", verdict->loosenings[i].name);

		used += size > 0 ? (size_t)size : 0;
	}
}

static void set_values(struct watch_look *look, const struct attest_verdict *verdict)
{
	const struct attest_facts *facts = &verdict->facts;
	char number[16];

	set_text(look, WATCH_FIELD_TEE, attest_tee_text(facts->tee));
	set_hex(look, WATCH_FIELD_MEASUREMENT, facts->measurement.data, facts->measurement.size);
	set_hex(look, WATCH_FIELD_SIGNER, facts->signer.data, facts->signer.size);
	set_hex(look, WATCH_FIELD_MACHINE, facts->machine.data, facts->machine.size);
	if (facts->has_svn) {
		(void)snprintf(number, sizeof(number), "%u", facts->svn);
		set_text(look, WATCH_FIELD_SVN, number);
	}
	if (facts->tcb_known) {
		set_text(look, WATCH_FIELD_TCB_STATUS, attest_tcb_status_text(facts->tcb_status));
		set_time(look, WATCH_FIELD_TCB_DATE, facts->tcb_date);
		set_advisories(look, facts);
	}
	if (verdict->has_instance)
		set_hex(look, WATCH_FIELD_INSTANCE, verdict->instance_hash, sizeof(verdict->instance_hash));
	if (verdict->has_ticket)
		set_time(look, WATCH_FIELD_DEPLOYED, verdict->deployed);
	set_text(look, WATCH_FIELD_DEBUG, facts->debug ? "yes" : "no");
	set_text(look, WATCH_FIELD_SIMULATED, verdict->simulated ? "yes" : "no");
	set_loosenings(look, verdict);
}

void watch_look_of_verdict(const struct attest_verdict *verdict, int64_t time, struct watch_look *ret)
{
	*ret = (struct watch_look){.result = verdict->accepted ? WATCH_ACCEPTED : WATCH_REFUSED,
				   .time = time,
				   .valid_until = verdict->accepted ? verdict->valid_until : INT64_MAX};
	if (verdict->accepted) {
		set_values(ret, verdict);
		return;
	}
	text_clean(verdict->error_text, ret->error, sizeof(ret->error));
	text_clean(verdict->failed ? verdict->failed->text : "refused", ret->message, sizeof(ret->message));
}

void watch_look_unjudged(const char *error, const char *message, int64_t time, struct watch_look *ret)
{
	*ret = (struct watch_look){.result = WATCH_UNJUDGED, .time = time, .valid_until = INT64_MAX};
	text_clean(error, ret->error, sizeof(ret->error));
	text_clean(message, ret->message, sizeof(ret->message));
}

/* ---- what it means ---- */

static bool differs(const struct watch_look *a, const struct watch_look *b)
{
	return memcmp(a->values, b->values, sizeof(a->values)) != 0;
}

static enum watch_event observe_accepted(struct watch_state *state, const struct watch_look *look)
{
	const bool was_alarmed = state->is_alarmed;
	const bool is_first = !state->has_accepted;
	const bool is_change = !is_first && differs(&state->accepted, look);

	state->has_accepted = true;
	state->accepted = *look;
	state->is_alarmed = false;
	state->unjudged = 0;
	if (was_alarmed)
		return WATCH_RECOVERY;
	if (is_first)
		return WATCH_FIRST;
	return is_change ? WATCH_CHANGE : WATCH_NOTHING;
}

static enum watch_event alarm_of(struct watch_state *state, const struct watch_look *look)
{
	if (state->is_alarmed && strcmp(state->alarm, look->error) == 0)
		return WATCH_NOTHING;
	state->is_alarmed = true;
	memcpy(state->alarm, look->error, sizeof(state->alarm));
	return WATCH_ALARM;
}

enum watch_event watch_observe(struct watch_state *state, const struct watch_look *look, unsigned failures_max,
			       struct watch_look *ret_before)
{
	*ret_before = state->accepted;
	switch (look->result) {
	case WATCH_ACCEPTED:
		return observe_accepted(state, look);
	case WATCH_REFUSED:
		state->unjudged = 0;
		return alarm_of(state, look);
	case WATCH_UNJUDGED:
		/* What was refused is not forgotten because nobody answers now. */
		if (++state->unjudged < failures_max || state->is_alarmed)
			return WATCH_NOTHING;
		return alarm_of(state, look);
	case WATCH_RESULT_COUNT:
		break;
	}
	return WATCH_NOTHING;
}

/* ---- when ---- */

bool watch_is_ending(const struct watch_look *look, int64_t now)
{
	return look->valid_until != INT64_MAX && look->valid_until - WATCH_LEAD_SECONDS <= now;
}

int64_t watch_next(const struct watch_look *look, int64_t interval)
{
	const int64_t soonest = look->time + (interval < WATCH_PAUSE_SECONDS ? interval : WATCH_PAUSE_SECONDS);
	int64_t next = look->time + interval;

	if (look->valid_until != INT64_MAX && look->valid_until - WATCH_LEAD_SECONDS < next)
		next = look->valid_until - WATCH_LEAD_SECONDS;
	return next < soonest ? soonest : next;
}
