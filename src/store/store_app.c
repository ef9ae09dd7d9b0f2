/* SPDX-License-Identifier: Apache-2.0 */
#include "store/store_app.h"

#include <string.h>

#include "store/store_priv.h"

#define APP_COLUMNS \
	"id, name, project_id, owner_id, domain_name, config_domain_name, docker, status, hardware_name, memory_mib, " \
	"cores, tls, python_application, healthcheck_endpoint, created_at, ready_at, stopped_at, expires_at, " \
	"fingerprint, reason, instance, egress, logs, stop_wanted, cleaned, replaces, replaced_by, " \
	"replaced_at"
#define APP_SELECT "SELECT " APP_COLUMNS " FROM apps "
#define ACTIVE "status IN ('spawning', 'initializing', 'running')"
#define WORK_GROW 64

static int read_names(const struct db_stmt *stmt, struct app *app, struct err *err)
{
	if (STORE_COPY(stmt, 0, app->id, err) < 0 || STORE_COPY(stmt, 1, app->name, err) < 0 ||
	    STORE_COPY(stmt, 2, app->project_id, err) < 0 || STORE_COPY(stmt, 3, app->owner_id, err) < 0 ||
	    STORE_COPY(stmt, 4, app->domain_name, err) < 0 || STORE_COPY(stmt, 5, app->config_domain_name, err) < 0 ||
	    STORE_COPY(stmt, 6, app->docker, err) < 0 || STORE_COPY(stmt, 8, app->hardware_name, err) < 0 ||
	    STORE_COPY(stmt, 12, app->python_application, err) < 0 ||
	    STORE_COPY(stmt, 13, app->healthcheck_endpoint, err) < 0)
		return -1;
	if (STORE_COPY(stmt, 18, app->fingerprint, err) < 0 || STORE_COPY(stmt, 19, app->reason, err) < 0 ||
	    STORE_COPY(stmt, 20, app->instance, err) < 0 || STORE_COPY(stmt, 21, app->egress, err) < 0)
		return -1;
	if (STORE_COPY(stmt, 25, app->replaces, err) < 0 || STORE_COPY(stmt, 26, app->replaced_by, err) < 0)
		return -1;
	return STORE_COPY(stmt, 22, app->logs, err);
}

static int read_app(const struct db_stmt *stmt, struct app *ret, struct err *err)
{
	memset(ret, 0, sizeof(*ret));
	if (read_names(stmt, ret, err) < 0 || app_state_parse(db_column_text(stmt, 7), &ret->state, err) < 0 ||
	    app_tls_parse(db_column_text(stmt, 11), &ret->tls, err) < 0)
		return -1;
	ret->memory_mib = db_column_i64(stmt, 9);
	ret->cores = db_column_i64(stmt, 10);
	ret->created_at = db_column_i64(stmt, 14);
	ret->ready_at = db_column_i64(stmt, 15);
	ret->stopped_at = db_column_i64(stmt, 16);
	ret->expires_at = db_column_i64(stmt, 17);
	ret->stop_wanted = store_column_bool(stmt, 23);
	ret->cleaned = (enum app_cleaned)db_column_i64(stmt, 24);
	ret->replaced_at = db_column_i64(stmt, 27);
	return 0;
}

static int insert_app(struct store *store, const struct app *app, struct err *err)
{
	return db_exec(store->db, NULL, err,
		       "INSERT INTO apps (id, name, project_id, owner_id, domain_name, config_domain_name, docker, "
		       "status, hardware_name, memory_mib, cores, tls, python_application, healthcheck_endpoint, "
		       "created_at, expires_at, fingerprint, reason, instance, egress, logs, stop_wanted, stop_reason, "
		       "cleaned, replaces) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, "
		       "$16, $17, $18, $19, $20, $21, 0, '', 0, $22)",
		       "tttttttttiitttiitttttt", app->id, app->name, app->project_id, app->owner_id, app->domain_name,
		       app->config_domain_name, app->docker, app_state_text(APP_SPAWNING), app->hardware_name,
		       app->memory_mib, app->cores, app_tls_text(app->tls), app->python_application,
		       app->healthcheck_endpoint, app->created_at, app->expires_at, app->fingerprint, app->reason,
		       app->instance, app->egress, app->logs, *app->replaces ? app->replaces : NULL);
}

static int insert_history(struct store *store, const char *id, const char *from, const char *to, const char *reason,
			  int64_t now, struct err *err)
{
	return db_exec(store->db, NULL, err,
		       "INSERT INTO app_history (app_id, from_state, to_state, reason, at) VALUES ($1, $2, $3, $4, $5)",
		       "tttti", id, from, to, reason, now);
}

int store_app_add(struct store *store, const struct app *app, struct err *err)
{
	struct err cause = ERR_INIT;

	if (store_begin(store, err) < 0)
		return -1;
	if (insert_app(store, app, &cause) < 0 || insert_history(store, app->id, NULL, app_state_text(APP_SPAWNING),
								 app->reason, app->created_at, &cause) < 0) {
		store_rollback(store);
		*err = cause;
		if (cause.code == ERR_CONFLICT)
			return err_set(err, ERR_CONFLICT,
				       "an app named `%s`, or one with the same domain name, is active already",
				       app->name);
		return -1;
	}
	return store_commit(store, "app-add", err);
}

static int one_app(struct db_stmt *stmt, struct app *ret, struct err *err)
{
	const int found = db_step(stmt, err);

	return found == 1 && read_app(stmt, ret, err) < 0 ? -1 : found;
}

int store_app_find(struct store *store, const char *id, struct app *ret, struct err *err)
{
	scoped(db_stmt_freep) struct db_stmt *stmt = NULL;

	if (db_query(store->db, &stmt, err, APP_SELECT "WHERE id = $1", "t", id) < 0)
		return -1;
	return one_app(stmt, ret, err);
}

int store_app_find_last(struct store *store, const char *project_id, const char *name, struct app *ret, struct err *err)
{
	scoped(db_stmt_freep) struct db_stmt *stmt = NULL;

	if (db_query(store->db, &stmt, err,
		     APP_SELECT "WHERE project_id = $1 AND name = $2 ORDER BY created_at DESC, rowid DESC LIMIT 1",
		     "tt", project_id, name) < 0)
		return -1;
	return one_app(stmt, ret, err);
}

int store_app_find_replacement(struct store *store, const char *id, struct app *ret, struct err *err)
{
	scoped(db_stmt_freep) struct db_stmt *stmt = NULL;

	if (db_query(store->db, &stmt, err, APP_SELECT "WHERE replaces = $1 AND " ACTIVE, "t", id) < 0)
		return -1;
	return one_app(stmt, ret, err);
}

int store_app_find_by_domain(struct store *store, const char *domain, struct app *ret, struct err *err)
{
	scoped(db_stmt_freep) struct db_stmt *stmt = NULL;

	if (db_query(store->db, &stmt, err,
		     APP_SELECT "WHERE (config_domain_name = $1 OR (domain_name = $1 AND replaces IS NULL AND "
				"replaced_by IS NULL)) AND " ACTIVE,
		     "t", domain) < 0)
		return -1;
	return one_app(stmt, ret, err);
}

/* Bits of the states in a form that one fixed statement can ask: ",spawning,running,". */
static int states_text(unsigned states, struct buf *ret, struct err *err)
{
	if (buf_add_byte(ret, ',', err) < 0)
		return -1;
	for (int state = 0; state < APP_STATE_COUNT; state++)
		if ((states == 0 || (states & 1U << state)) &&
		    buf_addf(ret, err, "%s,", app_state_text((enum app_state)state)) < 0)
			return -1;
	return 0;
}

int store_app_each(struct store *store, const struct store_app_filter *filter, const struct store_page *page,
		   int (*visit)(const struct app *app, void *arg, struct err *err), void *arg, struct err *err)
{
	scoped(buf_done) struct buf states = BUF_INIT(256);
	scoped(db_stmt_freep) struct db_stmt *stmt = NULL;
	struct app app;
	int status;

	if (states_text(filter->states, &states, err) < 0 ||
	    db_query(store->db, &stmt, err,
		     APP_SELECT "WHERE ($1 IS NULL OR owner_id = $1) AND ($2 IS NULL OR project_id = $2) AND "
				"($3 IS NULL OR name = $3) AND $4 LIKE '%,' || status || ',%' "
				"ORDER BY created_at DESC, rowid DESC LIMIT $5 OFFSET $6",
		     "ttttii", filter->owner_id, filter->project_id, filter->name, buf_text(&states), page->per_page,
		     (page->page - 1) * page->per_page) < 0)
		return -1;
	while ((status = db_step(stmt, err)) == 1)
		if (read_app(stmt, &app, err) < 0 || visit(&app, arg, err) < 0)
			return -1;
	return status;
}

static int add_id(char (**ids)[UUID_TEXT_SIZE], size_t *count, const struct db_stmt *stmt, struct err *err)
{
	if (*count % WORK_GROW == 0) {
		void *grown = reallocarray(*ids, *count + WORK_GROW, sizeof(**ids));

		if (!grown)
			return err_no_memory(err);
		*ids = grown;
	}
	if (STORE_COPY(stmt, 0, (*ids)[*count], err) < 0)
		return -1;
	(*count)++;
	return 0;
}

int store_app_work(struct store *store, int64_t clean_before, char (**ret_ids)[UUID_TEXT_SIZE], size_t *ret_count,
		   struct err *err)
{
	scoped(db_stmt_freep) struct db_stmt *stmt = NULL;
	scoped(freep) char(*ids)[UUID_TEXT_SIZE] = NULL;
	size_t count = 0;
	int status;

	if (db_query(store->db, &stmt, err,
		     "SELECT id FROM apps WHERE " ACTIVE
		     " OR cleaned = 0 OR (cleaned = 1 AND stopped_at < $1) ORDER BY id",
		     "i", clean_before) < 0)
		return -1;
	while ((status = db_step(stmt, err)) == 1)
		if (add_id(&ids, &count, stmt, err) < 0)
			return -1;
	if (status < 0)
		return -1;
	*ret_ids = TAKE_PTR(ids);
	*ret_count = count;
	return 0;
}

static int update_state(struct store *store, const char *id, enum app_state expected, enum app_state next,
			const char *reason, int64_t now, struct err *err)
{
	int64_t changed = 0;

	if (db_exec(store->db, &changed, err,
		    "UPDATE apps SET status = $1, reason = $2, "
		    "ready_at = CASE WHEN $3 THEN $4 ELSE ready_at END, "
		    "stopped_at = CASE WHEN $5 THEN $4 ELSE stopped_at END WHERE id = $6 AND status = $7",
		    "ttbibtt", app_state_text(next), reason, next == APP_RUNNING, now, app_state_is_final(next), id,
		    app_state_text(expected)) < 0)
		return -1;
	if (changed != 1)
		return err_set(err, ERR_CONFLICT, "app %s is not %s any more", id, app_state_text(expected));
	return insert_history(store, id, app_state_text(expected), app_state_text(next), reason, now, err);
}

int store_app_move(struct store *store, const char *id, enum app_state expected, enum app_state next,
		   const char *reason, int64_t now, struct err *err)
{
	if (!app_state_can_move(expected, next))
		return err_set(err, ERR_INTERNAL, "an app cannot go from %s to %s", app_state_text(expected),
			       app_state_text(next));
	if (store_begin(store, err) < 0)
		return -1;
	if (update_state(store, id, expected, next, reason, now, err) < 0) {
		store_rollback(store);
		return -1;
	}
	return store_commit(store, "app-move", err);
}

#define WANT_STOP "UPDATE apps SET stop_wanted = 1, stop_reason = $1 WHERE id = $2 AND stop_wanted = 0 AND " ACTIVE

static int want_stop(struct store *store, const char *sql, const char *id, const char *reason, bool *ret_noted,
		     struct err *err)
{
	int64_t changed = 0;

	if (store_begin(store, err) < 0)
		return -1;
	if (db_exec(store->db, &changed, err, sql, "tt", reason, id) < 0) {
		store_rollback(store);
		return -1;
	}
	if (store_commit(store, "app-want-stop", err) < 0)
		return -1;
	*ret_noted = changed == 1;
	return 0;
}

int store_app_want_stop(struct store *store, const char *id, const char *reason, bool *ret_noted, struct err *err)
{
	return want_stop(store, WANT_STOP, id, reason, ret_noted, err);
}

int store_app_want_no_take_over(struct store *store, const char *id, const char *reason, bool *ret_noted,
				struct err *err)
{
	return want_stop(store, WANT_STOP " AND replaces IS NOT NULL", id, reason, ret_noted, err);
}

int store_app_stop_reason(struct store *store, const char *id, char ret[static APP_REASON_SIZE], struct err *err)
{
	scoped(db_stmt_freep) struct db_stmt *stmt = NULL;

	if (db_query(store->db, &stmt, err, "SELECT stop_reason FROM apps WHERE id = $1", "t", id) < 0 ||
	    db_step(stmt, err) < 0)
		return -1;
	return store_copy_text(stmt, 0, ret, APP_REASON_SIZE, err);
}

static int take_over(struct store *store, const struct app *app, int64_t now, struct err *err)
{
	struct err cause = ERR_INIT;

	if (db_exec(
		store->db, NULL, err,
		"UPDATE apps SET replaced_by = $1, replaced_at = $2 WHERE id = $3 AND replaced_by IS NULL AND " ACTIVE,
		"tit", app->id, now, app->replaces) < 0)
		return -1;
	if (db_exec(store->db, NULL, &cause, "UPDATE apps SET replaces = NULL WHERE id = $1", "t", app->id) == 0)
		return 0;
	*err = cause;
	return cause.code == ERR_CONFLICT
		   ? err_set(err, ERR_CONFLICT, "the name or the domain of app %s is another active app's", app->id)
		   : -1;
}

static int check_take_over(const struct app *app, struct err *err)
{
	if (app->state != APP_RUNNING)
		return err_set(err, ERR_CONFLICT, "the app %s cannot take over: it is %s", app->id,
			       app_state_text(app->state));
	if (app->stop_wanted)
		return err_set(err, ERR_CONFLICT, "the app %s cannot take over: it is being stopped", app->id);
	if (*app->replaced_by)
		return err_set(err, ERR_CONFLICT, "the app %s has been replaced by %s", app->id, app->replaced_by);
	return 0;
}

static int find_and_take_over(struct store *store, const char *id, int64_t now, struct app *ret, struct err *err)
{
	const int found = store_app_find(store, id, ret, err);

	if (found < 0)
		return -1;
	if (found == 0)
		return err_set(err, ERR_NOT_FOUND, "Cannot find the app with id %s", id);
	if (check_take_over(ret, err) < 0)
		return -1;
	return *ret->replaces ? take_over(store, ret, now, err) : 0;
}

int store_app_take_over(struct store *store, const char *id, int64_t now, struct app *ret, struct err *err)
{
	if (store_begin(store, err) < 0)
		return -1;
	if (find_and_take_over(store, id, now, ret, err) < 0) {
		store_rollback(store);
		return -1;
	}
	return store_commit(store, "app-take-over", err);
}

int store_app_set_cleaned(struct store *store, const char *id, enum app_cleaned cleaned, struct err *err)
{
	if (store_begin(store, err) < 0)
		return -1;
	if (db_exec(store->db, NULL, err, "UPDATE apps SET cleaned = $1 WHERE id = $2", "it", (int64_t)cleaned, id) <
	    0) {
		store_rollback(store);
		return -1;
	}
	return store_commit(store, "app-cleaned", err);
}

static int read_event(const struct db_stmt *stmt, struct app_event *ret, struct err *err)
{
	memset(ret, 0, sizeof(*ret));
	ret->number = db_column_i64(stmt, 0);
	ret->at = db_column_i64(stmt, 4);
	if (STORE_COPY(stmt, 1, ret->from, err) < 0 || STORE_COPY(stmt, 2, ret->to, err) < 0)
		return -1;
	return STORE_COPY(stmt, 3, ret->reason, err);
}

int store_app_events(struct store *store, const char *id, int64_t after,
		     int (*visit)(const struct app_event *event, void *arg, struct err *err), void *arg,
		     struct err *err)
{
	scoped(db_stmt_freep) struct db_stmt *stmt = NULL;
	struct app_event event;
	int status;

	if (db_query(store->db, &stmt, err,
		     "SELECT id, from_state, to_state, reason, at FROM app_history WHERE app_id = $1 AND id > $2 "
		     "ORDER BY id LIMIT $3",
		     "tii", id, after, (int64_t)STORE_EVENTS_MAX) < 0)
		return -1;
	while ((status = db_step(stmt, err)) == 1)
		if (read_event(stmt, &event, err) < 0 || visit(&event, arg, err) < 0)
			return -1;
	return status;
}
