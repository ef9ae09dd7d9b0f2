/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Apps and their history. store_app_move is the only writer of a state: it names the state it expects, checks the
 * table of allowed moves and writes the history row in the same transaction.
 */
#ifndef MSE_STORE_STORE_APP_H
#define MSE_STORE_STORE_APP_H

#include "domain/app.h"
#include "store/store.h"

/* Stores it as spawning, with its first history row. ERR_CONFLICT: name or domain is in use by an active app. */
must_check int store_app_add(struct store *store, const struct app *app, struct err *err);

/* 1 found, 0 absent */
must_check int store_app_find(struct store *store, const char *id, struct app *ret, struct err *err);

/* The newest app of that name in the project, active or not: its domain is kept at a redeployment. 1 or 0. */
must_check int store_app_find_last(struct store *store, const char *project_id, const char *name, struct app *ret,
				   struct err *err);

/* The active app that is to replace this one. 1 or 0. */
must_check int store_app_find_replacement(struct store *store, const char *id, struct app *ret, struct err *err);

/* The active app that a name leads to: its own domain, or its configuration's. 1 or 0. */
must_check int store_app_find_by_domain(struct store *store, const char *domain, struct app *ret, struct err *err);

struct store_app_filter {
	const char *owner_id;   /* NULL: anybody's */
	const char *project_id; /* NULL: any */
	const char *name;       /* NULL: any */
	unsigned states;        /* bit 1 << enum app_state; 0: any */
};

/* Newest first. visit is called while the database is held: it must not block. */
must_check int store_app_each(struct store *store, const struct store_app_filter *filter, const struct store_page *page,
			      int (*visit)(const struct app *app, void *arg, struct err *err), void *arg,
			      struct err *err);

/*
 * The ids that need the reconciler: everything active, ended ones whose data are still there, and those whose log is
 * to go (ended before clean_before). *ret_ids is one heap block of *ret_count ids; the caller frees it.
 */
must_check int store_app_work(struct store *store, int64_t clean_before, char (**ret_ids)[UUID_TEXT_SIZE],
			      size_t *ret_count, struct err *err);

/*
 * Moves the app from expected to next. ERR_CONFLICT: it is in another state by now; ERR_INTERNAL: no such move.
 * Sets ready_at when it becomes running, stopped_at when it ends.
 */
must_check int store_app_move(struct store *store, const char *id, enum app_state expected, enum app_state next,
			      const char *reason, int64_t now, struct err *err);

/* Notes that the app is to end, with the reason it will get. *ret_noted false: it had ended, or was noted already. */
must_check int store_app_want_stop(struct store *store, const char *id, const char *reason, bool *ret_noted,
				   struct err *err);
/* The same, unless it has taken over from the app that it replaces: after this it cannot any more. */
must_check int store_app_want_no_take_over(struct store *store, const char *id, const char *reason, bool *ret_noted,
					   struct err *err);
must_check int store_app_stop_reason(struct store *store, const char *id, char ret[static APP_REASON_SIZE],
				     struct err *err);

/*
 * Name and domain pass to the app from the one that it replaces, which keeps running for what it has begun; had that
 * one ended, they are just taken. The app must be running. Done before is fine. *ret is the app as it was, with
 * `replaces` if there was something to do. ERR_CONFLICT: it is not running, or another app has the name or domain.
 */
must_check int store_app_take_over(struct store *store, const char *id, int64_t now, struct app *ret, struct err *err);

must_check int store_app_set_cleaned(struct store *store, const char *id, enum app_cleaned cleaned, struct err *err);

struct app_event {
	int64_t number;           /* ascending over all apps */
	char from[APP_MODE_SIZE]; /* "" for the first */
	char to[APP_MODE_SIZE];
	char reason[APP_REASON_SIZE];
	int64_t at;
};

#define STORE_EVENTS_MAX 100

/* Events of the app with numbers above after, at most STORE_EVENTS_MAX. */
must_check int store_app_events(struct store *store, const char *id, int64_t after,
				int (*visit)(const struct app_event *event, void *arg, struct err *err), void *arg,
				struct err *err);

#endif
