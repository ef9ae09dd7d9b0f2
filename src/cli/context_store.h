/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Contexts on disk: CONF/context/UUID/{context.mse,app.tar}. A folder appears whole or not at all
 * (context_pending.h).
 */
#ifndef MSE_CLI_CONTEXT_STORE_H
#define MSE_CLI_CONTEXT_STORE_H

#include "cli/settings.h"
#include "domain/context.h"

#define CONTEXT_FILE "context.mse"
#define CONTEXT_TAR_FILE "app.tar"

/* CONF/context/UUID, which need not exist. ERR_INVALID for a text that is no uuid. Heap. */
must_check int context_store_folder(const struct settings *settings, const char *uuid, char **ret_path,
				    struct err *err);

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
