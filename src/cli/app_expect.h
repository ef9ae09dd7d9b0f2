/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What `mse verify` and `mse connect` expect of a domain, from what the user gave: a fingerprint, a context with or
 * without the plain code (then the fingerprint is recomputed), a release's manifest, or the stored context of the app.
 */
#ifndef MSE_CLI_APP_EXPECT_H
#define MSE_CLI_APP_EXPECT_H

#include "cli/bill_source.h"
#include "cli/context_expect.h"
#include "cli/out.h"

struct app_expect_options {
	const char *address; /* DOMAIN[:PORT] */
	const char *context; /* FILE, or NULL; so are the rest */
	const char *code;    /* DIR; goes with context */
	const char *fingerprint;
	const char *release; /* FILE: the canonical manifest */
	const char *libpal;  /* FILE: Gramine's loader; needed and allowed for a release for hardware only */
	const char *simulation_root;
	const char *pccs;
	enum collateral_mode mode;
	bool may_be_stored; /* if nothing is given, the newest stored context of the domain */
	bool has_policy;    /* a policy names the code that may answer */
	bool may_be_any;    /* if there is none either, any fingerprint, with a warning; else ERR_INVALID */
};

/* Holds pointers into itself: must not move. */
struct app_expect {
	const struct settings *settings;
	struct out *out;
	struct context context;
	bool has_context;
	struct context_expect expect;
	struct buf manifest;          /* recomputed or given; empty otherwise */
	const char *fingerprint_from; /* "given", "recomputed", "context", "release", "policy", "none" */
	bool has_bill;                /* recomputed with that bill: */
	struct bill_belief bill;
};

/* Tells through out what the user ought to know about it. app_expect_done also after a failure. */
must_check int app_expect_init(const struct settings *settings, struct out *out,
			       const struct app_expect_options *options, struct app_expect *ret, struct err *err);
void app_expect_done(struct app_expect *app);

#endif
