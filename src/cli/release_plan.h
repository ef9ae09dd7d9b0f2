/* SPDX-License-Identifier: Apache-2.0 */
/* Makes the release that an owner deploys, or that a context speaks of, and its fingerprint. */
#ifndef MSE_CLI_RELEASE_PLAN_H
#define MSE_CLI_RELEASE_PLAN_H

#include "cli/package.h"
#include "domain/release.h"

struct release_plan {
	const char *application;
	const char *healthcheck;
	const char *restart; /* texts as in mse.toml; NULL: the default */
	const char *logs;
	const char *egress;
	int64_t enclave_size_mib;
	const uint8_t *owner_key; /* 32 bytes, or NULL: the release names no owner */
};

/* *ret_manifest (initialised with RELEASE_MANIFEST_MAX) gets the measured text. */
must_check int release_plan_make(const struct release_plan *plan, const struct package *package,
				 const struct bill *bill, struct buf *ret_manifest, uint8_t ret_fingerprint[static 32],
				 struct err *err);

#endif
