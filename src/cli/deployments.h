/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Deployments that this client knows of: what the tickets of its stored contexts say. An app of the same domain and
 * owner with an older ticket is one that was replaced (attested-channel.md F9).
 */
#ifndef MSE_CLI_DEPLOYMENTS_H
#define MSE_CLI_DEPLOYMENTS_H

#include "cli/settings.h"
#include "domain/context.h"

/* Raises *deployed (Unix seconds) to the time of the context's ticket; one without a ticket leaves it alone. */
must_check int deployment_of_context(const struct context *context, int64_t *deployed, struct err *err);

/*
 * Raises it to the newest that there is a stored context of, for that domain (any case) and owner, and that began at
 * or before `until` (INT64_MAX: any).
 */
must_check int deployments_of_owner(const struct settings *settings, const char *domain,
				    const uint8_t owner_key[static 32], int64_t until, int64_t *deployed,
				    struct err *err);

#endif
