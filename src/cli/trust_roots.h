/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which roots of the simulation a command believes: that of the trust entry of the one cloud concerned, and what
 * --allow-simulation names. Without either, evidence of the simulation is refused.
 */
#ifndef MSE_CLI_TRUST_ROOTS_H
#define MSE_CLI_TRUST_ROOTS_H

#include "base/buf.h"
#include "cli/trust_store.h"
#include "mse/attest.h"

#define TRUST_ROOTS_MAX 2
#define TRUST_ROOTS_SIZE_MAX (64u << 10)

struct trust_roots {
	struct buf texts[TRUST_ROOTS_MAX]; /* PEM */
	struct attest_bytes roots[TRUST_ROOTS_MAX];
	size_t count;
};

/* trust (may be NULL, or without a root) and file (may be NULL). */
must_check int trust_roots_load(const struct trust *trust, const char *file, struct trust_roots *ret, struct err *err);
void trust_roots_done(struct trust_roots *roots);

#endif
