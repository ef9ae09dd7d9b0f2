/* SPDX-License-Identifier: Apache-2.0 */
#include "store/store_project.h"

#include "store/store_priv.h"

#define PROJECT_SELECT "SELECT id, name, description, owner_id, is_default, created_at, deleted_at FROM projects "

static int read_project(const struct db_stmt *stmt, struct project *ret, struct err *err)
{
	struct project project = {0};

	if (STORE_COPY(stmt, 0, project.id, err) < 0 || STORE_COPY(stmt, 1, project.name, err) < 0 ||
	    STORE_COPY(stmt, 2, project.description, err) < 0 || STORE_COPY(stmt, 3, project.owner_id, err) < 0)
		return -1;
	project.is_default = store_column_bool(stmt, 4);
	project.created_at = db_column_i64(stmt, 5);
	project.deleted_at = db_column_i64(stmt, 6);
	*ret = project;
	return 0;
}

int store_project_add(struct store *store, const struct project *project, struct err *err)
{
	struct err cause = ERR_INIT;

	if (db_exec(store->db, NULL, &cause,
		    "INSERT INTO projects (id, name, description, owner_id, is_default, created_at) "
		    "VALUES ($1, $2, $3, $4, $5, $6)",
		    "ttttbi", project->id, project->name, project->description, project->owner_id, project->is_default,
		    project->created_at) == 0)
		return 0;
	if (cause.code == ERR_CONFLICT)
		return err_set(err, ERR_CONFLICT, "there is a project '%s' already", project->name);
	*err = cause;
	return -1;
}

static int one_project(struct db_stmt *stmt, struct project *ret, struct err *err)
{
	const int found = db_step(stmt, err);

	return found == 1 && read_project(stmt, ret, err) < 0 ? -1 : found;
}

int store_project_find(struct store *store, const char *id, struct project *ret, struct err *err)
{
	scoped(db_stmt_freep) struct db_stmt *stmt = NULL;

	if (db_query(store->db, &stmt, err, PROJECT_SELECT "WHERE id = $1", "t", id) < 0)
		return -1;
	return one_project(stmt, ret, err);
}

int store_project_find_by_name(struct store *store, const char *owner_id, const char *name, struct project *ret,
			       struct err *err)
{
	scoped(db_stmt_freep) struct db_stmt *stmt = NULL;

	if (db_query(store->db, &stmt, err, PROJECT_SELECT "WHERE owner_id = $1 AND name = $2 AND deleted_at IS NULL",
		     "tt", owner_id, name) < 0)
		return -1;
	return one_project(stmt, ret, err);
}

int store_project_each(struct store *store, const char *owner_id, const char *name, const struct store_page *page,
		       int (*visit)(const struct project *project, void *arg, struct err *err), void *arg,
		       struct err *err)
{
	scoped(db_stmt_freep) struct db_stmt *stmt = NULL;
	struct project project;
	int status;

	if (db_query(store->db, &stmt, err,
		     PROJECT_SELECT "WHERE owner_id = $1 AND ($2 IS NULL OR name = $2) AND deleted_at IS NULL "
				    "ORDER BY created_at, id LIMIT $3 OFFSET $4",
		     "ttii", owner_id, name, page->per_page, (page->page - 1) * page->per_page) < 0)
		return -1;
	while ((status = db_step(stmt, err)) == 1)
		if (read_project(stmt, &project, err) < 0 || visit(&project, arg, err) < 0)
			return -1;
	return status;
}
