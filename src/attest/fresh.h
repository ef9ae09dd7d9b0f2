/* SPDX-License-Identifier: Apache-2.0 */
/* The answer of /.well-known/mse/attestation: steps F2 (form) to F9 of attested-channel.md section 4. */
#ifndef MSE_ATTEST_FRESH_H
#define MSE_ATTEST_FRESH_H

#include "attest/verdict.h"

#define FRESH_AGE_MAX_MS 30000

void fresh_judge(struct judge *judge, const struct attest_fresh *fresh);

#endif
