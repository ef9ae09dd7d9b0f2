/* SPDX-License-Identifier: Apache-2.0 */
/* Inputs of one megabyte that are made to cost the verifier as much as they can. */
#ifndef MSE_BENCH_WORST_H
#define MSE_BENCH_WORST_H

#include "mse/attest.h"

#define WORST_SIZE (1u << 20)

/* Seconds of CPU of the dearest, and its name: every filling in the place of every item of the honest set. */
double worst_find(const struct attest_collateral_bytes *honest, const struct attest_evidence *evidence,
		  const char **ret_name);

#endif
