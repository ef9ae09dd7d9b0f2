/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a client expects of a deployed app's enclave: from the app's context where it has one, else from what was
 * given on the command line. Turned into the expectation of one attested connection.
 */
#ifndef MSE_CLI_CONTEXT_EXPECT_H
#define MSE_CLI_CONTEXT_EXPECT_H

#include "cli/attest_options.h"
#include "cli/channel.h"
#include "cli/settings.h"
#include "cli/trust_roots.h"
#include "domain/context.h"
#include "format/instance.h"
#include "format/uri.h"

struct context_expect {
	struct hostport address;
	const struct context *context; /* borrowed, or NULL */
	struct trust trust;            /* of the cloud that the domain belongs to; empty if unknown */
	bool is_trusted;
	struct trust_roots roots; /* of the simulation: of that trust, and --allow-simulation */
	struct collateral_source *collateral;
	struct instance document; /* of the context */
	struct attest_instance_expected instance;
	uint8_t fingerprint[32], owner_key[32], identity[64];
	bool has_fingerprint, has_owner_key, has_identity;
	int64_t deployed_seen;
	/* as in struct channel_expect */
	const struct attest_policy *policy;
	const struct attest_roots *hardware_roots;
};

struct context_expect_options {
	const char *address;           /* DOMAIN[:PORT]; NULL: that of the context */
	const struct context *context; /* NULL: none */
	const char *simulation_root;   /* --allow-simulation, or NULL */
	const char *pccs;              /* --pccs, or NULL */
	enum collateral_mode mode;
};

must_check int context_expect_init(const struct settings *settings, const struct context_expect_options *options,
				   struct context_expect *ret, struct err *err);
/* The owner is named elsewhere than in a context (a release): as if the context had named it. */
must_check int context_expect_owner(const struct settings *settings, const uint8_t owner_key[static 32],
				    struct context_expect *expect, struct err *err);
/*
 * Judged by what the command line says; it must outlive expect. A policy file alone says which simulations are allowed
 * (with --allow-simulation, where it names none): the stored trust of the cloud does not loosen it.
 */
void context_expect_judge_by(struct context_expect *expect, const struct attest_options *judged);
void context_expect_done(struct context_expect *expect);

/* An attested connection to the application (role 2). As channel_open. */
must_check int context_expect_open(struct context_expect *expect, struct channel **ret_channel,
				   struct attest_verdict **ret_verdict, struct err *err);

#endif
