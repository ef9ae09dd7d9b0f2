/* SPDX-License-Identifier: Apache-2.0 */
/* What a running app uses: from its control groups, or from /proc where it has none. */
#ifndef MSE_SIM_USAGE_H
#define MSE_SIM_USAGE_H

#include "sim/node.h"

/* The node's lock is held; the app runs. What the system does not tell is 0. */
void usage_sample(struct app *app, struct engine_usage *ret);

/*
 * Bytes on disk of the files directly in dir, where an enclave can make no directories. More than
 * USAGE_STATE_FILES_MAX files count as UINT64_MAX.
 */
#define USAGE_STATE_FILES_MAX 1000
uint64_t usage_state_bytes(const char *dir);

#endif
