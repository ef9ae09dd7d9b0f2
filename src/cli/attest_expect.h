/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What `mse attest fresh` and `watch` expect of the enclave that answers: the code, the instance and its owner, from
 * --context (with --code), --release, --owner-key and --tickets-from, on top of the policy. Roots of a stored trust do
 * not count here: the simulation is accepted with --allow-simulation only.
 */
#ifndef MSE_CLI_ATTEST_EXPECT_H
#define MSE_CLI_ATTEST_EXPECT_H

#include "cli/app_expect.h"
#include "cli/attest_options.h"

#define ATTEST_OPTIONS_EXPECT \
	{"context", 0, "FILE", "context of the app, as its owner exported it", false}, \
	    {"code", 0, "DIR", "folder of the app's code, to recompute the fingerprint (with --context)", false}, \
	    {"release", 0, "FILE", "manifest of the release that must answer", false}, \
	    {"libpal", 0, "FILE", "Gramine's loader, for a release for hardware (as in 'sgx measure')", false}, \
	    {"owner-key", 0, "HEX", "the owner's public key: role 2 then needs the owner's ticket", false}, \
	{ \
		"tickets-from", 0, "RFC3339", "refuse tickets of deployments that began before", false \
	}

#define ATTEST_OPTION_ROLE \
	{ \
		"role", 0, "1|2", "what the enclave must be doing: 1 wait for its keys, 2 serve the application", \
		    false \
	}

/* Holds pointers into itself: must not move. */
struct attest_expect {
	struct app_expect app; /* nothing in it without --context and --release */
	bool has_app;
	struct attest_instance_expected instance;
	uint8_t owner_key[32];
	bool has_owner_key;
	int64_t tickets_from;
	int64_t deployed_seen; /* by that owner, as the given and the stored contexts say; 0: none */
	struct attest_measurement measurement;
};

/* 0: *ret is ATTEST_ROLE_*, or left alone when the option was not given. */
must_check int attest_expect_role(const struct cmd_call *call, uint8_t *ret, struct err *err);

/*
 * domain: that the enclave must name. until: stored deployments that began later do not count (INT64_MAX: all do; of
 * a saved exchange: the time that it is judged as of). A fingerprint becomes the only measurement of options->policy,
 * which must allow it. attest_expect_done also after a failure; options must not be used after that.
 */
must_check int attest_expect_load(const struct cmd_call *call, const char *domain, int64_t until,
				  struct attest_options *options, struct attest_expect *ret, struct err *err);
void attest_expect_done(struct attest_expect *expect);

/* As struct channel_expect and struct attest_fresh take it; borrowed. */
const uint8_t *attest_expect_owner_key(const struct attest_expect *expect); /* NULL: none */
const uint8_t *attest_expect_identity(const struct attest_expect *expect);  /* NULL: none */

#endif
