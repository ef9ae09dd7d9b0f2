/* SPDX-License-Identifier: Apache-2.0 */
/* Projects. Lists are given to a callback row by row while the database is held: callbacks must not block. */
#ifndef MSE_STORE_STORE_PROJECT_H
#define MSE_STORE_STORE_PROJECT_H

#include "domain/project.h"
#include "store/store.h"

must_check int store_project_add(struct store *store, const struct project *project, struct err *err);

/* 1 found, 0 absent; deleted ones are found by id only. */
must_check int store_project_find(struct store *store, const char *id, struct project *ret, struct err *err);
must_check int store_project_find_by_name(struct store *store, const char *owner_id, const char *name,
					  struct project *ret, struct err *err);

/* name NULL: all of the owner's. */
must_check int store_project_each(struct store *store, const char *owner_id, const char *name,
				  const struct store_page *page,
				  int (*visit)(const struct project *project, void *arg, struct err *err), void *arg,
				  struct err *err);

#endif
