/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Contexts on disk: CONF/context/UUID/{context.mse,app.tar}. A folder appears whole or not at all: it is filled
 * under a name that begins with a dot and then renamed. What a deployment must not forget before it has succeeded
 * (the ticket) waits in such a folder, "pending", which lists do not show.
 */
#ifndef MSE_CLI_CONTEXT_STORE_H
#define MSE_CLI_CONTEXT_STORE_H

#include "cli/settings.h"
#include "domain/context.h"

/* Writes and syncs the context of a deployment under way; may be called again with more in it. */
must_check int context_store_save_pending(const struct settings *settings, const struct context *context,
					  struct err *err);
/* The deployment succeeded: adds the tar (moved or copied from tar_path) and makes the folder visible. */
must_check int context_store_commit(const struct settings *settings, const struct context *context,
				    const char *tar_path, struct err *err);
/* Drops what is pending for the uuid; absent is fine. */
must_check int context_store_drop_pending(const struct settings *settings, const char *uuid, struct err *err);

/* ERR_NOT_FOUND "can't find context for UUID"; ERR_INVALID for a text that is no uuid. */
must_check int context_store_load(const struct settings *settings, const char *uuid, struct context *ret_context,
				  struct err *err);
must_check int context_store_load_file(const char *path, struct context *ret_context, struct err *err);
must_check int context_store_path(const struct settings *settings, const char *uuid, char **ret_path, struct err *err);
must_check int context_store_remove(const struct settings *settings, const char *uuid, struct err *err);
must_check int context_store_purge(const struct settings *settings, size_t *ret_count, struct err *err);

/* Visits every context by uuid; context is NULL for one that cannot be read. created is Unix seconds, with
 * microseconds beside it. */
struct context_store_item {
	const char *uuid;
	const struct context *context;
	struct date created; /* local */
};
must_check int context_store_each(const struct settings *settings,
				  int (*visit)(const struct context_store_item *item, void *arg, struct err *err),
				  void *arg, struct err *err);

#endif
