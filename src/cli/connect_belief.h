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
 * From now on a thread looks at the files: policy, contexts (given and stored), release, code, collateral, roots,
 * trusted clouds. What has changed counts from the moment it is noticed (half a second, more for very many files).
 */
must_check int connect_beliefs_watch(struct connect_beliefs *beliefs, struct err *err);

/* Since the last call: 1: they changed and count; -1: they cannot be read, so nothing is accepted until they change. */
must_check int connect_beliefs_news(struct connect_beliefs *beliefs, struct err *err);

#endif
