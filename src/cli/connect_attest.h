/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Threads that open attested connections for `mse connect`: dialling, evidence and collateral wait for others, the
 * relay never does. One result for each question, in any order; the descriptor is readable while results wait.
 */
#ifndef MSE_CLI_CONNECT_ATTEST_H
#define MSE_CLI_CONNECT_ATTEST_H

#include "cli/channel.h"

#define CONNECT_ATTEST_THREADS 8

/* channel: attested (then err is empty), else NULL, and err says why. verdict may be there in both cases. */
struct connect_attested {
	struct channel *channel;
	struct attest_verdict *verdict;
	struct err err;
	int64_t asked_ns;    /* clock_boot_ns, before anything was sent: its age counts from here */
	unsigned generation; /* of what was expected then */
	struct connect_attested *next;
};
void connect_attested_free(struct connect_attested *attested); /* closes a channel that was not taken */
DEFINE_SCOPED_PTR(struct connect_attested, connect_attested_free);

/* As channel_open; runs on several threads at once. */
typedef int (*connect_open)(void *arg, struct channel **ret_channel, struct attest_verdict **ret_verdict,
			    struct err *err);

/* Counts how often what is expected has changed; any thread. */
typedef unsigned (*connect_generation)(void *arg);

struct connect_attester;

must_check int connect_attester_new(connect_open open, connect_generation generation, void *arg,
				    struct connect_attester **ret, struct err *err);
/* Opens that are under way are told to stop, and waited for. */
void connect_attester_free(struct connect_attester *attester);
DEFINE_SCOPED_PTR(struct connect_attester, connect_attester_free);

must_check int connect_attester_ask(struct connect_attester *attester, struct err *err);
/* The next result, NULL if none is there. */
struct connect_attested *connect_attester_take(struct connect_attester *attester);
int connect_attester_fd(const struct connect_attester *attester);

/*
 * The name of the check that failed, as in attest.h ("fresh-binding", "attest-timeout"); "expectation": what is
 * expected cannot be read; else "unreachable".
 */
void connect_attested_name(const struct connect_attested *attested, char ret[static ATTEST_NAME_SIZE]);

#endif
