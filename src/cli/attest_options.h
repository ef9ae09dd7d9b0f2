/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The options that the commands which judge evidence have in common (attest verify, fresh, watch; connect): rows for
 * their tables, and what they say, read once. A command takes the groups it needs; an option that its row has not is
 * as if it were not given.
 *
 * Whatever loosens the rules is named by an option of its own, and by the verdict.
 */
#ifndef MSE_CLI_ATTEST_OPTIONS_H
#define MSE_CLI_ATTEST_OPTIONS_H

#include "cli/cmd.h"
#include "cli/collateral.h"
#include "cli/trust_roots.h"
#include "format/bundle.h"

#define ATTEST_OPTIONS_COLLATERAL \
	{"collateral", 0, "DIR", "folder of collateral, with the file names of docs/attest.md", false}, \
	    {"pccs", 0, "URL", "fetch Intel's collateral from this PCCS (default: Intel's own service)", false}, \
	{ \
		"offline", 0, NULL, "ask no service: the cache must have the collateral", false \
	}
#define ATTEST_OPTION_BUNDLE \
	{ \
		"bundle", 0, "FILE", "collateral, and evidence unless it is given, from this bundle", false \
	}
#define ATTEST_OPTIONS_POLICY \
	{"policy", 0, "FILE", "what is acceptable: JSON, or TOML in FILE.toml (docs/formats/policy.md)", false}, \
	    {"measurement", 0, "HEX", "the measurement that the code must have", false}, \
	    {"allow-debug", 0, NULL, "accept a workload that can be debugged, so read", false}, \
	{ \
		"allow-missing-crl", 0, NULL, "accept though a revocation list is not there", false \
	}
#define ATTEST_OPTIONS_TRUST \
	{"trust-root", 0, "PEM", "trust this root of hardware too, for this call", false}, \
	{ \
		"allow-simulation", 0, "ROOT.pem", "accept evidence of the simulation that ends in this root", false \
	}
#define ATTEST_OPTION_TIME \
	{ \
		"time", 0, "RFC3339", "judge as of this time (default: now)", false \
	}

struct attest_options {
	int64_t time;  /* Unix seconds: --time, else now */
	bool has_time; /* --time was given */
	struct attest_policy policy;
	struct attest_roots roots;
	struct collateral_source *collateral; /* NULL: none was named, see attest_options_guess */
	enum collateral_mode mode;            /* --offline, --refresh */
	bool has_bundle;
	struct bundle bundle; /* of --bundle; its collateral is behind the source above */
	/* what the above point to */
	struct attest_measurement measurement;
	struct trust_roots simulation;
	struct buf root;
	struct attest_bytes hardware;
	struct attest_policy *file_policy; /* of --policy; NULL: none */
};

/* Messages name the option. *ret must be freed also after a failure. */
must_check int attest_options_load(const struct cmd_call *call, struct attest_options *ret, struct err *err);
void attest_options_done(struct attest_options *options);

/*
 * Where no collateral was named: that of the trusted cloud which the domain (NULL: none) belongs to, else of the
 * vendors' services. It is signed, so the place may be guessed. options->collateral is set then.
 */
must_check int attest_options_guess(const struct cmd_call *call, const char *domain, struct attest_options *options,
				    struct err *err);

/* The URL of the trusted cloud that the domain belongs to; left alone when there is none. Heap. */
must_check int attest_options_cloud(const struct cmd_call *call, const char *domain, char **ret_url, struct err *err);

/* RFC 3339 with a zone, as --time. */
must_check int attest_options_time(const char *text, int64_t *ret, struct err *err);

#endif
