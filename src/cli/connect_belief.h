/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What `mse connect` expects of the app: read from the command line and the files it names, and again when one of these
 * files changes. Connections attested by what counted before then begin no further request (the generation tells).
 */
#ifndef MSE_CLI_CONNECT_BELIEF_H
#define MSE_CLI_CONNECT_BELIEF_H

#include "cli/channel.h"
#include "cli/cmd.h"
#include "format/uri.h"

struct connect_beliefs;

must_check int connect_beliefs_new(const struct cmd_call *call, struct connect_beliefs **ret, struct err *err);
void connect_beliefs_free(struct connect_beliefs *beliefs); /* after the last open */
DEFINE_SCOPED_PTR(struct connect_beliefs, connect_beliefs_free);

/* Of the first reading; the address does not change. */
const struct hostport *connect_beliefs_address(const struct connect_beliefs *beliefs);
const char *connect_beliefs_source(const struct connect_beliefs *beliefs); /* "given", "context", … */

/* An attested connection by what counts now; several threads at once. As channel_open; arg: struct connect_beliefs. */
must_check int connect_beliefs_open(void *arg, struct channel **ret_channel, struct attest_verdict **ret_verdict,
				    struct err *err);
unsigned connect_beliefs_generation(void *arg); /* any thread */

/*
 * Looks at the files, at most twice a second. 1: they changed and count from now on; -1: they changed and cannot be
 * read, so nothing is accepted until they change again. One thread.
 */
must_check int connect_beliefs_refresh(struct connect_beliefs *beliefs, struct err *err);

#endif
