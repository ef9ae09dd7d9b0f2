/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a watch remembers of one host: the last accepted look, and whether an alarm stands. Looks go in, events come
 * out. Pure.
 */
#ifndef MSE_CLI_WATCH_STATE_H
#define MSE_CLI_WATCH_STATE_H

#include <stdbool.h>

#include "mse/attest.h"

#define WATCH_VALUE_SIZE 512
#define WATCH_MESSAGE_SIZE 400

/* What is compared between two accepted looks. Row: enumerator, name for people and JSON. */
#define WATCH_FIELDS(X) \
	X(TEE, "tee") \
	X(MEASUREMENT, "measurement") \
	X(SIGNER, "signer") \
	X(SVN, "svn") \
	X(TCB_STATUS, "tcb_status") \
	X(TCB_DATE, "tcb_date") \
	X(ADVISORIES, "advisory_ids") \
	X(MACHINE, "machine") \
	X(INSTANCE, "instance") \
	X(DEPLOYED, "deployed") \
	X(DEBUG, "debug") \
	X(SIMULATED, "simulated") \
	X(LOOSENINGS, "loosenings")

enum watch_field {
#define X(name, text) WATCH_FIELD_##name,
	WATCH_FIELDS(X)
#undef X
	    WATCH_FIELD_COUNT
};

const char *watch_field_text(enum watch_field field);

enum watch_result {
	WATCH_ACCEPTED,
	WATCH_REFUSED,
	WATCH_UNJUDGED, /* not reached, too busy, no collateral: no verdict */
	WATCH_RESULT_COUNT
};

/* "accept", "refuse", "unjudged" */
const char *watch_result_text(enum watch_result result);

/* One look at a host. */
struct watch_look {
	enum watch_result result;
	int64_t time;
	int64_t valid_until;                              /* INT64_MAX: no end, or no verdict */
	char error[ATTEST_NAME_SIZE];                     /* of the refusal, or why there is no verdict; "" */
	char message[WATCH_MESSAGE_SIZE];                 /* one sentence, or "" */
	char values[WATCH_FIELD_COUNT][WATCH_VALUE_SIZE]; /* of an accepted one; "": not known */
};

/* verdict: made by the library. time: of the look. */
void watch_look_of_verdict(const struct attest_verdict *verdict, int64_t time, struct watch_look *ret);
/* error: a stable word; message: what happened, of which printable UTF-8 is kept. */
void watch_look_unjudged(const char *error, const char *message, int64_t time, struct watch_look *ret);

enum watch_event {
	WATCH_NOTHING,
	WATCH_FIRST,    /* accepted for the first time */
	WATCH_CHANGE,   /* accepted still, but something differs */
	WATCH_ALARM,    /* refused, or not judged too often; again when the reason changes */
	WATCH_RECOVERY, /* accepted after an alarm */
	WATCH_EVENT_COUNT
};

const char *watch_event_text(enum watch_event event); /* "first", "change" … */

struct watch_state {
	bool has_accepted;
	struct watch_look accepted; /* the last one */
	bool is_alarmed;
	char alarm[ATTEST_NAME_SIZE]; /* its error */
	unsigned unjudged;            /* in a row */
};

/*
 * *ret_before: the look to compare a change or a recovery with; it has no values when there is none. failures_max: so
 * many looks without verdict in a row are an alarm. An alarm of a refusal stands until the host is accepted again.
 */
enum watch_event watch_observe(struct watch_state *state, const struct watch_look *look, unsigned failures_max,
			       struct watch_look *ret_before);

/*
 * When to look again: after the interval, but some time before what the verdict was made of ends, so that what is to
 * be renewed is renewed while it still counts. Never sooner than a short pause.
 */
#define WATCH_LEAD_SECONDS 300
#define WATCH_PAUSE_SECONDS 10
int64_t watch_next(const struct watch_look *look, int64_t interval);
/* Does something end so soon that it must be renewed now? */
bool watch_is_ending(const struct watch_look *look, int64_t now);

#endif
