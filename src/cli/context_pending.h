/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A deployment under way, on disk: CONF/context/.pending-XXXXXX/{begun.json,context.mse}. begun.json is there before
 * the cloud is asked for an app, the context (with the ticket) before the enclave gets its keys; the folder becomes
 * context/UUID by being renamed. The folder is locked (flock) as long as its mse lives: one that is not locked is of a
 * deployment that was cut off, and tells which app the cloud may have made for it.
 */
#ifndef MSE_CLI_CONTEXT_PENDING_H
#define MSE_CLI_CONTEXT_PENDING_H

#include <stdbool.h>

#include "cli/settings.h"
#include "domain/context.h"

#define CONTEXT_PENDING_PREFIX ".pending-"

/* What tells the app apart among the few of one name that a project can have active. Texts are borrowed. */
struct context_begun {
	const char *cloud_url;
	const char *project_id;
	const char *name;
	const char *fingerprint; /* hex */
	int64_t at;              /* Unix seconds of this machine */
};

struct context_pending {
	char *dir;   /* NULL: none */
	int lock_fd; /* holds the lock */
};

#define CONTEXT_PENDING_INIT ((struct context_pending){.lock_fd = -1})

/* Synced when it returns. */
must_check int context_pending_begin(const struct settings *settings, const struct context_begun *begun,
				     struct context_pending *ret_pending, struct err *err);
/* Writes and syncs what is known of the context by now. */
must_check int context_pending_save(const struct context_pending *pending, const struct context *context,
				    struct err *err);
/* The deployment succeeded: adds the tar (copied from tar_path unless NULL) and makes the folder context/ID. */
must_check int context_pending_commit(const struct settings *settings, struct context_pending *pending,
				      const struct context *context, const char *tar_path, struct err *err);
/* Nothing of the deployment is left at the cloud. None pending is fine. */
must_check int context_pending_drop(struct context_pending *pending, struct err *err);
/* Gives up the lock; the folder stays for a later mse to find. */
void context_pending_done(struct context_pending *pending);

/*
 * Visits those that were cut off, oldest name first. begun's name is NULL when the cloud was not asked yet. The folder
 * is removed when visit returns 1, and stays for 0.
 */
must_check int context_pending_each(const struct settings *settings,
				    int (*visit)(const struct context_begun *begun, void *arg, struct err *err),
				    void *arg, struct err *err);

#endif
